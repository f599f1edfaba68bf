"""Compute units, and how a bill becomes rows of the rollups."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from adapters.schema import Task
from gateway.ledger.rules import NANOS, nanos
from gateway.usage import rules
from gateway.usage.rules import OTHER, Settled, compute_units, tally


def picture(width, height):
    return {"width": width, "height": height}


def clip(width, height, duration_s):
    return picture(width, height) | {"duration_s": duration_s}


def test_an_answer_of_200_tokens_is_one():
    assert compute_units(Task.TEXT, {"output_token": Decimal(200), "input_token": Decimal(9_000)}, []) == 1


def test_words_without_a_count_are_four_characters_a_token():
    assert compute_units(Task.TEXT, {}, [{"text": "a" * 800}]) == 1


def test_a_picture_is_about_a_hundred():
    assert compute_units(Task.TEXT_TO_IMAGE, {}, [picture(1024, 1024)]) == Decimal("104.858")
    assert compute_units(Task.INPAINT, {}, [picture(1000, 1000)] * 3) == 300


def test_a_clip_of_five_seconds_is_about_ten_thousand_and_ten_times_that_in_4k():
    hd = compute_units(Task.TEXT_TO_VIDEO, {}, [clip(1280, 720, 5.0)])
    uhd = compute_units(Task.TEXT_TO_VIDEO, {}, [clip(3840, 2160, 5.0)])
    assert (hd, uhd) == (Decimal("11059.2"), Decimal("99532.8"))
    assert abs(hd - 10_000) < 1_500 and abs(uhd - 100_000) < 1_500


def test_a_second_of_sound_is_ten():
    assert compute_units(Task.TEXT_TO_SPEECH, {}, [{"duration_s": 2.5}]) == 25


def test_what_was_not_delivered_counts_nothing():
    for task in Task:
        assert compute_units(task, {}, []) == 0


def line(unit, quantity, usd):
    return {"unit": unit, "quantity": quantity, "usd": usd, "usd_each": "0"}


def test_a_bill_without_lines_is_counted_by_what_was_made():
    made = tally(Task.TEXT_TO_VIDEO, {"output_video_second": Decimal("5.042")}, [], 7, [clip(10, 10, 5.042)])
    assert made.lines == (("output_video_second", 5_042_000, 7),)
    assert (made.video_ms, made.outputs) == (5_042, 1)
    assert tally(Task.TEXT, {}, [], 7, []).lines == ((OTHER, 0, 7),)


usds = st.decimals(0, 10, places=12)


@given(st.lists(usds, min_size=1, max_size=5))
def test_the_lines_of_a_bill_add_up_to_it_to_the_nano_dollar(amounts):
    whole = nanos(sum(amounts, Decimal(0)))
    lines = [line(f"unit_{number}", "1", str(usd)) for number, usd in enumerate(amounts)]
    made = tally(Task.TEXT, {}, lines, whole, [])
    assert sum(each.nanos for each in made.lines) == whole
    assert all(each.nanos >= 0 for each in made.lines)
    assert all(abs(each.nanos - usd * NANOS) <= len(amounts) for each, usd in zip(made.lines, amounts, strict=True))


def test_what_belongs_to_the_whole_job_stands_in_one_row():
    lines = [line("input_token", "10", "0.1"), line("output_token", "20", "0.2")]
    made = tally(Task.TEXT, {"output_token": Decimal(20)}, lines, 300_000_000, [{"text": "x"}])
    settled = Settled(1, "key_a", "", "text", "openai/openai/gpt", made, [("groq/maker/m", 5), ("x/y/z", 0)], True)
    first, second, third = rules.rows(settled, 7, 3)
    assert (first.provider, first.model, first.unit) == ("openai", "openai/gpt", "input_token")
    assert (first.margin_nanos, first.over_nanos, first.jobs, first.succeeded, first.outputs) == (7, 3, 1, 1, 1)
    assert (second.unit, second.cost_nanos, second.jobs, second.bills) == ("output_token", 200_000_000, 0, 1)
    assert (third.provider, third.unit, third.cost_nanos) == ("groq", OTHER, 5)


@pytest.mark.parametrize("day", [0, 20_000, -3])
def test_days_are_numbers_and_back(day):
    assert rules.day_of(rules.date_of(day)) == day
