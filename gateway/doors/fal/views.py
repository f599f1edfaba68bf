"""A job as fal's clients see it: its status, its logs, and its result in the shape fal gives for the task. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.schema import Modality, Task
from gateway.assets.sniff import extension
from gateway.doors.fal.errors import Refusal, failed

STATUSES = {"queued": "IN_QUEUE", "running": "IN_PROGRESS"}
"""All else is COMPLETED, also what failed: fal has no word for that, and the result then answers the error."""


def addresses(base: str, app: str, request_id: str) -> dict[str, str]:
    """Where to ask for one request; `base` is the door's own address."""
    at = f"{base}/{app}/requests/{request_id}"
    return {"response_url": at, "status_url": f"{at}/status", "cancel_url": f"{at}/cancel"}


def submitted(job: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a submit. Nothing of ours stands ahead of a new job: a worker takes it at once."""
    request_id = job["id"]
    return {
        "status": "IN_QUEUE", "request_id": request_id, "gateway_request_id": request_id, **links,
        "queue_position": 0, "logs": None, "metrics": {},
    }  # fmt: skip


def status(job: Mapping[str, Any], links: Mapping[str, str], with_logs: bool) -> dict[str, Any]:
    """The status of a request. Without `logs=1` its logs are null, as fal's are."""
    word = STATUSES.get(job["status"], "COMPLETED")
    said = {"status": word, "request_id": job["id"], **links, "logs": logs(job) if with_logs else None}
    match word:
        case "IN_QUEUE":
            return said | {"queue_position": 0}
        case "COMPLETED":
            return said | {"metrics": {"inference_time": inference_s(job)}} | _error(job)
        case _:
            return said


def _error(job: Mapping[str, Any]) -> dict[str, Any]:
    refused = refusal(job)
    if refused is None:
        return {}
    kind = refused.body.get("error_type") or refused.body["detail"][0]["type"]
    detail = refused.body["detail"]
    return {"error": detail if isinstance(detail, str) else detail[0]["msg"], "error_type": kind}


def refusal(job: Mapping[str, Any]) -> Refusal | None:
    """What the result of a request that has none answers; None for one that succeeded."""
    return None if job["status"] == "succeeded" else failed(job["error"], job["status"] == "canceled")


def ended(job: Mapping[str, Any], prompt: str) -> dict[str, Any]:
    """A request that has ended, as webhooks tell it: its result, or the error that stands in its place."""
    said = {"request_id": job["id"], "gateway_request_id": job["id"]}
    refused = refusal(job)
    if refused is None:
        return said | {"status": "OK", "payload": result(job, prompt)}
    return said | {"status": "ERROR", "error": f"Invalid status code: {refused.status}", "payload": refused.body}


def logs(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What happened to a job, one line for the beginning and the end of each attempt."""
    found = []
    for attempt in job["attempts"]:
        if attempt["started_at"]:
            found.append(_line(f"{attempt['offer']}: begun", "INFO", attempt["started_at"]))
        if attempt["ended_at"]:
            went_well = attempt["status"] == "succeeded"
            words = attempt["message"] or attempt["status"]
            found.append(_line(f"{attempt['offer']}: {words}", "INFO" if went_well else "ERROR", attempt["ended_at"]))
    return found


def _line(message: str, level: str, at: str) -> dict[str, Any]:
    return {"message": message, "level": level, "source": "USER", "timestamp": at}


def inference_s(job: Mapping[str, Any]) -> float | None:
    """Seconds from the start of a job to its end."""
    if not job["started_at"] or not job["ended_at"]:
        return None
    began, ended = (datetime.fromisoformat(job[name]) for name in ("started_at", "ended_at"))
    return round((ended - began).total_seconds(), 3)


def result(job: Mapping[str, Any], prompt: str) -> dict[str, Any]:
    """What a request made, in fal's shape for its task."""
    task, outputs = Task(job["task"]), job["outputs"]
    if task.modality is Modality.TEXT:
        return spoken("".join(output["text"] or "" for output in outputs), partial=False)
    files = [file(output) for output in outputs]
    if not files:
        return {}
    seed = {"seed": job["resolved"]["seed"]} if "seed" in job["resolved"] else {}
    if task.modality is Modality.VIDEO:
        return {"video": files[0]} | seed
    if task.modality is Modality.AUDIO:
        return {"audio": files[0]}
    if task is Task.UPSCALE_IMAGE:
        return {"image": files[0]} | seed
    timings = {"inference": inference_s(job)}
    return {
        "images": files, "timings": timings, "has_nsfw_concepts": [False] * len(files), "prompt": prompt,
        "seed": job["resolved"].get("seed"),
    }  # fmt: skip


def spoken(words: str, partial: bool) -> dict[str, Any]:
    """What a text model says, as far as it has said it."""
    return {"output": words, "partial": partial, "error": None}


def file(output: Mapping[str, Any]) -> dict[str, Any]:
    """One output as fal describes files; pictures and clips say their size in pixels, as far as it is known."""
    name = f"{output['asset']}.{extension(output['mime'])}"
    known = {"url": output["url"], "content_type": output["mime"], "file_name": name, "file_size": output["size_bytes"]}
    more = {side: output[side] for side in ("width", "height") if output.get(side) is not None}
    moving = {"duration": output["duration_s"]} if output.get("duration_s") is not None else {}
    return known | more | moving


def billable_units(job: Mapping[str, Any]) -> dict[str, str]:
    """How much of the one unit that was priced; nothing where several were, or none."""
    lines = job["cost"]["lines"]
    return {"x-fal-billable-units": str(lines[0]["quantity"])} if len(lines) == 1 else {}
