"""Replicate predictions: bring the media to its files, create, then ask until it ends.

Docs: https://replicate.com/docs/reference/http (read 2026-11-20). Oddities kept here: `aborted` ends a run that never
began and is not billed; a refusal has no code, only words; a file's link is read by Replicate itself, with our key.
"""

from typing import Any

from pydantic import JsonValue

from adapters import uploads, wire
from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, Usage, WireField
from adapters.wire import Call, Done, Failed, Pending, Progress, Reply, counted, failed, linked, refusal

POLL_S = {Modality.IMAGE: 1.0, Modality.VIDEO: 5.0, Modality.AUDIO: 1.0, Modality.TEXT: 1.0}

FIELDS: Fields = {
    name: WireField(name=name)
    for name in (
        "prompt", "negative_prompt", "width", "height", "seed", "aspect_ratio", "resolution", "fps", "quality",
        "max_tokens", "temperature", "scale",
    )
} | {
    "count": WireField(name="num_outputs"),
    "duration_s": WireField(name="duration"),
    "steps": WireField(name="num_inference_steps"),
    "guidance": WireField(name="guidance_scale"),
    "format": WireField(name="output_format"),
    "audio": WireField(name="generate_audio"),
    "size": WireField(name="size", form="{width}x{height}"),
    "source": WireField(name="image", media="uploaded"),
    "mask": WireField(name="mask", media="uploaded"),
    "first_frame": WireField(name="image", media="uploaded"),
    "last_frame": WireField(name="last_frame_image", media="uploaded"),
    "reference": WireField(name="reference_images", many=True, media="uploaded"),
    "audio_input": WireField(name="audio", media="uploaded"),
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
    url, body = f"/models/{offer.wire_id}/predictions", dict[str, JsonValue](input=spell(request, offer, FIELDS))
    if ":" in offer.wire_id or "/" not in offer.wire_id:
        url, body = "/predictions", {"version": offer.wire_id, **body}
    return uploads.first(Call(stage="submit", url=url, json_body=body, memo=memo), _upload)


def _upload(asset: str) -> Call:
    return Call(stage="upload", url="/files", form=(wire.Part(name="content", asset=asset),))


def called_back(call: Call, url: str) -> Call:
    """The address stands beside the input, also in a submit that still waits for its uploads."""
    if waiting := call.memo.get(uploads.SUBMIT):
        later = called_back(Call.model_validate(waiting), url).model_dump(mode="json")
        return call.model_copy(update={"memo": call.memo | {uploads.SUBMIT: later}})
    told: dict[str, JsonValue] = {"webhook": url, "webhook_events_filter": ["completed"]}
    return call.model_copy(update={"json_body": (call.json_body if isinstance(call.json_body, dict) else {}) | told})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return refused
    body = reply.json()
    if call.stage == "upload":
        return uploads.uploaded(call, body["urls"]["get"], _upload)
    match body["status"]:
        case "succeeded":
            return _done(call, body)
        case "failed" | "aborted" | "canceled" as word:
            return _failed(body, word)
        case str(word):
            urls = body["urls"]
            memo = call.memo | {"cancel": urls.get("cancel")}
            poll = Call(stage="status", method="GET", url=urls["get"], memo=memo)
            return Pending(call=poll, wait_s=float(str(call.memo.get("poll_s", 1.0))), provider_status=word)
        case status:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")


def cancel(call: Call) -> Call | None:
    url = call.memo.get("cancel")
    return Call(stage="cancel", url=str(url)) if url else None


def list_models() -> Call:
    """The official models, which are what cards offer: all that were ever published would be thousands of pages."""
    return Call(stage="models", method="GET", url="/collections/official")


def read_models(call: Call, reply: Reply) -> wire.Listings:
    named = [(f"{each['owner']}/{each['name']}", each["name"]) for each in reply.json()["models"]]
    return wire.Listings(tuple(wire.Listing(wire_id=wire_id, name=name) for wire_id, name in named))


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
