"""Own machines in decisions: their queue and their silence, estimates before measurements, and requests that stay."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.schema import Task
from gateway.catalog.evidence import attempted
from gateway.engines.rules import Told
from gateway.engines.service import Engines
from gateway.problems import NoOffer, Unavailable
from gateway.routing import service
from gateway.routing.body import JobBody
from gateway.routing.service import Routing
from router import decide
from router.latency import Attempted
from tests.supplies import make_supply, starter_belief

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MODEL = "black-forest-labs/flux-1-dev"
OURS, THEIRS = f"studio/{MODEL}", f"runware/{MODEL}"
PICTURE = {
    "task": "text-to-image",
    "prompt": "a red fox",
    "model": MODEL,
    "width": 1024,
    "height": 1024,
    "steps": 28,
    "strict": False,
}
CARD = f"""
name: studio
title: The studio's machine
dialect: openai_images
base_url: http://10.0.0.6:8000/v1
self_hosted: true
health: {{ kind: plain }}
machine: {{ name: h100, usd_per_hour: "3.00", since: 2026-01-01 }}
offers:
  - model: {MODEL}
    wire_id: flux
    tasks: [text-to-image]
    accepts: {{ width: {{}}, height: {{}}, steps: {{}} }}
    eta_s: {{ text-to-image: 40 }}
"""


@pytest.fixture
def supply(monkeypatch, tmp_path):
    return make_supply(monkeypatch, tmp_path, "RUNWARE_API_KEY", card=CARD)


def routing_of(supply, runs=(), told=None, ours=0):
    engines = Engines(None, supply, told={"studio": told} if told else {}, ours={"studio": ours})
    return Routing(supply, starter_belief(supply, NOW, runs), engines=engines)


def plan(routing, **wishes):
    return routing.plan(JobBody.model_validate(PICTURE | {"routing": wishes}), NOW)


def row(made, offer=OURS):
    stored = json.loads(made.record)
    return next(each for each in (*stored["ranked"], *stored["rejected"]) if each["offer"] == offer)


def run(seconds, hours_ago=1):
    ended = NOW - timedelta(hours=hours_ago)
    return Attempted(OURS, Task.TEXT_TO_IMAGE, ended - timedelta(seconds=seconds), ended, seconds, True, False)


def silent(times, at=NOW):
    return Told("studio", at, times, at - timedelta(seconds=10), "it cannot be reached")


def test_an_estimate_goes_before_the_cards_word_and_yields_to_what_is_measured(supply):
    estimated = row(plan(routing_of(supply)))["eta_s"]
    assert estimated["source"] == "roofline" and 3 < estimated["p50"] < 6
    few, many = (row(plan(routing_of(supply, [run(30.0)] * count)))["eta_s"] for count in (2, 60))
    assert few["source"] == many["source"] == "measured"
    assert estimated["p50"] < few["p50"] < many["p50"] and many["p50"] == pytest.approx(30, rel=0.3)


def test_an_estimate_is_of_the_request_at_hand(supply):
    routing = routing_of(supply)
    small = JobBody.model_validate(PICTURE | {"width": 512, "height": 512})
    assert row(routing.plan(small, NOW))["eta_s"]["p50"] < row(plan(routing))["eta_s"]["p50"] / 2


def test_our_own_runs_there_are_a_queue_and_change_the_decision_at_once(supply):
    routing = routing_of(supply)
    assert plan(routing, policy="local-first").offers[0] == OURS
    routing.engines.ours = {"studio": 20}
    crowded = plan(routing, policy="local-first")
    assert crowded.offers[0] == THEIRS and row(crowded)["load"]["queue"] == 20
    assert row(crowded)["said"].startswith("ours, but 20 before it: ") and row(crowded)["load"]["reading_at"] is None
    with routing.given(plan(routing, only=["studio"])):
        assert row(plan(routing))["load"]["queue"] == 21, "one is being written down"
    assert row(plan(routing))["load"]["queue"] == 20


def test_what_a_reading_tells_of_others_is_before_it_too(supply):
    told = Told("studio", NOW - timedelta(seconds=5), running=1, waiting=2, others=3)
    load = row(plan(routing_of(supply, told=told, ours=1)))["load"]
    assert (load["queue"], load["reading_at"]) == (4, "2026-11-22T11:59:55Z")


def test_an_engine_that_does_not_answer_is_passed_over_until_it_does(supply):
    away = plan(routing_of(supply, told=silent(2)))
    assert away.offers[0] == THEIRS and OURS not in away.offers
    assert row(away)["reason"] == "does not answer since 2026-11-22T11:59:50Z: it cannot be reached"
    assert OURS in plan(routing_of(supply, told=silent(1))).offers
    assert OURS in plan(routing_of(supply, told=silent(9, NOW - timedelta(hours=1)))).offers, "nobody has looked since"


def test_what_stays_at_home_is_offered_to_nobody_else_and_each_says_so(supply):
    made = plan(routing_of(supply, ours=50), only=["self-hosted"], replace=True)
    assert made.offers == (OURS,)
    reasons = {each.reason for each in made.decision.rejected if not each.candidate.is_local}
    assert reasons == {"is not self-hosted"}
    named = JobBody.model_validate(PICTURE | {"model": THEIRS, "routing": {"only": ["self-hosted"]}})
    refused = routing_of(supply).plan(named, NOW)
    assert refused.offers == () and isinstance(service.refusal(refused), NoOffer)


def test_where_every_own_engine_is_away_the_refusal_says_which_and_since_when(supply):
    problem = service.refusal(plan(routing_of(supply, told=silent(3)), only=["self-hosted"]))
    assert isinstance(problem, Unavailable) and problem.headers["retry-after"]
    assert "studio does not answer since 2026-11-22T11:59:50Z: it cannot be reached" in problem.detail
    assert "runware" not in problem.detail


def test_decisions_about_own_machines_are_decided_again_the_same(supply):
    for wishes in ({"policy": "local-first"}, {"only": ["self-hosted"]}, {"order": ["self-hosted"]}, {}):
        made = plan(routing_of(supply, ours=9), **wishes)
        again = decide.replay(json.loads(made.record))
        assert [each.offer for each in again.ranked] == list(made.offers)
        assert again.policy == made.decision.policy


def test_on_an_own_machine_only_the_time_that_it_worked_counts():
    at = {"started_at": NOW - timedelta(seconds=90), "ended_at": NOW, "status": "succeeded", "fault": None}
    ended = at | {"offer": OURS, "provider": "studio", "task": "text-to-image", "usage": '{"gpu_second":"12.5"}'}
    assert attempted(ended, ("studio",)).seconds == 12.5
    assert attempted(ended).seconds == 90, "a provider's machine is reached through its queue"
    assert attempted(ended | {"usage": None}, ("studio",)).seconds == 90
    assert attempted(ended | {"usage": '{"gpu_second":"500"}'}, ("studio",)).seconds == 90, (
        "no longer than it was there"
    )
