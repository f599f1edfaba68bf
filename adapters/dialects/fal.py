"""fal.ai queue: bring what is large to its storage, submit, ask for status until COMPLETED, then fetch the result.

Docs: https://docs.fal.ai/model-apis/model-endpoints/queue (read 2026-11-20). Oddities kept here: the status answers
HTTP 202 while it runs; there is no word for failure, COMPLETED covers it and the result then answers the error.
"""

from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters import uploads, wire
from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, Usage, WireField
from adapters.wire import Call, Done, Failed, Pending, Progress, Reply, blamed, counted, failed, linked, refusal

POLL_S = {Modality.IMAGE: 0.5, Modality.VIDEO: 3.0, Modality.AUDIO: 1.0}
"""Seconds between polls: short jobs are looked at more often."""
NAMES = {
    "prompt": "prompt", "negative_prompt": "negative_prompt", "count": "num_images", "size": "image_size",
    "aspect_ratio": "aspect_ratio", "resolution": "resolution", "duration_s": "duration", "fps": "fps", "seed": "seed",
    "steps": "num_inference_steps", "guidance": "guidance_scale", "scale": "upscale_factor", "audio": "generate_audio",
    "format": "output_format", "quality": "quality", "loras": "loras", "source": "image_url", "mask": "mask_url",
    "first_frame": "image_url", "last_frame": "end_image_url",
}  # fmt: skip
FIELDS: Fields = {ours: WireField(name=theirs) for ours, theirs in NAMES.items()} | {
    "reference": WireField(name="image_urls", many=True),
    "audio_input": WireField(name="audio_url", media="uploaded"),
}
"""Pictures go as data URIs, which fal takes everywhere; sounds, and by their cards clips, are too large for that."""

FAULTS_BY_TYPE = {
    "content_policy_violation": Fault.CONTENT_REJECTED,
    "no_media_generated": Fault.CONTENT_REJECTED,
    "downstream_service_error": Fault.PROVIDER_FAULT,
    "client_disconnected": Fault.PROVIDER_FAULT,
    "client_cancelled": Fault.PROVIDER_FAULT,
}
"""What an error's own type says more exactly than its status: a refusal is a 422, a fault further down a 400."""

MIMES = {"images": "image/png", "image": "image/png", "video": "video/mp4", "audio": "audio/mpeg"}
"""By the key that outputs come under: for those that do not say their type."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    memo: dict[str, JsonValue] = {"poll_s": POLL_S.get(request.task.modality, 1.0)}
    call = Call(stage="submit", url=f"/{offer.wire_id}", json_body=spell(request, offer, FIELDS), memo=memo)
    return uploads.first(call, _upload)


def _upload(asset: str) -> Call:
    file: JsonValue = {"file_name": wire.asset_ref(asset, "name"), "content_type": wire.asset_ref(asset, "mime")}
    return Call(stage="upload", url="{rest}/storage/upload/initiate?storage_type=fal-cdn-v3", json_body=file)


def called_back(call: Call, url: str) -> Call:
    """The address is in the query of the submit, also of one that still waits for its uploads."""
    if waiting := call.memo.get(uploads.SUBMIT):
        later = called_back(Call.model_validate(waiting), url).model_dump(mode="json")
        return call.model_copy(update={"memo": call.memo | {uploads.SUBMIT: later}})
    return call.model_copy(update={"url": f"{call.url}?fal_webhook={quote(url, safe='')}"})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused, reply).model_copy(update={"is_verdict": bool(call.memo.get("is_failed"))})
    if call.stage == "upload" and call.method == "PUT":
        return uploads.uploaded(call, str(call.memo["file_url"]), _upload)
    body, wait_s = reply.json(), float(str(call.memo.get("poll_s", 1.0)))
    match call.stage, body.get("status"):
        case "upload", _:
            file = Call(stage="upload", method="PUT", url=body["upload_url"], asset=str(call.memo[uploads.ASSET]))
            return Pending(call=uploads.carried(call, file.model_copy(update={"memo": {"file_url": body["file_url"]}})))
        case "submit", word:
            memo = {"result": body["response_url"], "cancel": body.get("cancel_url"), "poll_s": wait_s}
            status = Call(stage="status", method="GET", url=f"{body['status_url']}?logs=0", memo=memo)
            return Pending(call=status, wait_s=wait_s, provider_status=word)
        case "status", "COMPLETED":
            ended = call.memo | {"is_failed": bool(body.get("error"))}
            result = Call(stage="result", method="GET", url=str(call.memo["result"]), memo=ended)
            return Pending(call=result, provider_status="COMPLETED")
        case "status", str(word):
            ahead = f" ({body['queue_position']} ahead)" if body.get("queue_position") else ""
            return Pending(call=call, wait_s=wait_s, fraction=body.get("progress"), provider_status=word + ahead)
        case "result", _:
            return _result(body, reply)
        case stage, status:
            return failed(Fault.BAD_REPLY, f"{stage}: unknown status {status!r}")


def cancel(call: Call) -> Call | None:
    return Call(stage="cancel", method="PUT", url=str(url)) if (url := call.memo.get("cancel")) else None


def list_models(cursor: str = "") -> Call:
    onward = f"&cursor={quote(cursor)}" if cursor else ""
    return Call(stage="models", method="GET", url=f"{{api}}/models?limit=100&status=active{onward}")


def read_models(call: Call, reply: Reply) -> wire.Listings:
    body = reply.json()
    models = tuple(_listing(model["endpoint_id"], model.get("metadata") or {}) for model in body["models"])
    return wire.Listings(models, list_models(body["next_cursor"]) if body.get("has_more") else None)


def _listing(wire_id: str, about: dict[str, Any]) -> wire.Listing:
    day = (about.get("date") or "")[:10]
    return wire.Listing.model_validate({"wire_id": wire_id, "name": about.get("display_name"), "created": day or None})


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    """A model's own errors are a list under `detail`, each with a type; the platform's are a text."""
    error = refused.error
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return refused
    match body:
        case {"detail": str(words)} if error.status in (402, 403) and "balance" in words.lower():
            return blamed(refused, Fault.OUT_OF_CREDIT)
        case {"error_type": str(kind)}:
            return blamed(refused, FAULTS_BY_TYPE.get(kind, error.fault))
        case {"detail": [{"type": str(kind), **more}, *_]}:
            return blamed(refused, FAULTS_BY_TYPE.get(kind, error.fault), str(more.get("msg") or error.message), kind)
        case _:
            return refused


def _result(body: dict[str, Any], reply: Reply) -> Progress:
    """A filtered picture comes as a black one that is flagged: when all of them are, that is a refusal."""
    usage = _usage(body, reply)
    if (flags := body.get("has_nsfw_concepts")) and all(flag is True for flag in flags):
        return failed(Fault.CONTENT_REJECTED, "every picture was flagged as unsafe").model_copy(update={"usage": usage})
    return Done(outputs=_outputs(body), usage=usage)


def _outputs(body: dict[str, Any]) -> tuple[Output, ...]:
    found = [("images", item) for item in body.get("images") or ()]
    found = found or [(key, body[key]) for key in ("video", "audio", "image") if body.get(key)]
    if not found:
        raise ValueError("the result holds no images, video or audio")
    return tuple(linked(item["url"], item.get("content_type") or MIMES[key]) for key, item in found)


def _usage(body: dict[str, Any], reply: Reply) -> Usage:
    """`x-fal-billable-units` counts in the endpoint's own unit: kept for reconciliation, priced by none of ours."""
    tokens = body["usage"] if isinstance(body.get("usage"), dict) else {}
    counts = {unit: tokens.get(f"{unit}s") for unit in ("input_token", "output_token")}
    return counted(counts | {"fal_billable_unit": reply.headers.get("x-fal-billable-units")})
