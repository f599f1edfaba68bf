"""Limits reject with a sentence, weights rank on absolute scales, and a stored record decides the same again."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from adapters.schema import Task
from router.decide import Candidate, decide, parts, record, replay
from router.evidence import Evidence, Load, cost_of, queued
from router.policy import PRESETS, SELF_HOSTED, Policy, preset
from router.quality import Interval

PROVIDERS = ("acme", "zenith", "own")
MODELS = ("maker/one", "maker/two", "other/three")
NAMES = PROVIDERS + MODELS + tuple(f"{provider}/{model}" for provider in PROVIDERS for model in MODELS)


def evidence(quality=0.6, p50_s=5.0, usd="0.04", reliability=0.95, hazard_per_day=0.01):
    cost_usd = None if usd is None else Decimal(usd)
    interval = Interval(quality, max(0.0, quality - 0.1), min(1.0, quality + 0.1))
    return Evidence(interval, "a board", p50_s, 2 * p50_s, reliability, hazard_per_day, cost_usd, cost_of(cost_usd))


def candidate(offer, obstacle=None, is_local=False, **known):
    provider, _, model = offer.partition("/")
    return Candidate(offer, provider, model, evidence(**known), obstacle, is_local)


EVIDENCE = st.builds(
    evidence,
    quality=st.floats(0, 1),
    p50_s=st.floats(0, 600),
    usd=st.none() | st.decimals(0, 10, places=4).map(str),
    reliability=st.floats(0, 1),
    hazard_per_day=st.floats(0, 1),
)
LOADS = st.builds(Load, st.integers(0, 9), st.floats(0, 600), st.none() | st.just("2026-11-21T12:00:00Z"))
LOADED = st.builds(queued, EVIDENCE, LOADS)
STAGES = st.sampled_from(["active", "active", "deprecated", "stale"])
RESTING = st.none() | st.just("left alone until 12:00:30 UTC: acme failed 2 times in a row, last by auth")
OBSTACLES = st.none() | st.just("does not accept seed")


@st.composite
def some_candidates(draw, least=0):
    offers = draw(st.lists(st.sampled_from(NAMES[6:]), min_size=least, unique=True))
    return [
        Candidate(
            offer,
            *offer.split("/", 1),
            draw(EVIDENCE | LOADED),
            draw(OBSTACLES),
            draw(st.booleans()),
            draw(STAGES),
            draw(RESTING),
        )
        for offer in offers
    ]


LISTED = st.lists(st.sampled_from((*NAMES, SELF_HOSTED)), max_size=3).map(tuple)
POLICIES = st.builds(
    Policy,
    weights=st.dictionaries(st.sampled_from(["quality", "cost", "latency", "hazard", "local"]), st.floats(0, 10)),
    fair_cost_usd=st.floats(1e-3, 1),
    fair_latency_s=st.floats(0.1, 100),
    max_cost_usd=st.none() | st.decimals(0, 10, places=2),
    max_latency_s=st.none() | st.floats(1, 1_000),
    max_local_wait_s=st.none() | st.floats(0, 300),
    min_quality=st.none() | st.floats(0, 1),
    only=LISTED,
    ignore=LISTED,
    order=LISTED,
)
TOPPED = st.builds(lambda policy, top: policy.changed({"top": top}), POLICIES, st.none() | st.integers(1, 4))


def ranked(candidates, policy):
    return [each.offer for each in decide(candidates, policy, "ev").ranked]


def reasons(candidates, policy):
    return {each.offer: each.reason for each in decide(candidates, policy, "ev").rejected}


@given(some_candidates(least=3), POLICIES)
def test_a_third_offer_never_reorders_the_other_two(candidates, policy):
    *others, third = candidates
    assert [offer for offer in ranked(candidates, policy) if offer != third.offer] == ranked(others, policy)


PRICED = st.builds(
    evidence,
    quality=st.floats(0, 1),
    p50_s=st.floats(0, 600),
    usd=st.decimals(0, 10, places=4).map(str),
    hazard_per_day=st.floats(0, 1),
)


@given(
    st.lists(st.tuples(PRICED, STAGES), min_size=3, max_size=len(NAMES[6:])),
    st.tuples(*[st.floats(0.1, 10)] * 4),
    LISTED,
)
def test_a_third_offer_never_reorders_two_that_could_both_be_used(known, weights, order):
    """As above, where nothing rejects anybody: there a score that looked at the others would show."""
    field = [
        Candidate(offer, *offer.split("/", 1), each, None, False, stage)
        for offer, (each, stage) in zip(NAMES[6:], known, strict=False)
    ]
    policy = Policy(weights=dict(zip(("quality", "cost", "latency", "hazard"), weights, strict=True)), order=order)
    together = ranked(field, policy)
    for third in field:
        others = [each for each in field if each != third]
        assert ranked(others, policy) == [offer for offer in together if offer != third.offer]


@given(some_candidates(), TOPPED)
def test_every_candidate_is_either_ranked_or_rejected(candidates, policy):
    decision = decide(candidates, policy, "ev")
    outcome = [each.offer for each in decision.ranked] + [each.offer for each in decision.rejected]
    assert sorted(outcome) == sorted(each.offer for each in candidates)
    assert all(each.reason for each in decision.rejected)
    assert decision.chosen == (decision.ranked[0].offer if decision.ranked else None)


@given(some_candidates(), TOPPED, st.randoms(use_true_random=False))
def test_the_order_in_which_candidates_are_given_does_not_matter(candidates, policy, random):
    shuffled = random.sample(candidates, len(candidates))
    assert decide(shuffled, policy, "ev") == decide(candidates, policy, "ev")


@given(some_candidates(), TOPPED)
def test_a_stored_record_decides_the_same_again(candidates, policy):
    decision = decide(candidates, policy, "ev_1")
    stored = json.loads(json.dumps(record(decision), allow_nan=False))
    assert replay(stored) == decision
    assert record(replay(stored)) == stored


@given(some_candidates(), POLICIES)
def test_a_score_is_the_sum_of_its_parts(candidates, policy):
    for each in decide(candidates, policy, "ev").ranked:
        assert each.score == pytest.approx(sum(parts(each.candidate, policy).values()), abs=1e-9)


@given(EVIDENCE, EVIDENCE)
def test_what_has_no_weight_has_no_influence(one, other):
    same_cost = other._replace(cost_usd=Decimal(1), cost=1.0)
    pair = [
        Candidate("b/x/y", "b", "x/y", one._replace(cost_usd=Decimal(1), cost=1.0), None, True),
        Candidate("a/x/y", "a", "x/y", same_cost),
    ]
    assert ranked(pair, Policy(weights={"cost": 1.0})) == ["a/x/y", "b/x/y"]
    assert ranked(pair, Policy(weights={"quality": 0, "latency": 0, "hazard": 0, "local": 0})) == ["a/x/y", "b/x/y"]


@given(EVIDENCE, EVIDENCE)
def test_cheapest_ranks_by_cost_and_fastest_by_time(one, other):
    pair = [Candidate("a/x/y", "a", "x/y", one), Candidate("b/x/y", "b", "x/y", other)]
    for name, amount, fair in (("cheapest", lambda e: e.cost, 0.04), ("fastest", lambda e: e.latency_p50_s, 8.0)):
        order = ranked(pair, preset(name, Task.TEXT_TO_IMAGE))
        halves = {each.offer: fair / (fair + amount(each.evidence)) for each in pair}
        if len(order) == 2 and abs(halves["a/x/y"] - halves["b/x/y"]) > 0.001:
            assert order == sorted(halves, key=halves.__getitem__, reverse=True)


def test_best_takes_a_clearly_better_model_at_fifty_times_the_price():
    pair = [candidate("a/x/good", quality=0.8, usd="2"), candidate("b/x/fair", quality=0.7, usd="0.04")]
    assert ranked(pair, preset("best", Task.TEXT_TO_IMAGE))[0] == "a/x/good"
    assert ranked(pair, preset("balanced", Task.TEXT_TO_IMAGE))[0] == "b/x/fair"


def test_an_unreliable_offer_loses_to_a_slightly_worse_one_that_works():
    pair = [candidate("a/x/good", quality=0.8, reliability=0.5), candidate("b/x/fair", quality=0.7)]
    assert ranked(pair, preset("best", Task.TEXT_TO_IMAGE)) == ["b/x/fair", "a/x/good"]


@given(EVIDENCE, EVIDENCE)
def test_local_first_puts_ours_before_anything_else(ours, theirs):
    pair = [Candidate("a/x/y", "a", "x/y", theirs), Candidate("b/x/y", "b", "x/y", ours, None, True)]
    order = ranked(pair, preset("local-first", Task.TEXT_TO_IMAGE))
    assert len(order) < 2 or order[0] == "b/x/y"


def test_eight_cents_more_are_nothing_for_a_clip_and_much_for_a_picture():
    pair = [candidate("a/x/good", quality=0.7, usd="0.10"), candidate("b/x/fair", quality=0.6, usd="0.02")]
    assert ranked(pair, preset("balanced", Task.TEXT_TO_VIDEO))[0] == "a/x/good"
    assert ranked(pair, preset("balanced", Task.TEXT_TO_IMAGE))[0] == "b/x/fair"


def test_a_tie_is_broken_by_name():
    assert ranked([candidate("b/x/y"), candidate("a/x/y")], preset("balanced", Task.TEXT)) == ["a/x/y", "b/x/y"]


@pytest.mark.parametrize(
    ("known", "limits", "reason"),
    [
        ({"usd": "0.40"}, {"max_cost_usd": Decimal("0.05")}, "costs 0.40 USD, over the limit of 0.05 USD"),
        ({"usd": "1E-7"}, {"max_cost_usd": Decimal(0)}, "costs 0.0000001 USD, over the limit of 0 USD"),
        ({"p50_s": 70.0}, {"max_latency_s": 120}, "may take 140 s, over the limit of 120 s"),
        ({"quality": 0.42}, {"min_quality": 0.5}, "has quality 0.42, under the limit of 0.5"),
        ({}, {"only": ("zenith", "maker/two")}, "is not among the only ones allowed: zenith, maker/two"),
        ({}, {"ignore": ("maker/one",)}, "is to be ignored: maker/one"),
        ({"usd": None}, {}, "has no price for this request"),
        ({"obstacle": "does not accept seed", "usd": "9"}, {"max_cost_usd": Decimal(1)}, "does not accept seed"),
    ],
)
def test_a_limit_rejects_in_plain_words_with_its_numbers(known, limits, reason):
    assert reasons([candidate("acme/maker/one", **known)], Policy(**limits)) == {"acme/maker/one": reason}


@pytest.mark.parametrize("known", [{"usd": "0.05"}, {"p50_s": 60.0}, {"quality": 0.5}])
def test_what_meets_a_limit_exactly_is_within_it(known):
    limits = Policy(max_cost_usd=Decimal("0.05"), max_latency_s=120, min_quality=0.5)
    assert ranked([candidate("acme/maker/one", **known)], limits) == ["acme/maker/one"]


@pytest.mark.parametrize("entry", ["acme", "maker/one", "acme/maker/one"])
def test_an_entry_matches_a_provider_a_model_or_an_offer(entry):
    pair = [candidate("acme/maker/one"), candidate("zenith/other/three", quality=0.9)]
    assert ranked(pair, Policy(only=(entry,))) == ["acme/maker/one"]
    assert ranked(pair, Policy(ignore=(entry,))) == ["zenith/other/three"]
    assert ranked(pair, Policy(order=(entry,), weights={"quality": 1})) == ["acme/maker/one", "zenith/other/three"]


def test_those_in_order_come_first_in_that_order_and_the_rest_by_score():
    four = [
        candidate(f"{name}/x/y", quality=quality) for name, quality in zip("abcd", (0.1, 0.2, 0.3, 0.4), strict=True)
    ]
    policy = Policy(weights={"quality": 1}, order=("b", "a", "b"))
    assert ranked(four, policy) == ["b/x/y", "a/x/y", "d/x/y", "c/x/y"]


def test_top_keeps_the_best_models_among_those_that_can_serve_at_every_provider():
    field = [
        candidate("acme/x/best", quality=0.9, obstacle="does not accept seed"),
        candidate("acme/x/second", quality=0.8, usd="3"),
        candidate("zenith/x/second", quality=0.8, usd="1"),
        candidate("acme/x/third", quality=0.7),
    ]
    policy = Policy(weights={"cost": 1}, top=1)
    assert ranked(field, policy) == ["zenith/x/second", "acme/x/second"]
    assert reasons(field, policy)["acme/x/third"] == "is not the best model by quality"
    assert ranked(field, Policy(weights={"cost": 1}, top=2))[0] == "acme/x/third"


def test_a_limit_that_nobody_meets_leaves_a_reason_for_everyone():
    pair = [candidate("a/x/y"), candidate("b/x/y")]
    decision = decide(pair, Policy(max_cost_usd=Decimal(0)), "ev")
    assert decision.chosen is None and len(decision.rejected) == 2


def test_the_record_tells_a_caller_what_would_happen_and_why():
    stored = record(decide([candidate("a/x/y")], preset("balanced", Task.TEXT_TO_IMAGE), "ev_1"))
    row = stored["ranked"][0]
    assert stored["evidence_id"] == "ev_1" and stored["policy"]["weights"][0] == ["quality", 1.0]
    assert row["offer"] == "a/x/y" and row["quote_usd"] == "0.04"
    assert row["eta_s"] == {"p50": 5.0, "p95": 10.0, "source": "task"}
    assert row["quality"] == {"value": 0.6, "low": 0.5, "high": 0.7, "source": "a board"}
    assert row["parts"]["cost"] == pytest.approx(0.25) and set(row["parts"]) == {"quality", "cost", "latency", "hazard"}


def test_every_preset_ranks_a_plain_candidate_for_every_task():
    for name in PRESETS:
        for task in Task:
            assert ranked([candidate("a/x/y")], preset(name, task)) == ["a/x/y"]


@given(some_candidates(), POLICIES)
def test_what_is_stale_comes_after_all_that_is_not_unless_the_caller_orders_otherwise(candidates, policy):
    policy = policy.model_copy(update={"order": ()})
    stages = [each.candidate.stage == "stale" for each in decide(candidates, policy, "ev").ranked]
    assert stages == sorted(stages)


def test_a_record_shows_the_stage_and_one_of_before_stages_were_known_is_decided_again():
    stale = candidate("acme/x/best", quality=0.9)._replace(stage="stale")
    stored = record(decide([stale, candidate("acme/x/good", quality=0.1)], Policy(weights={"quality": 1}), "ev"))
    assert [(each["offer"], each["stage"]) for each in stored["ranked"]] == [
        ("acme/x/good", "active"),
        ("acme/x/best", "stale"),
    ]
    for each in stored["ranked"]:
        del each["stage"]
    assert replay(stored).chosen == "acme/x/best"


def test_an_order_that_the_caller_gives_goes_before_staleness():
    stale = candidate("acme/x/best")._replace(stage="stale")
    ranked = decide([stale, candidate("acme/x/good")], Policy(order=("acme/x/best", "acme/x/good")), "ev").ranked
    assert [each.offer for each in ranked] == ["acme/x/best", "acme/x/good"]


def own(queue, wait_s, offer="own/maker/one", **known):
    """An engine of our own that has something else to do first."""
    made = candidate(offer, is_local=True, **known)
    return made._replace(evidence=queued(made.evidence, Load(queue, wait_s, "2026-11-21T12:00:00Z")))


def test_local_first_waits_for_an_own_machine_so_long_and_then_goes_elsewhere():
    policy = preset("local-first", Task.TEXT_TO_IMAGE)
    api = candidate("acme/maker/one", quality=0.9, usd="0.001")
    assert policy.max_local_wait_s == 32
    assert ranked([api, own(2, 32.0)], policy) == ["own/maker/one", "acme/maker/one"]
    assert ranked([api, own(3, 54.0, usd="0")], policy) == ["acme/maker/one", "own/maker/one"]
    assert ranked([own(3, 54.0)], policy) == ["own/maker/one"], "there is nobody else"


def test_the_record_says_what_is_before_it_and_whether_that_is_waited_for():
    policy = preset("balanced", Task.TEXT_TO_IMAGE).changed({"max_local_wait_s": 30})
    crowded, quick = own(3, 54.0), own(1, 18.0, "own/maker/two")
    free, unbounded = own(0, 0.0, "own/other/three"), record(decide([crowded], preset("best", Task.TEXT), "ev"))
    rows = {row["offer"]: row for row in record(decide([crowded, quick, free], policy, "ev"))["ranked"]}
    assert rows["own/maker/one"]["said"] == "ours, but 3 before it: 54 s, over the 30 s that are waited for"
    assert rows["own/maker/two"]["said"] == "ours, 1 before it: 18 s, within the 30 s that are waited for"
    assert rows["own/other/three"]["said"] == "ours, nothing before it"
    assert unbounded["ranked"][0]["said"] == "ours, 3 before it: 54 s"
    load = {"queue": 3, "wait_s": 54.0, "reading_at": "2026-11-21T12:00:00Z"}
    assert rows["own/maker/one"]["load"] == load and rows["own/maker/one"]["eta_s"]["p50"] == 59.0


def test_a_record_of_before_queues_were_known_is_decided_again():
    stored = record(decide([candidate("acme/x/y"), candidate("own/x/y")], preset("balanced", Task.TEXT), "ev"))
    for row in stored["ranked"]:
        del row["eta_s"]["source"]
    again = replay(json.loads(json.dumps(stored)))
    assert [each.offer for each in again.ranked] == [each["offer"] for each in stored["ranked"]]
    assert again.ranked[0].candidate.evidence.load is None


@pytest.mark.parametrize("beside", [(), ("acme",), ("acme/maker/one",), ("maker/one",)])
def test_self_hosted_binds_whatever_else_only_names(beside):
    policy = Policy(weights={"quality": 1}, only=(SELF_HOSTED, *beside))
    field = [candidate("acme/maker/one"), own(9, 900.0)]
    decision = decide(field, policy, "ev")
    assert all(each.candidate.is_local for each in decision.ranked)
    assert reasons(field, policy)["acme/maker/one"] == "is not self-hosted"
    named = not beside or "maker/one" in beside
    assert [each.offer for each in decision.ranked] == (["own/maker/one"] if named else [])


@given(some_candidates(), POLICIES)
def test_only_self_hosted_never_ranks_anybody_else(candidates, policy):
    private = policy.model_copy(update={"only": (*policy.only, SELF_HOSTED)})
    assert all(each.candidate.is_local for each in decide(candidates, private, "ev").ranked)


def test_own_machines_can_be_ignored_and_come_first_by_that_word_too():
    field = [candidate("acme/maker/one", quality=0.9), own(0, 0.0, quality=0.1)]
    assert ranked(field, Policy(weights={"quality": 1}, ignore=(SELF_HOSTED,))) == ["acme/maker/one"]
    assert ranked(field, Policy(weights={"quality": 1}, order=(SELF_HOSTED,)))[0] == "own/maker/one"


def test_what_is_left_alone_comes_after_all_that_is_not_and_replays_so():
    resting = candidate("acme/x/best", quality=0.9)._replace(resting="left alone until 12:00:00 UTC: …")
    good, poor = candidate("acme/x/good", quality=0.5), candidate("acme/x/poor", quality=0.1)
    decision = decide([resting, good, poor], Policy(weights={"quality": 1}), "ev")
    assert [each.offer for each in decision.ranked] == ["acme/x/good", "acme/x/poor", "acme/x/best"]
    stored = json.loads(json.dumps(record(decision)))
    assert stored["ranked"][2]["said"] == stored["ranked"][2]["resting"] == resting.resting
    assert "resting" not in stored["ranked"][0] and replay(stored) == decision
    assert decide([resting], Policy(), "ev").chosen == "acme/x/best", "it is never refused"
    assert decide([resting, good], Policy(order=("acme/x/best",)), "ev").chosen == "acme/x/best"
