"""One model's offers side by side, and a hazard in words."""

import pytest

from dashboard import frames, offers
from tests.dashboard.documents import MARKET, decision, ranked


def test_offers_of_one_model_stand_side_by_side_the_cheapest_first():
    rows = offers.compared(MARKET, "a/fair")
    assert [(row["offer"], row["price"]) for row in rows] == [
        ("together/a/fair", "0.03 USD"),
        ("fal/a/fair", "0.04 USD"),
    ]
    assert rows[0] | {"p50_s": 4.0, "p95_s": 9.0, "reliable": "95%", "where": "provider"} == rows[0]
    assert offers.compared(MARKET, "nobody/x") == []


def test_whose_word_the_seconds_are_is_told_and_old_records_say_so():
    measured = ranked("p/a/x", "0.1", 0.5, eta_s={"p50": 1.0, "p95": 2.0, "source": "measured"})
    assert [row["source"] for row in offers.compared(decision(measured, ranked("p/a/y", "0.1", 0.5)), "a/x")] == [
        "measured here"
    ]
    assert frames.source({"p50": 1.0}) == "not said"
    assert frames.source({"source": "a new word"}) == "a new word"


@pytest.mark.parametrize(
    ("per_day", "words"),
    [(0.0, "no end is expected"), (0.0019, "an even chance to last 365 days"),
     (0.0005, "an even chance to last 3.8 years")],
)  # fmt: skip
def test_a_hazard_is_told_as_the_time_of_an_even_chance(per_day, words):
    assert offers.lasting(per_day) == words


def test_a_hazards_year_is_a_chance_between_none_and_certainty():
    page = [{"id": "p/a/x", "evidence": {"text": {"hazard_per_day": 0.0019}}}, {"id": "p/a/y", "evidence": {}}]
    (row,) = offers.hazards(page, "text")
    assert row["within a year"] == pytest.approx(0.5, abs=0.01)
    assert offers.ends_within(0) == 0
    assert offers.ends_within(5) == pytest.approx(1)
