"""fal.ai queue: submit, ask for status until COMPLETED, then fetch the result.

Docs: https://docs.fal.ai/model-apis/model-endpoints/queue (read 2026-11-20). Oddities kept here: the status answers
HTTP 202 while it runs; there is no word for failure, COMPLETED covers it and the result then answers the error.
"""

from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, Usage, WireField
from adapters.wire import (
    Call,
    Done,
    Failed,
    Pending,
    Progress,
    Reply,
    blamed,
    counted,
    failed,
    linked,
    refusal,
)

POLL_S = {Modality.IMAGE: 0.5, Modality.VIDEO: 3.0, Modality.AUDIO: 1.0}
"""Seconds between polls by kind of media: short jobs are looked at more often."""

FIELDS: Fields = {
    "prompt": WireField(name="prompt"),
    "negative_prompt": WireField(name="negative_prompt"),
    "count": WireField(name="num_images"),
    "size": WireField(name="image_size"),
    "aspect_ratio": WireField(name="aspect_ratio"),
    "resolution": WireField(name="resolution"),
    "duration_s": WireField(name="duration"),
    "fps": WireField(name="fps"),
    "seed": WireField(name="seed"),
    "steps": WireField(name="num_inference_steps"),
    "guidance": WireField(name="guidance_scale"),
    "scale": WireField(name="upscale_factor"),
    "audio": WireField(name="generate_audio"),
    "format": WireField(name="output_format"),
    "quality": WireField(name="quality"),
    "loras": WireField(name="loras"),
    "source": WireField(name="image_url"),
    "mask": WireField(name="mask_url"),
    "first_frame": WireField(name="image_url"),
    "last_frame": WireField(name="end_image_url"),
    "reference": WireField(name="image_urls", many=True),
    "audio_input": WireField(name="audio_url"),
}

FAULTS_BY_TYPE = {
    "content_policy_violation": Fault.CONTENT_REJECTED,
    "no_media_generated": Fault.CONTENT_REJECTED,
    "downstream_service_error": Fault.PROVIDER_FAULT,
}
"""What a model's own error type says more exactly than its status: a refusal is a 422, a fault further down a 400."""

MIMES = {"images": "image/png", "image": "image/png", "video": "video/mp4", "audio": "audio/mpeg"}
"""Types of outputs that do not say theirs, by the key they come under."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    memo: dict[str, JsonValue] = {"poll_s": POLL_S.get(request.task.modality, 1.0)}
    return Call(stage="submit", url=f"/{offer.wire_id}", json_body=spell(request, offer, FIELDS), memo=memo)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused, reply).model_copy(update={"is_verdict": bool(call.memo.get("is_failed"))})
    body = reply.json()
    match call.stage, body.get("status"):
        case "submit", word:
            return _polled(call, body["status_url"], body["response_url"], body.get("cancel_url"), word)
        case "status", "IN_QUEUE" | "IN_PROGRESS" as word:
            return Pending(call=call, wait_s=_poll_s(call), fraction=body.get("progress"), provider_status=word)
        case "status", "COMPLETED":
            memo = call.memo | {"is_failed": bool(body.get("error"))}
            result = Call(stage="result", method="GET", url=str(call.memo["result"]), memo=memo)
            return Pending(call=result, provider_status="COMPLETED")
        case "result", _:
            return _result(body, reply)
        case stage, status:
            return failed(Fault.BAD_REPLY, f"{stage}: unknown status {status!r}")


def _polled(call: Call, status_url: str, result_url: str, cancel_url: str | None, word: str | None) -> Pending:
    memo: dict[str, JsonValue] = {"result": result_url, "cancel": cancel_url, "poll_s": _poll_s(call)}
    status = Call(stage="status", method="GET", url=f"{status_url}?logs=0", memo=memo)
    return Pending(call=status, wait_s=_poll_s(call), provider_status=word)


def _poll_s(call: Call) -> float:
    return float(str(call.memo.get("poll_s", 1.0)))


def cancel(call: Call) -> Call | None:
    url = call.memo.get("cancel")
    return Call(stage="cancel", method="PUT", url=str(url)) if url else None


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
        case {"detail": [{"type": str(kind), **more}, *_]}:
            return blamed(refused, FAULTS_BY_TYPE.get(kind, error.fault), str(more.get("msg") or error.message), kind)
        case _:
            return refused


def _result(body: dict[str, Any], reply: Reply) -> Progress:
    """A filtered picture comes as a black one that is flagged: when all of them are, that is a refusal."""
    usage = _usage(body, reply)
    flags = body.get("has_nsfw_concepts")
    if isinstance(flags, list) and flags and all(flag is True for flag in flags):
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
    tokens = body.get("usage") if isinstance(body.get("usage"), dict) else {}
    counts = {
        "input_token": tokens.get("input_tokens") if tokens else None,
        "output_token": tokens.get("output_tokens") if tokens else None,
        "fal_billable_unit": reply.headers.get("x-fal-billable-units"),
    }
    return counted(counts)
