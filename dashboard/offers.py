"""One model's offers side by side: price of a standard output, time, reliability, how likely an end is. Pure."""

from collections.abc import Sequence
from math import exp, log
from typing import Any

from dashboard.frames import Document, Row, amount, source
from dashboard.words import seconds, share, usd

YEAR_DAYS = 365


def compared(decision: Document, model: str) -> list[Row]:
    """The model's offers that were ranked for one standard output, the cheapest first."""
    rows = [_row(each) for each in decision["ranked"] if each["model"] == model]
    return sorted(rows, key=lambda row: (row["price_usd"], row["offer"]))


def _row(each: Document) -> Row:
    eta = each["eta_s"]
    return {
        "offer": each["offer"],
        "price_usd": amount(each["quote_usd"]),
        "price": usd(each["quote_usd"]),
        "p50_s": eta["p50"],
        "p95_s": eta["p95"],
        "median": seconds(eta["p50"]),
        "slow": seconds(eta["p95"]),
        "reliability": each["reliability"],
        "reliable": share(each["reliability"]),
        "source": source(eta),
        "where": "self-hosted" if each["is_local"] else "provider",
        "stage": each["stage"],
    }


def ends_within(per_day: float, days: float = YEAR_DAYS) -> float:
    """The chance to end within so many days, under a constant hazard."""
    return 1 - exp(-per_day * days)


def lasting(per_day: float) -> str:
    """A hazard in words: after how long the chance to be there still is even."""
    if per_day <= 0:
        return "no end is expected"
    half_days = log(2) / per_day
    span = f"{half_days:,.0f} days" if half_days < 2 * YEAR_DAYS else f"{half_days / YEAR_DAYS:.1f} years"
    return f"an even chance to last {span}"


def hazards(page: Sequence[Document], task: str) -> list[Row]:
    """By offer: the chance per day that it ends, and what that means in a year."""
    return [
        {"offer": each["id"], "per_day": hazard, "within a year": ends_within(hazard), "words": lasting(hazard)}
        for each in page
        if task in each["evidence"] and (hazard := _hazard(each, task)) is not None
    ]


def _hazard(offer: Document, task: str) -> float | None:
    found: Any = offer["evidence"][task].get("hazard_per_day")
    return None if found is None else float(found)
