"""Hugging Face's own inference (hf-inference): one call, whose reply is the picture. Its chat is OpenAI's protocol.

Docs: https://huggingface.co/docs/inference-providers/tasks/text-to-image, and huggingface_hub 2.4.0 (read 2026-11-21).
Oddities kept here: 503 says that a model is being loaded, and how long that will take; nothing states what it cost.
"""

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Offer, Output, Role, WireField
from adapters.wire import Call, Done, Failed, Progress, Reply, blamed, counted, refusal

FIELDS: Fields = {
    "prompt": WireField(name="prompt"),
    "inputs": WireField(name="inputs"),
    "parameters": WireField(name="parameters"),
    "negative_prompt": WireField(name="negative_prompt"),
    "width": WireField(name="width"),
    "height": WireField(name="height"),
    "seed": WireField(name="seed"),
    "steps": WireField(name="num_inference_steps"),
    "guidance": WireField(name="guidance_scale"),
    "source": WireField(name="inputs", media="base64"),
}

REFUSAL_WORDS = ("nsfw", "content policy", "safety")

LOADING_MAX_S = 600.0
"""The longest wait for a model being loaded that is believed: after it, another offer is the better answer."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    """What is worked on is `inputs`: a picture where one is given, else the words; all else are parameters."""
    parameters = spell(request, offer, FIELDS)
    inputs = parameters.pop("inputs" if request.given(Role.SOURCE) else "prompt", "")
    body = {"inputs": inputs, "parameters": parameters}
    headers = {"accept": "image/png"}
    url = f"{{router}}/hf-inference/models/{offer.wire_id}"
    return Call(stage="submit", url=url, json_body=body, headers=headers, stores=True)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused, reply)
    if reply.stored is None:
        raise ValueError("the reply is no picture")
    mime = reply.headers.get("content-type", "image/png").split(";")[0]
    usage = counted({"gpu_second": reply.headers.get("x-compute-time")})
    return Done(outputs=(Output(mime=mime, stored=reply.stored),), usage=usage)


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    """A refusal has no code, only words. A model that is being loaded says for how many seconds."""
    error = refused.error
    if error.status == 400 and any(words in error.message.lower() for words in REFUSAL_WORDS):
        return blamed(refused, Fault.CONTENT_REJECTED)
    if error.status != 503:
        return refused
    try:
        wait_s = min(float(reply.json()["estimated_time"]), LOADING_MAX_S)
    except (LookupError, TypeError, ValueError, RecursionError):
        return refused
    return refused.model_copy(update={"error": error.model_copy(update={"retry_after_s": wait_s})})
