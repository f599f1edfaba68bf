"""xAI's clips: begin, then ask by the request's id until it is done; the clip comes as a link that dies soon.

Docs: https://docs.x.ai/docs/guides/video-generations (read 2026-11-21). Oddities kept here: while it runs the answer is
an HTTP 202 that may be empty; a moderated clip is `done` with `respect_moderation: false`, and is charged all the same;
one tick is 1e-10 USD.
"""

import re
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import one_media, spell
from adapters.schema import Fields, Input, MediaRequest, Offer, Role, WireField
from adapters.wire import Call, Done, Pending, Progress, Reply, blamed, counted, failed, linked, refusal

POLL_S = 5.0

RESERVED = (
    "model",
    "image",
    "last_frame",
    "video",
    "reference_images",
    "keyframes",
    "reference_audios",
    "storage_options",
)

FIELDS: Fields = {f"the request's {name}": WireField(name=name) for name in RESERVED} | {
    "prompt": WireField(name="prompt"),
    "duration_s": WireField(name="duration"),
    "aspect_ratio": WireField(name="aspect_ratio"),
    "resolution": WireField(name="resolution"),
    "audio": WireField(name="generate_audio"),
}

MEDIA = WireField(name="url", media="url")
ID = re.compile(r"[A-Za-z0-9_-]{1,256}")
TICKS = Decimal(10) ** 10
REFUSAL_WORDS = ("moderation", "moderated", "content policy", "safety")
"""Seen in the words of an error, which has no code for it."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    body = spell(request, offer, FIELDS) | {"model": offer.wire_id}
    if source := request.given(Role.SOURCE):
        return Call(stage="submit", url="/videos/edits", json_body=body | {"video": _media(source[0])})
    for role, name in ((Role.FIRST_FRAME, "image"), (Role.LAST_FRAME, "last_frame")):
        if given := request.given(role):
            body[name] = _media(given[0])
    if references := request.given(Role.REFERENCE):
        body["reference_images"] = [_media(item) for item in references]
    return Call(stage="submit", url="/videos/generations", json_body=body)


def _media(item: Input) -> JsonValue:
    return {"url": one_media(item, MEDIA)}


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        moderated = refused.error.status == 400 and _is_refusal(refused.error.message)
        return blamed(refused, Fault.CONTENT_REJECTED) if moderated else refused
    if call.stage == "submit":
        return _asked(reply.json()["request_id"])
    body = reply.json() if reply.body.strip() or reply.status != 202 else {"status": "pending"}
    match body.get("status", "pending" if reply.status == 202 else None):
        case "done":
            return _done(body)
        case "failed" | "expired" as word:
            return _failed(body, word)
        case str(word):
            return Pending(call=call, wait_s=POLL_S, fraction=_fraction(body.get("progress")), provider_status=word)
        case word:
            return failed(Fault.BAD_REPLY, f"{call.stage}: {word!r} is no status")


def _asked(id: str) -> Pending:
    if not ID.fullmatch(id):
        raise ValueError("a request has no proper id")
    return Pending(call=Call(stage="status", method="GET", url=f"/videos/{id}"), wait_s=POLL_S)


def _fraction(progress: object) -> float | None:
    """Progress is said in percent."""
    return progress / 100 if isinstance(progress, int | float) and 0 <= progress <= 100 else None


def _done(body: dict[str, Any]) -> Progress:
    video, cost_usd = body["video"], _cost_usd(body.get("usage"))
    if video.get("respect_moderation") is False:
        refused = failed(Fault.CONTENT_REJECTED, "the clip was kept back by moderation")
        return refused.model_copy(update={"cost_usd": cost_usd})
    usage = counted({"output_video_second": video.get("duration")})
    return Done(outputs=(linked(video["url"], "video/mp4"),), usage=usage, cost_usd=cost_usd)


def _failed(body: dict[str, Any], word: str) -> Progress:
    error = body.get("error") or {}
    said = f"{error.get('code') or ''} {error.get('message') or ''}".strip() or word
    fault = Fault.CONTENT_REJECTED if _is_refusal(said) else Fault.PROVIDER_FAULT
    ended = failed(fault, error.get("message") or said)
    return ended.model_copy(update={"cost_usd": _cost_usd(body.get("usage"))})


def _is_refusal(message: str) -> bool:
    return any(words in message.lower() for words in REFUSAL_WORDS)


def _cost_usd(usage: Any) -> Decimal | None:
    ticks = counted({"tick": (usage or {}).get("cost_in_usd_ticks")}).get("tick")
    return None if ticks is None else ticks / TICKS
