"""OpenAI's shape of videos, as SGLang and vLLM-Omni have it on one's own machine: a job, its status, its file.

Docs: SGLang 0.5.23 and vLLM-Omni 0.30.0, their sources and pages (read 2026-11-20). Oddities kept here: vLLM-Omni tells
of a failed job with a 4xx or 5xx whose body is the job; it stops a deleted job, while SGLang only forgets it and goes
on; both take a form; paths on the server, and links that it would fetch, are fields there, which a caller may not say.
"""

import json
from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.openai import list_models, read_models
from adapters.schema import Fields, MediaRequest, Offer, Output, WireField
from adapters.wire import Call, Done, Failed, Part, Pending, Progress, Reply, blamed, counted, failed, refusal

__all__ = ["FIELDS", "cancel", "list_models", "read", "read_models", "submit"]

POLL_S = 3.0

OURS_TO_SAY = (
    "lora", "extra_params", "diffusers_kwargs", "input_reference", "image_reference", "video_reference",
    "audio_reference", "reference_url", "control_reference", "source_video", "source_audio", "output_path",
    "frame_interpolation_model_path", "num_frames", "seconds",
)  # fmt: skip
"""Wire names under which a caller's extras could name a path of the server, have it fetch a link, or make a clip
longer than the one that was paid for."""

FIELDS: Fields = {name: WireField(name=name) for name in OURS_TO_SAY} | {
    "model": WireField(name="model"),
    "prompt": WireField(name="prompt"),
    "negative_prompt": WireField(name="negative_prompt"),
    "size": WireField(name="size", form="{width}x{height}"),
    "width": WireField(name="width"),
    "height": WireField(name="height"),
    "duration_s": WireField(name="seconds"),
    "fps": WireField(name="fps"),
    "seed": WireField(name="seed"),
    "steps": WireField(name="num_inference_steps"),
    "guidance": WireField(name="guidance_scale"),
    "first_frame": WireField(name="input_reference"),
    "source": WireField(name="input_reference"),
    "stops": WireField(name="stops"),
}
"""`stops` in a card says that deleting a job ends its work; nothing is sent for it."""

REFUSAL_WORDS = ("nsfw", "moderation", "content policy", "safety check")


def submit(request: MediaRequest, offer: Offer) -> Call:
    body = {name: value for name, value in spell(request, offer, FIELDS).items() if name != "input_reference"}
    parts = [Part(name=name, value=_text(value)) for name, value in (body | {"model": offer.wire_id}).items()]
    for item in request.inputs:
        if item.asset is None:
            raise ValueError(f"the {item.role} input must be an asset: it is sent as a file")
        parts.append(Part(name="input_reference", asset=item.asset))
    return Call(stage="submit", url="/videos", form=tuple(parts), memo={"stops": "stops" in offer.fields})


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        job = _job_in(reply) if call.stage == "status" else None
        return _failed(job) if job else _sharpened(refused)
    if call.stage == "content":
        return _fetched(call, reply)
    job = reply.json()
    match job["status"]:
        case "completed":
            usage = counted({"gpu_second": job.get("inference_time_s")})
            memo: dict[str, JsonValue] = {unit: str(quantity) for unit, quantity in usage.items()}
            return Pending(
                call=_get("content", f"/videos/{job['id']}/content", memo).model_copy(update={"stores": True})
            )
        case "failed" | "deleted" | "cancelled":
            return _failed(job)
        case str(word):
            poll = _get("status", f"/videos/{job['id']}", {"stops": call.memo["stops"]})
            return Pending(call=poll, wait_s=POLL_S, fraction=_fraction(job), provider_status=word)
        case status:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")


def _get(stage: str, url: str, memo: dict[str, JsonValue]) -> Call:
    return Call(stage=stage, method="GET", url=url, memo=memo)


def cancel(call: Call) -> Call | None:
    """Only where it ends the work: a job that is merely forgotten goes on, and its end would not be learned."""
    if call.stage != "status" or not call.memo["stops"]:
        return None
    return Call(stage="cancel", method="DELETE", url=call.url)


def _fraction(job: dict[str, Any]) -> float | None:
    done = counted({"percent": job.get("progress")}).get("percent")
    return min(float(done) / 100, 1.0) if done else None


def _job_in(reply: Reply) -> dict[str, Any] | None:
    """A job that failed, where an error would be."""
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) and body.get("status") == "failed" else None


def _failed(job: dict[str, Any]) -> Failed:
    """The work that was done until then has been done."""
    said = job.get("error") or {}
    message = str(said.get("message") or job["status"]) if isinstance(said, dict) else str(said)
    fault = Fault.CONTENT_REJECTED if _is_refusal(message) else Fault.PROVIDER_FAULT
    usage = counted({"gpu_second": job.get("inference_time_s")})
    return failed(fault, message).model_copy(update={"usage": usage, "is_verdict": True})


def _is_refusal(message: str) -> bool:
    return any(words in message.lower() for words in REFUSAL_WORDS)


def _sharpened(refused: Failed) -> Failed:
    is_moderated = refused.error.status in (400, 422) and _is_refusal(refused.error.message)
    return blamed(refused, Fault.CONTENT_REJECTED) if is_moderated else refused


def _fetched(call: Call, reply: Reply) -> Done:
    if reply.stored is None:
        raise ValueError("the file is no media")
    return Done(outputs=(Output(mime="video/mp4", stored=reply.stored),), usage=counted(call.memo))
