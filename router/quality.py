"""Standings on leaderboards into one quality, with its interval, for each model and task. It resolves no names.

Within one board and day, quality is the chance that the model would win against the board's median model (or against
what the reading says stands for it):

    q = 1 / (1 + 10 ** ((median - rating) / 400))

Ratings of different boards or days are never compared: boards refit, and their scales drift. Boards are merged by
a random-effects mean: weight 1 / (v + tau2), where v is a board's variance and tau2 the variance between boards
beyond what their sampling explains (Hedges and Olkin's estimate, which does not depend on age). Age adds
(1 - exp(-hazard x days)) x the prior's variance to v: the share of standings expected to have moved by now, by the
hazard measured on that board, or by HAZARD_PER_DAY where none was.
So age never narrows an interval, and neither does an earlier reading of a board that has a later one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, log
from statistics import fmean, median, variance
from types import MappingProxyType
from typing import NamedTuple, Self

from pydantic import AwareDatetime, Field, model_validator

from adapters.schema import Frozen, Model, Task

HAZARD_PER_DAY = log(2) / 60
"""Chance per day that a standing no longer holds: a place in the video boards' top five had a half-life of about
60 days between March and August 2026 (50 to 70, by board)."""

NORMAL_95 = 1.96
"""Half the width of a 95 % interval, in standard deviations."""

VARIANCE_LEAST = 0.005**2
"""No board knows a model better than to half a percent, however many votes it counted."""

BORROWED_VARIANCE = 0.10**2
"""What a standing at a neighbouring task leaves open: 0.2 on either side. Ours, not measured."""

BORROWED = {Task.INPAINT: Task.IMAGE_EDIT}
"""No board ranks inpainting; its models are those that edit pictures, so their standing there is borrowed."""

STAND_IN_MAKER = "Podium"
"""Models by this maker are our own sandbox: they draw test pictures, and must never look good."""

ROWS_MOST = 5_000
"""Rows of one reading that are looked at: the longest board of 2026 had under 400."""


class Row(Frozen):
    """A model's place, as the board prints it: `low` and `high` are the ends of the rating's 95 % interval."""

    label: str = Field(min_length=1, max_length=200)
    rating: float = Field(allow_inf_nan=False)
    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    votes: int = Field(ge=0)

    @model_validator(mode="after")
    def _within(self) -> Self:
        if not self.low <= self.rating <= self.high:
            raise ValueError(f"{self.label}: the rating {self.rating} is not within {self.low}..{self.high}")
        return self


class Reading(Frozen):
    """One whole board at one moment, in our own form. Whole, because the median is taken over all its rows.

    `middle` is the rating that stands for the median model, where the rows are not of all kinds: a board of the best
    alone has a median of its own that says nothing.
    """

    source: str
    board: str
    task: Task
    taken_at: AwareDatetime
    attribution: str
    licence: str
    url: str
    rows: tuple[Row, ...] = Field(min_length=1, max_length=ROWS_MOST)
    middle: float | None = Field(default=None, allow_inf_nan=False, exclude_if=lambda middle: middle is None)


class Interval(NamedTuple):
    """A value and its 95 % interval, all in 0..1."""

    value: float
    low: float
    high: float


class Standing(NamedTuple):
    """One row of a board on a day. `model` is our id, or None if the label is not resolved; `low` and `high` are
    the ends (not the widths) of the rating's 95 % interval; `middle` is its reading's."""

    board: str
    task: Task
    taken_on: date
    label: str
    model: str | None
    rating: float
    low: float
    high: float
    votes: int
    middle: float | None = None


class BoardQuality(NamedTuple):
    """What one board says of a model: its newest standing there, widened by its age at this hazard."""

    board: str
    taken_on: date
    label: str
    interval: Interval
    hazard_per_day: float = HAZARD_PER_DAY


class Quality(NamedTuple):
    interval: Interval
    source: str
    boards: tuple[BoardQuality, ...] = ()


UNRANKED = Quality(Interval(0.35, 0.05, 0.75), "no board has ranked it")
"""A model that boards with its task leave out: a little under the median, and it may be nearly anything."""

NO_BOARD = Quality(Interval(0.5, 0.1, 0.9), "no board for this task")
"""Nothing is known of anybody, so nobody is held back."""

STAND_IN = Quality(Interval(0.05, 0.0, 0.1), "sandbox rendering")

_PRIOR_VARIANCE = ((UNRANKED.interval.high - UNRANKED.interval.low) / (2 * NORMAL_95)) ** 2


@dataclass(frozen=True)
class Qualities:
    """Every model's quality at every task, folded once."""

    known: Mapping[tuple[str, Task], Quality]
    ranked_tasks: frozenset[Task]
    stand_ins: frozenset[str]

    def of(self, model: str, task: Task) -> Quality:
        if model in self.stand_ins:
            return STAND_IN
        if found := self.known.get((model, task)):
            return found
        return UNRANKED if task in self.ranked_tasks else NO_BOARD


def read_standings(payload: Mapping[str, object], resolve: Callable[[str], str | None]) -> tuple[Standing, ...]:
    """A stored reading's rows, with each label resolved. Raises pydantic.ValidationError if it is not a Reading."""
    reading = Reading.model_validate(payload)
    board, task, taken_on = reading.board, reading.task, reading.taken_at.date()
    return tuple(
        Standing(
            board,
            task,
            taken_on,
            row.label,
            resolve(row.label),
            row.rating,
            row.low,
            row.high,
            row.votes,
            reading.middle,
        )
        for row in reading.rows
    )


Hazards = Mapping[str, float]
"""Board → chance per day that a standing there no longer holds; a board that is left out has HAZARD_PER_DAY."""

UNMEASURED: Hazards = MappingProxyType({})


def fold(standings: Sequence[Standing], models: Iterable[Model], now: date, hazards: Hazards = UNMEASURED) -> Qualities:
    """All that the standings say as of `now`. Later readings are not looked at; order and repetition change nothing.

    Of several labels of one model in its newest reading on a board, the one with most votes speaks for it: taking
    the best would reward whoever enters most variants.
    """
    points = _points(standings, now)
    known = {key: _merge(each, now, hazards) for key, each in points.items()}
    for task, neighbour in BORROWED.items():
        lent = {model: each for (model, of), each in points.items() if of is neighbour}
        known |= {
            (model, task): _lend(each, now, hazards) for model, each in lent.items() if (model, task) not in known
        }
    ranked = {standing.task for standing in standings if standing.taken_on <= now}
    ranked |= {task for task, neighbour in BORROWED.items() if neighbour in ranked}
    return Qualities(known, frozenset(ranked), frozenset(m.id for m in models if m.maker == STAND_IN_MAKER))


class _Point(NamedTuple):
    """What one board's newest standing of a model is worth, before age."""

    standing: Standing
    value: float
    variance: float


_Rows = dict[str, Standing]


def _points(standings: Sequence[Standing], now: date) -> dict[tuple[str, Task], list[_Point]]:
    """Each model's newest point on each board, by (model, task), boards in order of name."""
    newest = _newest(standings, now)
    readings: dict[tuple[str, date], _Rows] = {key: {} for key in set(newest.values())}
    for standing in standings:
        rows = readings.get((standing.board, standing.taken_on))
        if rows is not None:
            twin = rows.get(standing.label)
            rows[standing.label] = standing if twin is None else max(twin, standing, key=_weight)
    points: dict[tuple[str, Task], list[_Point]] = defaultdict(list)
    for key in sorted(readings):
        middle = _middle(readings[key])
        for model, standing in _speakers(readings[key]).items():
            if newest[standing.board, model] == key:
                points[model, standing.task].append(_point(standing, middle))
    return points


def _middle(rows: _Rows) -> float:
    """The rating against which a board's models are measured: what the board says it is, else its median."""
    said = next(iter(rows.values())).middle
    return median(row.rating for row in rows.values()) if said is None else said


def _newest(standings: Sequence[Standing], now: date) -> dict[tuple[str, str], tuple[str, date]]:
    """(board, model) → (board, day) of the newest reading that ranks the model."""
    newest: dict[tuple[str, str], tuple[str, date]] = {}
    for board, _, taken_on, _, model, _, _, _, _, _ in standings:
        if model is not None and taken_on <= now:
            held = newest.get((board, model))
            if held is None or held[1] < taken_on:
                newest[board, model] = (board, taken_on)
    return newest


def _weight(standing: Standing) -> tuple[int, str, float, float, float]:
    """Who speaks for whom: most votes first, then anything that gives the same answer in any order."""
    return standing.votes, standing.label, standing.rating, standing.low, standing.high


def _speakers(rows: _Rows) -> dict[str, Standing]:
    """Model → the one of its labels that speaks for it."""
    speakers: dict[str, Standing] = {}
    for standing in rows.values():
        if standing.model is not None:
            held = speakers.get(standing.model, standing)
            speakers[standing.model] = max(held, standing, key=_weight)
    return speakers


def _point(standing: Standing, middle: float) -> _Point:
    low, value, high = (chance(rating, middle) for rating in (standing.low, standing.rating, standing.high))
    return _Point(standing, value, max(VARIANCE_LEAST, ((high - low) / (2 * NORMAL_95)) ** 2))


def chance(rating: float, other: float) -> float:
    """The chance that a model of this Elo rating wins against one of the other, as the boards define it."""
    return 1 / (1 + 10 ** ((other - rating) / 400))


def _aged(point: _Point, now: date, hazards: Hazards) -> float:
    """The variance of an old standing: it still holds with probability exp(-hazard x days), else nobody knows."""
    days = (now - point.standing.taken_on).days
    per_day = hazards.get(point.standing.board, HAZARD_PER_DAY)
    return point.variance + (1 - exp(-per_day * days)) * _PRIOR_VARIANCE


def _merge(points: list[_Point], now: date, hazards: Hazards, borrowed: float = 0.0) -> Quality:
    """The random-effects mean of a model's boards. `borrowed` is variance added for standings at another task."""
    values = [point.value for point in points]
    between = max(0.0, variance(values) - fmean(point.variance for point in points)) if len(points) > 1 else 0.0
    aged = [_aged(point, now, hazards) for point in points]
    weights = [1 / (each + between) for each in aged]
    total = sum(weights)
    value = sum(weight * each for weight, each in zip(weights, values, strict=True)) / total
    boards = tuple(
        BoardQuality(
            point.standing.board,
            point.standing.taken_on,
            point.standing.label,
            interval_of(point.value, spread + borrowed),
            hazards.get(point.standing.board, HAZARD_PER_DAY),
        )
        for point, spread in zip(points, aged, strict=True)
    )
    source = ", ".join(f"{board.board} of {board.taken_on}" for board in boards)
    return Quality(interval_of(value, 1 / total + borrowed), source, boards)


def _lend(points: list[_Point], now: date, hazards: Hazards) -> Quality:
    quality = _merge(points, now, hazards, BORROWED_VARIANCE)
    return quality._replace(source=f"{quality.source}, a neighbouring task")


def interval_of(value: float, spread: float) -> Interval:
    """A value and its 95 % interval within 0..1; `spread` is the variance.

    What an end of the scale cuts off on one side is added on the other: else a value near an end would look better
    known than one in the middle, and widen less with age.
    """
    width = min(1.0, 2 * NORMAL_95 * spread**0.5)
    low = min(max(0.0, value - width / 2), 1.0 - width)
    return Interval(value, low, min(1.0, low + width))
