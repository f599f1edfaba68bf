"""Votes between pairs of models into ratings on the Elo scale, with their intervals. It counts nothing itself.

Bradley and Terry's model: a model of strength s is preferred to one of strength t with the chance
1 / (1 + exp(t - s)). The strengths are the most likely ones given the votes and a prior: before any vote a strength is
normal around the middle. Without it, a model that won every vote would be infinitely strong, and where the votes fall
apart into groups the answer would be whatever the solver stopped at. A tie is half a win for each.

Intervals come from the curvature of the same likelihood at its peak (Laplace's approximation), and are of a model's
distance from the middle of all: votes say who is better, and nothing of how good all are together.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import log, sqrt
from typing import NamedTuple

from router.quality import NORMAL_95

MIDDLE = 1_000.0
"""The rating of a model of which nothing is known."""

ELO = 400 / log(10)
"""Points for one unit of strength, so that 400 points are odds of ten to one, as on every board."""

PRIOR_PRECISION = 2.0
"""Of a strength, before any vote. It is worth eight ties against a model in the middle, and says as much as
router.quality says of a model that no board knows: two thirds of the models within 125 points."""


class Tally(NamedTuple):
    """All votes between two models, as `first` sees them. `both_bad`: neither was any good."""

    first: str
    second: str
    wins: int = 0
    losses: int = 0
    ties: int = 0
    both_bad: int = 0


class Rated(NamedTuple):
    """A model's rating with the ends of its 95 % interval, and the votes that it rests on."""

    model: str
    rating: float
    low: float
    high: float
    votes: int = 0
    wins: int = 0
    losses: int = 0
    ties: int = 0
    both_bad: int = 0

    @property
    def win_rate(self) -> float:
        """Share of its votes that it won, a tie and two bad answers being half a win; one half without votes."""
        return (self.wins + (self.ties + self.both_bad) / 2) / self.votes if self.votes else 0.5


def unrated(model: str) -> Rated:
    """A model without a vote: in the middle, as widely as the prior has it."""
    half = NORMAL_95 * ELO / sqrt(PRIOR_PRECISION)
    return Rated(model, MIDDLE, MIDDLE - half, MIDDLE + half)


def rate(tallies: Iterable[Tally]) -> tuple[Rated, ...]:
    """Every model that has a vote, the best first; equal ratings by name. The order of the tallies changes nothing."""
    return _rated(tuple(sorted(each for each in tallies if each.first != each.second)))


@lru_cache(maxsize=64)
def _rated(tallies: tuple[Tally, ...]) -> tuple[Rated, ...]:
    counts = _counts(tallies)
    models = sorted(counts)
    if not models:
        return ()
    from router import strengths  # numpy: ten megabytes, which a gateway without an arena need not spend

    found_strengths, deviations = strengths.fitted(_wins(tallies, models), PRIOR_PRECISION)
    ratings = [MIDDLE + ELO * each for each in found_strengths]
    halves = [NORMAL_95 * ELO * each for each in deviations]
    found = [
        Rated(model, rating, rating - half, rating + half, *counts[model])
        for model, rating, half in zip(models, ratings, halves, strict=True)
    ]
    return tuple(sorted(found, key=lambda each: (-each.rating, each.model)))


def _counts(tallies: Iterable[Tally]) -> Mapping[str, tuple[int, int, int, int, int]]:
    """Model → votes, wins, losses, ties, both bad."""
    sums: dict[str, list[int]] = {}
    for first, second, wins, losses, ties, both_bad in tallies:
        votes = wins + losses + ties + both_bad
        for model, seen in ((first, (wins, losses)), (second, (losses, wins))):
            held = sums.setdefault(model, [0, 0, 0, 0, 0])
            for place, more in enumerate((votes, *seen, ties, both_bad)):
                held[place] += more
    return {model: (v, w, lost, t, b) for model, (v, w, lost, t, b) in sums.items() if v}


def _wins(tallies: Iterable[Tally], models: list[str]) -> list[list[float]]:
    """Row beats column so often. Two bad answers say as little of who is better as a tie does."""
    place = {model: index for index, model in enumerate(models)}
    wins = [[0.0] * len(models) for _ in models]
    for first, second, won, lost, ties, both_bad in tallies:
        if first in place and second in place:
            i, j, halves = place[first], place[second], (ties + both_bad) / 2
            wins[i][j] += won + halves
            wins[j][i] += lost + halves
    return wins
