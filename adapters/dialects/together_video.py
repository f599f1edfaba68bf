"""Together's clips: create a job, ask until it ends, take the link. Pictures and chat there are OpenAI's protocols.

Docs: https://docs.together.ai/reference/create-videos, and the Python client 3.1.1 (read 2026-11-21). Oddities kept
here: the path is of another version than the rest; a length is a word; a refusal has no code, only words.
"""

from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import one_media, spell
from adapters.schema import Fields, MediaRequest, Offer, Role, WireField
from adapters.wire import Call, Done, Failed, Pending, Progress, Reply, blamed, counted, failed, linked, refusal

POLL_S = 5.0
"""Seconds between polls: a clip takes a minute or more."""

FIELDS: Fields = {
    "model": WireField(name="model"),
    "prompt": WireField(name="prompt"),
    "negative_prompt": WireField(name="negative_prompt"),
    "size": WireField(name="size"),
    "width": WireField(name="width"),
    "height": WireField(name="height"),
    "aspect_ratio": WireField(name="ratio"),
    "resolution": WireField(name="resolution"),
    "duration_s": WireField(name="seconds", form="{}"),
    "fps": WireField(name="fps"),
    "seed": WireField(name="seed"),
    "steps": WireField(name="steps"),
    "guidance": WireField(name="guidance_scale"),
    "audio": WireField(name="generate_audio"),
    "first_frame": WireField(name="media"),
    "last_frame": WireField(name="media"),
    "reference": WireField(name="media"),
    "source": WireField(name="media", media="url"),
}

FRAMES = {Role.FIRST_FRAME: "first", Role.LAST_FRAME: "last"}

REFUSAL_WORDS = ("nsfw", "moderation", "content policy", "safety")


def submit(request: MediaRequest, offer: Offer) -> Call:
    """A size from a list, too, is said as its width and height."""
    body = spell(request, offer, FIELDS) | {"model": offer.wire_id}
    if isinstance(size := body.pop("size", None), dict):
        body |= size
    if request.inputs:
        body["media"] = _media(request, FIELDS | offer.fields)
    return Call(stage="submit", url="{root}/v2/videos", json_body=body)


def _media(request: MediaRequest, fields: Fields) -> dict[str, JsonValue]:
    """Frames say where they stand in the clip; what is only to be looked at, and a clip to work on, stand apart."""
    refs = [(item.role, one_media(item, fields[item.role.value])) for item in request.inputs]
    frames: list[JsonValue] = [{"input_image": ref, "frame": FRAMES[role]} for role, ref in refs if role in FRAMES]
    seen: list[JsonValue] = [ref for role, ref in refs if role is Role.REFERENCE]
    clip = [ref for role, ref in refs if role is Role.SOURCE]
    media: dict[str, JsonValue] = {"frame_images": frames, "reference_images": seen}
    return {name: value for name, value in media.items() if value} | ({"source_video": clip[0]} if clip else {})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        is_moderated = refused.error.status in (400, 422) and _is_refusal(refused.error.message)
        return blamed(refused, Fault.CONTENT_REJECTED) if is_moderated else refused
    body = reply.json()
    match body["status"]:
        case "completed":
            return _done(body)
        case "failed" | "cancelled" as word:
            return _failed(body, word)
        case str(word):
            poll = Call(stage="status", method="GET", url=f"{{root}}/v2/videos/{body['id']}")
            return Pending(call=poll, wait_s=POLL_S, provider_status=word)
        case status:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")


def _is_refusal(message: str) -> bool:
    return any(words in message.lower() for words in REFUSAL_WORDS)


def _done(body: dict[str, Any]) -> Done:
    """The reply says what the clip cost, in dollars."""
    made = body["outputs"]
    cost_usd = counted({"usd": made.get("cost")}).get("usd")
    return Done(outputs=(linked(made["video_url"], "video/mp4"),), cost_usd=cost_usd)


def _failed(body: dict[str, Any], word: str) -> Failed:
    """What went wrong stands in `error`, or in a list under `info`."""
    errors = (body.get("info") or {}).get("errors") or [body.get("error") or word]
    said = errors[0]
    message = str(said.get("message") or said) if isinstance(said, dict) else str(said)
    return failed(Fault.CONTENT_REJECTED if _is_refusal(message) else Fault.PROVIDER_FAULT, message)
