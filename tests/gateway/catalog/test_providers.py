"""Providers for operators: how attempts end there, and which are left alone, from a log that may be long."""

import random
from datetime import UTC, datetime, timedelta
from time import perf_counter

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from gateway import clock, problems
from gateway.attempts import store
from gateway.attempts.store import ATTEMPT
from gateway.catalog import provider_routes, providers
from gateway.keys.rules import Caller, Role
from tests.gateway.attempts.test_store import row
from tests.supplies import make_supply

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
CALLERS = {"admin": Caller("key_0", "admin", Role.ADMIN), "one": Caller("key_1", "one", Role.CALLER)}
ATTEMPTS = 30_000
WITHIN_S = 0.5
"""Far above what it takes, far below what reading the rows themselves would."""


class NoEngines:
    def view(self, provider, now):
        return None

    def obstacle(self, provider, now):
        return None


def ended(name, minutes_ago, fault=None, provider="fal", status=None, offer="fal/maker/model"):
    return row(
        name, provider=provider, offer=offer, status=status or ("failed" if fault else "succeeded"), fault=fault,
        started_at=NOW, ended_at=NOW - timedelta(minutes=minutes_ago),
    )  # fmt: skip


@pytest.fixture
async def client(database, monkeypatch, tmp_path):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    supply = make_supply(monkeypatch, tmp_path, "FAL_KEY", "OPENAI_API_KEY")
    app = FastAPI()
    app.include_router(provider_routes.routes(database, supply, NoEngines()))
    app.add_exception_handler(problems.Problem, problems.on_problem)

    async def door(scope, receive, send):
        if scope["type"] == "http":
            scope["podium.caller"] = CALLERS[dict(scope["headers"])[b"x-caller"].decode()]
        await app(scope, receive, send)

    headers = {"x-caller": "admin"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://test", headers=headers) as it:
        it.database = database
        yield it


async def add(client, *rows):
    await client.database.together(lambda connection: [store.insert(connection, each) for each in rows])


async def listed(client, path="/v1/providers"):
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return {each["provider"]: each for each in answer.json()["data"]}


async def test_those_that_can_be_used_are_listed_and_the_others_with_their_obstacle_if_asked(client):
    usable = await listed(client)
    assert {"fal", "openai"} <= usable.keys() and "replicate" not in usable
    assert usable["fal"]["has_key"] and usable["fal"]["obstacle"] is None and usable["fal"]["offers"] > 50
    everyone = await listed(client, "/v1/providers?all=true")
    assert "REPLICATE_API_TOKEN" in everyone["replicate"]["obstacle"]
    assert not everyone["replicate"]["usable"] and everyone["replicate"]["has_key"] is False


async def test_attempts_are_counted_by_how_they_ended_in_the_last_hour_and_day(client):
    await add(
        client, ended("a", 5), ended("b", 6, "timed_out"), ended("c", 200, "timed_out"), ended("d", 300, "bad_reply"),
        ended("e", 7, status="canceled"), ended("f", 3000, "auth"), ended("g", 5, provider="openai"), row("h"),
    )  # fmt: skip
    fal = (await listed(client))["fal"]
    assert fal["open"] == 1
    assert fal["hour"] == {
        "attempts": 3, "succeeded": 1, "failed": 1, "canceled": 1, "share": 0.5, "faults": {"timed_out": 1},
    }  # fmt: skip
    assert fal["day"]["faults"] == {"timed_out": 2, "bad_reply": 1}
    assert (fal["day"]["attempts"], fal["day"]["share"]) == (5, 0.25)
    assert fal["breaker"] is None and fal["offer_breakers"] == []


async def test_a_provider_without_an_attempt_has_no_share(client):
    assert (await listed(client))["fal"]["day"] == {
        "attempts": 0, "succeeded": 0, "failed": 0, "canceled": 0, "share": None, "faults": {},
    }  # fmt: skip


async def test_failures_in_a_row_open_a_breaker_and_later_it_is_on_trial(client):
    await add(client, ended("a", 0, "auth"), ended("b", 1, "auth"))
    fal = (await listed(client))["fal"]
    assert (fal["breaker"]["state"], fal["breaker"]["fault"], fal["breaker"]["failures"]) == ("open", "auth", 2)
    offer = [ended(f"o{n}", 20 + n, "provider_fault", "openai", offer="openai/maker/one") for n in range(3)]
    await add(client, *offer)
    openai = (await listed(client))["openai"]
    assert openai["breaker"] is None
    assert [(each["subject"], each["state"]) for each in openai["offer_breakers"]] == [("openai/maker/one", "on trial")]


async def test_a_canceled_attempt_neither_opens_nor_closes_a_breaker(client):
    await add(client, ended("a", 0, "auth"), ended("b", 2, "auth"), ended("c", 1, status="canceled"))
    assert (await listed(client))["fal"]["breaker"]["failures"] == 2


async def test_a_caller_does_not_see_providers(client):
    assert (await client.get("/v1/providers", headers={"x-caller": "one"})).status_code == 403


async def test_many_attempts_are_counted_from_an_index_alone(database):
    chance = random.Random(7)
    faults = [None] * 8 + ["timed_out", "bad_reply"]
    rows = [
        ended(str(number), chance.randrange(60 * 24 * 60), chance.choice(faults), chance.choice(("fal", "openai")))
        for number in range(ATTEMPTS)
    ]
    await database.together(lambda connection: connection.execute(sa.insert(ATTEMPT), rows))
    names = ("fal", "openai")
    began = perf_counter()
    doing = await database.read(lambda connection: providers.read(connection, names, NOW))
    assert perf_counter() - began < WITHIN_S
    day = [each for each in rows if NOW - each["ended_at"] <= timedelta(days=1)]
    assert sum(each.all for each in doing.tallies) == len(day)
    assert sum(each.all for each in doing.tallies if each.fault == "timed_out") == sum(
        each["fault"] == "timed_out" for each in day
    )
