"""A job of ours as OpenAI's clients read it: pictures, clips, completions. Pure: a job's row in, JSON values out."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.wire import Partial
from gateway.doors import extras
from gateway.jobs.rules import Status
from gateway.jobs.service import Seen
from gateway.ledger.rules import usd

CLIP = {
    Status.QUEUED: "queued", Status.RUNNING: "in_progress", Status.SUCCEEDED: "completed", Status.FAILED: "failed",
    Status.CANCELED: "failed",
}  # fmt: skip
"""A job's status → a video's; theirs has no word for one that was canceled."""

REMIXED = "remixed_from_video_id"
DELETED = "deleted_at_openai_door"
"""Labels of a job that this door reads again: what a clip was made from, and when it was taken off this door's list."""

POLL_MS = (200, 5_000)
"""How soon and how late a client is told to ask again."""


def outputs_of(job: Mapping[Any, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(job["outputs"] or "[]")
    return found


def labels_of(job: Mapping[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(job["extras"] or "{}")
    return found


def usage_of(job: Mapping[Any, Any]) -> dict[str, int]:
    """Whole units of what a job took: tokens, above all."""
    bill = json.loads(job["bill"]) if job["bill"] else {}
    return {unit: int(float(quantity)) for unit, quantity in bill.get("usage", {}).items()}


def seconds_of(at: datetime | None) -> int | None:
    return int(at.timestamp()) if at else None


def picture(output: Mapping[str, Any], url: str | None, words: str | None) -> dict[str, Any]:
    """One picture: as base64, as a link, or both."""
    return ({"b64_json": words} if words is not None else {}) | ({"url": url} if url is not None else {})


def described(job: Mapping[Any, Any], picture: Mapping[str, Any]) -> dict[str, Any]:
    """What all pictures of an answer have in common, told of one: its `mime`, and if they are known its sides."""
    resolved = json.loads(job["resolved"] or "{}")
    told = {"background": _background(job), "output_format": str(picture["mime"]).partition("/")[2]}
    told |= {"size": size} if (size := _size(picture)) else {}
    return told | ({"quality": resolved["quality"]} if resolved.get("quality") else {})


def _background(job: Mapping[Any, Any]) -> str:
    """As it was asked of the provider that made the picture; what is not asked for is not transparent."""
    options = json.loads(job["request"]).get("extra", {}).get(job["offer"].partition("/")[0], {})
    return "transparent" if options.get("background") == "transparent" else "opaque"


def image_usage(usage: Mapping[str, int]) -> dict[str, Any] | None:
    """Tokens of pictures, where the provider counts any."""
    made, words = usage.get("output_image_token", 0), usage.get("output_token", 0)
    text, pictures = usage.get("input_token", 0), usage.get("input_image_token", 0)
    if not made + words + text + pictures:
        return None
    return {
        "input_tokens": text + pictures,
        "input_tokens_details": {"text_tokens": text, "image_tokens": pictures},
        "output_tokens": made + words,
        "output_tokens_details": {"image_tokens": made, "text_tokens": words},
        "total_tokens": text + pictures + made + words,
    }


def images(seen: Seen, data: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    job = seen.job
    usage = image_usage(usage_of(job))
    answer = {"created": seconds_of(job["created_at"]), "data": list(data), **described(job, outputs_of(job)[0])}
    return answer | ({"usage": usage} if usage else {})


def image_event(seen: Seen, kind: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """A finished picture in a stream; `kind` is image_generation or image_edit."""
    job = seen.job
    event = {"type": f"{kind}.completed", "created_at": seconds_of(job["created_at"]), **shown}
    usage = image_usage(usage_of(job)) or _NO_USAGE
    return _UNTOLD | event | described(job, outputs_of(job)[0]) | {"usage": usage, "podium": ours(seen)}


def partial_event(job: Mapping[Any, Any], kind: str, partial: Partial) -> dict[str, Any]:
    """A picture that is not done, in a stream; its size is the one that was asked for."""
    event = {"type": f"{kind}.partial_image", "partial_image_index": partial.index, "b64_json": partial.base64}
    about = described(job, json.loads(job["resolved"] or "{}") | {"mime": partial.mime})
    return _UNTOLD | event | {"created_at": seconds_of(job["created_at"])} | about


_UNTOLD = {"size": "auto", "quality": "auto"}
"""What an event of a stream always says, where nothing is known."""


_NO_USAGE = {
    "input_tokens": 0, "input_tokens_details": {"text_tokens": 0, "image_tokens": 0}, "output_tokens": 0,
    "total_tokens": 0,
}  # fmt: skip


def ours(seen: Seen) -> dict[str, Any]:
    """What our headers say, for where there are none: job, model, decision, and the cost once it is known."""
    return {name.removeprefix("x-podium-").replace("-", "_"): each for name, each in extras.headers(seen).items()}


def video(seen: Seen) -> dict[str, Any]:
    job = seen.job
    status, request, resolved = Status(job["status"]), json.loads(job["request"]), json.loads(job["resolved"] or "{}")
    first = next(iter(outputs_of(job)), {})
    return {
        "id": job["id"],
        "object": "video",
        "model": job["offer"].partition("/")[2],
        "status": CLIP[status],
        "progress": 100 if status is Status.SUCCEEDED else int(job["progress"] * 100),
        "created_at": seconds_of(job["created_at"]),
        "completed_at": seconds_of(job["ended_at"]) if status is Status.SUCCEEDED else None,
        "expires_at": None,
        "prompt": request.get("prompt"),
        "size": _size(first) or _size(resolved) or _size(request),
        "seconds": _seconds(first.get("duration_s") or resolved.get("duration_s") or request.get("duration_s")),
        REMIXED: labels_of(job).get(REMIXED),
        "error": _error(job, status),
        "podium": ours(seen),
    }


def _size(value: Mapping[str, Any]) -> str | None:
    return f"{value['width']}x{value['height']}" if value.get("width") and value.get("height") else None


def _seconds(value: float | None) -> str | None:
    return None if value is None else format(round(value, 3), "g")


def _error(job: Mapping[Any, Any], status: Status) -> dict[str, Any] | None:
    if status is Status.CANCELED:
        return {"code": "canceled", "message": "the job was canceled"}
    if not job["error"]:
        return None
    error = json.loads(job["error"])
    code = "moderation_blocked" if error["code"] == "content_rejected" else error["code"]
    return {"code": code, "message": error["message"]}


def page(videos: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    """A list, of which one more than `limit` was read to learn whether it goes on."""
    shown = list(videos[:limit])
    ends = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {"first_id": None, "last_id": None}
    return {"object": "list", "data": shown, "has_more": len(videos) > limit} | ends


def poll_after_ms(eta_s: float | None) -> int:
    """When to ask again: a tenth of what it takes, for its clients ask at the first such pace until the end."""
    soonest, latest = POLL_MS
    return max(soonest, min(latest, int((eta_s or 10.0) * 100)))


def completion(seen: Seen) -> dict[str, Any]:
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": output["text"], "refusal": None},
            "finish_reason": finish_reason(seen.job),
            "logprobs": None,
        }
        for index, output in enumerate(outputs_of(seen.job))
    ]
    return _head(seen, "chat.completion") | {"choices": choices, "usage": chat_usage(seen.job), "podium": ours(seen)}


def chunk(seen: Seen, delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _head(seen, "chat.completion.chunk") | {"choices": [choice]}


def usage_chunk(seen: Seen) -> dict[str, Any]:
    told = {"choices": [], "usage": chat_usage(seen.job), "podium": ours(seen)}
    return _head(seen, "chat.completion.chunk") | told


def _head(seen: Seen, kind: str) -> dict[str, Any]:
    job = seen.job
    model = job["offer"].partition("/")[2]
    return {"id": job["id"], "object": kind, "created": seconds_of(job["created_at"]), "model": model}


def finish_reason(job: Mapping[Any, Any]) -> str:
    """`length` where as many tokens were made as were allowed; our jobs do not say it otherwise."""
    allowed = json.loads(job["resolved"] or "{}").get("max_tokens") or json.loads(job["request"]).get("max_tokens")
    return "length" if allowed and usage_of(job).get("output_token", 0) >= allowed else "stop"


def chat_usage(job: Mapping[Any, Any]) -> dict[str, Any]:
    usage = usage_of(job)
    cached = usage.get("cached_input_token", 0)
    given, made = usage.get("input_token", 0) + cached, usage.get("output_token", 0)
    cost = {"cost": float(usd(job["cost_nanos"]))} if job["cost_nanos"] is not None else {}
    return {
        "prompt_tokens": given,
        "completion_tokens": made,
        "total_tokens": given + made,
        "prompt_tokens_details": {"cached_tokens": cached},
    } | cost
