"""fal's model index and prices: every endpoint it lists, and what a unit of each costs in fal's own words for units."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from adapters.wire import Call, Reply
from router.feeds.readings import ListingRow, Page, PriceRow, Source, readings_of
from router.feeds.replies import day_of, document_of, filled, listed, only, usd_of

SOURCE = Source(
    "fal", "https://api.fal.ai", "fal, https://fal.ai", "terms of the API", 6, key_env="FAL_KEY", auth="Key {key}"
)

PAGE_MODELS = 100
"""Models asked for at once. unsure: the most that the index gives was not tried."""

ASKED_PRICES = 50
"""Endpoints in one question for prices, which go into its url."""

_SECONDS = ("output_video_second", "output_audio_second", "input_video_second")
_TOKENS = ("output_token", "output_image_token")

_UNITS: dict[str, tuple[tuple[str, ...], int]] = {
    "images": (("output_image",), 1),
    "megapixels": (("output_megapixel",), 1),
    "videos": (("output_video",), 1),
    "seconds": (_SECONDS, 1),
    "5 seconds": (_SECONDS, 5),
    "10 seconds": (_SECONDS, 10),
    "minutes": (_SECONDS, 60),
    "compute seconds": (("gpu_second",), 1),
    "1m tokens": (_TOKENS, 1_000_000),
    "1000 tokens": (_TOKENS, 1_000),
    "1000 characters": (("character",), 1_000),
    "generations": (("request", "output_image", "output_video"), 1),
}
"""fal's word → which of our units it may be, and how many of them. "seconds" are those of whatever comes out or, for
upscaling, goes in; "processed megapixels" are those in and out together, "units" and "credits" its own money."""


def requests(wanted: tuple[str, ...] = ()) -> tuple[Call, ...]:
    """The index, and the prices of those endpoints that are wanted."""
    index = Call(stage="read", method="GET", url=f"{SOURCE.origin}/v1/models?limit={PAGE_MODELS}")
    asked = [wanted[start : start + ASKED_PRICES] for start in range(0, len(wanted), ASKED_PRICES)]
    return (index, *map(_pricing, asked))


def _pricing(ids: tuple[str, ...]) -> Call:
    url = f"{SOURCE.origin}/v1/models/pricing?endpoint_id={quote(','.join(ids), safe=',/')}"
    return Call(stage="read", method="GET", url=url)


def read(call: Call, reply: Reply, now: datetime) -> Page:
    """A page of the index, a page of prices, or a kept copy of prices (one object by endpoint)."""
    document = document_of(reply)
    if isinstance(document, dict) and "models" in document:
        rows = tuple(map(_listing, only(listed(document, "models"))))
        return Page(readings_of(SOURCE.name, now, rows), _next(call, document))
    prices = document.get("prices")
    named = [{"endpoint_id": id} | row for id, row in prices.items()] if isinstance(prices, dict) else only(prices)
    priced = filled([row for each in filled(named) if (row := _price(each))])
    return Page(readings_of(SOURCE.name, now, (), tuple(priced)), _next(call, document))


def _next(call: Call, document: Mapping[str, Any]) -> Call | None:
    """The same question with the cursor that the page names."""
    cursor = document.get("next_cursor")
    if not (document.get("has_more") and cursor):
        return None
    whole, _, _ = call.url.partition("&cursor=")
    return call.model_copy(update={"url": f"{whole}&cursor={quote(str(cursor), safe='')}"})


def _listing(model: Mapping[str, Any]) -> ListingRow:
    about = model.get("metadata") or {}
    name, released = about.get("display_name"), day_of(about.get("date"))
    return ListingRow(label=model["endpoint_id"], provider=SOURCE.name, name=name, released=released)


def _price(row: Mapping[str, Any]) -> PriceRow | None:
    usd = usd_of(row.get("unit_price"))
    if usd is None or row.get("currency", "USD") != "USD":
        return None
    counted = str(row.get("unit") or row.get("billing_unit") or "")
    units, per = _UNITS.get(counted, ((), 1))
    label = row["endpoint_id"]
    return PriceRow(label=label, provider=SOURCE.name, units=units, counted=counted, usd=usd, per=Decimal(per))
