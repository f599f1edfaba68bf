"""Vercel's gateway models: what it lists, and its prices for tokens, pictures by size and seconds by resolution."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from adapters.wire import Call, Reply
from router.feeds.readings import ListingRow, Page, PriceRow, Source, readings_of
from router.feeds.replies import day_of, document_of, listed, only, usd_of

SOURCE = Source(
    "vercel", "https://ai-gateway.vercel.sh", "Vercel AI Gateway, https://vercel.com", "terms of the API", every_h=6
)

_UNITS = {
    "input": "input_token",
    "output": "output_token",
    "input_cache_read": "cached_input_token",
    "image": "output_image",
}


def requests(wanted: tuple[str, ...] = ()) -> tuple[Call, ...]:
    return (Call(stage="read", method="GET", url=f"{SOURCE.origin}/v1/models"),)


def read(call: Call, reply: Reply, now: datetime) -> Page:
    models = only(listed(document_of(reply), "data"))
    prices = tuple(row for model in models for row in _prices(model["id"], model.get("pricing") or {}))
    return Page(readings_of(SOURCE.name, now, tuple(map(_listing, models)), prices))


def _listing(model: Mapping[str, Any]) -> ListingRow:
    released = day_of(model.get("released"))
    return ListingRow(label=model["id"], provider=SOURCE.name, name=model.get("name"), released=released)


def _prices(label: str, pricing: Mapping[str, Any]) -> Iterator[PriceRow]:
    for word, amount in pricing.items():
        if word in _UNITS and (usd := usd_of(amount)) is not None:
            yield _row(label, _UNITS[word], word, usd)
    for tier in pricing.get("image_dimension_quality_pricing") or ():
        if (usd := usd_of(tier.get("cost"))) is not None:
            yield _row(label, "output_image", "cost", usd, _sized(tier) | _when(tier, "quality"))
    for tier in pricing.get("video_duration_pricing") or ():
        if (usd := usd_of(tier.get("cost_per_second"))) is not None:
            yield _row(label, "output_video_second", "cost_per_second", usd, _when(tier, "resolution", "audio"))
    for variant, tier in (pricing.get("video_token_pricing") or {}).items():
        if (usd := usd_of(tier.get("cost_per_million_tokens"))) is not None:
            yield PriceRow(
                label=label,
                provider=SOURCE.name,
                units=(),
                counted=f"video token, {variant}",
                usd=usd,
                per=Decimal(1_000_000),
            )


def _row(label: str, unit: str, counted: str, usd: Decimal, when: dict[str, Any] | None = None) -> PriceRow:
    return PriceRow(label=label, provider=SOURCE.name, units=(unit,), counted=counted, usd=usd, when=when or {})


def _sized(tier: Mapping[str, Any]) -> dict[str, Any]:
    """A size is "1024x1024", or a resolution such as "4K"."""
    size = str(tier.get("size") or "").lower()
    return {"size" if "x" in size else "resolution": size} if size else {}


def _when(tier: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: tier[name] for name in names if isinstance(tier.get(name), bool | int | float | str)}
