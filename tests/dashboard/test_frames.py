"""Documents of the API into rows: parts of scores, waterfalls, money."""

import re

import pytest

from dashboard import charts, frames
from dashboard.words import moment, plain, recently, seconds, usd
from gateway.jobs.settlement import SOURCES
from tests.dashboard.documents import CHURN, MARKET, attempt, decision, group, job, ranked, rejected


def test_the_parts_of_a_score_add_up_to_it():
    rows = frames.parts(MARKET)
    for each in MARKET["ranked"]:
        assert abs(sum(row["points"] for row in rows if row["offer"] == each["offer"]) - each["score"]) < 1e-9


def test_why_the_first_is_ahead_is_said_by_parts_the_greatest_first():
    said = frames.margin_words(decision(ranked("p/a/x", "0.04", 0.9), ranked("p/b/y", "0.01", 0.5)))
    assert said == "p/a/x is 0.250 points ahead of p/b/y: quality +0.400, cost -0.150."
    assert frames.margin_words(decision()) == "No offer could do this."
    assert "only offer" in frames.margin_words(decision(ranked("p/a/x", "0.04", 0.9)))


def test_a_small_lead_is_told_and_an_equal_score_is_by_name():
    close = frames.margin_words(decision(ranked("p/a/x", "0.04", 0.90004), ranked("p/b/y", "0.04", 0.9)))
    assert close == "p/a/x is 0.00004 points ahead of p/b/y: quality +0.00004."
    same = frames.margin_words(decision(ranked("p/a/x", "0.04", 0.9), ranked("p/b/y", "0.04", 0.9)))
    assert same == "p/a/x has as many points as p/b/y, and came first by its name."


def test_the_lines_of_a_receipt_come_to_its_sum_with_the_margin_of_the_plan():
    plain_job, marked_up = job(), job() | {"cost": job()["cost"] | {"cost_usd": "0.042"}}
    assert [row["USD"] for row in frames.receipt(plain_job)] == ["0.04"]
    assert frames.receipt(marked_up)[-1] == {
        "unit": "margin of the plan", "quantity": None, "USD each": None, "USD": "0.002",
    }  # fmt: skip


def test_reasons_are_counted_the_commonest_first():
    away = (rejected("a/b/c", "dear"), rejected("a/b/d", "has no key"), rejected("a/b/e", "has no key"))
    assert frames.reasons(decision(rejected=away)) == [
        {"reason": "has no key", "offers": 2, "which": ["a/b/d", "a/b/e"]},
        {"reason": "dear", "offers": 1, "which": ["a/b/c"]},
    ]  # fmt: skip


def test_what_is_said_of_an_offer_is_shown_in_the_order_of_the_ranking():
    waits = ranked("ours/a/x", "0.04", 0.9, said="ours, but 3 before it: 54 s, over the 32 s that are waited for")
    assert frames.remarks(decision(waits, ranked("p/b/y", "0.01", 0.5))) == [
        {"offer": "ours/a/x", "said": "ours, but 3 before it: 54 s, over the 32 s that are waited for"}
    ]


def test_a_waterfall_begins_with_the_wait_and_has_every_attempt_in_its_seconds():
    tried = job(
        attempt("fal/a/b", "failed", "2026-11-21T04:00:01Z", "2026-11-21T04:00:04Z", "provider_fault"),
        attempt("together/a/b", "succeeded", "2026-11-21T04:00:04Z", "2026-11-21T04:00:10Z"),
    )
    rows = frames.waterfall(tried)
    assert [(row["from_s"], row["to_s"], row["status"]) for row in rows] == [
        (0.0, 1.0, "waiting"), (1.0, 4.0, "failed"), (4.0, 10.0, "succeeded"),
    ]  # fmt: skip
    assert rows[1]["fault"] == "provider_fault"


def test_an_attempt_that_still_runs_ends_where_we_know_of_it():
    open_one = job(attempt("fal/a/b", "running", "2026-11-21T04:00:01Z", None), ended_at=None)
    assert frames.waterfall(open_one)[-1]["to_s"] == 1.0
    assert frames.waterfall(job(ended_at=None))[0]["to_s"] == 0.0


def test_only_the_largest_keep_their_name_and_no_money_is_lost():
    report = {"data": [group("2026-11-20", f"m{n}", f"0.{n:02}") for n in range(1, 12)]}
    rows = frames.largest(frames.spend(report, "model"), "model", 3)
    assert {row["model"] for row in rows} == {"m9", "m10", "m11", "others"}
    assert abs(sum(row["spend_usd"] for row in rows) - 0.66) < 1e-9


def test_every_day_of_a_report_has_its_place():
    assert frames.days("2026-02-27", "2026-03-01") == ["2026-02-27", "2026-02-28", "2026-03-01"]


def test_the_fullest_budget_is_first_and_ended_ones_are_gone():
    def budget(name, spent, limit, ended_at=None):
        return {"id": name, "name": name, "scope": "organisation", "subject": None, "window": "day", "hard": True,
                "spent_usd": spent, "limit_usd": limit, "ends_at": "x", "ended_at": ended_at}  # fmt: skip

    page = {
        "data": [
            budget("half", "1", "2"),
            budget("full", "3", "3"),
            budget("nil", "0", "0"),
            budget("old", "1", "1", "x"),
        ]
    }
    assert [(row["id"], row["filled"]) for row in frames.budgets(page)] == [("full", 1.0), ("nil", 1.0), ("half", 0.5)]


def test_survival_begins_with_everybody_and_those_who_went_are_below_the_line():
    assert frames.survival(CHURN)[0] == {"day": 0, "alive": 1.0, "low": 1.0, "high": 1.0}
    assert [(row["what"], row["models"]) for row in frames.months(CHURN)] == [("came", 3), ("went", -1)]


def test_a_price_is_told_with_its_unit_and_its_conditions():
    old = {"since": "2026-01-01", "rates": [{"unit": "request", "usd": "9", "per": "1", "when": {}}]}
    new = {"since": "2026-05-01", "rates": [
        {"unit": "output_video_second", "usd": "0.14", "per": "1", "when": {"resolution": ["720p", "1080p"],
         "audio": True}},
        {"unit": "input_token", "usd": "2", "per": "1000000", "when": {}},
    ]}  # fmt: skip
    assert frames.price_words([new, old]) == (
        "0.14 USD / output video second (resolution 720p or 1080p, audio yes); 2 USD / 1,000,000 input token"
    )
    assert frames.price_words([]) == "no price"


def test_a_model_stands_on_a_board_by_its_best_label_and_gaps_stay_gaps():
    def line(label, model, rank):
        return {
            "label": label,
            "model": model,
            "rank": rank,
            "rating": 1300.0 - rank,
            "low": 1.0,
            "high": 2.0,
            "votes": 9,
        }

    history = {"history": [
        {"taken_at": "2026-08-01T00:00:00Z",
         "standings": [line("a", "x/y", 3), line("b", "x/y", 1), line("c", None, 2)]},
        {"taken_at": "2026-08-02T00:00:00Z", "standings": [line("c", None, 1)]},
    ]}  # fmt: skip
    assert [(row["label"], row["of"]) for row in frames.standings(history, "x/y")] == [("b", 3)]


def test_money_and_times_are_told_with_their_units():
    assert [usd(each) for each in ("0.0000084", "0.013", "12.345", "0", None)] == [
        "0.0000084 USD", "0.013 USD", "12.34 USD", "0 USD", "–",
    ]  # fmt: skip
    assert moment("2026-11-21T04:00:10.123Z") == "2026-11-21 04:00:10 UTC"
    assert recently("2026-11-21T04:00:10.123Z") == "21 Nov 04:00"
    assert [seconds(each) for each in (0.25, 3.27, 300, None)] == ["250 ms", "3.3 s", "5.0 min", "–"]


def test_somebody_elses_words_draw_no_picture_and_lead_nowhere():
    shown = plain("![x](https://elsewhere.example/a_b) *c*")
    assert shown == "\\!\\[x\\]\\(https\\:\u2060//elsewhere\\.example/a\\_b\\) \\*c\\*"


@pytest.mark.parametrize("address", ["https://a.example/b", "HTTP://a.example", "www.a.example", "me@a.example"])
def test_a_bare_address_in_somebody_elses_words_is_no_address_any_more(address):
    shown = plain(f"see {address} now").replace("\\", "")
    assert not re.search(r"https?://|www\.|[\w.]@\w", shown, re.IGNORECASE)
    assert shown.replace("\u2060", "") == f"see {address} now"


def test_whose_word_a_cost_is_has_words_for_every_source_that_a_bill_has():
    assert set(frames.COST_SAID) == set(SOURCES)


def test_a_list_of_jobs_names_the_keys_for_who_may_know_them():
    made = job() | {"key": "key_1"}
    assert frames.jobs({"data": [made]}, {"key_1": "shop"})[0]["key"] == "shop"
    assert frames.jobs({"data": [made]}, {})[0]["key"] == "key_1"
    assert "key" not in frames.jobs({"data": [made]})[0]


def test_an_attempt_that_is_open_ends_now_and_is_of_a_colour_of_its_own():
    runs = job(attempt("fal/a/b", "open", "2026-11-21T04:00:01Z", None), ended_at=None)
    [_, bar] = frames.waterfall(runs, "2026-11-21T04:00:05+00:00")
    assert (bar["from_s"], bar["to_s"]) == (1.0, 5.0)
    assert charts.waterfall([bar]).to_dict()["mark"]
