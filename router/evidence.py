"""Join quality, latency, reliability, hazard and quote into one Evidence for each offer. It judges nothing."""

from decimal import Decimal
from math import inf, log
from typing import NamedTuple

from router.latency import Latency
from router.quality import Interval, Quality

HAZARD_UNKNOWN_PER_DAY = log(2) / 365
"""Chance per day that an offer ends, where nothing is measured: an even chance to last a year. Ours, not measured."""


class Evidence(NamedTuple):
    """What is known of one offer for one request today. `cost` is `cost_usd` as a float, for ranking only."""

    quality: Interval
    quality_source: str
    latency_p50_s: float
    latency_p95_s: float
    reliability: float
    hazard_per_day: float
    cost_usd: Decimal | None
    cost: float


def gather(
    quality: Quality,
    latency: Latency,
    cost_usd: Decimal | None,
    hazard_per_day: float = HAZARD_UNKNOWN_PER_DAY,
) -> Evidence:
    """One offer's evidence. A `cost_usd` of None means that no price covers the request: it is never free."""
    return Evidence(
        quality.interval,
        quality.source,
        latency.p50_s,
        latency.p95_s,
        latency.reliability,
        hazard_per_day,
        cost_usd,
        cost_of(cost_usd),
    )


def quoted(evidence: Evidence, cost_usd: Decimal | None) -> Evidence:
    """The same evidence with the quote of another request: all but the quote can be kept between requests."""
    return Evidence(*evidence[:6], cost_usd, cost_of(cost_usd))


def facing(evidence: Evidence, hazard_per_day: float) -> Evidence:
    """The same evidence with a hazard that was measured since."""
    return evidence._replace(hazard_per_day=hazard_per_day)


def cost_of(cost_usd: Decimal | None) -> float:
    """A quote as a number to rank by; having no price is the worst of all."""
    return inf if cost_usd is None else float(cost_usd)
