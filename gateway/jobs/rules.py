"""The life of a job as a table of allowed moves, and what follows when one of its attempts ends. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from adapters.errors import Fault, ProviderError
from router.policy import Policy


class Status(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.SUCCEEDED, Status.FAILED, Status.CANCELED}),
    Status.RUNNING: frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
}

FINAL = frozenset(status for status, following in MOVES.items() if not following)

RETRIES_HERE = 2
"""Further attempts at the same offer before the next one is tried."""
RETRIES_LAST = 4
"""Further attempts at an offer that has no other after it."""
PATIENCE_S = 5.0
"""A provider that asks to wait longer than this is left for the next offer, if there is one."""
PATIENCE_LAST_S = 120.0
"""The longest wait that a job without another offer accepts."""
ATTEMPTS = 30
"""Attempts of one job, whatever happens."""


class TryAgain(NamedTuple):
    """Another attempt at the same offer, after a wait."""

    wait_s: float


class TryElsewhere(NamedTuple):
    """An attempt at the next offers of the ranking, in this order."""

    offers: tuple[str, ...]


class GiveUp(NamedTuple):
    """The job fails with the last error."""


Following = TryAgain | TryElsewhere | GiveUp


def after_failure(
    error: ProviderError, offer: str, ranked: Sequence[str], tried: Mapping[str, int], policy: Policy
) -> Following:
    """What a failed attempt leads to.

    `ranked` are the offers in fallback order, `tried` how many attempts each has had, this one included.
    """
    if sum(tried.values()) >= ATTEMPTS:
        return GiveUp()
    elsewhere = _elsewhere(error, ranked, tried, policy)
    here = tried.get(offer, 1)
    wait_s = max(error.retry_after_s or 0.0, 2.0 ** (here - 1) / 2)
    most, patience_s = (RETRIES_HERE, PATIENCE_S) if elsewhere else (RETRIES_LAST, PATIENCE_LAST_S)
    if error.consequence.retry_here and here <= most and wait_s <= patience_s:
        return TryAgain(wait_s)
    return TryElsewhere(elsewhere) if elsewhere else GiveUp()


def after_unknown(ranked: Sequence[str], tried: Mapping[str, int], policy: Policy) -> Following:
    """A submit of unknown fate waits for its verdict, unless the policy lets the job go on elsewhere meanwhile."""
    if not policy.unknown_elsewhere:
        return GiveUp()
    elsewhere = _untried(ranked, tried, policy)
    return TryElsewhere(elsewhere) if elsewhere else GiveUp()


def _elsewhere(
    error: ProviderError, ranked: Sequence[str], tried: Mapping[str, int], policy: Policy
) -> tuple[str, ...]:
    allowed = error.consequence.try_elsewhere or (error.fault is Fault.CONTENT_REJECTED and policy.content_elsewhere)
    return _untried(ranked, tried, policy) if allowed else ()


def _untried(ranked: Sequence[str], tried: Mapping[str, int], policy: Policy) -> tuple[str, ...]:
    """The first choice and its fallbacks, less those that have been tried."""
    return tuple(offer for offer in ranked[: 1 + policy.fallbacks] if offer not in tried)
