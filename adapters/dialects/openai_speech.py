"""OpenAI's shape of speech, as vLLM-Omni has it: words in, the bytes of an audio file out.

Docs: vLLM-Omni's page on its speech API (read 2026-11-21). Oddities kept here: tokens are counted in headers, as the
body is the sound; a voice to imitate is named by a path or a link, which a caller may not say.
"""

import re

from adapters.errors import Fault
from adapters.fields import spell
from adapters.openai import list_models, read_models
from adapters.schema import Fields, MediaRequest, Offer, Output, WireField
from adapters.wire import Call, Done, Progress, Reply, blamed, counted, refusal

__all__ = ["FIELDS", "list_models", "read", "read_models", "submit"]

FIELDS: Fields = {
    "model": WireField(name="model"),
    "prompt": WireField(name="input"),
    "seed": WireField(name="seed"),
    "format": WireField(name="response_format"),
    "sample": WireField(name="ref_audio"),
    "stream": WireField(name="stream"),
    "stream_format": WireField(name="stream_format"),
}
"""The last three are ours to say. Voice, language and instructions are a model's own: they come as extras."""

REFUSAL_WORDS = ("moderation", "content policy", "safety check")
AUDIO = re.compile(r"audio/[a-z0-9.+-]+")


def submit(request: MediaRequest, offer: Offer) -> Call:
    body = spell(request, offer, FIELDS) | {"model": offer.wire_id}
    return Call(stage="submit", url="/audio/speech", json_body=body, stores=True)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        said = refused.error.message.lower()
        is_moderated = refused.error.status in (400, 422) and any(words in said for words in REFUSAL_WORDS)
        return blamed(refused, Fault.CONTENT_REJECTED) if is_moderated else refused
    kind = AUDIO.match(reply.headers.get("content-type", ""))
    if not reply.stored or not kind:
        raise ValueError("the reply is no sound")
    usage = counted({
        "input_token": reply.headers.get("x-vllm-omni-input-tokens"),
        "output_token": reply.headers.get("x-vllm-omni-output-tokens"),
    })  # fmt: skip
    return Done(outputs=(Output(mime=kind[0], stored=reply.stored),), usage=usage)
