"""The Pareto line, and advice in words."""

from hypothesis import given, strategies as some

from dashboard import pareto
from tests.dashboard.documents import MARKET, decision, ranked, rejected


def named(rows, field="offer"):
    return [row[field] for row in rows]


def test_each_model_stands_by_its_cheapest_offer_and_the_line_is_what_nothing_beats():
    points = pareto.frontier(MARKET)
    assert named(points) == ["fal/c/cheap", "together/a/fair", "fal/b/worse", "fal/a/dear"]
    assert named(row for row in points if row["is_best"]) == ["fal/c/cheap", "together/a/fair", "fal/a/dear"]


def test_every_offer_is_shown_when_asked_and_what_costs_nothing_has_no_place_on_a_log_scale():
    assert len(pareto.frontier(MARKET, every_offer=True)) == 5
    assert "ours/d/free" not in named(pareto.frontier(MARKET, every_offer=True))


@given(some.lists(some.tuples(some.integers(1, 10_000), some.integers(0, 100)), min_size=1, max_size=30))
def test_nothing_on_the_pareto_line_is_beaten_and_everything_behind_it_is(offers):
    rows = [ranked(f"p/m/{n}", f"0.{price:05}", quality / 100) for n, (price, quality) in enumerate(offers)]
    points = pareto.frontier(decision(*rows))

    def beaten(row):
        return any(
            other["price_usd"] <= row["price_usd"] and other["quality"] >= row["quality"] and other is not row
            for other in points[: points.index(row)]
        )

    assert [row["is_best"] for row in points] == [not beaten(row) for row in points]
    line = pareto.steps(points)
    assert [row["quality"] for row in line] == sorted(row["quality"] for row in line)
    assert line[-1]["price_usd"] == points[-1]["price_usd"]


def test_a_cheaper_model_as_good_and_a_better_one_for_the_same_money_are_named():
    points = pareto.frontier(MARKET, every_offer=True)
    at = {row["offer"]: row for row in points}
    assert pareto.cheaper_as_good(points, at["fal/a/fair"])["offer"] == "together/a/fair"
    assert pareto.better_for_the_same(points, at["fal/b/worse"])["offer"] == "together/a/fair"
    assert pareto.cheaper_as_good(points, at["fal/c/cheap"]) is None
    assert pareto.better_for_the_same(points, at["fal/a/dear"]) is None


def test_what_costs_nothing_is_named_beside_the_chart_that_cannot_show_it():
    assert named(pareto.free(MARKET)) == ["ours/d/free"]
    assert pareto.free(decision(ranked("fal/a/x", "0.1", 0.5))) == []


def test_the_steps_of_the_line_beside_an_offer_are_named():
    points = pareto.frontier(MARKET)
    at = {row["offer"]: row for row in points}
    assert named(pareto.beside(points, at["together/a/fair"])) == ["fal/c/cheap", "fal/a/dear"]
    assert named(pareto.beside(points, at["fal/b/worse"])) == ["together/a/fair", "together/a/fair"]
    assert pareto.beside(points, at["fal/c/cheap"])[0] is None
    assert pareto.beside(points, at["fal/a/dear"])[1] is None


def test_names_on_the_line_do_not_cover_one_another():
    near = [ranked(f"p/m/{n}", f"0.0400{n}", 0.5 + n / 1000) for n in range(8)]
    points = pareto.frontier(decision(*near, ranked("p/m/far", "0.9", 0.99)))
    assert named((row for row in points if row["is_named"]), "name") == ["7", "far"]


def test_good_models_that_cannot_be_had_are_listed_once_with_their_reason_the_best_first():
    away = (rejected("fal/x/one", "has no key: set FAL_KEY", 0.7), rejected("other/x/one", "has no key", 0.7),
            rejected("fal/y/two", "has no key: set FAL_KEY", 0.9), rejected("fal/a/fair", "has no key"))  # fmt: skip
    rows = pareto.missing(decision(ranked("p/a/fair", "0.1", 0.6), rejected=away), 0.4)
    assert named(rows, "model") == ["y/two", "x/one"]
    assert rows[1]["why not"] == "has no key: set FAL_KEY"
