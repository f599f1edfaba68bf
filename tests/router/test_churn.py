"""Spells, survival and half-lives: laws that hold for any board, and cases that can be counted by hand."""

from datetime import date, timedelta
from itertools import pairwise
from math import log

import pytest
from hypothesis import given, settings, strategies as st

from router.churn import Seen, Spell, half_life, median_days, months, price_changes, spells_of, survival, top

DAY = date(2026, 3, 1)
NAMES = st.lists(st.sampled_from("abcdef"), unique=True, max_size=4).map(tuple)
BOARDS = st.lists(st.tuples(st.integers(0, 400), NAMES), min_size=1, max_size=30, unique_by=lambda each: each[0]).map(
    lambda found: [Seen(DAY + timedelta(days), names) for days, names in sorted(found)]
)


def daily(*rows: str) -> list[Seen]:
    return [Seen(DAY + timedelta(n), tuple(row)) for n, row in enumerate(rows)]


def ended(days: int, saw_beginning: bool = True) -> Spell:
    return Spell("m", DAY, DAY + timedelta(days), saw_beginning)


def lasting(days_before: int, until: date, saw_beginning: bool = True) -> Spell:
    return Spell("m", until - timedelta(days_before), None, saw_beginning)


def test_a_spell_begins_when_first_seen_and_ends_on_the_first_day_of_absence():
    assert spells_of(daily("a", "ab", "b", "b", "b", "b", "b")) == (
        Spell("a", DAY, DAY + timedelta(2), False),
        Spell("b", DAY + timedelta(1), None, True),
    )


def test_a_short_absence_ends_nothing_and_a_long_one_does():
    assert len(spells_of(daily("a", "b", "b", "b", "a"), flap_days=3)) == 2
    parted = [spell for spell in spells_of(daily("a", "b", "b", "b", "b", "a"), flap_days=3) if spell.subject == "a"]
    assert [(spell.began, spell.ended) for spell in parted] == [
        (DAY, DAY + timedelta(1)),
        (DAY + timedelta(5), None),
    ]


def test_an_absence_too_young_to_tell_has_ended_nothing_yet():
    assert spells_of(daily("a", "a", "b", "b", "b", "b"), flap_days=3)[0].ended is None
    assert spells_of(daily("a", "a", "b", "b", "b", "b", "b"), flap_days=3)[0].ended == DAY + timedelta(2)


def test_only_the_first_places_are_followed():
    assert top(daily("abc", "acb"), 2) == (Seen(DAY, ("a", "b")), Seen(DAY + timedelta(1), ("a", "c")))


@given(BOARDS, st.integers(0, 30))
def test_spells_of_one_subject_never_overlap_and_cover_every_day_it_was_seen(board, flap_days):
    spells = spells_of(board, flap_days)
    for subject in {name for each in board for name in each.subjects}:
        own = [spell for spell in spells if spell.subject == subject]
        for one, other in pairwise(own):
            assert one.ended is not None and one.ended + timedelta(flap_days) < other.began
        for day, names in board:
            covered = any(spell.began <= day and (spell.ended is None or day < spell.ended) for spell in own)
            assert covered or subject not in names


@given(BOARDS)
def test_a_reading_given_twice_changes_nothing(board):
    assert spells_of(top([*board, *board])) == spells_of(top(board))


@settings(deadline=None)  # its first example imports the statistics library
@given(BOARDS)
def test_survival_only_falls_and_lies_within_its_band(board):
    points = survival(spells_of(board), board[-1].day)
    shares = [point.share for point in points]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= point.low <= point.share <= point.high <= 1 for point in points)


def test_survival_without_censoring_is_the_share_that_lasts():
    points = survival([ended(days) for days in (10, 20, 30, 40)], DAY + timedelta(100))
    assert [(point.days, round(point.share, 9)) for point in points] == [(10, 0.75), (20, 0.5), (30, 0.25), (40, 0)]
    assert median_days(points) == 20


def test_a_spell_that_lasts_is_censored_not_missing():
    until = DAY + timedelta(200)
    with_open = survival([ended(10), ended(20), lasting(15, until)], until)
    assert [round(point.share, 9) for point in with_open if point.days in (10, 20)] == [round(2 / 3, 9), 0]
    assert survival([ended(10, saw_beginning=False)], until) == ()


def test_the_half_life_counts_endings_over_all_days_and_its_interval_is_the_exact_one():
    until = DAY + timedelta(365)
    found = half_life([ended(30), ended(50, saw_beginning=False), lasting(20, until)], until)
    assert (found.endings, found.exposure_days, found.hazard_per_day) == (2, 100, 0.02)
    assert found.days == pytest.approx(log(2) / 0.02)
    # Exact Poisson limits for two events: 0.2422 and 7.2247 (Garwood 1936).
    assert found.hazard_low == pytest.approx(0.2422 / 100, rel=1e-3)
    assert found.hazard_high == pytest.approx(7.2247 / 100, rel=1e-4)
    assert found.low == pytest.approx(log(2) / found.hazard_high) and found.high == pytest.approx(
        log(2) / found.hazard_low
    )


def test_without_an_ending_the_half_life_has_no_end_but_a_beginning():
    until = DAY + timedelta(50)
    found = half_life([lasting(50, until)], until)
    assert (found.days, found.high) == (None, None)
    assert found.low == pytest.approx(log(2) * 50 / 3.6889, rel=1e-3)


def test_days_that_nobody_watched_give_no_half_life():
    with pytest.raises(ValueError, match="more readings"):
        half_life([], DAY)


def test_arrivals_and_departures_are_counted_by_month_and_the_first_reading_is_no_arrival():
    board = [
        Seen(date(2026, 3, 30), ("a", "b")),
        Seen(date(2026, 4, 10), ("a", "b", "c")),
        Seen(date(2026, 5, 10), ("c",)),
        Seen(date(2026, 5, 20), ("c",)),
    ]
    assert [(each.month, each.added, each.removed) for each in months(board)] == [
        ("2026-03", 0, 0),
        ("2026-04", 1, 0),
        ("2026-05", 0, 2),
    ]


def test_a_price_that_moves_is_one_change_and_one_that_is_new_or_gone_is_none():
    before, after = {"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "2.5", "d": "4"}
    assert price_changes([(date(2026, 4, 1), before), (date(2026, 5, 1), after)]) == {"2026-05": 1}
