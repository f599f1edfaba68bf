"""What a finished attempt costs: measured units at the price frozen at submit. Pure; it posts nothing."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple

from adapters import pricing, sizes
from adapters.schema import MediaRequest, Modality, Offer, Price, Usage
from adapters.wire import Done
from gateway.ledger import rules as ledger

ALMOST = Decimal("0.97")
"""A clip that is a frame or two short of what was asked is what was asked."""
GPU_SECOND = "gpu_second"
MILLISECOND = Decimal("0.001")
COUNTED = frozenset({"output_image", "output_video", GPU_SECOND})
"""Units that are never almost something: 99 pictures of 100 are one picture short; and of a machine's seconds only a
bound is expected."""


SOURCES = ("estimate", "measured", "table", "provider")
"""Whose word a cost is, the least sure first. `measured`: seconds of an own machine by our clock, at its price."""


class Bill(NamedTuple):
    """A cost and how it comes about. `source`: the provider said it, the table gives it, or part is an estimate."""

    nanos: int
    source: str
    usage: Usage
    lines: tuple[dict[str, str], ...]


def bill(
    price: Price, request: MediaRequest, offer: Offer, done: Done, measured: Usage,
    outputs: Sequence[Mapping[str, Any]] = (),
) -> Bill:  # fmt: skip
    """Cost of a success. A provider's own word on what it charged goes before our table.

    Clips that came smaller than the resolution asked for are paid at the rate of the one that came.
    """
    expected = pricing.expected_usage(request, offer)
    usage, guessed = pricing.settled_usage(price, done.usage, _snapped(measured, expected), expected)
    came = tier_delivered(request, price, outputs)
    context = dict(pricing.context_of(request)) | ({"resolution": came} if came else {})
    table = pricing.cost(price, usage, context, offer.id)
    if done.cost_usd is not None:
        return Bill(ledger.nanos(done.cost_usd), "provider", done.usage | usage, ())
    lines = tuple(_line(line) for line in table.lines)
    return Bill(ledger.nanos(table.usd), "estimate" if guessed else "table", done.usage | usage, lines)


def refusal_bill(
    price: Price, request: MediaRequest, offer: Offer, usage: Usage, cost_usd: Decimal | None = None
) -> Bill | None:
    """What is owed for a failure, if anything: what the provider says it charged, which needs no rule of ours; else,
    where its card says that refusals are billed, what it counted."""
    if cost_usd is not None:
        return Bill(ledger.nanos(cost_usd), "provider", usage, ()) if cost_usd else None
    if not offer.refusals_billed or not usage:
        return None
    expected = pricing.expected_usage(request, offer)
    priced, guessed = pricing.settled_usage(price, usage, {}, expected)
    table = pricing.cost(price, priced, pricing.context_of(request), offer.id)
    lines = tuple(_line(line) for line in table.lines)
    return Bill(ledger.nanos(table.usd), "estimate" if guessed else "table", usage | priced, lines)


def tier_delivered(request: MediaRequest, price: Price, outputs: Sequence[Mapping[str, Any]]) -> str | None:
    """The priced resolution that came in place of the one asked for; None if it came, or nothing tells."""
    asked = request.resolution
    sides = [min(each["width"], each["height"]) for each in outputs if each.get("width") and each.get("height")]
    if asked is None or not sides or request.task.modality is not Modality.VIDEO:
        return None
    tiers = {str(tier) for rate in price.rates for tier in rate.when.get("resolution", ())} | {asked}
    known = {tier: side for tier in tiers if (side := sizes.short_side(tier))}
    if asked not in known or max(sides) >= known[asked] * float(ALMOST):
        return None
    below = [tier for tier, side in known.items() if side * float(ALMOST) <= max(sides)]
    return max(below, key=lambda tier: known[tier], default=min(known, key=lambda tier: known[tier]))


def given(rows: Sequence[Mapping[str, Any]]) -> Usage:
    """Units of media that were given, from what was measured of their assets."""
    pictures = [row for row in rows if str(row["mime"]).startswith("image/")]
    pixels = sum((row["width"] or 0) * (row["height"] or 0) for row in pictures)
    seconds = sum((Decimal(str(row["duration_s"] or 0)) for row in rows if row not in pictures), Decimal(0))
    return {
        "input_image": Decimal(len(pictures)),
        "input_megapixel": Decimal(pixels) / pricing.MEGA,
        "input_video_second": seconds,
    }


def within(clocked: Usage, price: Price, request: MediaRequest, offer: Offer, quote_nanos: int) -> Usage:
    """Seconds by our clock, at most as many as were held for: what bounds a run may be another since it was quoted."""
    seconds = clocked.get(GPU_SECOND)
    rates = pricing.applying(price.rates, pricing.context_of(request), offer.id) if seconds is not None else []
    rate = next((each for each in rates if each.unit == GPU_SECOND and each.usd), None)
    if seconds is None or rate is None:
        return clocked
    most = Decimal(quote_nanos).scaleb(-9) * rate.per / rate.usd
    return {**clocked, GPU_SECOND: min(seconds, most.quantize(MILLISECOND, ROUND_DOWN))}


def _snapped(measured: Usage, expected: Usage) -> Usage:
    """Lengths and areas that are almost what was asked are what was asked."""
    return {
        unit: expected[unit] if unit not in COUNTED and _is_almost(quantity, expected.get(unit)) else quantity
        for unit, quantity in measured.items()
    }


def _is_almost(quantity: Decimal, expected: Decimal | None) -> bool:
    return expected is not None and expected * ALMOST <= quantity <= expected


def _line(line: pricing.Line) -> dict[str, str]:
    return {
        "unit": line.unit,
        "quantity": plain(line.quantity),
        "usd_each": money(line.usd_each),
        "usd": money(line.usd),
    }


def money(usd: Decimal) -> str:
    """USD as the ledger writes it: exact, at least two places."""
    whole, _, part = plain(usd).partition(".")
    return f"{whole}.{part:0<2}"


def plain(amount: Decimal) -> str:
    """A decimal without exponent or trailing zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def undelivered(
    request: MediaRequest, outputs: Sequence[dict[str, Any]], price: Price, blank: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """What came out less or other than asked, as adjustments with `delivered`. `blank`: which of the outputs are; their
    price stays as it is, for the provider asks it all the same."""
    found: list[dict[str, Any]] = []
    if blank:
        found.append({"parameter": "content", "asked": None, "sent": None, "delivered": "blank", "outputs": [*blank]})
    if came := tier_delivered(request, price, outputs):
        asked = {"asked": request.resolution, "sent": request.resolution}
        found.append({"parameter": "resolution", "delivered": came} | asked)
    for name in ("width", "height", "duration_s"):
        asked = getattr(request, name)
        for delivered in {each[name] for each in outputs if asked and each.get(name) is not None}:
            is_short = delivered < asked * float(ALMOST)
            if is_short or (name != "duration_s" and delivered != asked):
                found.append({"parameter": name, "asked": asked, "sent": asked, "delivered": delivered})
    if outputs and len(outputs) < request.count:
        found.append({"parameter": "count", "asked": request.count, "sent": request.count, "delivered": len(outputs)})
    return found
