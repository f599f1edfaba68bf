"""Which providers and offers are left alone for a while, after failures in a row. It forbids nothing: they come last.

A breaker is a fold of how attempts ended, like all evidence: nothing trips it but what was seen, and one success closes
it. While it is open its offers are ranked behind all others; when its time is over the next job that they win tries
them again, and another failure opens it for twice as long.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from adapters.errors import CONSEQUENCES, Fault

OF_PROVIDER = frozenset({Fault.AUTH, Fault.OUT_OF_CREDIT, Fault.UNREACHABLE})
"""Faults that say something of every offer there: the key, the account, the host."""

FORGET = timedelta(hours=1)
"""Failures this long ago say nothing of now; longer than the longest that a breaker is open."""


class Rule(NamedTuple):
    """From how many failures in a row on, for how long at first, and for how long at most, in seconds."""

    failures: int
    first_s: float
    most_s: float


PROVIDER = Rule(2, 60, 1_800)
"""A refused key or an unreachable host costs every job a turn, and passes seldom by itself. Ours, not measured."""
OFFER = Rule(3, 30, 900)
"""Two failures in a row happen to a good offer one day in many, three hardly ever. Ours, not measured."""


class Outcome(NamedTuple):
    """How one attempt ended; without a fault it succeeded. `offer` is an offer's id, "provider/model"."""

    provider: str
    offer: str
    ended_at: datetime
    fault: Fault | None


class Breaker(NamedTuple):
    """A provider, or an offer, that failed so often in a row, last by this fault; it is left alone until then."""

    subject: str
    fault: Fault
    failures: int
    since: datetime
    until: datetime

    def is_open(self, now: datetime) -> bool:
        """Whether it is left alone now. Later, until it succeeds or is forgotten, it is on trial."""
        return now < self.until


Breakers = Mapping[str, Breaker]
"""By provider and by offer; the ids of offers have a slash, providers' names have none."""

NONE: Breakers = MappingProxyType({})


def fold(outcomes: Iterable[Outcome], now: datetime) -> dict[str, Breaker]:
    """Whoever failed often enough in a row, as of `now`; those on trial too. Order does not matter, and faults that
    blame the caller count for nothing."""
    recent = [each for each in outcomes if timedelta() <= now - each.ended_at < FORGET]
    rows: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in sorted(recent, key=lambda each: each.ended_at):
        if outcome.fault is None:
            rows[outcome.provider].clear()
            rows[outcome.offer].clear()
        elif CONSEQUENCES[outcome.fault].blames != "caller":
            rows[outcome.provider if outcome.fault in OF_PROVIDER else outcome.offer].append(outcome)
    found = (_breaker(subject, row, OFFER if "/" in subject else PROVIDER) for subject, row in rows.items())
    return {each.subject: each for each in found if each is not None}


def _breaker(subject: str, row: list[Outcome], rule: Rule) -> Breaker | None:
    beyond = len(row) - rule.failures
    if beyond < 0:
        return None
    open_s = min(rule.first_s * 2.0 ** min(beyond, 32), rule.most_s)
    last = row[-1]
    assert last.fault is not None
    return Breaker(subject, last.fault, len(row), row[0].ended_at, last.ended_at + timedelta(seconds=open_s))


def open_for(breakers: Breakers, provider: str, offer: str, now: datetime) -> Breaker | None:
    """The breaker that makes this offer come last now, if one does: its own, or its provider's."""
    for subject in (provider, offer):
        found = breakers.get(subject)
        if found is not None and found.is_open(now):
            return found
    return None


def words(breaker: Breaker) -> str:
    """Why it is left alone, for the record of a decision."""
    until = f"{breaker.until:%H:%M:%S} UTC"
    return (
        f"left alone until {until}: {breaker.subject} failed {breaker.failures} times in a row, last by {breaker.fault}"
    )
