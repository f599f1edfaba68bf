"""Tenstorrent's media server: pictures by one call, clips by a job that is asked for until it ends, then downloaded.

Docs: its sources of August 2026 (read 2026-11-21). Oddities kept here: a request names no model, so the server is asked
first which one it has; pictures are a list of base64 and no `data`; a full queue is a 500 with words; a LoRA is a path
on the server, so none is taken; a server that does not work in the background answers a clip at once.
"""

from typing import Any

from adapters import uploads
from adapters.errors import Fault
from adapters.fields import one_media, spell
from adapters.openai import read_models
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, Role, WireField
from adapters.wire import Call, Done, Failed, Pending, Progress, Reply, blamed, failed, refusal

__all__ = ["FIELDS", "cancel", "list_models", "read", "read_models", "submit"]

POLL_S = 3.0

FIELDS: Fields = {
    "prompt": WireField(name="prompt"),
    "negative_prompt": WireField(name="negative_prompt"),
    "count": WireField(name="number_of_images"),
    "seed": WireField(name="seed"),
    "steps": WireField(name="num_inference_steps"),
    "guidance": WireField(name="guidance_scale"),
    "format": WireField(name="image_return_format", values={"jpeg": "JPEG", "png": "PNG"}),
    "aspect_ratio": WireField(name="aspect_ratio"),
    "duration_s": WireField(name="duration_seconds"),
    "first_frame": WireField(name="image_prompts", media="base64"),
    "lora": WireField(name="lora_path"),
}
"""The last is ours to say, and is not said."""

FULL = "maximum job limit"
REFUSAL_WORDS = ("nsfw", "moderation", "content policy", "safety check")
PICTURES = {"iVBOR": "image/png", "/9j/": "image/jpeg"}
"""How the base64 of each kind begins; the reply does not say which it is."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    """Another model's picture would come without a word: which one is there is asked before anything is made."""
    later = _submit(request, offer).model_dump(mode="json")
    return list_models().model_copy(
        update={"stage": "upload", "memo": {uploads.SUBMIT: later, "wanted": offer.wire_id}}
    )


def _submit(request: MediaRequest, offer: Offer) -> Call:
    body = spell(request, offer, FIELDS)
    if request.task.modality is Modality.IMAGE:
        return Call(stage="submit", url="/v1/images/generations", json_body=body, memo={"count": request.count})
    first = request.given(Role.FIRST_FRAME)
    if first:
        image = one_media(first[0], (FIELDS | offer.fields)["first_frame"])
        body["image_prompts"] = [{"image": image, "frame_pos": 0}]
    path = "/v1/videos/generations/i2v" if first else "/v1/videos/generations"
    return Call(stage="submit", url=path, json_body=body, stores=True)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused)
    if reply.stored is not None:
        return Done(outputs=(Output(mime="video/mp4", stored=reply.stored),))
    if call.stage == "upload":
        return _begun(call, [each.wire_id for each in read_models(call, reply).models])
    if call.stage == "content":
        raise ValueError("the file is no media")
    body = reply.json()
    return _pictures(call, body) if "images" in body else _followed(call, body)


def _begun(call: Call, has: list[str]) -> Progress:
    if call.memo["wanted"] not in has:
        return failed(Fault.MODEL_MISSING, f"this server has {', '.join(has) or 'no model'}")
    return Pending(call=uploads.submit_of(call), provider_status="asked for")


def _pictures(call: Call, body: dict[str, Any]) -> Progress:
    """`generation_time` is the whole of the call, waiting for others in the queue included, so it is no usage."""
    made, wanted = body["images"], int(str(call.memo["count"]))
    if len(made) < wanted:
        raise ValueError(f"{len(made)} of {wanted} pictures came")
    return Done(outputs=tuple(Output(mime=_kind(each), base64=each) for each in made[:wanted]))


def _kind(words: str) -> str:
    return next(kind for start, kind in PICTURES.items() if words.startswith(start))


def _followed(call: Call, job: dict[str, Any]) -> Progress:
    url = f"/v1/videos/generations/{job['id']}"
    match job["status"]:
        case "completed":
            return Pending(call=Call(stage="content", method="GET", url=f"{url}/download", stores=True))
        case "failed" | "cancelled" as word:
            said = job.get("error") or {}
            message = str(said.get("message") or word)
            fault = Fault.CONTENT_REJECTED if _is_refusal(message) else Fault.PROVIDER_FAULT
            return failed(fault, message).model_copy(update={"is_verdict": True})
        case str(word):
            return Pending(call=Call(stage="status", method="GET", url=url), wait_s=POLL_S, provider_status=word)
        case status:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")


def list_models() -> Call:
    return Call(stage="models", method="GET", url="/v1/models")


def cancel(call: Call) -> Call | None:
    return Call(stage="cancel", url=f"{call.url}/cancel") if call.stage == "status" else None


def _is_refusal(message: str) -> bool:
    return any(words in message.lower() for words in REFUSAL_WORDS)


def _sharpened(refused: Failed) -> Failed:
    """Every exception is a 500 there, whatever it says."""
    said = refused.error.message.lower()
    if refused.error.status == 500 and FULL in said:
        return blamed(refused, Fault.RATE_LIMITED)
    is_moderated = refused.error.status in (400, 422, 500) and _is_refusal(said)
    return blamed(refused, Fault.CONTENT_REJECTED) if is_moderated else refused
