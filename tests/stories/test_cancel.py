"""Cancel: at the provider where it can be stopped, else only for the caller, who then pays what was made."""

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.stories.cards import CHEAP, asked
from tests.stories.house import Gateway, eventually, statuses
from tests.stories.upstreams import Queue, Upstream, held_until


def test_a_job_that_runs_where_it_can_be_stopped_is_stopped_there(town: Gateway, upstream: Upstream) -> None:
    queue = Queue(looks=10_000)
    upstream.plan("queue", queue)
    alice = town.customer("1")
    job = alice.submit(asked("queue"))
    alice.job_when(job["id"], lambda job: job["status"] == "running")
    canceled = alice.post(f"/v1/jobs/{job['id']}/cancel").json()
    assert (canceled["status"], canceled["effective"]) == ("canceled", "provider")
    assert len(queue.canceled) == 1 and statuses(canceled) == [("queue", "canceled", None)]
    assert (alice.balance, alice.held) == (1, 0)
    assert alice.entries(job["id"]) == ["hold", "settle"]
    assert alice.post(f"/v1/jobs/{job['id']}/cancel").json()["effective"] == "provider"


def test_the_sandbox_stops_when_it_is_asked_to(house: Gateway) -> None:
    alice = house.customer("1")
    body = {"task": "text-to-image", "prompt": "a slow one", "extra": {"sandbox": {"sandbox": {"hang": True}}}}
    job = alice.submit(body)
    alice.job_when(job["id"], lambda job: job["status"] == "running")
    canceled = alice.post(f"/v1/jobs/{job['id']}/cancel").json()
    assert (canceled["status"], canceled["effective"]) == ("canceled", "provider")
    assert (alice.balance, alice.held) == (1, 0)


def test_what_cannot_be_stopped_is_canceled_for_the_caller_and_settled_at_its_real_cost(
    town: Gateway, upstream: Upstream
) -> None:
    done = threading.Event()
    upstream.plan("north", held_until(done))
    alice = town.customer("1")
    job = alice.submit(asked("north"))
    eventually(lambda: upstream.posts("north"), "the submit arrives")
    canceled = alice.post(f"/v1/jobs/{job['id']}/cancel").json()
    assert (canceled["status"], canceled["effective"], canceled["cost"]["cost_usd"]) == ("canceled", "local", None)
    assert alice.held == Decimal(CHEAP)
    done.set()
    settled = alice.job_when(job["id"], lambda job: job["cost"]["cost_usd"] is not None)
    assert settled["status"] == "canceled" and settled["cost"]["cost_usd"] == CHEAP
    assert settled["ended_at"] == canceled["ended_at"]
    assert alice.balance == 1 - Decimal(CHEAP) and alice.held == 0
    assert alice.entries(job["id"]) == ["hold", "settle"]


@pytest.fixture
def narrow(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], cards: Path
) -> Iterator[Gateway]:
    """A gateway that takes one turn at a time, so that a second job has to queue."""
    gateway = new_gateway(PODIUM_CATALOG_DIR=str(cards), PODIUM_WORKERS="1").start()
    yield gateway
    close_gateway(gateway)


def test_a_job_that_waits_for_its_first_turn_is_never_sent(narrow: Gateway, upstream: Upstream) -> None:
    done = threading.Event()
    upstream.plan("north", held_until(done))
    alice = narrow.customer("1")
    first = alice.submit(asked("north"))
    eventually(lambda: upstream.posts("north"), "the first one's submit arrives")
    second = alice.submit(asked("south"))
    assert second["status"] == "queued"
    canceled = alice.post(f"/v1/jobs/{second['id']}/cancel").json()
    assert canceled["status"] == "canceled" and canceled["cost"]["cost_usd"] == "0.00"
    done.set()
    assert alice.finished(first["id"])["status"] == "succeeded"
    assert not upstream.posts("south")
    assert alice.balance == 1 - Decimal(CHEAP) and alice.held == 0


def test_a_job_that_has_ended_stays_as_it_ended(house: Gateway) -> None:
    alice = house.customer()
    job = alice.done({"task": "text-to-image", "prompt": "quick", "width": 64, "height": 64})
    answer = alice.post(f"/v1/jobs/{job['id']}/cancel")
    assert answer.status_code == 200 and answer.json()["status"] == "succeeded" and answer.json()["effective"] is None
