"""Portkey's open price lists, one file for each provider, written in US cents for one of each unit."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from adapters.wire import Call, Reply
from router.feeds.readings import Page, PriceReading, PriceRow, Source
from router.feeds.replies import document_of, filled, usd_of

SOURCE = Source(
    "portkey", "https://raw.githubusercontent.com", "Portkey, https://github.com/Portkey-AI/models", "MIT", every_h=12
)

PROVIDERS = ("azure-ai", "byteplus", "fal-ai", "google", "openai", "together-ai", "vertex-ai", "x-ai")

_CENTS = Decimal(100)

_UNITS = {
    "request_token": "input_token",
    "response_token": "output_token",
    "cache_read_input_token": "cached_input_token",
    "request_text_token": "input_token",
    "response_text_token": "output_token",
    "cache_read_text_input_token": "cached_input_token",
    "request_image_token": "input_image_token",
    "response_image_token": "output_image_token",
    "image_token": "output_image_token",
    "input_image": "input_image",
    "megapixels": "output_megapixel",
    "video_seconds": "output_video_second",
}

_SIZED_SECONDS = re.compile(r"video_duration_seconds_(\d+)_(\d+)")


def requests(wanted: tuple[str, ...] = ()) -> tuple[Call, ...]:
    return tuple(request(provider) for provider in PROVIDERS)


def request(provider: str) -> Call:
    url = f"{SOURCE.origin}/Portkey-AI/models/main/pricing/{provider}.json"
    return Call(stage="read", method="GET", url=url, memo={"provider": provider})


def read(call: Call, reply: Reply, now: datetime) -> Page:
    provider = str(call.memo["provider"])
    priced = [
        row
        for label, entry in document_of(reply).items()
        if label != "default"
        for row in _prices(provider, label, entry["pricing_config"].get("pay_as_you_go") or {})
    ]
    rows = tuple(filled(priced))
    return Page((PriceReading(source=SOURCE.name, part=provider, taken_at=now, rows=rows),))


def _prices(provider: str, label: str, rates: Mapping[str, Any]) -> Iterator[PriceRow]:
    for word, rate in (*rates.items(), *(rates.get("additional_units") or {}).items()):
        unit, when = _counted(word)
        if unit and (usd := usd_of(rate.get("price"))) is not None:
            yield _row(provider, label, unit, word, usd, when)
    for quality, sizes in (rates.get("image") or {}).items():
        for size, rate in sizes.items():
            if (usd := usd_of(rate.get("price"))) is not None:
                when = {name: said for name, said in (("quality", quality), ("size", size)) if said != "default"}
                yield _row(provider, label, "output_image", "image", usd, when)


def _row(provider: str, label: str, unit: str, counted: str, cents: Decimal, when: dict[str, Any]) -> PriceRow:
    usd = cents / _CENTS
    return PriceRow(label=label, provider=provider, units=(unit,), counted=counted, usd=usd, when=when)


def _counted(word: str) -> tuple[str | None, dict[str, Any]]:
    if sized := _SIZED_SECONDS.fullmatch(word):
        return "output_video_second", {"size": f"{sized[1]}x{sized[2]}"}
    return _UNITS.get(word), {}
