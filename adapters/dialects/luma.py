"""Luma's Dream Machine: create a generation, then ask until it is completed.

Docs: https://docs.lumalabs.ai (SDK 1.21.0, read 2026-11-21). Oddities kept here: lengths are words ("5s"), every input
is a public link, a DELETE only forgets the generation and stops nothing, a refusal has no code, only words.
"""

from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, WireField
from adapters.wire import Call, Done, Failed, Pending, Progress, Reply, blamed, failed, linked, refusal

POLL_S = {Modality.IMAGE: 2.0, Modality.VIDEO: 5.0}

FIELDS: Fields = {
    name: WireField(name=name) for name in ("model", "prompt", "aspect_ratio", "resolution", "format")
} | {
    "duration_s": WireField(name="duration", form="{}s"),
    "first_frame": WireField(name="keyframes.frame0", media="link"),
    "last_frame": WireField(name="keyframes.frame1", media="link"),
    "source": WireField(name="modify_image_ref", media="link"),
    "reference": WireField(name="image_ref", media="link", many=True),
    "style": WireField(name="style_ref", media="link", many=True),
    "character": WireField(name="character_ref", media="link", many=True),
}

MIMES = {"image": "image/jpeg", "video": "video/mp4"}
REFUSAL_WORDS = ("moderation", "content policy", "blacklist", "not allowed", "blocked")
"""Seen in what Luma says of refused prompts; there is no code for it [unsure: background knowledge, not recorded]."""
NO_CREDIT_WORDS = ("insufficient credits", "insufficient balance", "not enough credits")


def submit(request: MediaRequest, offer: Offer) -> Call:
    body = spell(request, offer, FIELDS) | {"model": offer.wire_id}
    modality = request.task.modality
    memo: dict[str, JsonValue] = {"poll_s": POLL_S[modality], "kind": modality}
    return Call(stage="submit", url=f"/generations/{modality}", json_body=_nested(body), memo=memo)


def _nested(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Pictures as the objects that hold them, by the place they have."""
    frames: dict[str, JsonValue] = {
        name: {"type": "image", "url": link}
        for name in ("frame0", "frame1")
        if (link := body.pop(f"keyframes.{name}", None)) is not None
    }
    if frames:
        body["keyframes"] = frames
    for name in ("image_ref", "style_ref"):
        if isinstance(links := body.get(name), list):
            body[name] = [{"url": link} for link in links]
    if "modify_image_ref" in body:
        body["modify_image_ref"] = {"url": body["modify_image_ref"]}
    if "character_ref" in body:
        body["character_ref"] = {"identity0": {"images": body["character_ref"]}}
    return body


def called_back(call: Call, url: str) -> Call:
    assert isinstance(call.json_body, dict)
    return call.model_copy(update={"json_body": call.json_body | {"callback_url": url}})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused)
    body = reply.json()
    match body["state"]:
        case "completed":
            return _done(call, body)
        case "failed":
            return _failed(body)
        case str(word):
            status = Call(
                stage="status", method="GET", url=f"/generations/{quote(body['id'], safe='')}", memo=call.memo
            )
            return Pending(call=status, wait_s=float(str(call.memo.get("poll_s", 5.0))), provider_status=word)
        case state:
            raise ValueError(f"the state is {state!r}")


def _done(call: Call, body: dict[str, Any]) -> Done:
    kind = str(call.memo["kind"])
    return Done(outputs=(linked(body["assets"][kind], MIMES[kind]),))


def _failed(body: dict[str, Any]) -> Failed:
    reason = str(body.get("failure_reason") or "failed")
    refused = any(words in reason.lower() for words in REFUSAL_WORDS)
    return failed(Fault.CONTENT_REJECTED if refused else Fault.PROVIDER_FAULT, reason)


def _sharpened(refused: Failed) -> Failed:
    words = refused.error.message.lower()
    if refused.error.status != 400:
        return refused
    if any(each in words for each in NO_CREDIT_WORDS):
        return blamed(refused, Fault.OUT_OF_CREDIT)
    return blamed(refused, Fault.CONTENT_REJECTED) if any(each in words for each in REFUSAL_WORDS) else refused
