"""What is empty, cut short, older or shrunk beyond belief is refused with a sentence; the good one stays."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from adapters.wire import Reply
from router.feeds import arena_pages, litellm, trust
from router.feeds.readings import ListingReading, ListingRow, Notice, NoticeReading, Page, PriceReading, PriceRow
from router.feeds.trust import Refused, believed, doubt, gathered, understood

NOW = datetime(2026, 8, 22, 6, tzinfo=UTC)
CALL = litellm.requests()[0]


def listing(labels, taken_at=NOW):
    return ListingReading(
        source="p", taken_at=taken_at, rows=tuple(ListingRow(label=str(each), provider="p") for each in labels)
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"{}", "without a single row"),
        (b'{"a": {"litellm_provider"', "not whole JSON"),
        (b"<html>", "not whole JSON"),
        (b"[" * 100_000, "not whole JSON"),
        (b"[1]", "format"),
        (b'{"a": {"litellm_provider": "x", "input_cost_per_token": true}}', "without a single row"),
        (b"\xff\xfe", "not whole JSON"),
    ],
)
def test_whatever_does_not_parse_is_a_sentence(body, said):
    refused = understood("litellm", lambda: litellm.read(CALL, Reply(200, {}, body), NOW))
    assert isinstance(refused, Refused)
    assert said in refused.sentence and "\n" not in refused.sentence and refused.source == "litellm"


def test_a_rating_outside_its_interval_is_refused_too():
    meta = {"leaderboard": "text", "fetched_at": "2026-03-19T14:51:18+00:00"}
    document = {"meta": meta, "models": [{"model": "a", "score": 1402, "votes": 3, "ci": -4}]}
    reply = Reply(200, {}, json.dumps(document).encode())
    assert isinstance(understood("arena", lambda: arena_pages.read(CALL, reply, NOW)), Refused)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_are_an_exception(body):
    page = understood("litellm", lambda: litellm.read(CALL, Reply(200, {}, body), NOW))
    assert isinstance(page, Refused | Page)


def test_a_first_reading_is_believed():
    assert doubt(listing("a"), None, NOW) is None


def test_a_reading_older_than_the_last_good_one_is_refused_and_the_same_again_is_not():
    old = listing("abc", NOW - timedelta(days=1))
    assert "older" in str(doubt(old, listing("abc"), NOW))
    assert doubt(listing("abc"), listing("abc"), NOW) is None


def test_a_reading_of_a_day_to_come_is_refused():
    assert "yet to come" in str(doubt(listing("a", NOW + timedelta(days=2)), None, NOW))
    assert doubt(listing("a", NOW + timedelta(hours=20)), None, NOW) is None


def test_half_of_the_labels_must_stay():
    last = listing(range(100), NOW - timedelta(days=1))
    assert doubt(listing(range(50)), last, NOW) is None
    assert str(doubt(listing(range(49)), last, NOW)).startswith("only 49 of the 100 labels")


def test_another_list_of_the_same_length_is_refused():
    assert doubt(listing(range(100, 200)), listing(range(100)), NOW) is not None


def test_of_a_very_short_list_one_label_that_stays_is_enough():
    assert doubt(listing("axyz"), listing("abcd"), NOW) is None
    assert doubt(listing("wxyz"), listing("abcd"), NOW) is not None


def test_notices_may_come_and_go():
    old, new = (
        NoticeReading(source="p", taken_at=NOW, rows=(Notice(label=each, channel="p", stage="deprecated"),))
        for each in "ab"
    )
    assert doubt(new, old, NOW) is None


@given(st.sets(st.integers(0, 60), min_size=1), st.sets(st.integers(0, 60), min_size=1))
def test_more_labels_never_make_a_reading_less_believable(held, more):
    last = listing(held, NOW - timedelta(days=1))
    assert doubt(listing(held | more), last, NOW) is None


def test_of_a_history_each_day_is_judged_against_the_day_before_it():
    days = [listing(range(size), NOW - timedelta(days=age)) for age, size in ((3, 100), (2, 10), (1, 80))]
    good, refused = believed(Page(tuple(reversed(days))), lambda source, subject: None, NOW)
    assert good == (days[0], days[2])
    assert [(each.source, each.subject) for each in refused] == [("p", "listing")]


def test_what_is_stored_already_is_the_first_to_be_judged_against():
    stored = listing(range(100), NOW - timedelta(days=1))
    asked = []

    def last_of(source, subject):
        asked.append((source, subject))
        return stored

    good, refused = believed(Page((listing("a"),)), last_of, NOW)
    assert (good, len(refused), asked) == ((), 1, [("p", "listing")])


def test_a_listing_of_which_one_reply_is_missing_is_left_out():
    lost = Refused("p", "reply", "it answered with status 500")
    assert gathered([Page((listing("ab"),)), Page((listing("bc"),))]) == ((listing("abc"),), ())
    assert gathered([Page((listing("ab"),)), lost]) == ((), (lost,))


def test_a_board_and_one_providers_prices_arrive_whole_whatever_else_is_missing():
    lost = Refused("p", "reply", "it answered with status 500")
    meta = {"leaderboard": "text", "fetched_at": "2026-03-19T14:51:18+00:00"}
    document = {"meta": meta, "models": [{"model": "a", "score": 1402, "votes": 3, "ci": 4}]}
    page = arena_pages.read(CALL, Reply(200, {}, json.dumps(document).encode()), NOW)
    row = PriceRow(label="a", provider="p", units=(), counted="credits", usd="1")
    part = PriceReading(source="p", part="google", taken_at=NOW, rows=(row,))
    readings, refused = gathered([page, lost, Page((part, listing("a")))])
    assert (readings, refused) == ((*page.readings, part), (lost,))


def test_the_thresholds_can_be_met():
    assert 0 < trust.KEPT_LEAST < 1 and trust.SMALL_ROWS > 0
