"""Standings into qualities: absolute within a board and day, merged between boards, and never surer for being older."""

import json
import time
from datetime import date, timedelta
from math import log

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from adapters.schema import Model, Task
from router.quality import (
    BORROWED_VARIANCE,
    HAZARD_PER_DAY,
    NO_BOARD,
    NORMAL_95,
    STAND_IN,
    UNRANKED,
    Standing,
    chance,
    fold,
    interval_of,
    read_standings,
)

TODAY = date(2026, 8, 22)
MODELS = {f"label-{i}": model for i, model in enumerate(("m/a", "m/a", "m/b", "m/c", None, None))}
BOARDS = {"arena/one": Task.TEXT_TO_IMAGE, "other/one": Task.TEXT_TO_IMAGE, "arena/edit": Task.IMAGE_EDIT}


def standing(label="label-0", rating=1100.0, half=10.0, board="arena/one", days_ago=0, votes=1_000, model=...):
    resolved = MODELS.get(label) if model is ... else model
    taken_on = TODAY - timedelta(days=days_ago)
    return Standing(board, BOARDS[board], taken_on, label, resolved, rating, rating - half, rating + half, votes)


STANDINGS = st.lists(
    st.builds(
        standing,
        label=st.sampled_from(sorted(MODELS)),
        rating=st.floats(700, 1_600),
        half=st.floats(0, 80),
        board=st.sampled_from(sorted(BOARDS)),
        days_ago=st.integers(0, 200),
        votes=st.integers(0, 5),
    ),
    max_size=25,
)


def width(quality):
    return quality.interval.high - quality.interval.low


def at(standings, now=TODAY, model="m/a", task=Task.TEXT_TO_IMAGE):
    return fold(standings, (), now).of(model, task)


@given(STANDINGS)
def test_every_quality_lies_in_its_interval_and_in_0_to_1(standings):
    for quality in fold(standings, (), TODAY).known.values():
        low, value, high = quality.interval.low, quality.interval.value, quality.interval.high
        assert 0 <= low <= value <= high <= 1


@given(STANDINGS, st.integers(0, 400), st.integers(0, 400))
def test_adding_age_never_narrows_an_interval(standings, days, more_days):
    now = TODAY + timedelta(days=days)
    soon, late = fold(standings, (), now), fold(standings, (), now + timedelta(days=more_days))
    assert soon.known.keys() == late.known.keys()
    for key, quality in soon.known.items():
        assert width(late.known[key]) >= width(quality) - 1e-9


@given(STANDINGS, st.sampled_from(sorted(BOARDS)), st.integers(0, 400))
def test_a_board_read_longer_ago_never_narrows_an_interval(standings, board, days):
    standings = [each._replace(taken_on=TODAY) for each in standings]
    older = [
        each._replace(taken_on=TODAY - timedelta(days=days)) if each.board == board else each for each in standings
    ]
    fresh, aged = fold(standings, (), TODAY), fold(older, (), TODAY)
    for key, quality in fresh.known.items():
        assert width(aged.known[key]) >= width(quality) - 1e-9


@given(STANDINGS, st.floats(-100, 100))
def test_an_earlier_reading_of_the_same_boards_changes_nothing(standings, shift):
    earlier = [
        each._replace(taken_on=each.taken_on - timedelta(days=201), rating=each.rating + shift) for each in standings
    ]
    assert fold([*earlier, *standings], (), TODAY).known == fold(standings, (), TODAY).known


@given(STANDINGS, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_standings_matters(standings, random):
    twice = [*standings, *standings]
    assert fold(random.sample(twice, len(twice)), (), TODAY) == fold(standings, (), TODAY)


@given(STANDINGS, st.integers(0, 200))
def test_readings_after_now_are_not_looked_at(standings, days):
    now = TODAY - timedelta(days=days)
    assert fold(standings, (), now) == fold([each for each in standings if each.taken_on <= now], (), now)


def test_quality_is_the_chance_to_win_against_the_boards_median_model():
    rows = [standing("label-0", 1200), standing("label-2", 1100), standing("label-4", 1000)]
    assert at(rows, model="m/b").interval.value == 0.5
    assert at(rows).interval.value == pytest.approx(1 / (1 + 10 ** (-100 / 400)))
    assert at(rows).interval.value == chance(1200, 1100)
    assert at(rows).source == "arena/one of 2026-08-22"


def test_the_interval_comes_from_the_ratings_interval():
    rows = [standing("label-0", 1100, half=40), standing("label-2", 1100, half=10)]
    assert at(rows).interval.low == pytest.approx(chance(1060, 1100), abs=1e-3)
    assert width(at(rows, model="m/b")) < width(at(rows))


def test_the_label_with_most_votes_speaks_for_its_model():
    rows = [standing("label-0", 1100, votes=90_000), standing("label-1", 1300, votes=500), standing("label-2", 1000)]
    assert at(rows).boards[0].label == "label-0" and at(rows).interval.value == 0.5


def test_an_unresolved_label_still_counts_for_the_median():
    rows = [standing("label-0", 1100), standing("label-4", 1300), standing("label-5", 1300)]
    assert at(rows).interval.value == chance(1100, 1300)


def test_a_model_that_left_the_board_keeps_its_last_standing_on_the_scale_of_that_day():
    rows = [standing("label-0", 1100, days_ago=30), standing("label-2", 1000, days_ago=30), standing("label-2", 1500)]
    assert at(rows).interval.value == chance(1100, 1050) and at(rows).source == "arena/one of 2026-07-23"


def test_boards_that_agree_narrow_the_interval_and_boards_that_disagree_widen_it():
    one = [standing("label-0", 1200, half=30), standing("label-2", 1000)]
    agreeing = [standing("label-0", 1200, half=30, board="other/one"), standing("label-2", 1000, board="other/one")]
    opposed = [standing("label-0", 1000, half=30, board="other/one"), standing("label-2", 1200, board="other/one")]
    assert width(at(one + agreeing)) < width(at(one)) < width(at(one + opposed))
    assert at(one + opposed).interval.value == pytest.approx(0.5)
    assert [board.board for board in at(one + opposed).boards] == ["arena/one", "other/one"]


def test_the_fresher_of_two_boards_weighs_more():
    rows = [standing("label-0", 1200), standing("label-2", 1000)]
    rows += [standing(each.label, 2200 - each.rating, board="other/one", days_ago=60) for each in rows]
    assert at(rows).interval.value > 0.5


def test_after_one_half_life_half_of_the_priors_variance_is_added():
    rows = [standing("label-0", 1100, half=0, days_ago=60), standing("label-2", 1100, half=0, days_ago=60)]
    prior = (UNRANKED.interval.high - UNRANKED.interval.low) ** 2
    floor = (0.005 * 2 * NORMAL_95) ** 2
    assert log(2) / 60 == HAZARD_PER_DAY
    assert width(at(rows)) ** 2 == pytest.approx(prior / 2 + floor)


def test_inpainting_borrows_the_standing_at_editing_with_a_wider_interval():
    rows = [standing("label-0", 1200, board="arena/edit"), standing("label-2", 1000, board="arena/edit")]
    edit, lent = at(rows, task=Task.IMAGE_EDIT), at(rows, task=Task.INPAINT)
    assert lent.interval.value == edit.interval.value
    assert width(lent) ** 2 == pytest.approx(width(edit) ** 2 + (2 * NORMAL_95) ** 2 * BORROWED_VARIANCE)
    assert lent.source == "arena/edit of 2026-08-22, a neighbouring task"


def test_what_is_not_known_is_said_and_not_zero():
    rows = [standing("label-0")]
    assert at(rows, model="m/unheard-of") == UNRANKED
    assert at(rows, task=Task.UPSCALE_IMAGE) == NO_BOARD and at([]) == NO_BOARD
    assert at(rows, task=Task.INPAINT) == NO_BOARD


def test_the_sandbox_never_looks_good_whatever_a_board_says():
    model = Model(id="m/a", name="A", maker="Podium", tasks=frozenset({Task.TEXT_TO_IMAGE}))
    qualities = fold([standing("label-0", 2000), standing("label-2")], [model], TODAY)
    assert qualities.of("m/a", Task.TEXT_TO_IMAGE) == STAND_IN == qualities.of("m/a", Task.TEXT)
    assert qualities.of("m/b", Task.TEXT_TO_IMAGE) != STAND_IN


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_an_interval_widens_with_its_variance_even_at_the_ends_of_the_scale(value, spread, more):
    narrow, wide = interval_of(value, spread), interval_of(value, spread + more)
    assert wide.high - wide.low >= narrow.high - narrow.low - 1e-12


def reading(**changes):
    rows = [{"label": "label-0", "rating": 1100, "low": 1090, "high": 1115, "votes": 7}]
    plain = {"source": "arena", "board": "arena/one", "task": "text-to-image", "taken_at": "2026-08-22T17:52:37Z"}
    return plain | {"attribution": "A", "licence": "CC BY 4.0", "url": "https://example.org", "rows": rows} | changes


def test_a_stored_reading_becomes_standings_with_resolved_labels():
    (found,) = read_standings(json.loads(json.dumps(reading())), MODELS.get)
    assert found == Standing("arena/one", Task.TEXT_TO_IMAGE, TODAY, "label-0", "m/a", 1100, 1090, 1115, 7)


ROW = {"label": "x", "rating": 1100, "low": 1090, "high": 1110, "votes": 7}


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": []},
        {"rows": [ROW | {"low": 1101}]},
        {"rows": [ROW | {"rating": None}]},
        {"rows": [ROW | {"votes": -1}]},
        {"task": "haruspicy"},
        {"taken_at": "2026-08-22T17:52:37"},
        {"taken_at": None},
        {"surprise": 1},
    ],
)
def test_a_reading_that_is_empty_or_malformed_is_refused(changes):
    with pytest.raises(ValidationError):
        read_standings(reading(**changes), MODELS.get)


def test_a_year_of_daily_readings_of_six_boards_folds_within_two_seconds():
    boards = [(f"arena/{i}", task) for i, task in enumerate(tuple(Task)[:6])]
    year = [
        Standing(board, task, TODAY - timedelta(days=day), f"label-{i}", f"m/{i}", 1000.0 + i, 990.0 + i, 1010.0 + i, 9)
        for board, task in boards
        for day in range(365)
        for i in range(200)
    ]
    began = time.process_time()
    qualities = fold(year, (), TODAY)
    assert time.process_time() - began < 2.0
    assert len(qualities.known) >= 6 * 200


@given(STANDINGS, st.integers(0, 400), st.integers(0, 400), st.floats(0, 1))
def test_at_any_measured_hazard_age_never_narrows_an_interval(standings, days, more_days, per_day):
    hazards, now = {"arena/one": per_day}, TODAY + timedelta(days=days)
    soon, late = fold(standings, (), now, hazards), fold(standings, (), now + timedelta(days=more_days), hazards)
    for key, quality in soon.known.items():
        assert width(late.known[key]) >= width(quality) - 1e-9


def test_a_standing_ages_by_the_hazard_that_was_measured_on_its_board():
    rows = [standing("label-0", 1200, days_ago=30), standing("label-2", 1000, days_ago=30)]
    restless, quiet = (fold(rows, (), TODAY, {"arena/one": each}) for each in (0.1, 0.001))
    known = [each.of("m/a", Task.TEXT_TO_IMAGE) for each in (quiet, fold(rows, (), TODAY), restless)]
    assert width(known[0]) < width(known[1]) < width(known[2])
    assert known[2].boards[0].hazard_per_day == 0.1
