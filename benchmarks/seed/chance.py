"""Chance that repeats: one source of random numbers, and ids made of it that lie at a moment of the past."""

import math
from datetime import datetime, timedelta
from random import Random

from gateway import clock

RANDOM_DIGITS = 19
"""Hex digits of an id after its milliseconds and UUIDv7's own digit."""


class Chance(Random):
    """The standard generator with the few shapes of chance that a past needs."""

    def id(self, kind: str, moment: datetime) -> str:
        """An id as `clock.new_id` makes them, as if it had been made then."""
        return f"{clock.first_id(kind, moment)}7{self.getrandbits(4 * RANDOM_DIGITS):0{RANDOM_DIGITS}x}"

    def about(self, median: float, spread: float = 0.3) -> float:
        """A positive number that is log-normal around its median."""
        return median * math.exp(self.gauss(0.0, spread))

    def moments(self, count: int, since: datetime, until: datetime) -> list[datetime]:
        """So many moments in order: more each week, fewer at night and at weekends (in UTC)."""
        whole_s = (until - since).total_seconds()
        found: list[datetime] = []
        while len(found) < count:
            moment = since + timedelta(seconds=whole_s * self.random() ** 0.75)
            if self.random() < _busy(moment):
                found.append(moment)
        return sorted(found)


def _busy(moment: datetime) -> float:
    """How busy an hour is, from 0 to 1."""
    day = 0.15 + 0.85 * max(0.0, math.sin((moment.hour + moment.minute / 60 - 5) / 24 * 2 * math.pi))
    return day * (0.4 if moment.weekday() >= 5 else 1.0)
