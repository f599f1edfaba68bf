"""Runware tasks: one address takes a list of them; pictures are answered at once, clips are asked for until they end.

Docs: https://runware.ai/docs/platform/task-polling (read 2026-11-21). Oddities kept here: `data` and `errors` may both
be there, within a 200 too; a run has the id that its caller gave it; each output says what it cost.
"""

from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault, ProviderError
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, Role, Task, WireField
from adapters.wire import (
    MESSAGE_CHARS,
    Call,
    Done,
    Failed,
    Pending,
    Progress,
    Reply,
    attempt_ref,
    blamed,
    counted,
    linked,
    refusal,
)

POLL_S = 2.0
KIND = {Modality.IMAGE: "image", Modality.VIDEO: "video"}
MIMES = {"PNG": "image/png", "JPG": "image/jpeg", "WEBP": "image/webp", "MP4": "video/mp4", "WEBM": "video/webm"}

FIELDS: Fields = {
    name: WireField(name=name)
    for name in (
        "width", "height", "fps", "seed", "steps", "resolution", "taskType", "taskUUID", "model", "outputType",
        "includeCost", "deliveryMethod", "webhookURL",
    )
} | {
    "prompt": WireField(name="positivePrompt"),
    "negative_prompt": WireField(name="negativePrompt"),
    "size": WireField(name="size", form="{width}x{height}"),
    "duration_s": WireField(name="duration"),
    "count": WireField(name="numberResults"),
    "guidance": WireField(name="CFGScale"),
    "scale": WireField(name="upscaleFactor"),
    "format": WireField(name="outputFormat", values={"png": "PNG", "jpeg": "JPG", "webp": "WEBP", "mp4": "MP4"}),
    "loras": WireField(name="lora", keys={"path": "model", "scale": "weight"}),
    "source": WireField(name="seedImage", media="url"),
    "mask": WireField(name="maskImage", media="url"),
    "first_frame": WireField(name="frameImages", many=True, media="url"),
    "last_frame": WireField(name="frameImages", many=True, media="url"),
    "reference": WireField(name="referenceImages", many=True, media="url"),
}  # fmt: skip

FAULTS_BY_CODE = {
    "contentModeration": Fault.CONTENT_REJECTED,
    "contentModerationFailed": Fault.CONTENT_REJECTED,
    "invalidProviderContent": Fault.CONTENT_REJECTED,
    "insufficientCredits": Fault.OUT_OF_CREDIT,
    "invalidApiKey": Fault.AUTH,
    "missingApiKey": Fault.AUTH,
    "invalidModel": Fault.MODEL_MISSING,
    "modelNotFound": Fault.MODEL_MISSING,
    "rateLimitExceeded": Fault.RATE_LIMITED,
}
REQUEST_WORDS = ("invalid", "missing", "unsupported", "unrecognized")
"""How the codes of complaints about a request begin."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    """Clips are made in their own time (`async`); a picture is waited for, as is the vendor's default."""
    kind = KIND[request.task.modality]
    task = spell(request, offer, FIELDS)
    if size := task.pop("size", None):
        task["width"], task["height"] = (int(side) for side in str(size).split("x"))
    task.setdefault("outputFormat", "MP4" if kind == "video" else "PNG")
    task |= {"taskType": "imageUpscale" if request.task is Task.UPSCALE_IMAGE else f"{kind}Inference"}
    task |= {"model": offer.wire_id, "outputType": "URL", "includeCost": True}
    task |= {"deliveryMethod": "async" if kind == "video" else "sync"}
    if frames := task.get("frameImages"):
        task["frameImages"] = _frames(request, frames)
    task["taskUUID"] = attempt_ref()
    memo: dict[str, JsonValue] = {"kind": kind, "count": request.count, "mime": MIMES[str(task["outputFormat"])]}
    return Call(stage="submit", url="/v1", json_body=[task], memo=memo)


def _frames(request: MediaRequest, images: JsonValue) -> JsonValue:
    """Each frame says which it is."""
    places = ["first"] * len(request.given(Role.FIRST_FRAME)) + ["last"] * len(request.given(Role.LAST_FRAME))
    given = images if isinstance(images, list) else []
    return [{"inputImage": image, "frame": place} for image, place in zip(given, places, strict=False)]


def called_back(call: Call, url: str) -> Call:
    tasks = call.json_body if isinstance(call.json_body, list) else []
    told = [each | {"webhookURL": url} for each in tasks if isinstance(each, dict)]
    return call.model_copy(update={"json_body": told})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused, reply)
    body = reply.json()
    data, errors = body.get("data") or [], body.get("errors") or []
    kind = str(call.memo["kind"])
    if waiting := [item for item in data if not item.get(f"{kind}URL")]:
        return _pending(call, waiting[0])
    if errors and not data:
        return Failed(error=_complaint(errors[0]), is_verdict=True)
    return _done(call, data[: int(str(call.memo["count"]))], kind)


def _pending(call: Call, item: dict[str, Any]) -> Pending:
    task: JsonValue = {"taskType": "getResponse", "taskUUID": str(item["taskUUID"])}
    poll = Call(stage="status", url="/v1", json_body=[task], memo=call.memo)
    return Pending(call=poll, wait_s=POLL_S, provider_status=str(item.get("status", "accepted")))


def _done(call: Call, made: list[dict[str, Any]], kind: str) -> Progress:
    """What is flagged is not handed on; when all of it is, that is a refusal, and is charged all the same."""
    if not made:
        raise ValueError("the reply holds neither outputs nor errors")
    costs = [cost for item in made if (cost := counted({"usd": item.get("cost")}).get("usd")) is not None]
    cost_usd = sum(costs, Decimal(0)) if len(costs) == len(made) else None
    good = [item for item in made if item.get("NSFWContent") is not True]
    if not good:
        error = ProviderError(fault=Fault.CONTENT_REJECTED, message="every output was flagged as unsafe")
        return Failed(error=error, cost_usd=cost_usd, is_verdict=True)
    mime = str(call.memo["mime"])
    return Done(outputs=tuple(linked(item[f"{kind}URL"], mime) for item in good), cost_usd=cost_usd)


def _complaint(item: dict[str, Any]) -> ProviderError:
    code, message = str(item.get("code")), str(item.get("message"))[:MESSAGE_CHARS]
    guess = Fault.INVALID_REQUEST if code.startswith(REQUEST_WORDS) else Fault.PROVIDER_FAULT
    return ProviderError(fault=FAULTS_BY_CODE.get(code, guess), message=message, code=code)


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return refused
    match body:
        case {"errors": [{"code": str(code), "message": str(message)}, *_]}:
            return blamed(refused, FAULTS_BY_CODE.get(code, refused.error.fault), message, code)
        case _:
            return refused
