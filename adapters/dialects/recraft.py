"""Recraft: one call, one reply; words alone go as json, pictures as a form.

Docs: https://www.recraft.ai/docs/api-reference (read 2026-11-21). Generations look like OpenAI's, edits do not.
Oddities kept here: some errors are plain text; the vector models make SVG; what was charged is said in credits.
"""

import json
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import field_name, spell
from adapters.schema import Fields, Input, MediaRequest, Offer, Output, Task, WireField
from adapters.wire import Call, Done, Failed, Part, Progress, Reply, blamed, counted, linked, refusal

PATHS = {
    Task.TEXT_TO_IMAGE: "images/generations",
    Task.IMAGE_EDIT: "images/imageToImage",
    Task.INPAINT: "images/inpaint",
}
"""Where a task goes, unless the wire id is itself a path: a tool such as "images/crispUpscale", which has no model and
reads no prompt."""

FIELDS: Fields = {name: WireField(name=name) for name in ("model", "prompt", "negative_prompt")} | {
    "count": WireField(name="n"),
    "size": WireField(name="size", form="{width}x{height}"),
    "seed": WireField(name="random_seed"),
    "source": WireField(name="image"),
    "mask": WireField(name="mask"),
}

STRENGTH = 0.5
"""How far an edited picture may go from the one given: it must be said, and a caller may say otherwise in extra."""
CREDITS_PER_USD = Decimal(1000)

FAULTS_BY_WORDS = {
    "credit": Fault.OUT_OF_CREDIT,
    "moderation": Fault.CONTENT_REJECTED,
    "content policy": Fault.CONTENT_REJECTED,
    "nsfw": Fault.CONTENT_REJECTED,
}
"""What a 4xx is about, looked for in its code and message: neither is listed anywhere."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    fields = FIELDS | offer.fields
    path = offer.wire_id if "/" in offer.wire_id else PATHS[request.task]
    body = spell(request.model_copy(update={"inputs": ()}), offer, FIELDS) | {"response_format": "url"}
    if path == offer.wire_id:
        body.pop("prompt", None)
    else:
        body["model"] = offer.wire_id
    if request.task is Task.IMAGE_EDIT:
        body.setdefault("strength", STRENGTH)
    mime = "image/svg+xml" if "_vector" in offer.wire_id else "image/webp"
    call = Call(stage="submit", url=f"/{path}", memo={"mime": mime})
    if not request.inputs:
        return call.model_copy(update={"json_body": body})
    words = tuple(Part(name=name, value=_text(value)) for name, value in body.items())
    files = tuple(_file(item, fields[field_name(item.role)]) for item in request.inputs)
    return call.model_copy(update={"form": words + files})


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _file(item: Input, field: WireField) -> Part:
    if item.asset is None:
        raise ValueError(f"the {item.role} input must be an asset: it is sent as a file")
    return Part(name=field.name, asset=item.asset, mask=field.mask)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused)
    body = reply.json()
    found = body["data"] if "data" in body else [body["image"]]
    if not found:
        raise ValueError("the reply holds no picture")
    mime = str(call.memo.get("mime", "image/webp"))
    credits = counted({"credits": body.get("credits")}).get("credits")
    return Done(
        outputs=tuple(_output(item, mime) for item in found),
        usage=counted({"output_image": len(found)}),
        cost_usd=None if credits is None else credits / CREDITS_PER_USD,
    )


def _output(item: dict[str, Any], mime: str) -> Output:
    if words := item.get("b64_json"):
        return Output(mime=mime, base64=words)
    return linked(item["url"], mime)


def _sharpened(refused: Failed) -> Failed:
    """Only what would blame the caller's request is looked at more closely."""
    error = refused.error
    if error.fault is not Fault.INVALID_REQUEST:
        return refused
    said = f"{error.code} {error.message}".lower().replace("_", " ")
    fault = next((fault for words, fault in FAULTS_BY_WORDS.items() if words in said), None)
    return blamed(refused, fault) if fault else refused
