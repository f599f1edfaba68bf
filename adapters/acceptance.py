"""One value against what an offer accepts: kept, moved to the nearest that is allowed, or refused. Pure."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from adapters.schema import Accept, Frozen, Value

NEAR = 1e-9
"""Slack for comparing steps of floating point numbers."""


class Adjustment(Frozen):
    """What was asked, and the nearest thing that will be sent instead (None: left out)."""

    parameter: str
    asked: Value | None
    sent: Value | None


class Answer(NamedTuple):
    """What an offer says to one wish: the values to set, what was changed about it, or why it cannot be."""

    changes: Mapping[str, object] = MappingProxyType({})
    adjustments: tuple[Adjustment, ...] = ()
    reasons: tuple[str, ...] = ()


KEPT = Answer()


def refused(reason: str) -> Answer:
    return Answer(reasons=(reason,))


def adjusted(name: str, asked: Value, sent: Value | None, changes: Mapping[str, object]) -> Answer:
    return Answer(changes, (Adjustment(parameter=name, asked=asked, sent=sent),))


def together(answers: Iterable[Answer]) -> Answer:
    """Several answers as one."""
    changes: dict[str, object] = {}
    adjustments: tuple[Adjustment, ...] = ()
    reasons: tuple[str, ...] = ()
    for answer in answers:
        changes |= answer.changes
        adjustments += answer.adjustments
        reasons += answer.reasons
    return Answer(changes, adjustments, reasons)


def settle(name: str, asked: Value, accept: Accept, strict: bool) -> Answer:
    """Keep a value that is allowed; otherwise say why not, or take the nearest."""
    if allowed(asked, accept):
        return KEPT
    near = None if strict else nearest(asked, accept)
    if near is None:
        return refused(f"accepts {name} {describe(accept)}, not {asked}")
    return adjusted(name, asked, near, {name: near})


def allowed(value: Value, accept: Accept) -> bool:
    if accept.enum is not None:
        return value in accept.enum
    if accept.range is None:
        return True
    if isinstance(value, bool | str):
        return False
    low, high = accept.range
    return low <= value <= high and (not accept.step or _on_step(value, low, accept.step))


def _on_step(value: float, low: float, step: float) -> bool:
    """Steps are counted from the low end of the range."""
    steps = (value - low) / step
    return abs(steps - round(steps)) < NEAR


def nearest(value: Value, accept: Accept) -> Value | None:
    """The allowed value that is nearest to a number; for words, which have no distance, the default."""
    if isinstance(value, bool | str):
        return accept.default
    if accept.enum is not None:
        numbers = [each for each in accept.enum if isinstance(each, int | float)]
        return min(numbers, key=lambda each: (abs(each - value), each), default=accept.default)
    if accept.range is None:
        return None
    clamped = _clamped(value, accept.range, accept.step)
    return round(clamped) if isinstance(value, int) else clamped


def _clamped(value: float, limits: tuple[float, float], step: float | None) -> float:
    low, high = limits
    inside = min(max(value, low), high)
    if not step:
        return inside
    steps = min(round((inside - low) / step), int((high - low) / step + NEAR))
    return low + steps * step


def describe(accept: Accept) -> str:
    """What is allowed, in words: "from 256 to 1440 in steps of 16", "5 or 10"."""
    if accept.enum is not None:
        return " or ".join(str(each) for each in accept.enum)
    if accept.range is None:
        return "of any value"
    step = f" in steps of {accept.step:g}" if accept.step else ""
    return f"from {accept.range[0]:.12g} to {accept.range[1]:.12g}{step}"
