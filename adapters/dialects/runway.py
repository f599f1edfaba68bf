"""Runway tasks: media is uploaded first, then create, then ask until it ends.

Docs: https://docs.dev.runwayml.com/api (SDK 5.24.0, read 2026-11-21). Oddities kept here: the pixel size is written as
`ratio: "1280:720"`; THROTTLED is a queue; a refusal may be charged, and the task then says so; so is a canceled run.
"""

from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters import uploads
from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, Role, Task, WireField
from adapters.wire import (
    Call,
    Done,
    Failed,
    Listing,
    Listings,
    Part,
    Pending,
    Progress,
    Reply,
    asset_ref,
    blamed,
    counted,
    failed,
    linked,
    refusal,
)  # fmt: skip

POLL_S = 5.0
"""Runway asks for five seconds at least between two looks at a task."""
CREDIT_USD = Decimal("0.01")

FRAMES = "promptImage"
LISTS_OF_OBJECTS = ("referenceImages", "references")

FIELDS: Fields = {name: WireField(name=name) for name in ("model", "resolution", "seed", "audio", "quality")} | {
    "prompt": WireField(name="promptText"),
    "negative_prompt": WireField(name="negativePrompt"),
    "size": WireField(name="ratio", form="{width}:{height}"),
    "aspect_ratio": WireField(name="ratio"),
    "duration_s": WireField(name="duration"),
    "count": WireField(name="outputCount"),
    "format": WireField(name="outputFormat"),
    "source": WireField(name="videoUri", media="uploaded"),
    "first_frame": WireField(name=FRAMES, media="uploaded", many=True),
    "last_frame": WireField(name=FRAMES, media="uploaded", many=True),
    "reference": WireField(name="references", media="uploaded", many=True),
}

REFUSALS = ("SAFETY.", "INPUT_PREPROCESSING.SAFETY")
"""How the failure code of a task begins that moderation ended."""
FAULTS_BY_WORD = {"credits": Fault.OUT_OF_CREDIT, "moderation": Fault.CONTENT_REJECTED}
"""A 400 has no code: words tell an empty account and moderation from a wrong field [unsure: not recorded]."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    body = spell(request, offer, FIELDS) | {"model": offer.wire_id}
    places = [role.removesuffix("_frame") for role in (Role.FIRST_FRAME, Role.LAST_FRAME) if request.given(role)]
    if isinstance(frames := body.get(FRAMES), list):
        body[FRAMES] = [{"uri": uri, "position": place} for uri, place in zip(frames, places, strict=True)]
    for name in LISTS_OF_OBJECTS:
        if isinstance(given := body.get(name), list):
            body[name] = [{"uri": uri} for uri in given]
    memo: dict[str, JsonValue] = {"mime": "image/png" if request.task.modality is Modality.IMAGE else "video/mp4"}
    path = "text_to_image" if request.task is Task.IMAGE_EDIT else request.task.replace("-", "_")
    return uploads.first(Call(stage="submit", url=f"/v1/{path}", json_body=body, memo=memo), _begin)


def _begin(asset: str) -> Call:
    asked: JsonValue = {"filename": asset_ref(asset, "name"), "type": "ephemeral"}
    return Call(stage="upload", url="/v1/uploads", json_body=asked)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused)
    if call.stage == "upload":
        return _stored(call, reply)
    body = reply.json()
    if call.stage == "submit":
        status = Call(stage="status", method="GET", url=f"/v1/tasks/{quote(body['id'], safe='')}", memo=call.memo)
        return Pending(call=status, wait_s=POLL_S, provider_status="PENDING")
    match body["status"]:
        case "SUCCEEDED":
            return _done(call, body)
        case "FAILED" | "CANCELLED" as word:
            return _failed(body, word).model_copy(update={"cost_usd": _cost_usd(body)})
        case str(word):
            fraction = body.get("progress") if word == "RUNNING" else None
            return Pending(call=call, wait_s=POLL_S, fraction=fraction, provider_status=word)
        case status:
            raise ValueError(f"the status is {status!r}")


def _stored(call: Call, reply: Reply) -> Pending:
    """First the place to put the file, then, all its fields before the file itself, the file."""
    if "uri" in call.memo:
        return uploads.uploaded(call, str(call.memo["uri"]), _begin)
    place = reply.json()
    fields = tuple(Part(name=name, value=value) for name, value in place["fields"].items())
    form = (*fields, Part(name="file", asset=str(call.memo[uploads.ASSET])))
    put = Call(stage="upload", url=place["uploadUrl"], form=form, memo={"uri": place["runwayUri"]})
    return Pending(call=uploads.carried(call, put), provider_status="uploading")


def cancel(call: Call) -> Call | None:
    return Call(stage="cancel", method="DELETE", url=call.url) if call.stage == "status" else None


def list_models() -> Call:
    """The account's own list: what this key may use."""
    return Call(stage="list", method="GET", url="/v1/organization")


def read_models(call: Call, reply: Reply) -> Listings:
    return Listings(tuple(Listing(wire_id=name) for name in reply.json()["tier"]["models"]))


def _cost_usd(body: dict[str, Any]) -> Decimal | None:
    credits = counted({"credits": (body.get("cost") or {}).get("credits")}).get("credits")
    return None if credits is None else credits * CREDIT_USD


def _done(call: Call, body: dict[str, Any]) -> Done:
    outputs = tuple(linked(link, str(call.memo["mime"])) for link in body["output"])
    if not outputs:
        raise ValueError("the task made nothing")
    return Done(outputs=outputs, cost_usd=_cost_usd(body))


def _failed(body: dict[str, Any], word: str) -> Failed:
    code = str(body.get("failureCode") or "")
    fault = Fault.CONTENT_REJECTED if code.startswith(REFUSALS) else Fault.PROVIDER_FAULT
    fault = Fault.INVALID_REQUEST if code.startswith("ASSET.") else fault
    return blamed(failed(fault, body.get("failure") or word), fault, code=code or None)


def _sharpened(refused: Failed) -> Failed:
    words = refused.error.message.lower()
    told = [fault for said, fault in FAULTS_BY_WORD.items() if refused.error.status == 400 and said in words]
    return blamed(refused, told[0]) if told else refused
