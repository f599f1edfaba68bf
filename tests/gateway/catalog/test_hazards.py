"""How fast places and offers end, as measured: from few readings what was supposed counts, from many what was seen."""

from datetime import date, timedelta
from math import log

import pytest
from hypothesis import given, strategies as st

from gateway.catalog import hazards
from gateway.catalog.sightings import Looked, Row
from router import churn
from router.evidence import HAZARD_UNKNOWN_PER_DAY
from router.names import collect
from router.quality import HAZARD_PER_DAY
from router.retirement import Life, Shown, Stage

TODAY = date(2026, 11, 21)
NAMES = collect([], [])


def looked(days_ago, *best, board="arena/one"):
    return Looked(board, TODAY - timedelta(days_ago), frozenset(Row("", each) for each in best), best)


def life(stage=Stage.ACTIVE, since=TODAY, ends=None):
    return Life(stage=stage, since=since, evidence="said", ends=ends)


def shown(days_ago, *offers):
    return Shown("acme", TODAY - timedelta(days_ago), frozenset(offers))


@given(st.integers(0, 500), st.integers(0, 100_000), st.floats(1e-4, 1))
def test_a_hazard_lies_between_what_was_supposed_and_what_was_seen(endings, exposure_days, supposed):
    found = churn.hazard(endings, exposure_days, supposed)
    seen = endings / exposure_days if exposure_days else supposed
    assert min(seen, supposed) - 1e-9 <= found <= max(seen, supposed) + 1e-9 or not exposure_days
    assert found > 0 and churn.hazard(0, 0, supposed) == pytest.approx(supposed)


def test_a_quiet_board_is_believed_longer_than_one_whose_first_places_change_daily():
    quiet = [looked(day, "a", "b", "c", "d", "e", board="quiet/one") for day in range(50)]
    restless = [looked(day, *(f"m{day // 5}-{n}" for n in range(5)), board="restless/one") for day in range(50)]
    found = hazards.of_boards([*quiet, *restless], NAMES, TODAY)
    assert found["quiet/one"] < HAZARD_PER_DAY < found["restless/one"]
    assert found["quiet/one"] == pytest.approx(5 / (5 * 49 + 5 / HAZARD_PER_DAY))


def test_a_board_with_few_readings_old_ones_or_none_has_no_hazard_of_its_own():
    few = [looked(day, "a", "b", board="few/one") for day in range(9)]
    old = [looked(day, "a", "b", board="old/one") for day in range(70, 90)]
    assert hazards.of_boards([*few, *old, Looked("acme", TODAY, frozenset())], NAMES, TODAY) == {}


@given(st.permutations(range(20)))
def test_the_order_and_the_repetition_of_readings_change_no_hazard(order):
    readings = [looked(day, f"m{day // 7}", "b", "c") for day in range(20)]
    again = [readings[n] for n in order] + readings[:3]
    assert hazards.of_boards(again, NAMES, TODAY) == hazards.of_boards(readings, NAMES, TODAY)


def test_offers_of_a_provider_that_drops_its_models_are_expected_to_end_sooner():
    lives = {f"acme/m/{n}": life(Stage.RETIRED, TODAY - timedelta(50)) for n in range(10)} | {"acme/m/x": life()}
    lives |= {f"bcme/m/{n}": life() for n in range(20)}
    seen = [shown(100, *lives), shown(0, "acme/m/x", *(each for each in lives if each.startswith("bcme/")))]
    found = hazards.of_offers(lives, seen, TODAY)
    assert found["acme/m/x"] == pytest.approx((10 + 5) / (10 * 50 + 100 + 5 / HAZARD_UNKNOWN_PER_DAY))
    assert found["bcme/m/0"] < HAZARD_UNKNOWN_PER_DAY < found["acme/m/x"]


def test_what_nobody_ever_watched_ends_as_supposed_and_silence_is_no_endurance():
    lives = {"acme/m/a": life(), "acme/m/b": life()}
    assert hazards.of_offers(lives, [], TODAY)["acme/m/a"] == pytest.approx(log(2) / 365)
    watched = [shown(200, "acme/m/a"), shown(190, "acme/m/a")]
    later = hazards.of_offers(lives, watched, TODAY + timedelta(900))
    assert later == hazards.of_offers(lives, watched, TODAY) and later["acme/m/a"] < log(2) / 365


def test_an_announced_end_counts_by_the_days_that_are_left():
    ends = {"acme/m/a": life(Stage.DEPRECATED, ends=TODAY + timedelta(10)), "acme/m/b": life(Stage.DEPRECATED)}
    found = hazards.of_offers(ends, [], TODAY)
    assert found["acme/m/a"] == 0.1 and found["acme/m/b"] == pytest.approx(HAZARD_UNKNOWN_PER_DAY)
