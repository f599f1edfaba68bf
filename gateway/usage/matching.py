"""An invoice's lines beside our attempts: who belongs to whom, and what every difference is. Pure; it posts nothing.

A line that names a run is matched by that name alone, or not at all. One that names none is matched by model, time and
amount; only where exactly one attempt is left for it is it matched with another amount. So no difference is guessed.
"""

import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from gateway.ledger.rules import NANOS, usd
from gateway.usage.invoices import Line

NEAR = timedelta(minutes=5)
"""How far a line's time may be from an attempt's beginning or end: clocks differ, and some bill when they deliver."""


class Kind(StrEnum):
    """Why an invoice and our books differ."""

    MISSING_AT_OURS = "missing_at_ours"
    MISSING_AT_THEIRS = "missing_at_theirs"
    DUPLICATED_LINE = "duplicated_line"
    REFUSAL_BILLED = "refusal_billed"
    DIFFERENT_UNITS = "different_units"
    ROUNDING = "rounding"
    ANOTHER_PRICE = "another_price"
    ANOTHER_AMOUNT = "another_amount"


class Ours(NamedTuple):
    """An attempt as the payable account has it: what we owe for it, corrections included."""

    id: str
    ref: str | None
    offer: str
    wire_id: str | None
    begun_at: datetime
    ended_at: datetime | None
    nanos: int
    is_delivered: bool
    quantities: frozenset[Decimal] = frozenset()
    key_id: str = ""
    project: str = ""
    task: str = ""
    adjusted_nanos: int = 0


class Difference(NamedTuple):
    """`nanos`: what the invoice asks beyond our books. `subject`: an attempt's id, or a line's digest."""

    kind: Kind
    subject: str
    lines: tuple[int, ...]
    attempt: str | None
    ours_nanos: int
    theirs_nanos: int
    why: str
    offer: str
    ours: Ours | None = None

    @property
    def nanos(self) -> int:
        return self.theirs_nanos - self.ours_nanos


Group = list[Line]
"""Lines about one run."""
Pair = tuple[Ours, Group]


class Matched(NamedTuple):
    """What became of an invoice: pairs without any difference, and the differences."""

    agreed: int
    differences: tuple[Difference, ...]


def match(
    provider: str,
    lines: Sequence[Line],
    attempts: Sequence[Ours],
    begins: datetime,
    ends: datetime,
    adjusted: Callable[[str], int] = lambda subject: 0,
) -> Matched:
    """All differences of an invoice for what ended from `begins` until before `ends`.

    `adjusted` says what was posted before for a subject, in nano-dollars; that of attempts is in their own amount.
    """
    pairs, alone, doubled = _pairs(lines, attempts)
    taken = {ours.id for ours, _ in pairs}
    found = [_compared(ours, group) for ours, group in pairs]
    found += [_duplicate(provider, line, adjusted) for line in doubled]
    found += [_missing_here(provider, group, adjusted) for group in alone]
    found += [
        _missing_there(ours)
        for ours in attempts
        if ours.id not in taken and ours.nanos > 0 and begins <= (ours.ended_at or ours.begun_at) < ends
    ]
    differences = sorted((each for each in found if each), key=lambda each: (each.lines or (10**9,), each.subject))
    return Matched(sum(each is None for each in found[: len(pairs)]), tuple(differences))


def _pairs(lines: Sequence[Line], attempts: Sequence[Ours]) -> tuple[list[Pair], list[Group], list[Line]]:
    """(attempt, its lines), lines without an attempt, and lines that are there twice."""
    by_ref = {ours.ref: ours for ours in attempts if ours.ref} | {ours.id: ours for ours in attempts}
    named: defaultdict[str, list[Line]] = defaultdict(list)
    nameless: list[Group] = []
    doubled: list[Line] = []
    for line in lines:
        if line.ref is None:
            nameless.append([line])
        elif _said(line) in {_said(other) for other in named[line.ref]}:
            doubled.append(line)
        else:
            named[line.ref].append(line)
    pairs = [(by_ref[ref], group) for ref, group in named.items() if ref in by_ref]
    unknown = [group for ref, group in named.items() if ref not in by_ref]
    taken = {ours.id for ours, _ in pairs}
    # An id of theirs that we never saw may still be one of the attempts whose protocol told us none.
    nearby, alone = _by_time([*nameless, *unknown], [ours for ours in attempts if ours.id not in taken])
    known = {_said(group[0]) for _, group in nearby}
    again = {group[0].number for group in alone if not group[0].is_day and _said(group[0]) in known}
    doubled += [group[0] for group in alone if group[0].number in again]
    return pairs + nearby, [group for group in alone if group[0].number not in again], doubled


def _said(line: Line) -> Line:
    """A line but for its place: of one run there may be several, each of another unit, but none twice."""
    return line._replace(number=0)


def _by_time(groups: Sequence[Group], attempts: Sequence[Ours]) -> tuple[list[Pair], list[Group]]:
    """Pairs by model, time and amount; then those for which there is only one left. The rest stands alone."""
    shelf = _Shelf(attempts)
    pairs: list[Pair] = []
    left: list[Group] = []
    for group in groups:
        same = [ours for ours in shelf.near(group[0]) if _is_rounding(ours.nanos - _sum(group), group)]
        if same:
            pairs.append((shelf.take(min(same, key=partial(_distance, group))), group))
        else:
            left.append(group)
    alone: list[Group] = []
    for group in left:
        line = group[0]
        near = shelf.near(line) if line.model is not None and not line.is_day else []
        if len(near) == 1 and (near[0].nanos or not near[0].is_delivered):
            pairs.append((shelf.take(near[0]), group))
        else:
            alone.append(group)
    return pairs, alone


def _sum(group: Group) -> int:
    return sum(line.nanos for line in group)


class _Shelf:
    """Attempts that told us no name of theirs, by when they ended, until they are taken."""

    def __init__(self, attempts: Iterable[Ours]) -> None:
        self.rows = sorted((ours for ours in attempts if ours.ref is None), key=_ended)
        self.times = [_ended(ours) for ours in self.rows]
        self.longest = max((_ended(ours) - ours.begun_at for ours in self.rows), default=timedelta())
        self.taken: set[str] = set()

    def near(self, line: Line) -> list[Ours]:
        """Those that a line may be about: of its model, if it says one, begun or ended when it says."""
        if line.at is None:
            return []
        early = line.at if line.is_day else line.at - NEAR
        late = line.at + (timedelta(days=1) if line.is_day else NEAR)
        first, last = bisect_left(self.times, early), bisect_left(self.times, late + self.longest)
        return [ours for ours in self.rows[first:last] if ours.id not in self.taken and _fits(ours, line, early, late)]

    def take(self, ours: Ours) -> Ours:
        self.taken.add(ours.id)
        return ours


def _ended(ours: Ours) -> datetime:
    return ours.ended_at or ours.begun_at


def _fits(ours: Ours, line: Line, early: datetime, late: datetime) -> bool:
    is_then = early <= ours.begun_at < late or early <= _ended(ours) < late or ours.begun_at <= early <= _ended(ours)
    return is_then and (line.model is None or _is_model(ours, line.model))


def _is_model(ours: Ours, model: str) -> bool:
    known = {ours.offer, ours.offer.partition("/")[2], ours.offer.rpartition("/")[2], ours.wire_id}
    return model.lower() in {name.lower() for name in known if name}


def _distance(group: Group, ours: Ours) -> tuple[int, timedelta, str]:
    at = group[0].at
    assert at is not None
    return abs(ours.nanos - _sum(group)), min(abs(ours.begun_at - at), abs(_ended(ours) - at)), ours.id


def _is_rounding(nanos: int, lines: Sequence[Line]) -> bool:
    """Whether amounts written with so many decimals can hide so small a difference."""
    half = [max(1, NANOS // (2 * 10**line.places)) for line in lines]
    return bool(abs(nanos) <= sum(half))


def _compared(ours: Ours, lines: Group) -> Difference | None:
    theirs = _sum(lines)
    if theirs == ours.nanos:
        return None
    kind, why = _class(ours, lines, theirs)
    numbers = tuple(line.number for line in lines)
    return Difference(kind, ours.id, numbers, ours.id, ours.nanos, theirs, why, ours.offer, ours)


def _class(ours: Ours, lines: Sequence[Line], theirs: int) -> tuple[Kind, str]:
    said = f"{usd(theirs)} USD on the invoice, {usd(ours.nanos)} here"
    if _is_rounding(theirs - ours.nanos, lines):
        return Kind.ROUNDING, f"{said}: less than its last decimal can say"
    if not ours.is_delivered and not ours.nanos:
        return Kind.REFUSAL_BILLED, f"{said}: it delivered nothing, and is billed all the same"
    counted = [line.quantity for line in lines if line.quantity is not None]
    if counted and ours.quantities and not ours.quantities & {*counted, sum(counted, Decimal(0))}:
        here = ", ".join(f"{each:f}" for each in sorted(ours.quantities))
        return Kind.DIFFERENT_UNITS, f"{said}: counted {', '.join(f'{each:f}' for each in counted)}, and {here} here"
    if counted and ours.quantities:
        return Kind.ANOTHER_PRICE, f"{said}: the same quantity at another price"
    return Kind.ANOTHER_AMOUNT, f"{said}, and no quantity says why"


def _missing_here(provider: str, group: Group, adjusted: Callable[[str], int]) -> Difference | None:
    """Lines without an attempt. Those of nothing are no difference."""
    subject, theirs = digest(provider, group[0]), _sum(group)
    before = adjusted(subject)
    if theirs == before:
        return None
    why = f"the invoice has {usd(theirs)} USD for a run that we know nothing of"
    numbers, offer = tuple(line.number for line in group), _offer(provider, group[0])
    return Difference(Kind.MISSING_AT_OURS, subject, numbers, None, before, theirs, why, offer)


def _missing_there(ours: Ours) -> Difference:
    why = f"we owe {usd(ours.nanos)} USD for a run that the invoice does not have"
    return Difference(Kind.MISSING_AT_THEIRS, ours.id, (), ours.id, ours.nanos, 0, why, ours.offer, ours)


def _duplicate(provider: str, line: Line, adjusted: Callable[[str], int]) -> Difference | None:
    subject = f"{digest(provider, line)}.{line.number}"
    before = adjusted(subject)
    if line.nanos == before:
        return None
    why = f"the invoice has this line twice: {usd(line.nanos)} USD too much"
    return Difference(
        Kind.DUPLICATED_LINE, subject, (line.number,), None, before, line.nanos, why, _offer(provider, line)
    )


def _offer(provider: str, line: Line) -> str:
    return f"{provider}/{line.model or 'unknown'}"


def digest(provider: str, line: Line) -> str:
    """A run's name on an invoice: its own where it has one, else all that its line says and where it stands."""
    told = line.ref or f"{line.number} {line.at} {line.model} {line.nanos} {line.quantity} {line.unit}"
    return f"line_{hashlib.sha256(f'{provider}/{told}'.encode()).hexdigest()[:32]}"
