"""models.dev: which models each of its providers lists, and their prices in USD for a million tokens."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from adapters.wire import Call, Reply
from router.feeds.readings import ListingRow, Notice, Page, PriceRow, Source, readings_of
from router.feeds.replies import day_of, document_of, filled, usd_of

SOURCE = Source("models.dev", "https://models.dev", "models.dev, https://models.dev", "MIT", every_h=12)

_UNITS = {"input": "input_token", "output": "output_token", "cache_read": "cached_input_token"}

_MILLION = Decimal(1_000_000)


def requests(wanted: tuple[str, ...] = ()) -> tuple[Call, ...]:
    return (Call(stage="read", method="GET", url=f"{SOURCE.origin}/api.json"),)


def read(call: Call, reply: Reply, now: datetime) -> Page:
    document = document_of(reply)
    models = [
        (provider, id, model)
        for provider, card in document.items()
        for id, model in card["models"].items()
        if isinstance(model, dict)
    ]
    listing = tuple(_listing(*each) for each in filled(models))
    prices = tuple(row for each in models for row in _prices(*each))
    notices = tuple(_notice(*each) for each in models if each[2].get("status") == "deprecated")
    return Page(readings_of(SOURCE.name, now, listing, prices, notices))


def _listing(provider: str, id: str, model: Mapping[str, Any]) -> ListingRow:
    name, released = model.get("name"), day_of(model.get("release_date"))
    return ListingRow(label=id, provider=provider, name=str(name) if name else None, released=released)


def _prices(provider: str, id: str, model: Mapping[str, Any]) -> Iterator[PriceRow]:
    for word, amount in (model.get("cost") or {}).items():
        if word in _UNITS and (usd := usd_of(amount)) is not None:
            yield PriceRow(label=id, provider=provider, units=(_UNITS[word],), counted=word, usd=usd, per=_MILLION)


def _notice(provider: str, id: str, model: Mapping[str, Any]) -> Notice:
    return Notice(label=id, channel=provider, stage="deprecated")
