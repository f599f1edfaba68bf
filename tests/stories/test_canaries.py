"""Canaries: small jobs of our own, cheapest first, within a day's money, on offers that nobody has used lately."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.stories.cards import CHEAP, DEAR
from tests.stories.house import Customer, Gateway, eventually
from tests.stories.upstreams import Upstream

DAY_USD = Decimal("0.035")
"""Enough for one dear picture and one cheap one, and not for another dear one."""


@pytest.fixture
def mine(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], cards: Path
) -> Iterator[Gateway]:
    variables = {"PODIUM_CATALOG_DIR": str(cards), "PODIUM_SANDBOX": "on", "PODIUM_CANARY_USD_PER_DAY": str(DAY_USD)}
    gateway = new_gateway(**variables).start()
    yield gateway
    close_gateway(gateway)


def canary_jobs(admin: Customer) -> list[dict]:
    jobs = admin.get("/v1/jobs?limit=200").json()["data"]
    return jobs if len(jobs) >= 3 and all(job["status"] in ("succeeded", "failed") for job in jobs) else []


def test_the_cheapest_unused_offers_are_tried_once_within_a_days_money(mine: Gateway, upstream: Upstream) -> None:
    jobs = eventually(lambda: canary_jobs(mine.admin), "the canaries have ended", 60)
    assert len(jobs) == 3 and len({job["offer"] for job in jobs}) == 3
    assert not any(job["offer"].startswith("sandbox/") for job in jobs), "our own sandbox needs none"
    assert sum(Decimal(job["cost"]["held_usd"]) for job in jobs) <= DAY_USD
    assert all(Decimal(job["cost"]["held_usd"]) <= max(Decimal(CHEAP), Decimal(DEAR)) for job in jobs)
    accounts = {each["account"]: each["usd"] for each in mine.admin.get("/v1/ledger/balances").json()["data"]}
    spent = sum(Decimal(job["cost"]["cost_usd"]) for job in jobs)
    assert Decimal(accounts["key:key_canary:available"]) == DAY_USD - spent
    [tick] = [each for each in mine.admin.get("/v1/ticks").json()["data"] if each["name"] == "canaries"]
    assert tick["said"].startswith("sent 3")


def test_without_money_for_them_there_are_none(town: Gateway) -> None:
    assert "canaries" not in {each["name"] for each in town.admin.get("/v1/ticks").json()["data"]}
    accounts = {each["account"] for each in town.admin.get("/v1/ledger/balances").json()["data"]}
    assert not any("key_canary" in account for account in accounts)
