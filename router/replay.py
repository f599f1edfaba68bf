"""What following a board would have won or lost: choices made on old readings, held against each day's own board.

A choice is worth what the day's board says of it. Regret is what was lost against that day's best, in Elo and as the
chance of losing to it beyond an even one. It spends nothing and asks nobody.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

from adapters.schema import Frozen
from router.quality import Reading, Standing, chance, fold, read_standings

STALE_DAYS = (7, 14, 30)

Resolve = Callable[[str], str | None]

PODIUM = "podium"
"""The chooser that is the router: the merged, decayed quality, from readings up to the day before."""

PERFECT = "perfect"
"""The one that knows each day's own reading: nobody can choose so, and all others are held against it."""


class Outcome(Frozen):
    """One way of choosing, over all days. `gone_days`: the choice was no longer on the board, and its last rating,
    moved with the board's median, stood for it."""

    chooser: str
    days: int
    regret_elo: float
    regret_elo_last: float
    regret_win: float
    switches: int
    gone_days: int


class _Day(NamedTuple):
    day: date
    ratings: Mapping[str, float]
    middle: float


def replay(
    readings: Sequence[Reading], board: str, resolve: Resolve, stale_days: Sequence[int] = STALE_DAYS
) -> tuple[Outcome, ...]:
    """Every chooser over every calendar day from the board's second reading on.

    `readings` may hold other boards too: "podium" merges all that rank the same task. Raises ValueError where the board
    has fewer than two readings.
    """
    standings = [standing for reading in readings for standing in _standings(reading, resolve)]
    days = _days_of([standing for standing in standings if standing.board == board])
    if len(days) < 2:
        raise ValueError(f"{board} has {len(days)} readings here; a replay needs two at least")
    task = next(standing.task for standing in standings if standing.board == board)
    same_task = [standing for standing in standings if standing.task is task]
    choosers: dict[str, Callable[[date], str]] = {
        "static": lambda _: _best(days[0]),
        **{f"stale-{n}": _as_of(days, n) for n in sorted(stale_days, reverse=True)},
        "yesterday": _as_of(days, 1),
        PODIUM: _podium(same_task),
        PERFECT: _as_of(days, 0),
    }
    calendar = [days[0].day + timedelta(n) for n in range(1, (days[-1].day - days[0].day).days + 1)]
    return tuple(_outcome(name, choose, days, calendar) for name, choose in choosers.items())


def _standings(reading: Reading, resolve: Resolve) -> tuple[Standing, ...]:
    """A label that nobody resolved is a subject of its own: it is chosen and held against the others all the same."""
    return read_standings(reading.model_dump(), lambda label: resolve(label) or label)


def _days_of(standings: Sequence[Standing]) -> list[_Day]:
    """The board day by day; of several labels of one model the one with most votes speaks, as in the fold."""
    by_day: dict[date, dict[str, Standing]] = {}
    for standing in standings:
        rows = by_day.setdefault(standing.taken_on, {})
        held = rows.get(str(standing.model), standing)
        rows[str(standing.model)] = max(held, standing, key=lambda each: (each.votes, each.label))
    found = []
    for day in sorted(by_day):
        ratings = {model: standing.rating for model, standing in by_day[day].items()}
        ordered = sorted(ratings.values())
        found.append(_Day(day, ratings, ordered[len(ordered) // 2]))
    return found


def _best(day: _Day) -> str:
    return max(day.ratings, key=lambda model: (day.ratings[model], model))


def _held(days: Sequence[_Day], on: date) -> _Day:
    """The newest reading on or before a day, or the first there is."""
    return next((each for each in reversed(days) if each.day <= on), days[0])


def _as_of(days: Sequence[_Day], days_old: int) -> Callable[[date], str]:
    return lambda day: _best(_held(days, day - timedelta(days_old)))


def _podium(standings: Sequence[Standing]) -> Callable[[date], str]:
    """The best by merged, decayed quality, from readings up to the day before."""

    def choose(day: date) -> str:
        known = fold(standings, (), day - timedelta(1)).known
        return max(known, key=lambda key: (known[key].interval.value, key[0]))[0]

    return choose


def _outcome(name: str, choose: Callable[[date], str], days: Sequence[_Day], calendar: Sequence[date]) -> Outcome:
    chosen = [choose(day) for day in calendar]
    losses = [_loss(model, days, day) for model, day in zip(chosen, calendar, strict=True)]
    return Outcome(
        chooser=name,
        days=len(calendar),
        regret_elo=fmean(loss.elo for loss in losses),
        regret_elo_last=losses[-1].elo,
        regret_win=fmean(loss.win for loss in losses),
        switches=sum(one != other for one, other in pairwise(chosen)),
        gone_days=sum(loss.is_gone for loss in losses),
    )


class _Loss(NamedTuple):
    elo: float
    win: float
    is_gone: bool


def _loss(model: str, days: Sequence[_Day], day: date) -> _Loss:
    today = _held(days, day)
    best = max(today.ratings.values())
    rating = today.ratings.get(model)
    worth = rating if rating is not None else _last_known(model, days, today)
    return _Loss(best - worth, chance(best, worth) - 0.5, rating is None)


def _last_known(model: str, days: Sequence[_Day], today: _Day) -> float:
    """Where a model stood when it was last seen, from the board's middle, carried to today's middle."""
    for each in reversed(days):
        if each.day <= today.day and model in each.ratings:
            return each.ratings[model] - each.middle + today.middle
    return today.middle
