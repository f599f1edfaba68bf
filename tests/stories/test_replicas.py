"""Two gateways on one Postgres and one store are one house: the same money, the same jobs, and either may die."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import migrations
from tests.stories.cards import CHEAP, asked
from tests.stories.house import Customer, Gateway
from tests.stories.rush import RUSH_USD, rush, settled
from tests.stories.upstreams import Queue, Upstream


@pytest.fixture(scope="module")
def replicas(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], postgres_server: Any, cards: Path
) -> Iterator[tuple[Gateway, Gateway]]:
    postgres_server.psql("CREATE DATABASE replicas")
    url = postgres_server.get_uri("replicas", driver="asyncpg")
    migrations.upgrade(url)
    variables = {"PODIUM_CATALOG_DIR": str(cards), "PODIUM_SANDBOX": "on"}
    first = new_gateway(url, **variables).start()
    second = new_gateway(url, PODIUM_STORE_URL=f"file://{first.folder}/assets", **variables).start()
    yield first, second
    close_gateway(first)
    close_gateway(second)
    postgres_server.psql("DROP DATABASE replicas WITH (FORCE)")


def at(gateway: Gateway, customer: Customer) -> Customer:
    """The same caller, at another door."""
    return Customer(gateway, customer.id, customer.secret)


def test_of_64_requests_at_once_at_two_gateways_exactly_10_pass(replicas: tuple[Gateway, Gateway]) -> None:
    first, second = replicas
    alice = first.customer(RUSH_USD)
    jobs = rush([alice, at(second, alice)])
    settled(at(second, alice), jobs)
    assert second.check_books()["open_holds"] == 0


def test_what_one_made_the_other_shows_and_delivers(replicas: tuple[Gateway, Gateway]) -> None:
    first, second = replicas
    alice = first.customer("1")
    job = alice.submit(asked("north"), idempotency_key="either")
    there = at(second, alice)
    assert there.submit(asked("north"), idempotency_key="either")["id"] == job["id"]
    done = there.get(f"/v1/jobs/{job['id']}", prefer="wait=20").json()
    assert done["status"] == "succeeded"
    assert there.get(done["outputs"][0]["url"]).content.startswith(b"\x89PNG")
    assert there.get(f"/v1/decisions/{job['decision']}").status_code == 200


def test_who_listens_at_the_other_hears_when_it_is_done(replicas: tuple[Gateway, Gateway], upstream: Upstream) -> None:
    first, second = replicas
    upstream.plan("queue", Queue(looks=2))
    alice = first.customer("1")
    job = alice.submit(asked("queue"))
    told = at(second, alice).get(f"/v1/jobs/{job['id']}/events").text
    assert "event: done\n" in told and '"status": "succeeded"' in told


def test_when_one_dies_between_two_calls_the_other_goes_on(
    replicas: tuple[Gateway, Gateway], upstream: Upstream
) -> None:
    first, second = replicas
    queue = Queue(looks=6)
    upstream.plan("queue", queue)
    alice = first.customer("1")
    job = alice.submit(asked("queue"))
    alice.job_when(job["id"], lambda job: job["status"] == "running")
    first.kill()
    there = at(second, alice)
    done = there.finished(job["id"])
    first.start()
    assert done["status"] == "succeeded" and done["cost"]["cost_usd"] == CHEAP
    assert queue.submits == 1 and there.entries(job["id"]) == ["hold", "settle"] and there.held == 0
