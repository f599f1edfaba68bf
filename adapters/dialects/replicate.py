"""Replicate predictions: create, then ask until it ends.

Docs: https://replicate.com/docs/reference/http (read 2026-11-20). Oddities kept here: `aborted` ends a run that never
began and is not billed; a refusal has no code, only words.
"""

from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, Usage, WireField
from adapters.wire import Call, Done, Failed, Pending, Progress, Reply, counted, failed, linked, refusal

POLL_S = {Modality.IMAGE: 1.0, Modality.VIDEO: 5.0, Modality.AUDIO: 1.0, Modality.TEXT: 1.0}

FIELDS: Fields = {
    name: WireField(name=name)
    for name in (
        "prompt", "negative_prompt", "width", "height", "seed", "aspect_ratio", "resolution", "fps", "mask",
        "quality", "max_tokens", "temperature", "scale",
    )
} | {
    "count": WireField(name="num_outputs"),
    "duration_s": WireField(name="duration"),
    "steps": WireField(name="num_inference_steps"),
    "guidance": WireField(name="guidance_scale"),
    "format": WireField(name="output_format"),
    "audio": WireField(name="generate_audio"),
    "size": WireField(name="size", form="{width}x{height}"),
    "source": WireField(name="image"),
    "first_frame": WireField(name="image"),
    "last_frame": WireField(name="last_frame_image"),
    "reference": WireField(name="reference_images", many=True),
}  # fmt: skip

MIMES = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "svg": "image/svg+xml", "mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime", "mp3": "audio/mpeg",
    "wav": "audio/wav",
}  # fmt: skip
DEFAULT_MIMES = {Modality.IMAGE: "image/png", Modality.VIDEO: "video/mp4", Modality.AUDIO: "audio/wav"}

REFUSAL_WORDS = ("nsfw", "flagged as sensitive", "(e005)", "safety", "content policy")
"""Seen in the errors of failed predictions; Replicate gives no machine-readable code."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    """An official model has a path of its own; any other is run by a version: `owner/name:id`, or the bare id."""
    modality = request.task.modality
    memo: dict[str, JsonValue] = {"poll_s": POLL_S[modality], "modality": modality}
    inputs = spell(request, offer, FIELDS)
    if ":" in offer.wire_id or "/" not in offer.wire_id:
        body: JsonValue = {"version": offer.wire_id, "input": inputs}
        return Call(stage="submit", url="/predictions", json_body=body, memo=memo)
    return Call(stage="submit", url=f"/models/{offer.wire_id}/predictions", json_body={"input": inputs}, memo=memo)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return refused
    body = reply.json()
    match body["status"]:
        case "starting" | "processing" as word:
            urls = body["urls"]
            memo = call.memo | {"cancel": urls.get("cancel")}
            poll = Call(stage="status", method="GET", url=urls["get"], memo=memo)
            return Pending(call=poll, wait_s=float(str(call.memo.get("poll_s", 1.0))), provider_status=word)
        case "succeeded":
            return _done(call, body)
        case "failed" | "aborted" | "canceled" as word:
            return _failed(body, word)
        case status:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")


def cancel(call: Call) -> Call | None:
    url = call.memo.get("cancel")
    return Call(stage="cancel", url=str(url)) if url else None


def _failed(body: dict[str, Any], word: str) -> Failed:
    """A run that began may be billed whatever became of it, so its seconds are kept."""
    message = str(body.get("error") or word)
    refused = any(words in message.lower() for words in REFUSAL_WORDS)
    ended = failed(Fault.CONTENT_REJECTED if refused else Fault.PROVIDER_FAULT, message)
    return ended.model_copy(update={"usage": _usage(body)})


def _done(call: Call, body: dict[str, Any]) -> Progress:
    output = body["output"]
    if output is None or body.get("data_removed"):
        return failed(Fault.BAD_REPLY, "the output is gone: Replicate keeps it for one hour")
    modality = Modality(str(call.memo.get("modality", Modality.IMAGE)))
    if modality is Modality.TEXT:
        text = "".join(output) if isinstance(output, list) else str(output)
        return Done(outputs=(Output(mime="text/plain", text=text),), usage=_usage(body))
    links = output if isinstance(output, list) else [output]
    if not links:
        raise ValueError("the output is empty")
    return Done(outputs=tuple(linked(link, _mime(link, modality)) for link in links), usage=_usage(body))


def _mime(link: str, modality: Modality) -> str:
    ending = link.split("?")[0].rsplit(".", 1)[-1].lower()
    return MIMES.get(ending, DEFAULT_MIMES[modality])


def _usage(body: dict[str, Any]) -> Usage:
    metrics = body.get("metrics") or {}
    counts = {
        "gpu_second": metrics.get("predict_time"),
        "input_token": metrics.get("input_token_count"),
        "output_token": metrics.get("output_token_count"),
    }
    return counted(counts)
