"""OpenAI images, and the many that copy it: one call, one reply, media inline or linked, partial pictures on the way.

Docs: https://platform.openai.com/docs/api-reference/images (read 2026-11-20)
"""

import json
from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import field_name, spell
from adapters.openai import broken_off, is_streamed, list_models, partial, read_models
from adapters.schema import Fields, Input, MediaRequest, Offer, Output, Role, Usage, WireField
from adapters.wire import (
    Call,
    Done,
    Failed,
    Part,
    Progress,
    Reply,
    blamed,
    counted,
    failed,
    linked,
    refusal,
)

__all__ = ["FIELDS", "list_models", "partial", "read", "read_models", "submit"]

FIELDS: Fields = {
    "model": WireField(name="model"),
    "prompt": WireField(name="prompt"),
    "negative_prompt": WireField(name="negative_prompt"),
    "count": WireField(name="n"),
    "size": WireField(name="size", form="{width}x{height}"),
    "width": WireField(name="width"),
    "height": WireField(name="height"),
    "seed": WireField(name="seed"),
    "steps": WireField(name="steps"),
    "guidance": WireField(name="guidance_scale"),
    "aspect_ratio": WireField(name="aspect_ratio"),
    "resolution": WireField(name="resolution"),
    "quality": WireField(name="quality"),
    "format": WireField(name="output_format"),
    "loras": WireField(name="image_loras"),
    "stream": WireField(name="stream"),
    "partial_images": WireField(name="partial_images"),
}

FAULTS_BY_CODE = {
    "moderation_blocked": Fault.CONTENT_REJECTED,
    "content_policy_violation": Fault.CONTENT_REJECTED,
    "content_filter": Fault.CONTENT_REJECTED,
    "contentFilter": Fault.CONTENT_REJECTED,
    "insufficient_quota": Fault.OUT_OF_CREDIT,
    "billing_hard_limit_reached": Fault.OUT_OF_CREDIT,
}
"""What the status leaves open: a 400 may be moderation, a 429 an empty account."""

FILTERED = b"ResponsibleAIPolicyViolation"
"""Azure's inner code of a refusal, whichever of several codes stands outside."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    body = spell(request, offer, FIELDS) | {"model": offer.wire_id}
    if streams := bool(body.get("partial_images")):
        body["stream"] = True
    else:
        body.pop("partial_images", None)
    if not request.inputs or any(field_name(item.role) in offer.fields for item in request.inputs):
        return Call(stage="submit", url="/images/generations", json_body=body, streams=streams)
    parts = tuple(Part(name=name, value=_text(value)) for name, value in body.items())
    form = parts + tuple(_file(item) for item in request.inputs)
    return Call(stage="submit", url="/images/edits", form=form, streams=streams)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _file(item: Input) -> Part:
    """Every picture is `image[]`, which OpenAI takes for one as for many; the mask is sent with alpha for white."""
    if item.asset is None:
        raise ValueError(f"the {item.role} input must be an asset: it is sent as a file")
    if item.role is Role.MASK:
        return Part(name="mask", asset=item.asset, mask="alpha")
    return Part(name="image[]", asset=item.asset)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused, reply)
    if is_streamed(reply):
        return _read_events(reply)
    body = reply.json()
    return _done(body, body["data"])


def _read_events(reply: Reply) -> Progress:
    """The last event has the picture and what it took. A stream that ends before it was cut off, and is a bad reply."""
    for event in reply.events():
        if error := event.get("error"):
            return _sharpened(broken_off(error, reply.status), reply)
        if event.get("type") in ("image_generation.completed", "image_edit.completed"):
            return _done(event, [event])
    return failed(Fault.BAD_REPLY, "the stream ended before the picture did")


def _done(about: dict[str, Any], images: list[dict[str, Any]]) -> Done:
    mime = f"image/{about.get('output_format') or 'png'}"
    outputs = tuple(_output(item, mime) for item in images)
    if not outputs:
        raise ValueError("the reply holds no image")
    return Done(outputs=outputs, usage=_usage(about.get("usage") or {}))


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    if refused.error.status == 400 and FILTERED in reply.body:
        return blamed(refused, Fault.CONTENT_REJECTED)
    fault = FAULTS_BY_CODE.get(refused.error.code or "")
    return blamed(refused, fault) if fault else refused


def _output(item: dict[str, Any], mime: str) -> Output:
    if words := item.get("b64_json"):
        return Output(mime=mime, base64=words)
    if not item.get("url"):
        raise ValueError("an image has neither url nor b64_json")
    return linked(item["url"], mime)


def _usage(usage: dict[str, Any]) -> Usage:
    """Tokens by kind; a copy of OpenAI that counts otherwise, or not at all, is no bad reply."""
    given = usage.get("input_tokens_details") or {}
    made = usage.get("output_tokens_details") or {}
    counts = {
        "input_token": given.get("text_tokens", usage.get("input_tokens")),
        "input_image_token": given.get("image_tokens"),
        "output_image_token": made.get("image_tokens", usage.get("output_tokens")),
        "output_token": made.get("text_tokens"),
    }
    return counted(counts)
