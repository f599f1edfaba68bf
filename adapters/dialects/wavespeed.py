"""WaveSpeedAI predictions: submit a model's own fields, then ask until it ends.

Docs: https://wavespeed.ai/docs/docs-common-api/predictions (read 2026-11-21). Oddities kept here: everything comes in
an envelope `{code, message, data}`, and a run that failed answers 200 twice, by HTTP and in the envelope; sizes are
written with an asterisk; a task has codes of its own, of which 1200 is the moderation's.
"""

from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault, ProviderError, from_status
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, WireField
from adapters.wire import (
    MESSAGE_CHARS,
    Call,
    Done,
    Failed,
    Listing,
    Listings,
    Pending,
    Progress,
    Reply,
    blamed,
    failed,
    linked,
    refusal,
)

POLL_S = {Modality.IMAGE: 1.0, Modality.VIDEO: 5.0, Modality.AUDIO: 1.0}
MIMES = {Modality.IMAGE: "image/png", Modality.VIDEO: "video/mp4", Modality.AUDIO: "audio/mpeg"}
"""Types of outputs whose links do not say theirs."""
ENDINGS = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime", "mp3": "audio/mpeg", "wav": "audio/wav",
}  # fmt: skip

FIELDS: Fields = {
    name: WireField(name=name)
    for name in ("prompt", "negative_prompt", "aspect_ratio", "resolution", "fps", "seed", "quality")
} | {
    "size": WireField(name="size", form="{width}*{height}"),
    "duration_s": WireField(name="duration"),
    "count": WireField(name="num_images"),
    "steps": WireField(name="num_inference_steps"),
    "guidance": WireField(name="guidance_scale"),
    "audio": WireField(name="generate_audio"),
    "format": WireField(name="output_format"),
    "loras": WireField(name="loras"),
    "source": WireField(name="image", media="url"),
    "mask": WireField(name="mask_image", media="url"),
    "first_frame": WireField(name="image", media="url"),
    "last_frame": WireField(name="last_image", media="url"),
    "reference": WireField(name="images", many=True, media="url"),
    "audio_input": WireField(name="audio", media="url"),
    "enable_sync_mode": WireField(name="enable_sync_mode"),
    "enable_base64_output": WireField(name="enable_base64_output"),
}

TASK_FAULTS = {
    1200: Fault.CONTENT_REJECTED,
    1400: Fault.INVALID_REQUEST,
    1401: Fault.INVALID_REQUEST,
    1402: Fault.INVALID_REQUEST,
}
"""A task's own codes; 1403, 1405 and those from 5000 on are the provider's faults."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    modality = request.task.modality
    memo: dict[str, JsonValue] = {"poll_s": POLL_S.get(modality, 1.0), "mime": MIMES.get(modality, "text/plain")}
    return Call(stage="submit", url=f"/api/v3/{offer.wire_id}", json_body=spell(request, offer, FIELDS), memo=memo)


def called_back(call: Call, url: str) -> Call:
    return call.model_copy(update={"url": f"{call.url}?webhook={quote(url, safe='')}"})


def list_models() -> Call:
    return Call(stage="list", method="GET", url="/api/v3/models")


def read_models(call: Call, reply: Reply) -> Listings:
    models = reply.json()["data"]
    return Listings(tuple(Listing(wire_id=each["model_id"], name=each.get("name")) for each in models))


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused)
    body = reply.json()
    if body["code"] != 200:
        return _sharpened(Failed(error=_complaint(body["code"], body.get("message"))))
    data = body["data"]
    match data["status"]:
        case "completed":
            return _done(call, data)
        case "failed" | "timeout" | "deleted" | "cancelled" as word:
            return Failed(error=_complaint(data.get("code"), data.get("error") or word), is_verdict=True)
        case str(word) if call.stage == "submit":
            url = f"/api/v3/predictions/{quote(data['id'], safe='')}/result"
            poll = Call(stage="status", method="GET", url=url, memo=call.memo)
            return Pending(call=poll, wait_s=_poll_s(call), provider_status=word)
        case str(word):
            return Pending(call=call, wait_s=_poll_s(call), provider_status=word)
        case word:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {word!r}")


def _poll_s(call: Call) -> float:
    return float(str(call.memo.get("poll_s", 1.0)))


def _done(call: Call, data: dict[str, Any]) -> Progress:
    """With the safety checker on, outputs may come flagged: when all of them are, that is a refusal."""
    links, flags = data["outputs"], data.get("has_nsfw_contents") or []
    if not links:
        raise ValueError("the run is completed and has no outputs")
    if flags and all(flag is True for flag in flags):
        return failed(Fault.CONTENT_REJECTED, "every output was flagged as unsafe")
    default = str(call.memo.get("mime", "image/png"))
    return Done(outputs=tuple(linked(link, _mime(link, default)) for link in links))


def _mime(link: str, default: str) -> str:
    return ENDINGS.get(link.split("?")[0].rsplit(".", 1)[-1].lower(), default)


def _complaint(code: object, message: object) -> ProviderError:
    """An error that came with a 200: its code is one of HTTP's, or a task's own, or missing."""
    words = str(message)[:MESSAGE_CHARS]
    if isinstance(code, int) and 400 <= code < 600:
        return from_status(code, words, str(code))
    fault = TASK_FAULTS.get(code, Fault.PROVIDER_FAULT) if isinstance(code, int) else Fault.PROVIDER_FAULT
    return ProviderError(fault=fault, message=words, code=str(code) if code else None)


def _sharpened(refused: Failed) -> Failed:
    """A task's code may also come with an error status; an empty balance has none of its own that we know of."""
    error = refused.error
    if error.code and error.code.isdecimal() and (fault := TASK_FAULTS.get(int(error.code))):
        return blamed(refused, fault)
    if error.fault in (Fault.INVALID_REQUEST, Fault.AUTH) and "insufficient" in error.message.lower():
        return blamed(refused, Fault.OUT_OF_CREDIT)
    return refused
