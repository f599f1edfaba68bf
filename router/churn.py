"""How long places on a board last: readings into spells, spells into survival, half-life and hazard. It names nothing.

The reader of these figures decides what a subject is: labels are resolved to models before they come here, so that a
rename ends no spell. A spell is an unbroken stay among the first k; an absence of up to `FLAP_DAYS` is bridged, since
boards refit and neighbours in rank swap places for a day. An open spell is censored, not missing; one that was under
way at the first reading has an age that nobody saw, so it counts for the hazard (which has no memory) and not for the
survival curve (which has).
"""

import itertools
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from math import inf, log
from typing import NamedTuple

from adapters.schema import Frozen

TOP = 5
"""Places that are followed where nobody asks for another number."""

FLAP_DAYS = 3
"""An absence that is no ending: three days are less than two refits of the fastest board of 2026."""

CONFIDENCE = 0.95

SUPPOSED_ENDINGS = 5
"""How many endings what was supposed before anything was measured is worth: a few quiet weeks prove little."""


class Seen(NamedTuple):
    """The subjects on a board on one day, best first."""

    day: date
    subjects: tuple[str, ...]


class Spell(NamedTuple):
    """An unbroken stay. `ended` is the first day of absence, or None while it lasts."""

    subject: str
    began: date
    ended: date | None
    saw_beginning: bool

    def days(self, until: date) -> int:
        return ((self.ended or until) - self.began).days


class Point(Frozen):
    """The share of spells that last longer than `days`, with its 95 % band."""

    days: float
    share: float
    low: float
    high: float


class HalfLife(Frozen):
    """Days after which half are gone, under a constant hazard; None where the interval has no end."""

    days: float | None
    low: float | None
    high: float | None
    hazard_per_day: float
    hazard_low: float
    hazard_high: float
    endings: int
    exposure_days: int


class Month(Frozen):
    """What came to a board and what left it in one month ("2026-08")."""

    month: str
    added: int
    removed: int


def top(seen: Iterable[Seen], k: int = TOP) -> tuple[Seen, ...]:
    """The first k of each reading, in order of day. Of several readings of one day the last one given counts."""
    by_day = {each.day: Seen(each.day, tuple(dict.fromkeys(each.subjects))[:k]) for each in seen}
    return tuple(by_day[day] for day in sorted(by_day))


def spells_of(seen: Sequence[Seen], flap_days: int = FLAP_DAYS) -> tuple[Spell, ...]:
    """Every stay of every subject over readings in order of day, by day of beginning and name."""
    if not seen:
        return ()
    subjects = sorted({subject for each in seen for subject in each.subjects})
    found = [spell for subject in subjects for spell in _spells(subject, seen, flap_days)]
    return tuple(sorted(found, key=lambda spell: (spell.began, spell.subject)))


def _spells(subject: str, seen: Sequence[Seen], flap_days: int) -> list[Spell]:
    found: list[Spell] = []
    began, left = None, None
    for index, (day, subjects) in enumerate(seen):
        if subject in subjects:
            if left is not None and began is not None and (day - left).days > flap_days:
                found.append(Spell(subject, began[0], left, began[1]))
                began = None
            began, left = began or (day, index > 0), None
        elif began is not None and left is None:
            left = day
    if began is not None:
        # An absence too young to tell from a flap has ended nothing yet.
        is_over = left is not None and (seen[-1].day - left).days > flap_days
        found.append(Spell(subject, began[0], left if is_over else None, began[1]))
    return found


def survival(spells: Sequence[Spell], until: date) -> tuple[Point, ...]:
    """The Kaplan-Meier curve with Greenwood's band on the log-log scale (scipy), from spells seen from their beginning.

    Empty where no such spell lasted a day.
    """
    from scipy import stats  # a second and forty megabytes, which a gateway that is never asked need not spend

    known = [(spell.days(until), spell.ended is not None) for spell in spells if spell.saw_beginning]
    ended = [days for days, over in known if over and days > 0]
    open_still = [days for days, over in known if not over and days > 0]
    if not ended and not open_still:
        return ()
    curve = stats.ecdf(stats.CensoredData(uncensored=ended, right=open_still)).sf
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of ends without a band: see _bounded
        band = curve.confidence_interval(CONFIDENCE, method="log-log") if ended else None
    return tuple(
        Point(
            days=float(days),
            share=float(share),
            low=_bounded(band.low.probabilities[n] if band else 0.0, 0.0 if share < 1 else 1.0),
            high=_bounded(band.high.probabilities[n] if band else 1.0, 1.0 if share > 0 else 0.0),
        )
        for n, (days, share) in enumerate(zip(curve.quantiles, curve.probabilities, strict=True))
    )


def _bounded(value: float, otherwise: float) -> float:
    """Where nobody has left yet, or everybody has, the log-log scale has no band (NaN)."""
    return otherwise if value != value else min(1.0, max(0.0, float(value)))


def median_days(points: Sequence[Point]) -> float | None:
    """When the curve first falls to a half, or None while more than half last."""
    return next((point.days for point in points if point.share <= 0.5), None)


def half_life(spells: Sequence[Spell], until: date) -> HalfLife:
    """The exponential half-life with the exact (chi-squared) interval, from all days of all spells.

    Raises ValueError where no day was watched.
    """
    from scipy import stats  # as above

    exposure = sum(spell.days(until) for spell in spells)
    if exposure <= 0:
        raise ValueError("no spell was watched for a day: more readings are needed")
    endings = sum(spell.ended is not None for spell in spells)
    tail = (1 - CONFIDENCE) / 2
    low = float(stats.chi2.ppf(tail, 2 * endings)) / (2 * exposure) if endings else 0.0
    high = float(stats.chi2.ppf(1 - tail, 2 * endings + 2)) / (2 * exposure)
    hazard = endings / exposure
    return HalfLife(
        days=_days(hazard), low=_days(high), high=_days(low), hazard_per_day=hazard, hazard_low=low, hazard_high=high,
        endings=endings, exposure_days=exposure,
    )  # fmt: skip


def hazard(endings: int, exposure_days: float, supposed_per_day: float) -> float:
    """Chance per day of ending: what was watched, together with what was supposed before (a gamma prior's mean).

    With nothing watched it is what was supposed, it never jumps, and it is never nothing.
    """
    return (endings + SUPPOSED_ENDINGS) / (exposure_days + SUPPOSED_ENDINGS / supposed_per_day)


def _days(hazard_per_day: float) -> float | None:
    days = log(2) / hazard_per_day if hazard_per_day else inf
    return None if days == inf else days


def months(seen: Sequence[Seen], flap_days: int = FLAP_DAYS) -> tuple[Month, ...]:
    """Arrivals and departures by month over whole boards. What was there at the first reading never arrived."""
    spells = spells_of(seen, flap_days)
    added = Counter(f"{spell.began:%Y-%m}" for spell in spells if spell.saw_beginning)
    removed = Counter(f"{spell.ended:%Y-%m}" for spell in spells if spell.ended)
    named = sorted({f"{each.day:%Y-%m}" for each in seen})
    return tuple(Month(month=month, added=added[month], removed=removed[month]) for month in named)


def price_changes(prices: Sequence[tuple[date, Mapping[str, str]]]) -> Mapping[str, int]:
    """Month → how many prices differ from the reading before; what is new or gone is not a change of price."""
    changed: Counter[str] = Counter()
    for (_, before), (day, after) in itertools.pairwise(prices):
        changed[f"{day:%Y-%m}"] += sum(after[name] != before[name] for name in after.keys() & before.keys())
    return dict(changed)
