"""Join quality, latency, reliability, hazard and quote into one Evidence for each offer. It judges nothing."""

from decimal import Decimal
from math import inf, log
from typing import NamedTuple

from router.latency import Latency
from router.quality import Interval, Quality

HAZARD_UNKNOWN_PER_DAY = log(2) / 365
"""Chance per day that an offer ends, where nothing is measured: an even chance to last a year. Ours, not measured."""


class Load(NamedTuple):
    """What is before a new run on the operator's own engine: runs, and the seconds until they are done. `reading_at`
    is when the engine last told of itself, as ISO; None where only our own runs there are known."""

    queue: int
    wait_s: float
    reading_at: str | None = None


class Evidence(NamedTuple):
    """What is known of one offer for one request today. `cost` is `cost_usd` as a float, for ranking only.

    The seconds include the wait that `load` tells of; `eta_source` says whose word the rest of them is. `load` is None
    for whoever is not an engine of our own.
    """

    quality: Interval
    quality_source: str
    latency_p50_s: float
    latency_p95_s: float
    reliability: float
    hazard_per_day: float
    cost_usd: Decimal | None
    cost: float
    eta_source: str = "task"
    load: Load | None = None


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
        latency.source,
    )


def quoted(evidence: Evidence, cost_usd: Decimal | None) -> Evidence:
    """The same evidence with the quote of another request: all but the quote can be kept between requests."""
    return Evidence(*evidence[:6], cost_usd, cost_of(cost_usd), *evidence[8:])


def facing(evidence: Evidence, hazard_per_day: float) -> Evidence:
    """The same evidence with a hazard that was measured since."""
    return evidence._replace(hazard_per_day=hazard_per_day)


def queued(evidence: Evidence, load: Load) -> Evidence:
    """The same evidence of an engine that has something else to do first."""
    p50_s, p95_s = evidence.latency_p50_s + load.wait_s, evidence.latency_p95_s + load.wait_s
    return evidence._replace(latency_p50_s=p50_s, latency_p95_s=p95_s, load=load)


def cost_of(cost_usd: Decimal | None) -> float:
    """A quote as a number to rank by; having no price is the worst of all."""
    return inf if cost_usd is None else float(cost_usd)
