"""DashScope tasks (Alibaba's Wan and HappyHorse): create with a header that says so, then ask until it ends.

Docs: https://www.alibabacloud.com/help/en/model-studio/text-to-video-api-reference and the dashscope SDK 2.0.2 (read
2026-11-20). Oddities kept here: without its header a task is refused; a body has two halves, `input` and `parameters`;
a missing task is a 200 whose status is UNKNOWN; a task that succeeded may hold an error in the place of a picture.
"""

from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault, ProviderError
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, Usage, WireField
from adapters.wire import (
    MESSAGE_CHARS,
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

PATHS = {
    Modality.VIDEO: "/services/aigc/video-generation/video-synthesis",
    Modality.IMAGE: "/services/aigc/text2image/image-synthesis",
}
POLL_S = {Modality.VIDEO: 5.0, Modality.IMAGE: 2.0}
ASYNC = {"x-dashscope-async": "enable"}

MEDIA = "media."
"""A field `media.<type>` is an item of the list `input.media`, where each says its type."""

FIELDS: Fields = {
    "model": WireField(name="model"),
    "prompt": WireField(name="prompt"),
    "negative_prompt": WireField(name="negative_prompt"),
    "size": WireField(name="size", form="{width}*{height}"),
    "resolution": WireField(name="resolution", values={each: each.upper() for each in ("480p", "720p", "1080p")}),
    "aspect_ratio": WireField(name="ratio"),
    "duration_s": WireField(name="duration"),
    "count": WireField(name="n"),
    "seed": WireField(name="seed"),
    "audio": WireField(name="audio"),
    "first_frame": WireField(name=f"{MEDIA}first_frame"),
    "last_frame": WireField(name=f"{MEDIA}last_frame"),
    "reference": WireField(name=f"{MEDIA}reference_image", many=True),
    "media": WireField(name="media"),
    "input": WireField(name="input"),
    "parameters": WireField(name="parameters"),
}

INPUT = frozenset({"prompt", "negative_prompt", "media", "img_url", "audio_url", "first_frame_url", "last_frame_url"})
"""What goes into the first half of a body; all else is a parameter."""

FAULTS_BY_CODE = {
    "DataInspectionFailed": Fault.CONTENT_REJECTED,
    "IPInfringementSuspect": Fault.CONTENT_REJECTED,
    "Arrearage": Fault.OUT_OF_CREDIT,
    "AllocationQuota": Fault.OUT_OF_CREDIT,
}
"""By the first word of a code, for what the status leaves open: moderation and debts are both a 400."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    modality = request.task.modality
    said = _gathered(spell(request, offer, FIELDS))
    body: JsonValue = {
        "model": offer.wire_id,
        "input": {name: value for name, value in said.items() if name in INPUT},
        "parameters": {name: value for name, value in said.items() if name not in INPUT},
    }
    memo: dict[str, JsonValue] = {"poll_s": POLL_S[modality]}
    return Call(stage="submit", url=PATHS[modality], json_body=body, headers=ASYNC, memo=memo)


def _gathered(said: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Every `media.<type>` put into the one list."""
    plain = {name: value for name, value in said.items() if not name.startswith(MEDIA)}
    items: list[JsonValue] = [
        {"type": name.removeprefix(MEDIA), "url": each}
        for name, value in said.items()
        if name.startswith(MEDIA)
        for each in (value if isinstance(value, list) else [value])
    ]
    return plain | {"media": items} if items else plain


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        fault = _fault(refused.error.code)
        return blamed(refused, fault) if fault else refused
    body = reply.json()
    output = body["output"]
    match output["task_status"]:
        case "SUCCEEDED":
            return _succeeded(output, _usage(body.get("usage") or {}))
        case "FAILED" | "CANCELED" | "UNKNOWN" as word:
            return _not_made(output.get("code"), output.get("message") or f"the task is {word}")
        case str(word):  # PENDING, RUNNING, SUSPENDED, or a word not known yet: the deadline ends what never does
            return _asked_again(call, output["task_id"] if call.stage == "submit" else None, word)
        case word:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {word!r}")


def _asked_again(call: Call, task: str | None, word: str) -> Pending:
    url = call.url if task is None else f"/tasks/{quote(task, safe='')}"
    status = Call(stage="status", method="GET", url=url, memo=call.memo | {"status": word})
    return Pending(call=status, wait_s=float(str(call.memo.get("poll_s", 5.0))), provider_status=word)


def cancel(call: Call) -> Call | None:
    if call.stage != "status" or call.memo.get("status") != "PENDING":
        return None
    return Call(stage="cancel", url=f"{call.url}/cancel")


def _succeeded(output: dict[str, Any], usage: Usage) -> Progress:
    if link := output.get("video_url"):
        return Done(outputs=(linked(link, "video/mp4"),), usage=usage)
    made = tuple(linked(item["url"], "image/png") for item in output["results"] if item.get("url"))
    return Done(outputs=made, usage=usage) if made else _not_made(**_error(output["results"][0]))


def _error(item: dict[str, Any]) -> dict[str, Any]:
    return {"code": item["code"], "message": item.get("message") or item["code"]}


def _not_made(code: object, message: object) -> Failed:
    fault = _fault(code) or Fault.PROVIDER_FAULT
    error = ProviderError(fault=fault, message=str(message)[:MESSAGE_CHARS], code=str(code) if code else None)
    return Failed(error=error, is_verdict=True)


def _fault(code: object) -> Fault | None:
    return FAULTS_BY_CODE.get(str(code).split(".")[0])


def _usage(usage: dict[str, Any]) -> Usage:
    return counted({"output_video_second": usage.get("duration"), "output_image": usage.get("image_count")})
