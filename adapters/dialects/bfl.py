"""Black Forest Labs: submit to a model's own path, then ask at the address that the reply names.

Docs: https://docs.bfl.ai (read 2026-11-21). Oddities kept here: the address to ask at is on the cluster that took the
run; a refusal is a status word inside a 200; what a run costs is said in cents when it is submitted; the link to the
result dies ten minutes after it is ready, so a run that is ready is fetched at once. A run cannot be stopped.
"""

from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, WireField
from adapters.wire import Call, Done, Pending, Progress, Reply, counted, failed, linked, refusal

POLL_S = {Modality.IMAGE: 0.5, Modality.VIDEO: 5.0}
"""Seconds between polls by kind of media: what the vendor's own examples do."""

CENTS = Decimal(100)

FIELDS: Fields = {
    name: WireField(name=name)
    for name in ("prompt", "width", "height", "aspect_ratio", "resolution", "seed", "steps", "guidance")
} | {
    "duration_s": WireField(name="duration"),
    "audio": WireField(name="generate_audio"),
    "format": WireField(name="output_format"),
    "source": WireField(name="input_image", many=True, media="base64"),
    "mask": WireField(name="mask", media="base64"),
    "first_frame": WireField(name="keyframes", many=True, media="base64"),
    "last_frame": WireField(name="keyframes", many=True, media="base64"),
}

MIMES = {"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "mp4": "video/mp4"}
DEFAULT_MIMES = {Modality.IMAGE: "image/jpeg", Modality.VIDEO: "video/mp4"}


def submit(request: MediaRequest, offer: Offer) -> Call:
    modality = request.task.modality
    memo: dict[str, JsonValue] = {"poll_s": POLL_S[modality], "modality": modality}
    body = _numbered(spell(request, offer, FIELDS))
    return Call(stage="submit", url=f"/v1/{offer.wire_id}", json_body=body, memo=memo)


def _numbered(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Several pictures to edit go by numbered names: input_image, input_image_2, input_image_3, …"""
    pictures = body.pop("input_image", None)
    if isinstance(pictures, list):
        body |= {f"input_image_{n}" if n > 1 else "input_image": each for n, each in enumerate(pictures, start=1)}
    elif pictures is not None:
        body["input_image"] = pictures
    return body


def called_back(call: Call, url: str) -> Call:
    """The same submit with our address in it. Clips take none."""
    if not isinstance(call.json_body, dict) or call.memo.get("modality") == Modality.VIDEO:
        return call
    return call.model_copy(update={"json_body": call.json_body | {"webhook_url": url}})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return refused
    body = reply.json()
    if call.stage == "submit":
        return _accepted(call, body)
    match body["status"]:
        case "Ready":
            return _done(call, body["result"])
        case "Request Moderated" | "Content Moderated" as word:
            return failed(Fault.CONTENT_REJECTED, _said(word, body.get("details")))
        case "Error" | "Failed" | "Task not found" as word:
            return failed(Fault.PROVIDER_FAULT, _said(word, body.get("details")))
        case str() as word:
            fraction = body.get("progress")
            return Pending(call=call, wait_s=_poll_s(call), fraction=fraction, provider_status=word)
        case status:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")


def _accepted(call: Call, body: dict[str, Any]) -> Pending:
    kept = {"id": body.get("id"), "cost": body.get("cost")}
    memo = call.memo | kept | {"megapixels": [body.get("input_mp"), body.get("output_mp")]}
    status = Call(stage="status", method="GET", url=body["polling_url"], memo=memo)
    return Pending(call=status, wait_s=_poll_s(call), provider_status="accepted")


def _poll_s(call: Call) -> float:
    return float(str(call.memo.get("poll_s", 1.0)))


def _said(word: str, details: object) -> str:
    """The status word, and the reasons if there are any: an object with a list, or plain words."""
    reasons = details.get("Moderation Reasons", details) if isinstance(details, dict) else details
    return f"{word}: {reasons}" if reasons else word


def _done(call: Call, result: dict[str, Any]) -> Done:
    link = result["sample"]
    given, made = _megapixels(call)
    cost = counted({"cents": call.memo.get("cost")}).get("cents")
    return Done(
        outputs=(linked(link, _mime(link, Modality(str(call.memo.get("modality", Modality.IMAGE))))),),
        usage=counted({"input_megapixel": given, "output_megapixel": made}),
        cost_usd=None if cost is None else cost / CENTS,
    )


def _megapixels(call: Call) -> tuple[JsonValue, JsonValue]:
    match call.memo.get("megapixels"):
        case [given, made]:
            return given, made
        case _:
            return None, None


def _mime(link: str, modality: Modality) -> str:
    ending = link.split("?")[0].rsplit(".", 1)[-1].lower()
    return MIMES.get(ending, DEFAULT_MIMES[modality])
