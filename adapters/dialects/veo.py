"""Google's Veo: a long-running operation is begun, asked for, and its clip fetched with the key; clips only.

Docs: https://ai.google.dev/gemini-api/docs/video (read 2026-11-21). Oddities kept here: a refusal is an operation that
is done with a count of filtered clips and no clip, or with error 3; where the operation's name says a project, it is
asked for by a POST and may hold the clip inline.
"""

import re
from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.google import inline, list_models, place, read_models, redirected, sharpened
from adapters.schema import Fields, Input, MediaRequest, Offer, Output, Role, WireField
from adapters.wire import Call, Done, Pending, Progress, Reply, failed, refusal

__all__ = ["FIELDS", "list_models", "read", "read_models", "submit"]

POLL_S = 10.0
"""What Google's own examples wait."""

FIELDS: Fields = {
    "negative_prompt": WireField(name="negativePrompt"),
    "aspect_ratio": WireField(name="aspectRatio"),
    "resolution": WireField(name="resolution"),
    "duration_s": WireField(name="durationSeconds"),
    "seed": WireField(name="seed"),
    "count": WireField(name="sampleCount"),
    "audio": WireField(name="generateAudio", values={"true": None}),
}
"""A value of null is left unsaid: the Gemini API makes sound always, and knows no word for it."""

OPERATION = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
FAULTS = {3: Fault.CONTENT_REJECTED, 5: Fault.PROVIDER_FAULT, 7: Fault.AUTH, 8: Fault.RATE_LIMITED, 16: Fault.AUTH}
"""By the codes of google.rpc.Status; a bad parameter is a 400 to the submit, so a 3 later is the usage guidelines."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    parameters: dict[str, JsonValue] = {
        name: value for name, value in spell(request, offer, FIELDS).items() if value is not None
    }
    instances: list[JsonValue] = [_instance(request)]
    body: JsonValue = {"instances": instances, "parameters": parameters}
    return Call(stage="submit", url=f"/models/{offer.wire_id}:predictLongRunning", json_body=body)


def _instance(request: MediaRequest) -> dict[str, JsonValue]:
    instance: dict[str, JsonValue] = {"prompt": request.prompt}
    for role, name in ((Role.FIRST_FRAME, "image"), (Role.LAST_FRAME, "lastFrame")):
        if given := request.given(role):
            instance[name] = _media(given[0])
    kinds = {Role.REFERENCE: "asset", Role.STYLE: "style"}
    references: list[JsonValue] = [
        {"image": _media(item), "referenceType": kinds[item.role]} for item in request.inputs if item.role in kinds
    ]
    return instance | ({"referenceImages": references} if references else {})


def _media(item: Input) -> JsonValue:
    if item.asset is None:
        raise ValueError(f"the {item.role} input must be an asset: it is sent as bytes")
    return inline(item.asset, "mimeType", "bytesBase64Encoded")


def read(call: Call, reply: Reply) -> Progress:
    if onward := redirected(call, reply):
        return onward
    if refused := refusal(call, reply):
        return sharpened(refused, reply)
    if call.stage == "content":
        return _kept(call, reply)
    body = reply.json()
    if call.stage == "submit":
        return Pending(call=_asked(call, body["name"]), wait_s=POLL_S)
    match body:
        case {"done": True, "error": {"code": int(code)} as error}:
            return failed(FAULTS.get(code, Fault.PROVIDER_FAULT), error.get("message") or f"error {code}")
        case {"done": True, "response": dict(response)}:
            return _finished(response.get("generateVideoResponse") or response)
        case {"name": str(), **more} if more.get("done") in (None, False):
            return Pending(call=call, wait_s=POLL_S, provider_status="running")
        case _:
            return failed(Fault.BAD_REPLY, "an operation is neither under way nor done")


def _asked(submitted: Call, name: str) -> Call:
    if not OPERATION.fullmatch(name) or ".." in name:
        raise ValueError("an operation has no proper name")
    if not name.startswith("projects/"):
        return Call(stage="status", method="GET", url=f"/{name}")
    url = f"{submitted.url.removesuffix(':predictLongRunning')}:fetchPredictOperation"
    return Call(stage="status", url=url, json_body={"operationName": name})


def _finished(response: dict[str, Any]) -> Progress:
    clips = [each["video"] for each in response.get("generatedSamples") or ()] or response.get("videos") or []
    if not clips and (response.get("raiMediaFilteredCount") or response.get("raiMediaFilteredReasons")):
        reasons = response.get("raiMediaFilteredReasons") or ["every clip was filtered"]
        return failed(Fault.CONTENT_REJECTED, "; ".join(map(str, reasons)))
    if not clips:
        return failed(Fault.BAD_REPLY, "the operation is done and holds no clip")
    inlined = [clip for clip in clips if "bytesBase64Encoded" in clip]
    if inlined:
        made = (Output(mime=each.get("mimeType", "video/mp4"), base64=each["bytesBase64Encoded"]) for each in inlined)
        return Done(outputs=tuple(made))
    return Pending(call=_content([place(clip["uri"]) for clip in clips], []), provider_status="done")


def _content(links: list[JsonValue], stored: list[JsonValue]) -> Call:
    memo: dict[str, JsonValue] = {"later": links[1:], "stored": stored}
    return Call(stage="content", method="GET", url=str(links[0]), memo=memo, stores=True)


def _kept(call: Call, reply: Reply) -> Progress:
    later, before = call.memo["later"], call.memo["stored"]
    assert isinstance(later, list) and isinstance(before, list)
    if reply.stored is None:
        return failed(Fault.BAD_REPLY, "the clip's link gives no clip")
    stored = [*before, reply.stored]
    if later:
        return Pending(call=_content(later, stored))
    return Done(outputs=tuple(Output(mime="video/mp4", stored=str(name)) for name in stored))
