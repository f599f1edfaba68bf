"""What is asked side by side: bodies that are whole, contenders in the order of the ranking, prices that add up."""

from decimal import Decimal

import pytest

from dashboard import asks
from tests.dashboard.documents import MARKET, job

RANKED = asks.contenders(MARKET)


@pytest.mark.parametrize("task", asks.TASKS)
def test_a_task_is_whole_with_words_and_the_picture_that_it_starts_from(task):
    without = asks.body(task, "a fox", {}, None)
    assert asks.is_whole(without) == (task not in asks.STARTS_FROM)
    whole = asks.body(task, "a fox", {}, "ast_1")
    assert asks.is_whole(whole)
    assert "base64" not in str(whole)
    assert not asks.is_whole(asks.body(task, "  ", {}, "ast_1"))


def test_each_model_is_there_once_by_its_best_offer():
    scores = {each["offer"]: each["score"] for each in MARKET["ranked"]}
    assert len(RANKED) == len({each["model"] for each in MARKET["ranked"]})
    for name, each in RANKED.items():
        assert each["score"] == max(scores[other] for other in scores if other.partition("/")[2] == name)


def test_the_first_of_the_ranking_are_preselected_and_a_choice_goes_before_them():
    assert asks.preselected(RANKED) == list(RANKED)[: asks.MOST]
    assert asks.preselected(RANKED, ["c/cheap", "gone/away"]) == ["c/cheap"]
    assert asks.preselected(RANKED, ["gone/away"]) == list(RANKED)[: asks.MOST]


def test_the_total_is_exact():
    assert asks.total(RANKED, ["a/dear", "c/cheap"]) == Decimal("0.202")
    assert asks.total(RANKED, []) == 0


def test_what_is_run_is_the_offer_that_was_quoted_and_no_other():
    made = asks.body("text-to-image", "a fox", {"width": 64}, None) | {"routing": {"weights": {"cost": 3.0}}}
    pinned = asks.pinned(made, "fal/a/dear")
    assert (pinned["model"], pinned["routing"]) == ("fal/a/dear", {"fallbacks": 0})
    assert pinned["width"] == 64 and "model" not in made


def test_jobs_are_compared_in_numbers_and_one_that_is_not_settled_costs_nothing_yet():
    picture = {"text": None, "width": 8, "height": 4, "duration_s": None, "mime": "image/png"}
    clip = picture | {"duration_s": 2.5, "mime": "video/mp4"}
    words = {"text": "snow on snow", "width": None, "height": None, "duration_s": None, "mime": "text/plain"}
    done = job() | {"outputs": [picture, clip, words]}
    done["cost"] = done["cost"] | {"quote_usd": "0.04"}
    runs = done | {"ended_at": None, "outputs": [], "cost": {"quote_usd": "0.04", "cost_usd": None}}
    first, second = asks.compared([done, runs])
    assert first["made"] == "8×4 pixels; 8×4 pixels, 2.5 s; 3 words"
    assert (first["took"], first["cost"]) == (10.0, 0.04)
    assert (second["took"], second["cost"], second["made"]) == (None, None, "")
