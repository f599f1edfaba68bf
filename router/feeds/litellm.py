"""LiteLLM's public price list: rates by unit for thousands of models at many providers, and when some of them end.

Batch, priority and long-context rates are left out: they are other terms of the same model, which we do not offer.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from adapters.wire import Call, Reply
from router.feeds.readings import Notice, Page, PriceRow, Source, readings_of
from router.feeds.replies import day_of, document_of, filled, usd_of

SOURCE = Source(
    "litellm", "https://raw.githubusercontent.com", "LiteLLM, https://github.com/BerriAI/litellm", "MIT", every_h=12
)

URL = f"{SOURCE.origin}/BerriAI/litellm/main/model_prices_and_context_window.json"

_PIXELS = Decimal(1_000_000)

_PER_SECOND = re.compile(r"output_cost_per(?:_video_per)?_second(?:_(\d{3,4}p|[124]k))?")
_PER_IMAGE = re.compile(r"output_cost_per_image(?:_([124]K))?")

_UNITS = {
    "input_cost_per_token": "input_token",
    "output_cost_per_token": "output_token",
    "cache_read_input_token_cost": "cached_input_token",
    "input_cost_per_image_token": "input_image_token",
    "output_cost_per_image_token": "output_image_token",
    "input_cost_per_character": "character",
    "input_cost_per_request": "request",
    "input_cost_per_video_per_second": "input_video_second",
}

_SIZE = re.compile(r"(\d{2,5})-x-(\d{2,5})")
_STEPS = re.compile(r"(\d+|max)-steps")
_QUALITIES = frozenset({"low", "medium", "high", "standard", "hd"})


class _Counted(NamedTuple):
    unit: str
    times: Decimal = Decimal(1)
    resolution: str | None = None


def requests(wanted: tuple[str, ...] = ()) -> tuple[Call, ...]:
    return (Call(stage="read", method="GET", url=URL),)


def read(call: Call, reply: Reply, now: datetime) -> Page:
    """The list says no date: it is of now."""
    document = document_of(reply)
    models = [(key, entry) for key, entry in document.items() if key != "sample_spec" and isinstance(entry, dict)]
    prices = filled([row for key, entry in models for row in _prices(key, entry)])
    notices = tuple(notice for key, entry in models for notice in _notices(key, entry))
    return Page(readings_of(SOURCE.name, now, (), tuple(prices), notices))


def _prices(key: str, entry: Mapping[str, Any]) -> Iterator[PriceRow]:
    label, when = _label(key)
    for field, amount in entry.items():
        usd = usd_of(amount) if "cost" in field else None
        counted = _counted(field, entry) if usd is not None else None
        if usd is not None and counted is not None:
            tier = {"resolution": counted.resolution} if counted.resolution else {}
            yield PriceRow(
                label=label,
                provider=str(entry.get("litellm_provider") or "unknown"),
                units=(counted.unit,),
                counted=field,
                usd=usd * counted.times,
                when=when | tier,
            )


def _counted(field: str, entry: Mapping[str, Any]) -> _Counted | None:
    """Our unit for one of its fields; None for what is not offered here or not counted so."""
    mode = entry.get("mode")
    draws = mode in ("image_generation", "image_edit")
    if unit := _UNITS.get(field):
        return _Counted(unit)
    if found := _PER_SECOND.fullmatch(field):
        unit = "output_video_second" if mode == "video_generation" else "output_audio_second"
        return _Counted(unit, resolution=found[1]) if mode in ("video_generation", "audio_speech") else None
    if found := _PER_IMAGE.fullmatch(field):
        return _Counted("output_image", resolution=(found[1] or "").lower() or None)
    if field == "input_cost_per_image":  # older entries of models that only draw write the price of a picture here
        return _Counted("output_image" if draws and "output_cost_per_image" not in entry else "input_image")
    if field in ("input_cost_per_pixel", "output_cost_per_pixel") and draws:
        return _Counted("output_megapixel", _PIXELS)
    return None


def _label(key: str) -> tuple[str, dict[str, Any]]:
    """ "low/1024-x-1024/gpt-image-1" is gpt-image-1 of that quality and size."""
    kept, when = list[str](), dict[str, Any]()
    for part in key.split("/"):
        if size := _SIZE.fullmatch(part):
            when["size"] = f"{size[1]}x{size[2]}"
        elif steps := _STEPS.fullmatch(part):
            when["steps"] = steps[1]
        elif part in _QUALITIES:
            when["quality"] = part
        else:
            kept.append(part)
    return "/".join(kept) or key, when


def _notices(key: str, entry: Mapping[str, Any]) -> Iterator[Notice]:
    if ends := day_of(entry.get("deprecation_date")):
        channel = str(entry.get("litellm_provider") or "unknown")
        url = str(entry["source"]) if entry.get("source") else None
        yield Notice(label=_label(key)[0], channel=channel, stage="shutdown", ends=ends, url=url)
