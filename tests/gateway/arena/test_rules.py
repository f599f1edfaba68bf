"""Who is drawn and where they stand: two different models, by the seed alone, the likelier the more it would tell."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, strategies as st

from gateway.arena import rules
from gateway.arena.rules import Choice, Contender, Outcome, Pair, Side, draw, outcome, placed, weight
from router.ratings import Rated, Tally, rate, unrated

MODELS = [f"m/{letter}" for letter in "abcdef"]
SEEDS = st.integers(0, 2**53 - 1)


def contender(model, votes=0, rating=1_000.0, half=200.0, usd="0.01"):
    return Contender(model, Decimal(usd), rating - half, rating + half, votes)


CONTENDERS = st.lists(
    st.builds(
        contender,
        st.sampled_from(MODELS),
        st.integers(0, 1_000),
        st.floats(500, 1_500),
        st.floats(0, 300),
        st.sampled_from(["0", "0.01", "0.5"]),
    ),
    max_size=8,
)


@given(CONTENDERS, SEEDS)
def test_the_draw_never_pairs_a_model_with_itself_and_takes_only_contenders(contenders, seed):
    pair = draw(contenders, seed)
    models = {each.model for each in contenders}
    assert (pair is None) == (len(models) < 2)
    assert pair is None or (pair.left != pair.right and {*pair} <= models)


@given(CONTENDERS, SEEDS, st.randoms(use_true_random=False))
def test_the_same_seed_draws_the_same_pair_in_any_order(contenders, seed, chances):
    known = list({each.model: each for each in contenders}.values())
    shuffled = chances.sample(known, len(known))
    assert draw(known, seed) == draw(shuffled, seed)


@given(CONTENDERS, SEEDS, st.sampled_from(["0", "0.01", "0.02", "0.51", "2"]))
def test_both_together_are_within_the_limit(contenders, seed, most):
    quotes = {each.model: each.quote_usd for each in contenders}
    pair = draw(contenders, seed, Decimal(most))
    if pair is not None:
        shares = rules.limits((quotes[pair.left], quotes[pair.right]), Decimal(most))
        assert sum(shares) == Decimal(most)
        assert all(share >= quotes[model] for share, model in zip(shares, pair, strict=True))
    else:
        assert all(quotes[a] + quotes[b] > Decimal(most) for a, b in combinations(quotes, 2))


def test_every_pair_is_drawn_and_both_ways_round():
    drawn = Counter(draw([contender(model) for model in MODELS], seed) for seed in range(3_000))
    assert len(drawn) == 30 and min(drawn.values()) > 60


def test_close_and_little_known_pairs_are_drawn_more():
    near, far = weight(contender("m/a"), contender("m/b")), weight(contender("m/a"), contender("m/b", rating=1_900))
    known = weight(contender("m/a", votes=99), contender("m/b"))
    assert near > far > 0 and near > known > 0
    among = [contender("m/a", 0), contender("m/b", 0), contender("m/c", 400), contender("m/d", 400)]
    drawn = Counter(frozenset(draw(among, seed)) for seed in range(1_000))
    assert drawn[frozenset({"m/a", "m/b"})] > 700


@given(SEEDS)
def test_sides_follow_the_seed_and_not_the_order_of_naming(seed):
    assert placed("m/a", "m/b", seed) == placed("m/b", "m/a", seed)


@given(st.text(max_size=50))
def test_a_seed_survives_json(words):
    assert 0 <= rules.seed_of(words) < 2**53 and rules.seed_of(words) == int(float(rules.seed_of(words)))


def test_no_two_sides_share_a_key_and_none_can_be_guessed():
    keys = {rules.job_key(battle, seed, side) for battle in ("btl_1", "btl_2") for seed in (1, 2) for side in Side}
    assert len(keys) == 8 and all(len(key) <= 255 and "left" not in key and "btl" not in key for key in keys)


@pytest.mark.parametrize("pair", [Pair("m/a", "m/b"), Pair("m/b", "m/a")])
@pytest.mark.parametrize("choice", Choice)
def test_a_vote_means_the_model_and_not_the_side(pair, choice):
    (tally,) = rules.tallies(rules.with_vote({}, pair, outcome(choice, pair)), MODELS)
    won = rules.winner(choice, pair)
    assert (tally.first, tally.second) == ("m/a", "m/b")
    assert (tally.wins, tally.losses) == (won == "m/a", won == "m/b")
    assert (tally.ties, tally.both_bad) == (choice is Choice.TIE, choice is Choice.BOTH_BAD)


def test_votes_on_models_that_the_catalog_forgot_are_left_out():
    counts = {("m/a", "m/z"): {Outcome.FIRST: 3}, ("m/a", "m/b"): {Outcome.TIE: 2}}
    assert rules.tallies(counts, MODELS) == (Tally("m/a", "m/b", ties=2),)


def test_equal_ratings_share_a_place():
    rated = [Rated("m/a", 1_010, 1_000, 1_020), *(unrated(f"m/{each}") for each in "bc"), Rated("m/d", 990, 980, 1_000)]
    assert rules.positions(rated) == [1, 2, 2, 4] and rules.positions(rate([])) == []


def test_a_day_begins_at_midnight_in_utc():
    assert rules.day_of(datetime(2026, 11, 21, 23, 59, tzinfo=UTC)) == datetime(2026, 11, 21, tzinfo=UTC)
