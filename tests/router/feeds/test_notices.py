"""Notices keep the dates that are dates, and the names that are names."""

import json
from datetime import UTC, date, datetime

import pytest

from adapters.wire import Reply
from router.feeds import deprecations
from router.feeds.readings import Unreadable

NOW = datetime(2026, 8, 22, 6, tzinfo=UTC)
NOTICE = {"provider": "AWS Bedrock", "model_id": "titan-9", "announcement_date": "2025-11-18", "url": "https://a.test",
          "shutdown_date": "2026-02-17", "replacement_model": "gpt-image-1orgpt-image-1-mini"}  # fmt: skip


def read(*notices):
    call = deprecations.requests()[0]
    return deprecations.read(call, Reply(200, {}, json.dumps(notices).encode()), NOW).readings[0].rows


def test_a_notice_says_who_ends_where_when_and_what_replaces_it():
    (notice,) = read(NOTICE)
    assert (notice.label, notice.channel, notice.stage) == ("titan-9", "aws-bedrock", "shutdown")
    assert (notice.announced, notice.ends) == (date(2025, 11, 18), date(2026, 2, 17))
    assert notice.replacement == ("gpt-image-1", "gpt-image-1-mini")


def test_the_day_of_deprecation_goes_before_the_day_on_which_it_was_noticed():
    (notice,) = read(NOTICE | {"deprecation_date": "2025-11-01", "replacement_models": ["a-9", "b-9"]})
    assert notice.announced == date(2025, 11, 1)
    assert notice.replacement == ("a-9", "b-9")


@pytest.mark.parametrize("written", ["", None, "TBD", "not before June", "2026-02-31", 0])
def test_a_date_that_is_none_is_left_out(written):
    (notice,) = read(NOTICE | {"shutdown_date": written})
    assert notice.ends is None and notice.stage == "deprecated"


def test_a_notice_without_any_date_says_nothing():
    empty = NOTICE | {"shutdown_date": "", "announcement_date": "", "model_id": "other"}
    assert [row.label for row in read(NOTICE, empty)] == ["titan-9"]
    with pytest.raises(Unreadable, match="without a single row"):
        read(empty)


def test_one_model_ends_on_different_days_at_different_providers():
    rows = read(NOTICE, NOTICE | {"provider": "OpenAI", "shutdown_date": "2026-05-01"}, NOTICE)
    assert [(row.channel, row.ends.month) for row in rows] == [("aws-bedrock", 2), ("openai", 5)]


def test_what_is_not_a_list_of_notices_is_refused():
    with pytest.raises(Unreadable):
        deprecations.read(deprecations.requests()[0], Reply(200, {}, b'{"a": 1}'), NOW)
