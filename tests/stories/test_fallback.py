"""When an offer disappoints, the next one of the ranking serves: who was tried, what it cost, and where it stops."""

from decimal import Decimal

import pytest

from tests.stories.cards import CHEAP, DEAR, asked
from tests.stories.house import Gateway, statuses
from tests.stories.upstreams import Answer, Upstream, pictures, raw, status

MODERATED = status(400, {"code": "moderation_blocked"})


@pytest.mark.parametrize(
    ("answer", "fault", "tries"),
    [
        (status(500), "provider_fault", 3),
        (status(429, retry_after="30"), "rate_limited", 1),
        (status(404), "model_missing", 1),
        (status(401), "auth", 1),
        (status(429, {"code": "insufficient_quota"}), "out_of_credit", 1),
        (raw(b"<html>It works!</html>"), "bad_reply", 1),
    ],
    ids=["500", "429 for long", "404", "401", "no credit", "nonsense"],
)
def test_the_next_offer_serves_when_the_first(
    town: Gateway, upstream: Upstream, answer: Answer, fault: str, tries: int
) -> None:
    upstream.plan("north", answer)
    alice = town.customer("1")
    job = alice.done(asked("north", "south"))
    assert job["status"] == "succeeded" and job["offer"] == "south/story/picture"
    assert statuses(job) == [("north", "failed", fault)] * tries + [("south", "succeeded", None)]
    assert (len(upstream.posts("north")), len(upstream.posts("south"))) == (tries, 1)
    assert job["cost"]["cost_usd"] == DEAR
    assert alice.entries(job["id"]) == ["hold", "rehold", "settle"]
    assert alice.balance == 1 - Decimal(DEAR) and alice.held == 0


def test_a_provider_that_refuses_the_connection_is_left_for_the_next(town: Gateway, upstream: Upstream) -> None:
    job = town.customer().done(asked("gone", "north"))
    assert statuses(job) == [("gone", "failed", "unreachable")] * 3 + [("north", "succeeded", None)]
    assert job["cost"]["cost_usd"] == CHEAP and len(upstream.posts("north")) == 1


def test_a_provider_that_asks_for_a_second_is_given_it(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("north", status(429, retry_after="1"), pictures)
    job = town.customer().done(asked("north", "south"))
    assert statuses(job) == [("north", "failed", "rate_limited"), ("north", "succeeded", None)]
    assert not upstream.posts("south")


def test_a_request_that_is_wrong_everywhere_is_tried_once(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("north", status(400, {"message": "seed must be prime"}))
    alice = town.customer("1")
    job = alice.done(asked("north", "south"))
    assert job["status"] == "failed" and job["error"]["code"] == "invalid_request"
    assert "seed must be prime" in job["error"]["message"]
    assert statuses(job) == [("north", "failed", "invalid_request")] and not upstream.posts("south")
    assert (alice.balance, alice.held, job["cost"]["cost_usd"]) == (1, 0, "0.00")


def test_a_refusal_of_content_is_not_carried_to_another_provider(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("north", MODERATED)
    job = town.customer().done(asked("north", "south"))
    assert job["error"]["code"] == "content_rejected"
    assert statuses(job) == [("north", "failed", "content_rejected")] and not upstream.posts("south")


def test_a_refusal_of_content_goes_elsewhere_if_the_caller_says_so(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("north", MODERATED)
    job = town.customer().done(asked("north", "south", content_elsewhere=True))
    assert statuses(job) == [("north", "failed", "content_rejected"), ("south", "succeeded", None)]


def test_a_fallback_that_the_key_cannot_pay_for_is_passed_over(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("north", status(404))
    alice = town.customer("0.015")
    job = alice.done(asked("north", "south", "generous"))
    assert job["status"] == "failed" and job["error"]["code"] == "model_missing"
    assert statuses(job) == [("north", "failed", "model_missing")] and not upstream.posts("south")
    assert (alice.balance, alice.held) == (Decimal("0.015"), 0)


def test_an_offer_above_the_cap_is_never_a_fallback(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("north", status(404))
    upstream.plan("south", status(404))
    alice = town.customer()
    job = alice.done(asked("north", "south", "east", max_cost_usd="0.10"))
    assert statuses(job) == [("north", "failed", "model_missing"), ("south", "failed", "model_missing")]
    assert not upstream.posts("east")
    decision = alice.get(f"/v1/decisions/{job['decision']}").json()
    [reason] = [each["reason"] for each in decision["rejected"] if each["offer"] == "east/story/picture"]
    assert "0.10" in reason


def test_there_are_as_many_fallbacks_as_the_caller_allows(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("north", status(404))
    job = town.customer().done(asked("north", "south", "east", fallbacks=0))
    assert statuses(job) == [("north", "failed", "model_missing")] and not upstream.posts("south")


def test_when_all_fail_the_last_error_is_told_and_all_the_money_goes_back(town: Gateway, upstream: Upstream) -> None:
    for each in ("north", "south"):
        upstream.plan(each, status(404, {"message": f"no model at {each}"}))
    alice = town.customer("1")
    job = alice.done(asked("north", "south"))
    assert job["status"] == "failed" and job["outputs"] == []
    assert job["error"]["provider"] == "south" and "no model at south" in job["error"]["message"]
    assert (alice.balance, alice.held) == (1, 0)
    assert alice.entries(job["id"])[-1] == "settle"
