"""Google's Interactions: pictures in one reply, clips in the background and then fetched with the key; no chat.

Docs: https://ai.google.dev/gemini-api/docs/interactions (read 2026-11-21). Oddities kept here: a refusal is an
interaction that failed with a code of its own; outputs are among the steps, and only those of the last one count.
"""

from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.google import inline, list_models, place, read_models, redirected, sharpened
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, Role, Usage, WireField
from adapters.wire import Call, Done, Pending, Progress, Reply, counted, failed, linked, refusal

__all__ = ["FIELDS", "cancel", "list_models", "read", "read_models", "submit"]

POLL_S = 5.0

RESERVED = ("model", "input", "video_config", "delivery", "service_tier")

FIELDS: Fields = {name: WireField(name=name) for name in RESERVED} | {
    "aspect_ratio": WireField(name="aspect_ratio"),
    "resolution": WireField(name="resolution"),
    "duration_s": WireField(name="duration", form="{}s"),
    "seed": WireField(name="seed"),
    "audio": WireField(name="audio", values={"true": None}),
}
"""A value of null is left unsaid: clips have sound always."""

FORMAT = frozenset({"aspect_ratio", "image_size", "resolution", "duration"})
"""What belongs to the form of the output; all the rest is for the generation."""

MIMES = {"image": "image/png", "video": "video/mp4"}
KINDS = {"text": "output_token", "image": "output_image_token", "video": "output_video_token"}
REFUSED = ("block", "safety", "prohibited", "policy", "moderation")
STOPPED = ("failed", "cancelled", "incomplete", "budget_exceeded", "requires_action", "requires_continuation")
"""The last two are for talks with tools, which we never begin."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    spelled: dict[str, JsonValue] = {
        name: value for name, value in spell(request, offer, FIELDS).items() if value is not None
    }
    form: dict[str, JsonValue] = {name: spelled.pop(name) for name in FORMAT & spelled.keys()}
    form["type"] = modality = request.task.modality
    seen = [_media(item.asset) for item in request.inputs]
    is_clip = modality is Modality.VIDEO
    if is_clip:
        form["delivery"] = "uri"
        spelled["video_config"] = {"task": _task(request)}
    body: dict[str, JsonValue] = {
        "model": offer.wire_id,
        "input": [{"type": "user_input", "content": [{"type": "text", "text": request.prompt}, *seen]}],
        "response_format": form,
        "background": is_clip,
        "store": is_clip,
    }
    body |= {"generation_config": spelled} if spelled else {}
    return Call(stage="submit", url="/interactions", json_body=body)


def _task(request: MediaRequest) -> str:
    if request.given(Role.FIRST_FRAME):
        return "image_to_video"
    return "reference_to_video" if request.inputs else "text_to_video"


def _media(asset: str | None) -> JsonValue:
    if asset is None:
        raise ValueError("an input must be an asset: it is sent as bytes")
    return inline(asset, "mime_type", "data") | {"type": "image"}


def read(call: Call, reply: Reply) -> Progress:
    if onward := redirected(call, reply):
        return onward
    if refused := refusal(call, reply):
        return sharpened(refused, reply)
    if call.stage == "content":
        return _kept(call, reply)
    body = reply.json()
    match body["status"]:
        case "completed":
            return _finished(body)
        case str(word) if word in STOPPED:
            return _failed(body, word)
        case str(word):
            return Pending(call=_asked(body["id"]), wait_s=POLL_S, provider_status=word)
        case word:
            return failed(Fault.BAD_REPLY, f"{call.stage}: {word!r} is no status")


def cancel(call: Call) -> Call | None:
    url = call.url.replace("?stream=false", "/cancel")
    return Call(stage="cancel", url=url) if call.stage == "status" else None


def _asked(id: str) -> Call:
    return Call(stage="status", method="GET", url=f"/interactions/{quote(id, safe='')}?stream=false")


def _failed(body: dict[str, Any], word: str) -> Progress:
    errors = [*(body.get("errors") or ()), *(step["error"] for step in body.get("steps") or () if step.get("error"))]
    said = " ".join(f"{error.get('code')} {error.get('message')}" for error in errors)
    fault = Fault.CONTENT_REJECTED if any(each in said.lower() for each in REFUSED) else Fault.PROVIDER_FAULT
    message = next((error["message"] for error in errors if error.get("message")), word)
    return failed(fault, message).model_copy(update={"usage": _usage(body.get("usage") or {"total_tokens": 0})})


def _finished(body: dict[str, Any]) -> Progress:
    usage = _usage(body.get("usage") or {})
    steps = [step.get("content") or () for step in body.get("steps") or () if step["type"] == "model_output"]
    content = steps[-1] if steps else ()
    made = [part for part in content if part["type"] in MIMES]
    if not made:
        words = "".join(part.get("text") or "" for part in content)
        ended = failed(Fault.CONTENT_REJECTED if words else Fault.BAD_REPLY, words or "nothing was made")
        return ended.model_copy(update={"usage": usage})
    if (link := place(made[0].get("uri") or "")).startswith("/"):
        memo: dict[str, JsonValue] = {unit: str(quantity) for unit, quantity in usage.items()}
        memo["mime"] = made[0].get("mime_type") or MIMES["video"]
        return Pending(call=Call(stage="content", method="GET", url=link, memo=memo, stores=True))
    return Done(outputs=tuple(_output(part) for part in made), usage=usage)


def _output(part: dict[str, Any]) -> Output:
    mime = part.get("mime_type") or MIMES[part["type"]]
    return Output(mime=mime, base64=part["data"]) if "data" in part else linked(part["uri"], mime)


def _kept(call: Call, reply: Reply) -> Progress:
    if reply.stored is None:
        return failed(Fault.BAD_REPLY, "the clip's link gives no clip")
    usage = counted({name: value for name, value in call.memo.items() if name.endswith("_token")})
    return Done(outputs=(Output(mime=str(call.memo["mime"]), stored=reply.stored),), usage=usage)


def _usage(usage: dict[str, Any]) -> Usage:
    """Every unit is said, zeros too. Thoughts are priced as words."""
    made = {each["modality"]: each["tokens"] for each in usage.get("output_tokens_by_modality") or ()}
    counts = {unit: made.get(kind, 0) for kind, unit in KINDS.items()}
    counts["output_token"] += usage.get("total_thought_tokens") or 0
    seen = sum(e["tokens"] for e in usage.get("input_tokens_by_modality") or () if e["modality"] == "image")
    given = usage.get("total_input_tokens") or 0
    return counted(counts | {"input_token": given - seen, "input_image_token": seen}) if usage else {}
