"""Ideogram, second version: a form to the path of an operation and a model, then a generation to ask for.

Docs: https://developer.ideogram.ai (read 2026-11-21). Oddities kept here: ratios are written 16x9; a mask is black
where the picture is to change; a picture that moderation withholds has no link, but is billed; the cost is said in
millionths of a dollar when the generation is asked for. All runs in the background: no call waits for a picture.
"""

import json
from typing import Any, TypeVar

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import field_name, spell
from adapters.schema import Fields, Input, MediaRequest, Offer, Output, WireField
from adapters.wire import Call, Done, Failed, Part, Pending, Progress, Reply, blamed, counted, failed, linked, refusal

T = TypeVar("T", Done, Failed)

POLL_S = 1.5
MICROS = 1_000_000

SHAPES = (
    "1:4", "4:1", "1:3", "3:1", "1:2", "2:1", "9:16", "16:9", "10:16", "16:10", "2:3", "3:2", "3:4", "4:3", "4:5",
    "5:4", "1:1", "9:21", "21:9", "auto",
)  # fmt: skip
RATIOS: dict[str, JsonValue] = {shape: shape.replace(":", "x") for shape in SHAPES}

FIELDS: Fields = {name: WireField(name=name) for name in ("prompt", "negative_prompt", "seed", "quality")} | {
    "count": WireField(name="num_images"),
    "aspect_ratio": WireField(name="aspect_ratio", values=RATIOS),
    "size": WireField(name="size", form="{width}x{height}"),
    "resolution": WireField(name="output_resolution"),
    "source": WireField(name="image"),
    "mask": WireField(name="mask", mask="black"),
    "style": WireField(name="style_reference_images", many=True),
    "character": WireField(name="character_reference_images", many=True),
}

REFUSAL_WORDS = ("safety", "moderation", "unsafe", "policy")
"""What the reason of a failed generation is looked through for; it has no code."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    """The wire id names the operation and the model: "generate/ideogram-4"."""
    fields = FIELDS | offer.fields
    body = spell(request.model_copy(update={"inputs": ()}), offer, FIELDS) | {"async": True}
    words = tuple(Part(name=name, value=_text(value)) for name, value in body.items())
    files = tuple(_file(item, fields[field_name(item.role)]) for item in request.inputs)
    return Call(stage="submit", url=f"/v2/image/{offer.wire_id}", form=words + files)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _file(item: Input, field: WireField) -> Part:
    if item.asset is None:
        raise ValueError(f"the {item.role} input must be an asset: it is sent as a file")
    return Part(name=field.name, asset=item.asset, mask=field.mask)


def called_back(call: Call, url: str) -> Call:
    return call.model_copy(update={"form": (*call.form, Part(name="webhook_url", value=url))})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused, reply)
    body = reply.json()
    match body.get("status"), body.get("data"):
        case "failed", _:
            reason = str(body.get("failure_reason") or "failed")
            is_refusal = any(word in reason.lower() for word in REFUSAL_WORDS)
            return _billed(failed(Fault.CONTENT_REJECTED if is_refusal else Fault.PROVIDER_FAULT, reason), body)
        case "completed" | None, [_, *_] as pictures:
            return _made(pictures, body)
        case "completed", _:
            raise ValueError("the generation holds no picture")
        case (str() | None) as word, _:
            return _pending(body["generation_id"], word)
        case status, _:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")


def _pending(id: object, word: str | None) -> Pending:
    if not isinstance(id, str) or not id:
        raise ValueError(f"{id!r} is no id")
    status = Call(stage="status", method="GET", url=f"/v2/generations/{id}")
    return Pending(call=status, wait_s=POLL_S, provider_status=word or "accepted")


def _made(pictures: list[dict[str, Any]], body: dict[str, Any]) -> Done | Failed:
    """Those that were withheld are billed like the others."""
    usage = counted({"output_image": len(pictures)})
    outputs = tuple(_output(picture) for picture in pictures if picture.get("url"))
    if outputs:
        return _billed(Done(outputs=outputs, usage=usage), body)
    if not any(picture.get("is_image_safe") is False for picture in pictures):
        raise ValueError("no picture has a link")
    withheld = failed(Fault.CONTENT_REJECTED, f"all of the {len(pictures)} pictures made were withheld as unsafe")
    return _billed(withheld.model_copy(update={"usage": usage}), body)


def _output(picture: dict[str, Any]) -> Output:
    return linked(picture["url"], "image/png")


def _billed(progress: T, body: dict[str, Any]) -> T:
    """With what Ideogram says that it charges, if it says so."""
    micros = counted({"micros": body.get("usage_cost_usd_micros")}).get("micros")
    return progress if micros is None else progress.model_copy(update={"cost_usd": micros / MICROS})


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    """A 422 with Ideogram's own words is its moderation; a shortage says of what."""
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return refused
    match body:
        case {"error": str(words)} if reply.status == 422:
            return blamed(refused, Fault.CONTENT_REJECTED, words)
        case {"error": str(words), "reject_reason": str(reason)}:
            return blamed(refused, refused.error.fault, words, reason)
        case _:
            return refused
