"""A submit that may have been accepted is never sent again: its hold stays until somebody knows, or its deadline."""

import threading
from decimal import Decimal
from typing import Any

from tests.stories.cards import BRIEF_S, CHEAP, asked
from tests.stories.house import Gateway, Sandbox, statuses
from tests.stories.upstreams import Upstream, dropped, held_until, pictures

DEADLINE_S = BRIEF_S + 10
"""The card's, and some."""


def is_unknown(job: dict[str, Any]) -> bool:
    return any(each["status"] == "unknown" for each in job["attempts"])


def test_a_submit_without_an_answer_is_not_repeated_and_its_hold_ends_with_its_deadline(
    town: Gateway, upstream: Upstream
) -> None:
    late = threading.Event()
    upstream.plan("brief", held_until(late))
    alice = town.customer("1")
    job = alice.submit(asked("brief", "north"))
    unsure = alice.job_when(job["id"], is_unknown)
    assert unsure["status"] == "running" and statuses(unsure) == [("brief", "unknown", "timed_out")]
    assert alice.held == Decimal(CHEAP)
    ended = alice.finished(job["id"], DEADLINE_S)
    late.set()
    assert ended["status"] == "failed" and ended["error"]["code"] == "timed_out"
    assert len(upstream.posts("brief")) == 1 and not upstream.posts("north")
    assert (alice.balance, alice.held) == (1, 0)
    assert alice.entries(job["id"]) == ["hold", "settle"]


def test_a_connection_that_breaks_after_the_body_left_is_of_unknown_fate_too(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("brief", dropped)
    alice = town.customer("1")
    job = alice.submit(asked("brief"))
    assert statuses(alice.job_when(job["id"], is_unknown)) == [("brief", "unknown", "unreachable")]
    assert alice.finished(job["id"], DEADLINE_S)["status"] == "failed"
    assert len(upstream.posts("brief")) == 1 and alice.held == 0


def test_the_job_goes_on_elsewhere_if_the_caller_says_so_and_is_settled_once(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("brief", dropped)
    alice = town.customer("1")
    job = alice.done(asked("brief", "north", unknown_elsewhere=True))
    assert job["status"] == "succeeded" and job["offer"] == "north/story/picture"
    assert statuses(job) == [("brief", "unknown", "unreachable"), ("north", "succeeded", None)]
    assert alice.entries(job["id"]) == ["hold", "rehold", "settle"]
    assert alice.balance == 1 - Decimal(CHEAP) and alice.held == 0
    ended = alice.job_when(job["id"], lambda job: not is_unknown(job), DEADLINE_S)
    assert ended["status"] == "succeeded" and statuses(ended)[0] == ("brief", "failed", "timed_out")
    assert alice.entries(job["id"]) == ["hold", "rehold", "settle"]
    assert len(upstream.posts("brief")) == len(upstream.posts("north")) == 1


def test_the_cap_counts_what_an_attempt_of_unknown_fate_may_yet_cost(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("brief", dropped)
    alice = town.customer("1")
    job = alice.done(asked("brief", "south", "north", unknown_elsewhere=True, max_cost_usd="0.025"))
    assert statuses(job) == [("brief", "unknown", "unreachable"), ("north", "succeeded", None)]
    assert not upstream.posts("south")
    alice.job_when(job["id"], lambda job: not is_unknown(job), DEADLINE_S)


def test_the_end_of_an_unknown_attempt_starts_no_third_while_a_second_runs(town: Gateway, upstream: Upstream) -> None:
    done = threading.Event()
    upstream.plan("brief", dropped)
    upstream.plan("north", held_until(done, pictures))
    alice = town.customer("1")
    job = alice.submit(asked("brief", "north", "south", unknown_elsewhere=True))
    after = alice.job_when(job["id"], lambda job: statuses(job)[0] == ("brief", "failed", "timed_out"), DEADLINE_S)
    assert [each[0] for each in statuses(after)] == ["brief", "north"]
    done.set()
    ended = alice.finished(job["id"])
    assert statuses(ended) == [("brief", "failed", "timed_out"), ("north", "succeeded", None)]
    assert not upstream.posts("south") and alice.balance == 1 - Decimal(CHEAP)


def test_a_job_of_unknown_fate_that_is_canceled_keeps_its_hold_until_its_deadline(
    town: Gateway, upstream: Upstream
) -> None:
    upstream.plan("brief", dropped)
    alice = town.customer("1")
    job = alice.submit(asked("brief"))
    alice.job_when(job["id"], is_unknown)
    canceled = alice.post(f"/v1/jobs/{job['id']}/cancel").json()
    assert (canceled["status"], canceled["effective"]) == ("canceled", "local") and alice.held == Decimal(CHEAP)
    ended = alice.job_when(job["id"], lambda job: job["cost"]["cost_usd"] is not None, DEADLINE_S)
    assert ended["status"] == "canceled" and ended["cost"]["cost_usd"] == "0.00" and ended["error"] is None
    assert (alice.balance, alice.held) == (1, 0) and alice.entries(job["id"]) == ["hold", "settle"]


def test_a_provider_that_keeps_idempotency_keys_is_asked_again_under_the_same_key(
    town: Gateway, sandbox: Sandbox
) -> None:
    alice = town.customer("1")
    told = {"sandbox": {"sandbox": {"drop": "submit"}}}
    with sandbox.watched() as seen:
        job = alice.done(asked("sandbox/podium/sandbox-pictures-draft") | {"width": 64, "height": 64, "extra": told})
    assert job["status"] == "succeeded", job["error"]
    assert [each["submits"] for each in seen] == [2]
    assert len(job["attempts"]) == 1 and alice.entries(job["id"]) == ["hold", "settle"]
