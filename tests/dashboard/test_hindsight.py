"""What would have changed a decision is held against the router itself: deciding the changed record again agrees."""

import json
from decimal import Decimal

from hypothesis import given, settings, strategies as some

from dashboard import hindsight, tellings
from router.decide import Candidate, decide, record, replay
from router.evidence import Evidence, Load, cost_of
from router.policy import SELF_HOSTED, Policy
from router.quality import Interval

OFFERS = [
    f"{provider}/{model}" for provider in ("acme", "zenith", "own") for model in ("maker/one", "maker/two", "b/c")
]
NAMES = (*OFFERS, "acme", "own", "maker/one", SELF_HOSTED)
FLOATS = some.floats(0, 1).map(lambda each: round(each, 6))


@some.composite
def candidates(draw):
    offers = draw(some.lists(some.sampled_from(OFFERS), min_size=1, unique=True))
    return [draw(_candidate(offer)) for offer in offers]


@some.composite
def _candidate(draw, offer):
    quality, p50_s = draw(FLOATS), draw(some.floats(0, 600).map(lambda each: round(each, 5)))
    usd = draw(some.none() | some.decimals(0, 10, places=4))
    load = draw(some.none() | some.builds(Load, some.integers(0, 9), some.floats(0, 600)))
    evidence = Evidence(
        Interval(quality, quality / 2, quality), "a board", p50_s, 2 * p50_s, draw(FLOATS), draw(FLOATS), usd,
        cost_of(usd), "task", load,
    )  # fmt: skip
    return Candidate(
        offer, *offer.split("/", 1), evidence, draw(some.none() | some.none() | some.just("does not accept seed")),
        draw(some.booleans()), draw(some.sampled_from(["active", "active", "active", "stale"])),
        draw(some.sampled_from([None, None, None, "failed five times in a row"])),
    )  # fmt: skip


LISTED = some.lists(some.sampled_from(NAMES), max_size=2).map(tuple)
WEIGHTS = some.dictionaries(
    some.sampled_from(["quality", "cost", "latency", "hazard", "local"]), some.floats(0, 10).map(lambda x: round(x, 3))
)
POLICIES = some.builds(
    Policy, weights=WEIGHTS, fair_cost_usd=some.floats(1e-3, 1), fair_latency_s=some.floats(0.1, 100),
    max_cost_usd=some.none() | some.decimals(0, 10, places=2), max_latency_s=some.none() | some.floats(0.5, 900),
    min_quality=some.none() | FLOATS, top=some.none() | some.integers(1, 3),
    max_local_wait_s=some.none() | some.floats(0, 500), only=some.just(()) | LISTED, ignore=some.just(()) | LISTED,
    order=some.just(()) | LISTED,
)  # fmt: skip


def decided(found, policy):
    return json.loads(json.dumps(record(decide(found, policy, "ev_x"))))


def again(changed):
    """The router's own word on a record in which something is another."""
    return [each.offer for each in replay(changed).ranked]


def is_clearly_first(changed, offer):
    first, *others = replay(changed).ranked
    return first.offer == offer and all(first.score - other.score > 10 * hindsight.MARGIN for other in others)


@settings(max_examples=80)
@given(candidates(), POLICIES)
def test_a_decision_made_again_here_is_the_routers(found, policy):
    stored = decided(found, policy)
    assert [row["offer"] for row, _ in hindsight.ranking(stored)] == again(stored)
    for row, score in hindsight.ranking(stored):
        assert abs(score - row["score"]) < 1e-9


@settings(max_examples=80)
@given(candidates(), POLICIES)
def test_every_change_that_is_named_makes_its_offer_first(found, policy):
    stored = decided(found, policy)
    for runner in hindsight.runners_up(stored, most=9):
        for change in runner.changes:
            assert again(hindsight.applied(stored, [change]))[0] == change.offer, change


@settings(max_examples=80)
@given(candidates(), POLICIES)
def test_half_of_a_weights_change_is_not_enough_so_what_is_named_is_near_the_smallest(found, policy):
    stored = decided(found, policy)
    for runner in hindsight.runners_up(stored, most=9):
        for change in runner.changes:
            if change.what.startswith("weights.") or change.what == "quote_usd":
                half = change._replace(then=(change.now + change.then) / 2)
                gap = abs(change.then - change.now)
                digit = Decimal(1).scaleb(change.then.adjusted() - 1)  # two digits are told: they may be most of it
                if gap > 4 * digit:
                    assert not is_clearly_first(hindsight.applied(stored, [half]), change.offer), change


@settings(max_examples=80)
@given(candidates(), POLICIES)
def test_what_is_said_to_let_an_offer_in_lets_it_in_at_the_place_that_is_said(found, policy):
    stored = decided(found, policy)
    lifts = hindsight.lifts(stored)
    assert {each.offer for each in lifts} == {
        each["offer"] for each in stored["rejected"] if not each["is_obstacle"] and each["quote_usd"] is not None
    }
    for lift in lifts:
        ranked = again(hindsight.applied(stored, lift.changes))
        assert lift.place is not None and ranked[lift.place - 1] == lift.offer
        assert len(ranked) == lift.places


def evidence(quality, usd, p50_s=5.0):
    cost = Decimal(usd)
    return Evidence(Interval(quality, 0, 1), "a board", p50_s, 2 * p50_s, 1.0, 0.0, cost, float(cost))


def market(policy, **more):
    found = [Candidate("acme/m/dear", "acme", "m/dear", evidence(0.9, "0.20")),
             Candidate("acme/m/fair", "acme", "m/fair", evidence(0.7, "0.04")),
             Candidate("own/m/slow", "own", "m/slow", evidence(0.6, "0.04", 60.0), **more)]  # fmt: skip
    return decided(found, policy)


def test_it_is_said_in_words_with_what_is_and_what_would_have_to_be():
    stored = market(Policy(weights={"quality": 1.0, "cost": 0.5}, fair_cost_usd=0.04))
    assert [row["offer"] for row in stored["ranked"]] == ["acme/m/dear", "acme/m/fair", "own/m/slow"]
    runner = hindsight.runners_up(stored)[0]
    assert tellings.sentence(runner) == (
        "second, 0.033 points behind. It would have been first with a quality weight of 0.83 in place of 1; "
        "or with a cost weight of 0.61 in place of 0.5; or if it cost at most 0.0305 USD in place of 0.04 USD."
    )


def test_a_limit_in_the_way_is_named_with_the_value_that_would_do():
    policy = Policy(weights={"quality": 1.0}, max_cost_usd="0.1", max_latency_s=30, ignore=("own",))
    rows = {row["offer"]: row for row in tellings.lifted(hindsight.lifts(market(policy)))}
    assert rows["acme/m/dear"]["to let it in"] == "raise max_cost_usd to 0.2 USD (from 0.1 USD)"
    assert (rows["acme/m/dear"]["place then"], rows["acme/m/dear"]["of"]) == (1, 2)
    assert rows["own/m/slow"]["to let it in"] == "take it out of `ignore`; raise max_latency_s to 120 s (from 30 s)"


def test_what_is_held_back_whatever_its_score_is_told_why():
    stored = market(Policy(weights={"quality": 1.0}), resting="failed five times in a row")
    runner = hindsight.runners_up(stored)[-1]
    assert runner.changes == ()
    assert tellings.sentence(runner) == "third: it is left alone for a while: failed five times in a row."


def test_a_longer_wait_puts_an_own_machine_first_where_that_is_all_it_needs():
    waited_for = evidence(0.5, "0.01")._replace(load=Load(3, 54.0))
    found = [Candidate("acme/m/one", "acme", "m/one", evidence(0.5, "0.04")),
             Candidate("own/m/two", "own", "m/two", waited_for, None, True)]  # fmt: skip
    stored = decided(found, Policy(weights={"local": 2.0, "cost": 1.0}, max_local_wait_s=32.0))
    assert tellings.sentence(hindsight.runners_up(stored)[0]) == (
        "second: its queue is longer than is waited for. "
        "It would have been first with max_local_wait_s at 54 s in place of 32 s."
    )
