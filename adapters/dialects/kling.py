"""Kling: a path for each kind of run, and every run is asked for on the path that took it.

Docs: https://app.klingai.com/global/dev/document-api (read 2026-11-21). Oddities kept here: an error may come inside a
200, with a code; durations are strings; `mode` is the resolution; sound is "on" or "off"; success is `succeed`; two
429s mean that no money is left. A run cannot be stopped.
"""

from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault, ProviderError
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, Role, Task, Usage, WireField
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

POLL_S = {Modality.IMAGE: 1.5, Modality.VIDEO: 6.0}

PATHS = {
    Task.TEXT_TO_VIDEO: "/v1/videos/text2video",
    Task.IMAGE_TO_VIDEO: "/v1/videos/image2video",
    Task.TEXT_TO_IMAGE: "/v1/images/generations",
    Task.IMAGE_EDIT: "/v1/images/generations",
}
"""Where a task goes, unless the wire id says otherwise: "videos/omni-video:kling-video-o1"."""

FIELDS: Fields = {
    name: WireField(name=name) for name in ("prompt", "negative_prompt", "aspect_ratio")
} | {
    "model_name": WireField(name="model_name"),
    "count": WireField(name="n"),
    "duration_s": WireField(name="duration", form="{}"),
    "resolution": WireField(name="mode", values={"720p": "std", "1080p": "pro", "4k": "4k"}),
    "audio": WireField(name="sound", values={"true": "on", "false": "off"}),
    "guidance": WireField(name="cfg_scale"),
    "source": WireField(name="image", media="base64"),
    "first_frame": WireField(name="image", media="base64"),
    "last_frame": WireField(name="image_tail", media="base64"),
    "reference": WireField(name="image_list", many=True, media="base64"),
}  # fmt: skip

KINDS = {Role.FIRST_FRAME: "first_frame", Role.LAST_FRAME: "end_frame", Role.REFERENCE: None}
"""What a picture is for among those of the omni models."""
OMNI_FIELDS: Fields = FIELDS | {role.value: FIELDS["reference"] for role in (Role.FIRST_FRAME, Role.LAST_FRAME)}

FAULTS_BY_CODE = {
    1000: Fault.AUTH, 1001: Fault.AUTH, 1002: Fault.AUTH, 1003: Fault.AUTH, 1004: Fault.AUTH, 1100: Fault.AUTH,
    1101: Fault.OUT_OF_CREDIT, 1102: Fault.OUT_OF_CREDIT, 1103: Fault.AUTH, 1200: Fault.INVALID_REQUEST,
    1201: Fault.INVALID_REQUEST, 1202: Fault.INVALID_REQUEST, 1203: Fault.MODEL_MISSING, 1300: Fault.INVALID_REQUEST,
    1301: Fault.CONTENT_REJECTED, 1302: Fault.RATE_LIMITED, 1303: Fault.RATE_LIMITED, 1304: Fault.AUTH,
    5000: Fault.PROVIDER_FAULT, 5001: Fault.PROVIDER_FAULT, 5002: Fault.TIMED_OUT,
}  # fmt: skip

REFUSAL_WORDS = ("risk control", "content policy", "content security", "sensitive", "violat", "moderation")
"""Seen in the messages of failed runs; a run that failed has no code."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    modality = request.task.modality
    path, _, model = offer.wire_id.rpartition(":")
    url = f"/v1/{path}" if path else PATHS[request.task]
    body = _typed(spell(request, offer, OMNI_FIELDS), request) if "omni" in path else spell(request, offer, FIELDS)
    memo: dict[str, JsonValue] = {"poll_s": POLL_S[modality], "path": url}
    return Call(stage="submit", url=url, json_body=body | {"model_name": model}, memo=memo)


def _typed(body: dict[str, JsonValue], request: MediaRequest) -> dict[str, JsonValue]:
    """Each picture of an omni model says what it is for; one that says nothing is a reference."""
    kinds = [kind for role, kind in KINDS.items() for _ in request.given(role)]
    pictures = body.get("image_list")
    if not kinds or not isinstance(pictures, list):
        return body
    typed: list[JsonValue] = [
        {"image_url": picture} | ({"type": kind} if kind else {}) for picture, kind in zip(pictures, kinds, strict=True)
    ]
    return body | {"image_list": typed}


def called_back(call: Call, url: str) -> Call:
    body = call.json_body if isinstance(call.json_body, dict) else {}
    return call.model_copy(update={"json_body": body | {"callback_url": url}})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        fault = _fault(call, refused.error.code)
        return blamed(refused, fault) if fault else refused
    body = reply.json()
    if body["code"] != 0:
        return _coded(call, body, reply)
    data = body["data"]
    match data["task_status"]:
        case "succeed":
            return Done(outputs=_outputs(data["task_result"]), usage=_usage(data))
        case "failed":
            message = str(data.get("task_status_msg") or "failed")
            is_refusal = any(words in message.lower() for words in REFUSAL_WORDS)
            return failed(Fault.CONTENT_REJECTED if is_refusal else Fault.PROVIDER_FAULT, message)
        case str() as word:
            url = f"{call.memo['path']}/{data['task_id']}"
            status = Call(stage="status", method="GET", url=url, memo=call.memo)
            return Pending(call=status, wait_s=float(str(call.memo["poll_s"])), provider_status=word)
        case status:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")


def _fault(call: Call, code: object) -> Fault | None:
    """What a code says more exactly than its status. A run that is not found later was lost; its model is not gone."""
    fault = FAULTS_BY_CODE.get(int(str(code))) if str(code).isdigit() else None
    return Fault.PROVIDER_FAULT if fault is Fault.MODEL_MISSING and call.stage != "submit" else fault


def _coded(call: Call, body: dict[str, Any], reply: Reply) -> Failed | Pending:
    """An error inside a 200. One of the moment, about a run that was taken, says nothing of the run."""
    code = body["code"]
    fault = _fault(call, code) or Fault.BAD_REPLY
    if fault is Fault.PROVIDER_FAULT and call.stage != "submit" and code != 1203:
        return Pending(call=call, wait_s=float(str(call.memo["poll_s"])), provider_status=f"code {code}")
    message = str(body.get("message"))[:MESSAGE_CHARS]
    return Failed(error=ProviderError(fault=fault, message=message, status=reply.status, code=str(code)))


def _outputs(result: dict[str, Any]) -> tuple[Output, ...]:
    found = [("video/mp4", item) for item in result.get("videos") or ()]
    found = found or [("image/png", item) for item in result.get("images") or ()]
    if not found:
        raise ValueError("the result holds no videos and no images")
    return tuple(linked(item["url"], mime) for mime, item in found)


def _usage(data: dict[str, Any]) -> Usage:
    """Units of a resource pack: kept for reconciliation, priced by none of ours."""
    return counted({"kling_unit": data.get("final_unit_deduction")})
