"""Attempts into latency quantiles and reliability, recent ones weighing more. It knows no clock and no table."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import exp, log
from typing import NamedTuple

from adapters.schema import Task

HALF_LIFE_S = 86_400.0
"""An attempt of a day ago weighs half: outages last hours, and a provider's queue has a daily rhythm."""

PRIOR_ATTEMPTS = 5.0
"""The expected time counts like five fresh attempts: one slow run does not condemn an offer, ten do."""

PRIOR_SUCCEEDED, PRIOR_FAILED = 19.0, 1.0
"""An offer that nobody has tried is taken to succeed in 19 of 20 attempts."""

TAIL = 2.0
"""The 95th percentile of an offer without history, as a multiple of its median. Ours, not measured."""

P50_PRIOR_S: dict[Task, float] = {
    Task.TEXT_TO_IMAGE: 8,
    Task.IMAGE_EDIT: 10,
    Task.INPAINT: 10,
    Task.UPSCALE_IMAGE: 10,
    Task.TEXT_TO_VIDEO: 90,
    Task.IMAGE_TO_VIDEO: 90,
    Task.VIDEO_TO_VIDEO: 120,
    Task.UPSCALE_VIDEO: 120,
    Task.AVATAR_VIDEO: 180,
    Task.TEXT_TO_SPEECH: 3,
    Task.TEXT: 4,
}
"""Median seconds for an offer whose card says nothing, until its own history arrives. Ours, not measured."""


class Attempted(NamedTuple):
    """One ended attempt, as the gateway remembers it. `offer` is an offer's id."""

    offer: str
    task: Task
    started_at: datetime
    ended_at: datetime
    seconds: float
    succeeded: bool
    hurts_reliability: bool


MEASURED = "measured"
"""The source of seconds that attempts of our own have a say in."""


class Latency(NamedTuple):
    """What to expect of an offer for a task. `attempts` is how many fresh successes its history amounts to; `source`
    is `measured` once there are any, else whose word the seconds are."""

    p50_s: float
    p95_s: float
    reliability: float
    attempts: float
    source: str = "task"


class History(NamedTuple):
    """Weighted sums of one offer's attempts at one task."""

    p50_s: float
    p95_s: float
    succeeded: float
    failed: float


NO_HISTORY = History(1.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Latencies:
    """The histories of all offers, folded once."""

    histories: dict[tuple[str, Task], History]

    def of(self, offer: str, task: Task, eta_s: float | None = None, source: str = "card") -> Latency:
        """What to expect; `eta_s` is the median before anything is measured, if somebody says one: the card, or an
        estimate, as `source` says."""
        history = self.histories.get((offer, task), NO_HISTORY)
        prior_s = eta_s or P50_PRIOR_S[task]
        succeeded, failed = history.succeeded + PRIOR_SUCCEEDED, history.failed + PRIOR_FAILED
        return Latency(
            p50_s=_shrink(history.p50_s, history.succeeded, prior_s),
            p95_s=_shrink(history.p95_s, history.succeeded, prior_s * TAIL),
            reliability=succeeded / (succeeded + failed),
            attempts=history.succeeded,
            source=MEASURED if history.succeeded else source if eta_s else "task",
        )


def fold_attempts(attempts: Iterable[Attempted], now: datetime) -> Latencies:
    """Every offer's history as of `now`. Later attempts are not looked at; order does not matter.

    A failure that does not hurt reliability (a caller's bad request, an operator's key) counts for nothing.
    """
    grouped: dict[tuple[str, Task], list[tuple[float, float, bool]]] = defaultdict(list)
    for attempt in attempts:
        age_s = (now - attempt.ended_at).total_seconds()
        if age_s >= 0 and (attempt.succeeded or attempt.hurts_reliability):
            weight = 0.5 ** (age_s / HALF_LIFE_S)
            grouped[attempt.offer, attempt.task].append((attempt.seconds, weight, attempt.succeeded))
    return Latencies({key: _history(rows) for key, rows in grouped.items()})


def _history(rows: list[tuple[float, float, bool]]) -> History:
    taken = sorted((seconds, weight) for seconds, weight, succeeded in rows if succeeded)
    failed = sum(sorted(weight for _, weight, succeeded in rows if not succeeded))
    if not taken:
        return NO_HISTORY._replace(failed=failed)
    return History(_quantile(taken, 0.5), _quantile(taken, 0.95), sum(weight for _, weight in taken), failed)


def _quantile(taken: list[tuple[float, float]], share: float) -> float:
    """The smallest time within which that share of the weight ended. `taken` is sorted by time and not empty."""
    wanted = share * sum(weight for _, weight in taken)
    reached = 0.0
    for seconds, weight in taken:
        reached += weight
        if reached >= wanted:
            return seconds
    return taken[-1][0]


def _shrink(measured_s: float, attempts: float, prior_s: float) -> float:
    """Between the prior and the measurement, in the logarithm: times are ratios, and one may be a thousand times."""
    if attempts == 0:
        return prior_s
    share = attempts / (attempts + PRIOR_ATTEMPTS)
    return exp(share * log(max(measured_s, 1e-3)) + (1 - share) * log(prior_s))
