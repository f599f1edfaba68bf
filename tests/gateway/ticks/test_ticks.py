"""Ticks: once among all replicas, caught up once, tried again after a failure, and never without an end."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from gateway import clock
from gateway.ticks import store
from gateway.ticks.rules import JITTER, Tick, next_due
from gateway.ticks.runner import Ticks

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAILY = Tick("boards", 86_400, 60)


def counted(runs: list[str], name: str):
    async def work() -> str:
        runs.append(name)
        await asyncio.sleep(0.02)
        return "3 boards read"

    return work


@pytest.mark.anyio
async def test_of_many_replicas_one_runs_a_tick(database, other_database):
    runs: list[str] = []
    replicas = [Ticks(db, {DAILY: counted(runs, str(n))}) for n, db in enumerate([database, other_database] * 8)]
    ran = await asyncio.gather(*[replica.look() for replica in replicas])
    assert len(runs) == 1 and sorted(ran) == [[]] * 15 + [["boards"]]
    [row] = await database.read(store.listing)
    assert (row["runs"], row["failures"], row["said"], row["lease_until"]) == (1, 0, "3 boards read", None)


@pytest.mark.anyio
async def test_what_was_missed_is_caught_up_once(database, monkeypatch):
    runs: list[str] = []
    ticks = Ticks(database, {DAILY: counted(runs, "here")})
    await ticks.look()
    later = clock.now() + timedelta(days=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert [await ticks.look(), await ticks.look()] == [["boards"], []]


@pytest.mark.anyio
async def test_a_tick_that_fails_says_why_and_does_not_hold_up_the_others(database):
    async def broken() -> str:
        raise ValueError("the page is empty")

    runs: list[str] = []
    ticks = Ticks(database, {DAILY: broken, Tick("prices", 60, 5): counted(runs, "prices")})
    await ticks.look()
    boards, _ = await database.read(store.listing)
    assert (boards["failures"], boards["said"], boards["succeeded_at"]) == (1, "ValueError: the page is empty", None)
    assert runs == ["prices"] and boards["due_at"] < clock.now() + timedelta(days=1) / 7


@pytest.mark.anyio
async def test_a_tick_that_hangs_is_stopped_at_its_deadline(database):
    async def hanging() -> str:
        await asyncio.sleep(60)
        return "never"

    await Ticks(database, {Tick("boards", 86_400, 0.05): hanging}).look()
    [row] = await database.read(store.listing)
    assert row["failures"] == 1 and row["said"].startswith("TimeoutError")


@pytest.mark.anyio
async def test_the_tick_of_a_replica_that_died_is_taken_over_when_its_lease_ends(database):
    assert await database.together(lambda connection: store.claim(connection, DAILY, "dead", NOW))
    soon, late = NOW + timedelta(seconds=60), NOW + timedelta(seconds=91)
    assert not await database.together(lambda connection: store.claim(connection, DAILY, "alive", soon))
    assert await database.together(lambda connection: store.claim(connection, DAILY, "alive", late))
    ended = await database.together(lambda connection: store.ended(connection, DAILY, "dead", late, "late", False, 0.5))
    assert not ended


@pytest.mark.anyio
async def test_a_tick_can_be_hastened(database):
    runs: list[str] = []
    ticks = Ticks(database, {DAILY: counted(runs, "here")})
    await ticks.look()
    assert await database.together(lambda connection: store.hasten(connection, "boards", clock.now()))
    await ticks.look()
    assert len(runs) == 2


@given(st.floats(1, 1e7), st.booleans(), st.floats(0, 1))
def test_the_next_run_is_a_period_away_give_or_take_the_jitter_and_sooner_after_a_failure(every_s, failed, chance):
    tick = Tick("any", every_s, 60)
    wait_s = (next_due(tick, NOW, failed, chance) - NOW).total_seconds()
    assert 0 < wait_s <= every_s * (1 + JITTER) + 1e-6
    if not failed:
        assert wait_s >= every_s * (1 - JITTER) - 1e-6
