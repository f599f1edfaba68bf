"""A reading survives the way into a snapshot and back, whatever its kind."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from adapters.schema import Task
from router.feeds.readings import (
    ListingReading,
    ListingRow,
    Notice,
    NoticeReading,
    Place,
    PlacesReading,
    PriceReading,
    PriceRow,
    is_board,
    joined,
    parse,
    payload_of,
    subject_of,
)  # fmt: skip
from router.quality import Reading, Row

NOW = datetime(2026, 8, 22, 6, tzinfo=UTC)
BOARD = Reading(
    source="arena", board="arena/text", task=Task.TEXT, taken_at=NOW, attribution="A", licence="CC", url="https://a.test",
    rows=(Row(label="a", rating=1.0, low=0.5, high=2.0, votes=3),),
)  # fmt: skip
TOP = PlacesReading(
    source="arena", board="arena/text", task=Task.TEXT, taken_at=NOW, attribution="A",
    rows=(Place(label="a", rank=1, rating=1.0),),
)  # fmt: skip
PRICE = PriceRow(label="a", provider="p", units=("request",), counted="request", usd="1.9e-08", when={"audio": True})
PRICES = PriceReading(source="p", taken_at=NOW, rows=(PRICE,))
LISTING = ListingReading(source="p", taken_at=NOW, rows=(ListingRow(label="a", provider="p"),))
NOTICES = NoticeReading(
    source="p", taken_at=NOW, rows=(Notice(label="a", channel="p", stage="shutdown", ends=date(2026, 9, 1)),)
)
ALL = [BOARD, TOP, PRICES, LISTING, NOTICES]


@pytest.mark.parametrize("reading", ALL)
def test_a_stored_reading_is_read_back_as_it_was(reading):
    assert parse(payload_of(reading)) == reading
    assert payload_of(parse(payload_of(reading))) == payload_of(reading)


def test_every_kind_is_its_own_subject():
    subjects = [subject_of(each) for each in (*ALL, PRICES.model_copy(update={"part": "google"}))]
    assert subjects == ["arena/text", "arena/text/top", "prices", "listing", "notices", "prices/google"]


@pytest.mark.parametrize("payload", ["[]", "{}", '{"kind": "guess", "rows": []}', '{"kind": "listing"}'])
def test_what_is_no_reading_is_refused(payload):
    with pytest.raises(ValidationError):
        parse(payload)


@pytest.mark.parametrize("kind", [PlacesReading, PriceReading, ListingReading, NoticeReading, Reading])
def test_no_kind_can_be_empty(kind):
    whole = next(each for each in ALL if type(each) is kind)
    with pytest.raises(ValidationError):
        kind.model_validate(whole.model_dump() | {"rows": ()})


@given(st.lists(st.sampled_from("abcdef"), min_size=1), st.lists(st.sampled_from("abcdef"), min_size=1))
def test_joining_pages_keeps_every_row_once(first, second):
    pages = [
        ListingReading(source="p", taken_at=NOW, rows=tuple(ListingRow(label=each, provider="p") for each in labels))
        for labels in (first, second)
    ]
    (whole,) = joined(pages)
    assert [row.label for row in whole.rows] == list(dict.fromkeys(first + second))


def test_boards_of_other_days_stay_apart():
    later = BOARD.model_copy(update={"taken_at": NOW.replace(day=23)})
    assert joined([BOARD, later, BOARD]) == (BOARD, later)


@pytest.mark.parametrize(
    ("subject", "said"),
    [("arena/text", True), ("arena/text/top", True), ("artificial-analysis/text-to-image", True), ("prices", False),
     ("prices/google", False), ("listing", False), ("notices", False)],
)  # fmt: skip
def test_a_board_is_told_from_the_other_subjects(subject, said):
    assert is_board(subject) is said
