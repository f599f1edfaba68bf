"""The open inference protocol (KServe's second version, Triton's too): named tensors in, named tensors out, one call.

Docs: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol and KServe's sources of August
2026 (read 2026-11-21). Oddities kept here: which tensors a model takes and gives is its own, so the card names them;
bytes in json are strings, so a picture comes as base64; an error is one string; a caller's extras are `parameters`.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Offer, Output, WireField
from adapters.wire import Call, Done, Listing, Listings, Progress, Reply, blamed, refusal

FIELDS: Fields = {
    "prompt": WireField(name="prompt"),
    "negative_prompt": WireField(name="negative_prompt"),
    "width": WireField(name="width"),
    "height": WireField(name="height"),
    "seed": WireField(name="seed"),
    "steps": WireField(name="num_inference_steps"),
    "guidance": WireField(name="guidance_scale"),
    "source": WireField(name="image", media="base64"),
    "mask": WireField(name="mask_image", media="base64"),
    "pictures": WireField(name="images"),
}
"""`pictures` names the tensor that is taken for what was made."""

REFUSAL_WORDS = ("nsfw", "moderation", "content policy", "safety check")
KINDS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


def submit(request: MediaRequest, offer: Offer) -> Call:
    made = (FIELDS | offer.fields)["pictures"].name
    said, options = spell(request, offer, FIELDS), request.extra_for(offer.provider)
    inputs: list[JsonValue] = [_tensor(name, value) for name, value in said.items() if name not in options]
    body: dict[str, JsonValue] = {"inputs": inputs, "outputs": [{"name": made}]}
    body |= {"parameters": {**options}} if options else {}
    url = f"/v2/models/{quote(offer.wire_id, safe='')}/infer"
    return Call(stage="submit", url=url, json_body=body, memo={"made": made})


def _tensor(name: str, value: JsonValue) -> dict[str, JsonValue]:
    return {"name": name, "shape": [1], "datatype": _datatype(value), "data": [value]}


def _datatype(value: JsonValue) -> str:
    """Words, and media as base64, are bytes."""
    match value:
        case bool():
            return "BOOL"
        case int():
            return "INT64"
        case float():
            return "FP32"
        case _:
            return "BYTES"


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        said = refused.error.message.lower()
        is_moderated = refused.error.status in (400, 422, 500) and any(words in said for words in REFUSAL_WORDS)
        return blamed(refused, Fault.CONTENT_REJECTED) if is_moderated else refused
    pictures = tuple(_pictures(reply.json()["outputs"], str(call.memo["made"])))
    if not pictures:
        raise ValueError(f"the reply holds no picture in a tensor named {call.memo['made']}")
    return Done(outputs=pictures)


def _pictures(tensors: list[dict[str, Any]], made: str) -> Iterator[Output]:
    """Only bytes are pictures: raw numbers would want to be told how they are laid out."""
    for tensor in tensors:
        if tensor["name"] == made and tensor["datatype"] == "BYTES":
            for words in tensor["data"]:
                yield Output(mime=_kind(words), base64=words)


def _kind(words: str) -> str:
    try:
        head = base64.b64decode(words[:16], validate=True)
    except binascii.Error as error:
        raise ValueError("a picture is not base64") from error
    return next((kind for start, kind in KINDS.items() if head.startswith(start)), "image/png")


def list_models() -> Call:
    return Call(stage="models", method="GET", url="/v2/models")


def read_models(call: Call, reply: Reply) -> Listings:
    return Listings(tuple(Listing(wire_id=name) for name in reply.json()["models"]))
