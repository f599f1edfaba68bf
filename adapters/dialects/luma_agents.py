"""Luma's Agents API: one path for pictures and clips, then ask until the generation is completed.

Docs: https://docs.agents.lumalabs.ai (SDK 0.5.0, read 2026-11-21). Oddities kept here: frames are pinned to places in a
grid of 24 a second, since its start and end frames know no clip of ten seconds; every picture given is counted.
"""

from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, Role, Task, Usage, WireField
from adapters.wire import (
    ASSET_KEY,
    Call,
    Done,
    Pending,
    Progress,
    Reply,
    asset_ref,
    blamed,
    counted,
    failed,
    linked,
    refusal,
)

POLL_S = {Modality.IMAGE: 2.0, Modality.VIDEO: 5.0}
GRID_FPS = 24
DEFAULT_S = 5

FIELDS: Fields = {name: WireField(name=name) for name in ("model", "type", "prompt", "aspect_ratio", "resolution")} | {
    "format": WireField(name="output_format"),
    "duration_s": WireField(name="duration", form="{}s"),
    "source": WireField(name="source", media="base64"),
    "reference": WireField(name="image_ref", media="base64", many=True),
    "first_frame": WireField(name="keyframes", media="base64", many=True),
    "last_frame": WireField(name="keyframes", media="base64", many=True),
}
OF_VIDEO = ("resolution", "duration", "keyframes", "keyframe_indexes")
"""What lies under `video`."""

FAULTS_BY_CODE = {
    "content_moderated": Fault.CONTENT_REJECTED,
    "budget_exhausted": Fault.OUT_OF_CREDIT,
    "rate_limited": Fault.RATE_LIMITED,
    "image_too_large": Fault.INVALID_REQUEST,
    "unsupported_format": Fault.INVALID_REQUEST,
    "corrupt_input": Fault.INVALID_REQUEST,
    "invalid_request": Fault.INVALID_REQUEST,
}
"""Any other failure is Luma's own."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    body = spell(request, offer, FIELDS) | {"model": offer.wire_id, "type": _kind(request)}
    if "source" in body:
        body["source"] = _picture(body["source"])
    for name in ("image_ref", "keyframes"):
        if isinstance(given := body.get(name), list):
            body[name] = [_picture(each) for each in given]
    if "keyframes" in body:
        body["keyframe_indexes"] = _places(request)
    video = {name: body.pop(name) for name in OF_VIDEO if name in body}
    memo: dict[str, JsonValue] = {"poll_s": POLL_S[request.task.modality], "given": len(request.inputs)}
    return Call(stage="submit", url="/generations", json_body=body | ({"video": video} if video else {}), memo=memo)


def _kind(request: MediaRequest) -> str:
    return "image_edit" if request.task is Task.IMAGE_EDIT else request.task.modality.value


def _picture(given: JsonValue) -> JsonValue:
    """A link as a link, one of our assets as its bytes beside their type."""
    if isinstance(given, dict):
        return {"data": given, "media_type": asset_ref(str(given[ASSET_KEY]), "mime")}
    return {"url": given}


def _places(request: MediaRequest) -> list[JsonValue]:
    first: list[JsonValue] = [0 for _ in request.given(Role.FIRST_FRAME)]
    last = round((request.duration_s or DEFAULT_S) * GRID_FPS)
    return [*first, *(last for _ in request.given(Role.LAST_FRAME))]


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        fault = FAULTS_BY_CODE.get(refused.error.code or "")
        return blamed(refused, fault) if fault and refused.error.status in (400, 422) else refused
    body = reply.json()
    match body["state"]:
        case "completed":
            outputs = tuple(_output(item) for item in body["output"])
            if not outputs:
                raise ValueError("the generation made nothing")
            return Done(outputs=outputs, usage=_usage(call))
        case "failed":
            code = str(body.get("failure_code") or "")
            ended = failed(FAULTS_BY_CODE.get(code, Fault.PROVIDER_FAULT), body.get("failure_reason") or code)
            return blamed(ended, ended.error.fault, code=code or None).model_copy(update={"is_verdict": True})
        case str(word):
            url = f"/generations/{quote(body['id'], safe='')}"
            status = Call(stage="status", method="GET", url=url, memo=call.memo)
            return Pending(call=status, wait_s=float(str(call.memo["poll_s"])), provider_status=word)
        case state:
            raise ValueError(f"the state is {state!r}")


def _output(item: dict[str, Any]) -> Output:
    return linked(item["url"], "video/mp4" if item.get("type") == "video" else "image/png")


def _usage(call: Call) -> Usage:
    """Luma counts what is given, and does not say so: the price of a picture rises with each."""
    return counted({"input_image": call.memo["given"]})
