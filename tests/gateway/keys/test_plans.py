"""Plans: their rate holds for all replicas together, and a burst is a burst, not a higher rate."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from sqlmodel import SQLModel

from gateway.db import connect
from gateway.keys import plans, service
from gateway.keys.rules import Caller, Plan, Role

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PLAN = Plan("pln_1", "trial", jobs_per_minute=60, burst=10)


async def key_on(database, plan=PLAN):
    await database.together(lambda connection: plans.insert(connection, plan, NOW))
    made = await database.together(lambda c: service.create(c, "ann", Role.CALLER, NOW, plan=plan.id))
    return made[0].id, made[1]


def take(database, key_id, at=NOW, plan=PLAN):
    return database.together(lambda connection: plans.take(connection, key_id, plan, at))


@pytest.mark.anyio
async def test_of_64_at_once_on_two_replicas_the_burst_gets_through(database, other_database):
    key_id, _ = await key_on(database)
    waits = await asyncio.gather(*[take((database, other_database)[n % 2], key_id) for n in range(64)])
    assert sum(wait is None for wait in waits) == 10
    assert {wait for wait in waits if wait is not None} == {1.0}


@pytest.mark.anyio
async def test_after_the_wait_that_was_said_there_is_one_more(database):
    key_id, _ = await key_on(database)
    waits = [await take(database, key_id) for _ in range(11)]
    later = NOW + timedelta(seconds=waits[-1])
    assert [await take(database, key_id, later), await take(database, key_id, later) is not None] == [None, True]


@pytest.mark.anyio
async def test_a_plan_without_a_rate_lets_everybody_through_and_writes_nothing(database):
    key_id, _ = await key_on(database, PLAN._replace(jobs_per_minute=None))
    assert await take(database, key_id, plan=PLAN._replace(jobs_per_minute=None)) is None


@given(st.integers(1, 6000), st.integers(1, 20), st.lists(st.integers(0, 2_000), max_size=60))
def test_in_no_stretch_of_time_do_more_get_through_than_the_burst_and_the_rate(tmp_path_factory, rate, burst, gaps):
    plan = PLAN._replace(jobs_per_minute=rate, burst=burst)

    async def run() -> None:
        database = connect(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('rate')}/podium.db")
        await database.together(SQLModel.metadata.create_all)
        key_id, _ = await key_on(database, plan)
        at, through = NOW, []
        for gap in gaps:
            at += timedelta(milliseconds=gap)
            through += [at] if await take(database, key_id, at, plan) is None else []
        for first in range(len(through)):
            for last in range(first, len(through)):
                seconds = (through[last] - through[first]).total_seconds()
                assert last - first + 1 <= burst + seconds * rate / 60 + 1e-6 * (last - first + 1)
        await database.close()

    asyncio.run(run())


@pytest.mark.anyio
async def test_a_caller_comes_with_its_project_and_its_plan(database):
    key_id, secret = await key_on(database)
    project = await database.together(lambda connection: plans.new_project(connection, "films", NOW))
    await database.together(lambda connection: service.change(connection, key_id, {"project": project["id"]}))
    caller = await service.Keyring(database).authenticate(secret)
    assert caller == Caller(key_id, "ann", Role.CALLER, project["id"], PLAN)


@pytest.mark.anyio
async def test_a_plan_that_ended_is_not_listed_and_still_found(database):
    await key_on(database, PLAN._replace(models=("a/m",)))
    assert [plan.id for plan in await database.read(lambda c: plans.listing(c, 10))] == ["pln_1"]
    await database.together(lambda connection: plans.change(connection, "pln_1", {"ended_at": NOW}))
    assert await database.read(lambda c: plans.listing(c, 10)) == []
    found = await database.read(lambda connection: plans.find(connection, "pln_1"))
    assert found.models == ("a/m",) and found.jobs_per_minute == 60
