"""Votes into ratings: the order of simulated strengths comes back, a vote for a model never lowers it, and what is
known of nobody stays wide."""

from datetime import date
from itertools import combinations
from math import isfinite
from random import Random

import pytest
from hypothesis import given, strategies as st

from adapters.schema import Task
from router.quality import Standing, chance, fold
from router.ratings import MIDDLE, Tally, rate, unrated

MODELS = ("m/a", "m/b", "m/c", "m/d")
TASK, TODAY = Task.TEXT_TO_IMAGE, date(2026, 11, 21)
FEW = st.integers(0, 40)
TALLIES = st.lists(
    st.builds(
        lambda pair, *votes: Tally(*pair, *votes), st.sampled_from(list(combinations(MODELS, 2))), FEW, FEW, FEW, FEW
    ),
    max_size=8,
)


def by_model(tallies):
    return {each.model: each for each in rate(tallies)}


def width(rated):
    return rated.high - rated.low


def simulated(strengths, games, seed):
    """Votes as models of these ratings would get them."""
    chances = Random(seed)
    for first, second in combinations(strengths, 2):
        wins = sum(chances.random() < chance(strengths[first], strengths[second]) for _ in range(games))
        yield Tally(first, second, wins, games - wins)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_and_the_distances_of_simulated_models_come_back(seed):
    true = {"m/a": 1150, "m/b": 1050, "m/c": 950, "m/d": 850}
    rated = rate(simulated(true, 400, seed))
    assert [each.model for each in rated] == sorted(true)
    assert all(abs(each.rating - true[each.model]) < 45 for each in rated)


def test_nineteen_in_twenty_intervals_hold_what_they_are_about():
    true = {"m/a": 1060, "m/b": 1000, "m/c": 940}
    found = [each for seed in range(100) for each in rate(simulated(true, 40, seed))]
    inside = sum(each.low <= true[each.model] <= each.high for each in found)
    assert 0.92 <= inside / len(found) <= 1


@given(TALLIES)
def test_every_rating_is_finite_and_within_its_interval(tallies):
    for each in rate(tallies):
        assert all(map(isfinite, each[1:4])) and each.low < each.rating < each.high
        assert each.votes == each.wins + each.losses + each.ties + each.both_bad > 0
        assert 0 <= each.win_rate <= 1


@given(TALLIES, st.sampled_from(list(combinations(MODELS, 2))))
def test_a_vote_for_a_model_never_lowers_it_and_never_raises_the_other(tallies, pair):
    first, second = pair
    before = by_model([*tallies, Tally(first, second, 1, 1)])
    after = by_model([*tallies, Tally(first, second, 2, 1)])
    assert after[first].rating >= before[first].rating - 1e-6
    assert after[second].rating <= before[second].rating + 1e-6


@given(TALLIES, st.randoms(use_true_random=False))
def test_order_and_splitting_change_nothing(tallies, chances):
    split = [Tally(each.first, each.second, *one) for each in tallies
             for one in ((each.wins, 0, each.ties), (0, each.losses, 0, each.both_bad))]  # fmt: skip
    turned = [Tally(b, a, losses, wins, ties, bad) for a, b, wins, losses, ties, bad in split]
    chances.shuffle(turned)
    here, there = by_model(tallies), by_model(turned)
    assert here.keys() == there.keys()
    for model, each in here.items():
        assert there[model][1:4] == pytest.approx(each[1:4], abs=1e-4) and there[model][4:] == each[4:]


@given(st.integers(1, 60), st.integers(0, 60), st.integers(2, 20))
def test_intervals_shrink_with_votes(wins, losses, times):
    few = by_model([Tally("m/a", "m/b", wins, losses)])
    many = by_model([Tally("m/a", "m/b", wins * times, losses * times)])
    assert all(width(many[model]) < width(few[model]) < width(unrated(model)) for model in few)


@pytest.mark.parametrize("votes", [1, 3, 30, 10_000, 10_000_000])
def test_models_that_win_every_vote_are_apart_and_not_infinitely_so(votes):
    rated = rate([Tally("m/a", "m/b", votes), Tally("m/b", "m/c", votes)])
    assert [each.model for each in rated] == ["m/a", "m/b", "m/c"]
    assert rated[0].rating > rated[1].rating > rated[2].rating and rated[0].rating < 5_000
    assert rated[1].rating == pytest.approx(MIDDLE)


def test_groups_that_never_met_are_each_around_the_middle():
    rated = by_model([Tally("m/a", "m/b", 20, 5), Tally("m/c", "m/d", 5, 20)])
    assert rated["m/a"].rating == pytest.approx(rated["m/d"].rating)
    assert rated["m/a"].rating + rated["m/b"].rating == pytest.approx(2 * MIDDLE)


def test_a_tie_and_two_bad_answers_bring_models_together_alike():
    apart = [Tally("m/a", "m/b", 8, 2)]
    tied, bad = by_model([*apart, Tally("m/a", "m/b", ties=10)]), by_model([*apart, Tally("m/a", "m/b", both_bad=10)])
    assert by_model(apart)["m/a"].rating > tied["m/a"].rating == bad["m/a"].rating > MIDDLE
    assert bad["m/a"].both_bad == 10 and tied["m/a"].ties == 10 and tied["m/a"].win_rate == 0.65


def test_no_votes_are_no_ratings():
    assert rate([]) == rate([Tally("m/a", "m/b")]) == rate([Tally("m/a", "m/a", 5)]) == ()
    assert unrated("m/a").rating == MIDDLE and unrated("m/a").win_rate == 0.5


def public(model, rating):
    """A place on a board of thousands of votes, read today."""
    return Standing("arena/text-to-image", TASK, TODAY, model, model, rating, rating - 8, rating + 8, 5_000)


def own(tallies):
    return [Standing("podium/text-to-image", TASK, TODAY, each.model, each.model, *each[1:5]) for each in rate(tallies)]


PUBLIC = [public("m/a", 1_200), public("m/b", 1_000), *(public(f"m/{n}", 800 + 20 * n) for n in range(20))]


@pytest.mark.parametrize(("wins", "losses"), [(0, 1), (0, 3), (1, 4), (2, 5), (4, 6), (20, 30), (22, 28)])
def test_a_handful_of_votes_never_overturns_public_boards(wins, losses):
    """Even if such a board were shown: below its least votes it is not shown at all."""
    qualities = fold([*PUBLIC, *own([Tally("m/a", "m/b", wins, losses)])], (), TODAY)
    assert qualities.of("m/a", TASK).interval.value > qualities.of("m/b", TASK).interval.value


def test_votes_of_our_own_count_as_a_board_does():
    """Where they agree nothing moves much; where hundreds of votes disagree, the quality goes between and widens."""
    alone = fold(PUBLIC, (), TODAY).of("m/b", TASK).interval
    told = [*PUBLIC, *own([Tally("m/a", "m/b", 100, 300)])]
    joined = fold(told, (), TODAY).of("m/b", TASK)
    assert joined.interval.value > alone.value and joined.interval.high - joined.interval.low > alone.high - alone.low
    assert "podium/text-to-image of 2026-11-21" in joined.source
