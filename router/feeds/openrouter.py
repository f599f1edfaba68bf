"""OpenRouter's models, video models apart: what it lists, its prices, and the models it says will leave."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
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


_SECONDS = re.compile(
    r"(?:duration_seconds(?:_(?P<audio>with|without)_audio)?|cents_per_video_output_second|cents_per_second_output)"
    r"(?:_(?P<resolution>\d{3,4}p|[124]k))?",
    re.IGNORECASE,
)


def requests(wanted: tuple[str, ...] = ()) -> tuple[Call, ...]:
    """Models and video models: together they are the listing."""
    paths = ("/api/v1/models", "/api/v1/videos/models")
    return tuple(Call(stage="read", method="GET", url=f"{SOURCE.origin}{path}") for path in paths)


def read(call: Call, reply: Reply, now: datetime) -> Page:
    models = only(listed(document_of(reply), "data"))
    prices = tuple(row for model in models for row in _prices(model))
    notices = tuple(notice for model in models for notice in _notices(model))
    return Page(readings_of(SOURCE.name, now, tuple(map(_listing, filled(models))), prices, notices))


def _listing(model: Mapping[str, Any]) -> ListingRow:
    """`created` is when OpenRouter added it, which is at most days after its release."""
    released = day_of(model.get("created"))
    return ListingRow(label=model["id"], provider=SOURCE.name, name=model.get("name"), released=released)


def _prices(model: Mapping[str, Any]) -> Iterator[PriceRow]:
    for word, amount in (model.get("pricing") or {}).items():
        if word in _UNITS and (usd := usd_of(amount)) is not None:
            yield _row(model["id"], (_UNITS[word],), word, usd)
    for word, amount in (model.get("pricing_skus") or {}).items():
        if (usd := usd_of(amount)) is not None:
            yield _sku(model["id"], word, usd / 100 if word.startswith("cents_") else usd)


def _sku(label: str, word: str, usd: Decimal) -> PriceRow:
    """A price of a video model: its word holds the unit and what it depends on."""
    found = _SECONDS.fullmatch(word)
    if found is None:
        return _row(label, (), word, usd)
    when: dict[str, Any] = {"resolution": found["resolution"].lower()} if found["resolution"] else {}
    heard = {"audio": found["audio"] == "with"} if found["audio"] else {}
    return _row(label, ("output_video_second",), word, usd, when | heard)


def _row(label: str, units: tuple[str, ...], word: str, usd: Decimal, when: dict[str, Any] | None = None) -> PriceRow:
    return PriceRow(label=label, provider=SOURCE.name, units=units, counted=word, usd=usd, when=when or {})


def _notices(model: Mapping[str, Any]) -> Iterator[Notice]:
    if ends := day_of(model.get("expiration_date")):
        url = f"{SOURCE.origin}/{model['id']}"
        yield Notice(label=model["id"], channel=SOURCE.name, stage="shutdown", ends=ends, url=url)
