"""When a tick runs next. Pure: chance comes in as a number."""

from datetime import datetime, timedelta
from typing import NamedTuple

JITTER = 0.1
"""Share of its period by which a tick is moved, so that many gateways do not ask a source at the same second."""

RETRY_PARTS = 8
"""A run that failed is tried again after an eighth of its period: soon, and still polite to whom it asks."""

RETRY_LEAST_S = 60.0

GRACE_S = 30.0
"""A lease outlives the deadline by this, so that a run which is being stopped is not joined by a second one."""


class NotDone(Exception):
    """A run that could not do its work for a reason that is no fault of ours; the message is a sentence."""


class Tick(NamedTuple):
    """One thing to be done: how often, and how long it may take."""

    name: str
    every_s: float
    deadline_s: float


def next_due(tick: Tick, now: datetime, failed: bool, chance: float) -> datetime:
    """When it is due again after a run that ended `now`; `chance` is in 0..1.

    Counted from now and not from when it was due: what was missed while nobody ran is caught up once, not many times.
    """
    period = max(RETRY_LEAST_S, tick.every_s / RETRY_PARTS) if failed else tick.every_s
    return now + timedelta(seconds=min(period, tick.every_s) * (1 + JITTER * (2 * chance - 1)))


def lease_until(tick: Tick, now: datetime) -> datetime:
    return now + timedelta(seconds=tick.deadline_s + GRACE_S)
