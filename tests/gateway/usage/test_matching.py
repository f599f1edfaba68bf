"""An invoice of a thousand lines with planted differences: every one is found, and none is invented."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from gateway.usage.invoices import Line
from gateway.usage.matching import Kind, Ours, match

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
CENT = 10**7


def attempt(number, **changes):
    """A clip of 5 s at 0.40 USD, one each ten minutes, with the provider's own id."""
    begun = BEGIN + timedelta(minutes=10 * number)
    plain = Ours(
        f"att_{number}", f"req-{number}", "fal/google/veo", "fal-ai/veo", begun, begun + timedelta(seconds=40),
        200 * CENT, True, frozenset({Decimal(5)}),
    )  # fmt: skip
    return plain._replace(**changes)


def line_of(ours, number, **changes):
    plain = Line(
        number,
        ours.nanos,
        2,
        ours.ref,
        "fal-ai/veo",
        ours.ended_at + timedelta(seconds=3),
        False,
        Decimal(5),
        "seconds",
    )
    return plain._replace(**changes)


def planted(seed):
    """A thousand attempts and their lines, and {kind: places} of what was planted among them, each place once."""
    chance = random.Random(seed)
    attempts = [attempt(number) for number in range(1_000)]
    places = chance.sample(range(1_000), 70)
    kinds = [
        Kind.MISSING_AT_OURS, Kind.MISSING_AT_THEIRS, Kind.DUPLICATED_LINE, Kind.REFUSAL_BILLED, Kind.DIFFERENT_UNITS,
        Kind.ROUNDING, Kind.ANOTHER_PRICE,
    ]  # fmt: skip
    plan = {kind: set(places[index * 10 : index * 10 + 10]) for index, kind in enumerate(kinds)}
    lines = []
    for number in range(1_000):
        kind = next((kind for kind, found in plan.items() if number in found), None)
        match kind:
            case Kind.MISSING_AT_THEIRS:
                continue
            case Kind.REFUSAL_BILLED:
                attempts[number] = attempt(number, nanos=0, is_delivered=False, quantities=frozenset())
                lines.append(line_of(attempts[number], number, nanos=4 * CENT))
            case Kind.DIFFERENT_UNITS:
                lines.append(line_of(attempts[number], number, quantity=Decimal(8), nanos=320 * CENT))
            case Kind.ROUNDING:
                attempts[number] = attempt(number, nanos=200 * CENT - chance.randrange(1, CENT // 2))
                lines.append(line_of(attempts[number], number, nanos=200 * CENT))
            case Kind.ANOTHER_PRICE:
                lines.append(line_of(attempts[number], number, nanos=250 * CENT))
            case Kind.DUPLICATED_LINE:
                lines += [line_of(attempts[number], number)] * 2
            case _:
                lines.append(line_of(attempts[number], number))
    for number in plan[Kind.MISSING_AT_OURS]:
        lines.append(line_of(attempts[number], number, ref=f"stranger-{number}"))
    chance.shuffle(lines)
    return attempts, [line._replace(number=number) for number, line in enumerate(lines, 1)], plan


def found_by_kind(differences):
    found = {}
    for each in differences:
        found.setdefault(each.kind, []).append(each)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_every_planted_difference_is_found_and_none_is_invented(seed):
    attempts, lines, plan = planted(seed)
    assert len(lines) == 1_010
    matched = match("fal", lines, attempts, BEGIN, END)
    found = found_by_kind(matched.differences)
    assert {kind: len(each) for kind, each in found.items()} == {kind: 10 for kind in plan}
    for kind in plan.keys() - {Kind.MISSING_AT_OURS, Kind.DUPLICATED_LINE}:
        assert {each.attempt for each in found[kind]} == {f"att_{number}" for number in plan[kind]}
    by_number = {line.number: line for line in lines}
    told = {by_number[each.lines[0]].ref for each in found[Kind.MISSING_AT_OURS]}
    assert told == {f"stranger-{number}" for number in plan[Kind.MISSING_AT_OURS]}
    told = {by_number[each.lines[0]].ref for each in found[Kind.DUPLICATED_LINE]}
    assert told == {f"req-{number}" for number in plan[Kind.DUPLICATED_LINE]}
    assert matched.agreed == 1_000 - 50
    invoiced = sum(line.nanos for line in lines)
    assert sum(each.nanos for each in matched.differences) == invoiced - sum(each.nanos for each in attempts)


@pytest.mark.parametrize("seed", range(5))
def test_an_invoice_as_it_should_be_has_no_difference(seed):
    attempts = [attempt(number) for number in range(1_000)]
    lines = [line_of(each, number) for number, each in enumerate(attempts, 1)]
    random.Random(seed).shuffle(lines)
    assert match("fal", lines, attempts, BEGIN, END) == (1_000, ())


def test_lines_without_an_id_are_matched_by_model_time_and_amount():
    attempts = [attempt(number, ref=None, nanos=(number % 3 + 1) * CENT) for number in range(300)]
    lines = [line_of(each, number, ref=None) for number, each in enumerate(attempts, 1)]
    assert match("fal", lines, attempts, BEGIN, END) == (300, ())
    dearer = [lines[0]._replace(nanos=9 * CENT), *lines[1:]]
    (only,) = match("fal", dearer, attempts, BEGIN, END).differences
    assert (only.kind, only.attempt, only.nanos) == (Kind.ANOTHER_PRICE, "att_0", 8 * CENT)
    stranger = lines[0]._replace(number=999, at=lines[0].at + timedelta(days=9, minutes=5), model="fal-ai/other")
    (only,) = match("fal", [*lines, stranger], attempts, BEGIN, END).differences
    assert (only.kind, only.lines) == (Kind.MISSING_AT_OURS, (999,))


def test_a_run_may_have_a_line_for_each_unit():
    ours = attempt(1, quantities=frozenset({Decimal(100), Decimal(20)}), nanos=3 * CENT)
    read = line_of(ours, 1, nanos=CENT, quantity=Decimal(100), unit="input")
    written = line_of(ours, 2, nanos=2 * CENT, quantity=Decimal(20), unit="output")
    assert match("fal", [read, written], [ours], BEGIN, END) == (1, ())


def test_what_ended_outside_of_the_period_is_not_missed():
    early, late = attempt(1, ended_at=BEGIN - timedelta(seconds=1)), attempt(2, ended_at=END)
    assert match("fal", [], [early, late], BEGIN, END).differences == ()


def test_a_refund_is_a_line_like_any_other():
    ours = attempt(1)
    lines = [line_of(ours, 1), line_of(ours, 2, nanos=-50 * CENT, unit="refund")]
    (only,) = match("fal", lines, [ours], BEGIN, END).differences
    assert only.nanos == -50 * CENT
