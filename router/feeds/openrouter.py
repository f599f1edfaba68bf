"""OpenRouter's models: what it lists, its prices for single tokens and pictures, and the models it says will leave."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from adapters.wire import Call, Reply
from router.feeds.readings import ListingRow, Notice, Page, PriceRow, Source, readings_of
from router.feeds.replies import day_of, document_of, filled, listed, only, usd_of

SOURCE = Source("openrouter", "https://openrouter.ai", "OpenRouter, https://openrouter.ai", "terms of the API", 6)

_UNITS = {
    "prompt": "input_token",
    "completion": "output_token",
    "input_cache_read": "cached_input_token",
    "image": "input_image",
    "request": "request",
}


def requests(wanted: tuple[str, ...] = ()) -> tuple[Call, ...]:
    return (Call(stage="read", method="GET", url=f"{SOURCE.origin}/api/v1/models"),)


def read(call: Call, reply: Reply, now: datetime) -> Page:
    models = only(listed(document_of(reply), "data"))
    prices = tuple(row for model in models for row in _prices(model))
    notices = tuple(notice for model in models for notice in _notices(model))
    return Page(readings_of(SOURCE.name, now, tuple(map(_listing, filled(models))), prices, notices))


def _listing(model: Mapping[str, Any]) -> ListingRow:
    """`created` is when OpenRouter added it, which is at most days after its release."""
    return ListingRow(label=model["id"], provider=SOURCE.name, name=model["name"], released=day_of(model["created"]))


def _prices(model: Mapping[str, Any]) -> Iterator[PriceRow]:
    for word, amount in (model.get("pricing") or {}).items():
        if word in _UNITS and (usd := usd_of(amount)) is not None:
            yield PriceRow(label=model["id"], provider=SOURCE.name, units=(_UNITS[word],), counted=word, usd=usd)


def _notices(model: Mapping[str, Any]) -> Iterator[Notice]:
    if ends := day_of(model.get("expiration_date")):
        url = f"{SOURCE.origin}/{model['id']}"
        yield Notice(label=model["id"], channel=SOURCE.name, stage="shutdown", ends=ends, url=url)
