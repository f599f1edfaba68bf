"""xAI's pictures: one call, one reply, as OpenAI's, but edits are json too and the money is in the reply.

Docs: https://docs.x.ai/docs/guides/image-generations (read 2026-11-21). Oddities kept here: a moderated picture is an
HTTP 200 with `respect_moderation: false`, and is charged all the same; one tick is 1e-10 USD.
"""

from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import one_media, spell
from adapters.schema import Fields, MediaRequest, Offer, Output, WireField
from adapters.wire import Call, Done, Progress, Reply, blamed, counted, failed, linked, refusal

FIELDS: Fields = {
    "model": WireField(name="model"),
    "prompt": WireField(name="prompt"),
    "response_format": WireField(name="response_format"),
    "image": WireField(name="image"),
    "images": WireField(name="images"),
    "count": WireField(name="n"),
    "aspect_ratio": WireField(name="aspect_ratio"),
    "resolution": WireField(name="resolution"),
    "quality": WireField(name="quality"),
}

PICTURE = WireField(name="image", media="url")
TICKS = Decimal(10) ** 10
REFUSAL_WORDS = ("moderation", "content policy", "safety")
"""Seen in the words of a 400, which has no code for it."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    """Pictures come inline, since the links die soon."""
    body = spell(request, offer, FIELDS) | {"model": offer.wire_id, "response_format": "b64_json"}
    if not request.inputs:
        return Call(stage="submit", url="/images/generations", json_body=body)
    given: list[JsonValue] = [{"url": one_media(item, PICTURE), "type": "image_url"} for item in request.inputs]
    body |= {"image": given[0]} if len(given) == 1 else {"images": given}
    return Call(stage="submit", url="/images/edits", json_body=body)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        moderated = refused.error.status == 400 and any(w in refused.error.message.lower() for w in REFUSAL_WORDS)
        return blamed(refused, Fault.CONTENT_REJECTED) if moderated else refused
    body = reply.json()
    cost_usd, items = _cost_usd(body.get("usage")), body["data"]
    if not items:
        raise ValueError("the reply holds no image")
    shown = [item for item in items if item.get("respect_moderation") is not False]
    if not shown:
        refused = failed(Fault.CONTENT_REJECTED, "every picture was kept back by moderation")
        return refused.model_copy(update={"cost_usd": cost_usd, "usage": counted({"output_image": len(items)})})
    return Done(
        outputs=tuple(_output(item) for item in shown), usage=counted({"output_image": len(items)}), cost_usd=cost_usd
    )


def _output(item: dict[str, Any]) -> Output:
    mime = item.get("mime_type") or "image/jpeg"
    return Output(mime=mime, base64=item["b64_json"]) if item.get("b64_json") else linked(item["url"], mime)


def _cost_usd(usage: Any) -> Decimal | None:
    ticks = counted({"tick": (usage or {}).get("cost_in_usd_ticks")}).get("tick")
    return None if ticks is None else ticks / TICKS
