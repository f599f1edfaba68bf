"""What is told of a life that changed, and what a board shows for the first time."""

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from gateway.changes.rules import Kind, Shown, Stand, Subject, appearances, changes, stand_of
from router.retirement import Life, Stage

DAY = date(2026, 8, 1)
SUBJECT = Subject("acme/acme/one", "acme/one", "acme/acme/one")


def life(stage, ends=None, successor=None):
    return Life(stage=stage, since=DAY, evidence="seen", ends=ends, successor=successor)


def kinds(before, now, is_first=False):
    return [change.kind for change in changes(SUBJECT, before and stand_of(before), now, is_first)]


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (Stage.ACTIVE, Stage.STALE, Kind.STALE),
        (Stage.STALE, Stage.RETIRED, Kind.RETIRED),
        (Stage.STALE, Stage.ACTIVE, Kind.REVIVED),
        (Stage.RETIRED, Stage.ACTIVE, Kind.REVIVED),
        (Stage.ANNOUNCED, Stage.ACTIVE, Kind.APPEARED),
        (Stage.ACTIVE, Stage.FADING, Kind.FADING),
        (Stage.ACTIVE, Stage.DEPRECATED, Kind.DEPRECATED),
    ],
)
def test_a_change_of_stage_is_told_by_its_name(before, now, told):
    assert kinds(life(before), life(now)) == [told]


@given(st.sampled_from(Stage), st.none() | st.dates(), st.none() | st.just("acme/two"))
def test_what_did_not_change_is_not_told(stage, ends, successor):
    same = life(stage, ends, successor)
    assert kinds(same, same.model_copy(update={"evidence": "seen again", "since": DAY + timedelta(3)})) == []


def test_an_end_that_moves_and_a_successor_that_is_named_are_told():
    before, later = life(Stage.DEPRECATED, DAY), life(Stage.DEPRECATED, DAY + timedelta(9), "acme/two")
    moved, named = changes(SUBJECT, stand_of(before), later, False)
    assert (moved.before, moved.after) == ("deprecated, ends 2026-08-01", "deprecated, ends 2026-08-10")
    assert (named.kind, named.before, named.after) == (Kind.SUCCESSOR, None, "acme/two")


def test_what_was_there_before_us_does_not_appear_and_what_comes_later_does():
    assert kinds(None, life(Stage.ACTIVE), is_first=True) == []
    assert kinds(None, life(Stage.RETIRED), is_first=True) == [Kind.RETIRED]
    assert kinds(None, life(Stage.ACTIVE)) == [Kind.APPEARED]
    assert stand_of(life(Stage.ACTIVE)) == Stand(Stage.ACTIVE, None, None)


def shown(day, *names):
    return Shown("a board", DAY + timedelta(day), dict.fromkeys(names))


def test_a_board_is_read_for_the_first_time_without_news_and_each_name_is_news_once():
    readings = [shown(2, "a", "c"), shown(0, "a"), shown(1, "a", "b"), shown(3, "b", "c")]
    assert [(name, is_news) for _, name, is_news in appearances({}, readings)] == [
        ("a", False),
        ("b", True),
        ("c", True),
    ]
    known = {"a board": frozenset({"a", "b"})}
    assert [(name, is_news) for _, name, is_news in appearances(known, readings)] == [("c", True)]
