"""Synthesia: a presenter speaks a script; create a video, then ask until it is complete.

Docs: https://docs.synthesia.io/reference (facts gathered 2026-11-21). Oddities kept here: the prompt is what is said,
and a recording says it instead; the length comes out of the script; a refusal is a status, and may come hours later;
a DELETE is the only cancel; webhooks go to one address for the whole account, so none is asked for here.
"""

import re
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters import uploads
from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Offer, Usage, WireField
from adapters.wire import Call, Done, Pending, Progress, Reply, failed, linked, refusal

POLL_S = 30.0
"""Synthesia asks for half a minute between two looks at a video, which takes minutes."""
DEFAULT_AVATAR = "anna_costume1_cameraA"
"""The presenter of Synthesia's own examples; a caller names another one in `extra` [unsure: not in every plan]."""
TITLE_CHARS = 80
OF_SCENE = (
    "scriptText", "scriptAudio", "scriptLanguage", "avatar", "avatarSettings", "background", "backgroundSettings",
)  # fmt: skip

FIELDS: Fields = {
    "prompt": WireField(name="scriptText"),
    "aspect_ratio": WireField(name="aspectRatio"),
    "audio_input": WireField(name="scriptAudio", media="uploaded"),
    "scenes": WireField(name="input"),
    "test": WireField(name="test"),
}


def submit(request: MediaRequest, offer: Offer) -> Call:
    """One scene. `test` would make it free and watermarked: it is said to be false, and no caller may say otherwise."""
    body = spell(request, offer, FIELDS)
    scene: dict[str, JsonValue] = {"avatar": DEFAULT_AVATAR}
    scene |= {name: body.pop(name) for name in OF_SCENE if name in body}
    if "scriptAudio" in scene:
        body["description"] = scene.pop("scriptText", "")
    title: JsonValue = request.prompt[:TITLE_CHARS] or "Untitled"
    whole = {"title": title, "visibility": "private"} | body | {"test": False, "input": [scene]}
    return uploads.first(Call(stage="submit", url="/videos", json_body=whole), _begin)


def _begin(asset: str) -> Call:
    return Call(stage="upload", url="{upload}/scriptAudio", asset=asset)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return refused
    body = reply.json()
    if call.stage == "upload":
        return uploads.uploaded(call, _id(body), _begin)
    match body["status"]:
        case "complete":
            return Done(outputs=(linked(body["download"], "video/mp4"),), usage=_usage(body))
        case "rejected":
            return failed(Fault.CONTENT_REJECTED, "Synthesia's moderation rejected the video")
        case "error" | "deleted" as word:
            return failed(Fault.PROVIDER_FAULT, f"the video is in status {word}")
        case str(word):
            status = Call(stage="status", method="GET", url=f"/videos/{quote(_id(body), safe='')}")
            return Pending(call=status, wait_s=POLL_S, provider_status=word)
        case status:
            raise ValueError(f"the status is {status!r}")


def _id(body: dict[str, Any]) -> str:
    if not isinstance(id := body["id"], str):
        raise TypeError("an id is not a word")
    return id


def cancel(call: Call) -> Call | None:
    return Call(stage="cancel", method="DELETE", url=call.url) if call.stage == "status" else None


def _usage(body: dict[str, Any]) -> Usage:
    """`0:00:12.160`; a length that is written otherwise is left to be measured."""
    found = re.fullmatch(r"(\d{1,3}):(\d\d):(\d\d(?:\.\d{1,9})?)", str(body.get("duration")))
    if not found:
        return {}
    return {"output_video_second": int(found[1]) * 3600 + int(found[2]) * 60 + Decimal(found[3])}
