from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from adapters.engine_readings import Reading
from gateway.engines import rules
from gateway.engines.rules import LOST, SILENT, Told, after, is_lost, load, obstacle, run_seconds

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=10)
STALE = NOW + timedelta(seconds=rules.STALE_S + 1)


def silences(times, before=None):
    for number in range(times):
        before = after(before, "comfyui", "it cannot be reached", 0, NOW + timedelta(seconds=10 * number))
    return before


def test_a_queue_is_what_others_have_there_and_what_we_have_there_now():
    told = after(None, "comfyui", Reading(1, 4), ours=2, now=NOW)
    assert told.others == 3
    found = load(told, ours=5, slots=1, run_s=18, now=LATER)
    assert (found.queue, found.wait_s, found.reading_at) == (8, 144, "2026-11-21T12:00:00Z")


def test_without_a_reading_or_with_a_stale_one_only_our_own_runs_count():
    told = after(None, "comfyui", Reading(1, 4), ours=0, now=NOW)
    for known, now in ((None, NOW), (told, STALE), (silences(1, told), LATER)):
        found = load(known, ours=2, slots=1, run_s=10, now=now)
        assert (found.queue, found.wait_s, found.reading_at) == (2, 20, None)


@given(st.integers(0, 1_000), st.integers(1, 64), st.floats(0.1, 1_000))
def test_places_side_by_side_only_ever_shorten_a_wait(ours, slots, run_s):
    crowded, roomy = (load(None, ours, each, run_s, NOW).wait_s for each in (1, slots))
    assert 0 <= roomy <= crowded and (ours >= slots or roomy == 0)


def test_an_engine_gets_no_job_after_two_silences_until_it_answers():
    assert obstacle(silences(SILENT - 1), NOW) is None
    silent = silences(SILENT)
    assert obstacle(silent, LATER) == "does not answer since 2026-11-21T12:00:00Z: it cannot be reached"
    assert obstacle(after(silent, "comfyui", Reading(), 0, LATER), LATER) is None
    assert obstacle(None, NOW) is None


def test_what_an_engine_was_given_is_lost_after_four_silences_and_never_by_a_stale_reading():
    assert not is_lost(silences(LOST - 1), LATER) and is_lost(silences(LOST), LATER)
    old = silences(LOST)
    assert not is_lost(old, old.taken_at + timedelta(seconds=61))
    assert obstacle(old, old.taken_at + timedelta(seconds=61)) is None
    assert is_lost(old, old.taken_at + timedelta(seconds=300), every_s=60), "they come more rarely"


@pytest.mark.parametrize(
    ("before_s", "poll_s", "beside", "slots", "seconds"),
    [
        (None, 0, 1, 1, "20"),
        (None, 5, 1, 1, "15"),
        (12, 0, 3, 1, "8"),
        (12, 0, 4, 64, "5"),
        (12, 0, 40, 4, "5"),
        (None, 30, 1, 1, "0"),
    ],
    ids=[
        "alone",
        "polled",
        "after another of ours",
        "beside three of ours",
        "before many that wait",
        "between two polls",
    ],
)
def test_seconds_by_our_own_clock(before_s, poll_s, beside, slots, seconds):
    before = None if before_s is None else NOW + timedelta(seconds=before_s)
    found = run_seconds(NOW, NOW + timedelta(seconds=20), poll_s, before, beside, slots)
    assert found == Decimal(seconds)


def test_a_view_says_what_was_told_and_what_was_not():
    told = after(None, "a1111", Reading(1, None), ours=0, now=NOW)
    shown = rules.view(told, 2, 1, LATER)
    assert (shown["running"], shown["waiting"], shown["queue"], shown["silent_since"]) == (1, None, 3, None)
    stale = rules.view(Told("a1111", NOW, running=1, others=1), 2, 1, STALE)
    assert (stale["running"], stale["queue"], stale["reading_at"]) == (None, 2, None)
    assert rules.view(silences(2), 0, 1, LATER)["silent_since"] == "2026-11-21T12:00:00Z"
