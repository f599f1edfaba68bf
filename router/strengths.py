"""The most likely strengths of models that were compared in pairs, by Newton's method. It knows no votes and no names.

Apart from router.ratings, because it is the one that needs numpy: who only shows ratings need not load it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROUNDS = 100
"""Newton steps at most. The likelihood is concave, and ten were the most that simulated votes ever took."""
SMALL = 1e-10
HALVINGS = 40

Vector = NDArray[np.float64]


def fitted(rows: Sequence[Sequence[float]], precision: float) -> tuple[list[float], list[float]]:
    """The most likely strengths, whose mean is nothing, and their standard deviations; row beats column so often.
    Newton's steps, halved where one goes too far."""
    wins = np.array(rows)
    games, strengths = wins + wins.T, np.zeros(len(wins))
    height = _height(wins, strengths, precision)
    for _ in range(ROUNDS):
        slope, curvature = _shape(wins, games, strengths, precision)
        step = np.linalg.solve(curvature, slope)
        for _ in range(HALVINGS):
            reached = _height(wins, strengths + step, precision)
            if reached >= height:
                break
            step = step / 2
        strengths, height = strengths + step, max(reached, height)
        if np.abs(step).max() < SMALL:
            break
    centred = np.eye(len(wins)) - 1 / len(wins)
    covariance = centred @ np.linalg.inv(_shape(wins, games, strengths, precision)[1]) @ centred
    return strengths.tolist(), np.sqrt(np.diag(covariance)).tolist()


def _height(wins: Vector, strengths: Vector, precision: float) -> float:
    """The log of the likelihood times the prior, up to a constant."""
    chances = _log_chances(strengths)
    return float((wins * chances).sum() - precision / 2 * (strengths**2).sum())


def _shape(wins: Vector, games: Vector, strengths: Vector, precision: float) -> tuple[Vector, Vector]:
    """The slope of that height, and how it bends downwards."""
    chances = np.exp(_log_chances(strengths))
    slope = (wins - games * chances).sum(axis=1) - precision * strengths
    bends = games * chances * (1 - chances)
    return slope, np.diag(bends.sum(axis=1) + precision) - bends


def _log_chances(strengths: Vector) -> Vector:
    """The log of the chance that row beats column, without overflow however far apart they are."""
    chances: Vector = -np.logaddexp(0.0, strengths[None, :] - strengths[:, None])
    return chances
