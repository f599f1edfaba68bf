"""MiniMax, second version of its paths, which the H3 models speak: a list of content in, a run to ask for.

Docs: https://platform.minimax.io/docs/api-reference (read 2026-11-21). Oddities kept here: words, pictures and sounds
are items of one list, each with its role; the shape of a picture is `adaptive` where a frame gives it; errors have real
statuses, and a run that moderation ended has only a code.
"""

from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import field_name, one_media, spell
from adapters.schema import Fields, MediaRequest, Offer, Role, WireField
from adapters.wire import Call, Done, Failed, Pending, Progress, Reply, blamed, counted, failed, linked, refusal

POLL_S = 8.0
RUNS = "/v2/video_generation"

FIELDS: Fields = {
    "model": WireField(name="model"),
    "prompt": WireField(name="content"),
    "duration_s": WireField(name="duration"),
    "aspect_ratio": WireField(name="ratio"),
    "resolution": WireField(name="resolution", values={"480p": "480P", "768p": "768P", "2k": "2K"}),
    "first_frame": WireField(name="content"),
    "last_frame": WireField(name="content"),
    "reference": WireField(name="content", many=True),
    "audio_input": WireField(name="content", many=True, media="url"),
}

KINDS = {
    Role.FIRST_FRAME: ("image_url", "first_frame"),
    Role.LAST_FRAME: ("image_url", "last_frame"),
    Role.REFERENCE: ("image_url", "reference_image"),
    Role.AUDIO: ("audio_url", "reference_audio"),
}
"""What an item of the content is, and what it is for."""

REFUSAL_CODES = frozenset({"1026", "1027"})
REFUSAL_WORDS = ("sensitive", "moderation", "content policy")
"""The codes are those of the first version; whether the second keeps to them was not seen."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    body = spell(request, offer, FIELDS) | {"model": offer.wire_id, "aigc_watermark": False}
    return Call(stage="submit", url=RUNS, json_body=body | {"content": _content(request, offer)})


def _content(request: MediaRequest, offer: Offer) -> list[JsonValue]:
    fields = FIELDS | offer.fields
    content: list[JsonValue] = [{"type": "text", "text": request.prompt}] if request.prompt else []
    for role, (kind, purpose) in KINDS.items():
        refs = [one_media(item, fields[field_name(role)]) for item in request.given(role)]
        content += [{"type": kind, kind: {"url": ref}, "role": purpose} for ref in refs]
    return content


def called_back(call: Call, url: str) -> Call:
    body = call.json_body if isinstance(call.json_body, dict) else {}
    return call.model_copy(update={"json_body": body | {"callback_url": url}})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return blamed(refused, Fault.CONTENT_REJECTED) if _is_refusal(refused) else refused
    body = reply.json()
    if call.stage == "submit":
        return _created(body["task_id"])
    run = body["task"]
    match run["status"]:
        case "succeeded":
            seconds = (run.get("usage") or {}).get("output_seconds")
            usage = counted({"output_video_second": seconds})
            return Done(outputs=(linked(run["content"]["url"], "video/mp4"),), usage=usage)
        case "failed" | "expired" | "cancelled" as word:
            return _ended(run.get("error") or {}, word)
        case str() as word:
            return Pending(call=call, wait_s=POLL_S, provider_status=word)
        case status:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")


def _created(id: object) -> Pending:
    if not isinstance(id, str) or not id:
        raise ValueError(f"{id!r} is no id")
    status = Call(stage="status", method="GET", url=f"/v2/query/video_generation/{id}", memo={"id": id})
    return Pending(call=status, wait_s=POLL_S, provider_status="queued")


def cancel(call: Call) -> Call | None:
    id = call.memo.get("id")
    return Call(stage="cancel", method="DELETE", url=f"{RUNS}/{id}") if id else None


def _ended(error: dict[str, Any], word: str) -> Failed:
    code = str(error["code"]) if error.get("code") else None
    ended = blamed(failed(Fault.PROVIDER_FAULT, error.get("message") or word), Fault.PROVIDER_FAULT, code=code)
    return blamed(ended, Fault.CONTENT_REJECTED) if _is_refusal(ended) else ended


def _is_refusal(ended: Failed) -> bool:
    """What the caller is to blame for by its words; a fault of the provider stays one whatever it says."""
    error = ended.error
    if error.status is not None and error.fault is not Fault.INVALID_REQUEST:
        return False
    return error.code in REFUSAL_CODES or any(words in error.message.lower() for words in REFUSAL_WORDS)
