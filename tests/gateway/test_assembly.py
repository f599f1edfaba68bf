"""A gateway is put together whole or not at all, takes nothing along at its end, and its ticks do what they say."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from gateway import assembly, clock, migrations, telemetry
from gateway.assembly import assembled
from gateway.attempts import store as attempts
from gateway.ledger import book, rules as ledger
from gateway.problems import Unauthorized, Unavailable
from gateway.settings import Settings
from gateway.ticks import store as ticks
from tests.gateway.attempts.test_store import row
from tests.supplies import forget_environment

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def settings(database_url, tmp_path, monkeypatch):
    forget_environment(monkeypatch, tmp_path)
    await asyncio.to_thread(migrations.upgrade, database_url)
    return Settings(database_url=database_url, store_url=f"file://{tmp_path}/assets", log_level="critical")


def metric(name):
    return telemetry.REGISTRY.get_sample_value(name)


@pytest.mark.anyio
async def test_the_first_start_makes_an_admin_and_tells_its_secret_once(settings):
    async with assembled(settings, with_worker=False) as parts:
        secret = parts.new_admin_secret
        assert (await parts.keyring.authenticate(secret)).role == "admin"
    async with assembled(settings, with_worker=False) as parts:
        assert parts.new_admin_secret is None
        assert (await parts.keyring.authenticate(secret)).role == "admin"


@pytest.mark.anyio
async def test_an_admins_key_that_is_set_is_the_key_and_is_told_to_nobody(settings):
    chosen = Settings(**dict(settings) | {"admin_key": "pk_chosen_by_the_operator_0123456789"})
    async with assembled(chosen, with_worker=False) as parts:
        assert parts.new_admin_secret is None
        assert (await parts.keyring.authenticate("pk_chosen_by_the_operator_0123456789")).role == "admin"
        with pytest.raises(Unauthorized):
            await parts.keyring.authenticate("pk_another")


@pytest.mark.anyio
async def test_it_does_not_start_on_another_schema(tmp_path, monkeypatch):
    forget_environment(monkeypatch, tmp_path)
    with pytest.raises(Unavailable, match="podium migrate"):
        async with assembled(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/empty.db"), with_worker=False):
            pass


@pytest.mark.anyio
async def test_the_first_start_believes_the_boards_that_podium_brings(settings):
    async with assembled(settings, with_worker=False) as parts:
        assert parts.routing.belief.qualities.ranked_tasks >= {"text-to-image", "text-to-video"}
        assert metric("podium_evidence_age_seconds") < 60


@pytest.mark.anyio
async def test_a_worker_is_there_only_if_asked_and_gone_at_the_end(settings):
    async with assembled(settings, with_worker=False) as parts:
        assert parts.jobs.runner is None
    async with assembled(settings, with_worker=True) as parts:
        runner = parts.jobs.runner
        assert runner.has_room and runner.most == settings.workers
    assert runner.closing and not runner.running and not runner.has_room
    names = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}
    assert not {name for name in names if name.startswith("Runner.")}


@pytest.mark.anyio
async def test_clients_are_closed_at_the_end(settings):
    async with assembled(settings, with_worker=False) as parts:
        clients = [each for each in parts.clients if isinstance(each, httpx.AsyncClient)]
    assert all(client.is_closed for client in clients)


@pytest.mark.anyio
async def test_newer_evidence_replaces_the_older_and_its_plans(settings):
    async with assembled(settings, with_worker=False) as parts:
        parts.routing.plans["some shape"] = None
        before = parts.routing.belief
        await assembly.believe(parts)
        assert parts.routing.belief is not before and parts.routing.belief.taken_at >= before.taken_at
        assert parts.routing.plans == {}


@pytest.mark.anyio
async def test_the_gauges_tell_what_is_open(settings):
    async with assembled(settings, with_worker=False) as parts:
        rows = [row("a", due_at=NOW + timedelta(days=999)), row("b", status="unknown"), row("c", status="failed")]
        await parts.db.together(lambda connection: [attempts.insert(connection, each) for each in rows])
        await assembly.gauge(parts)
        assert (metric("podium_open_attempts"), metric("podium_unknown_attempts")) == (1, 1)


@pytest.mark.anyio
async def test_books_that_were_tampered_with_are_noticed(settings):
    async with assembled(settings, with_worker=False) as parts:
        await parts.db.together(lambda connection: book.post(connection, ledger.fund("key_a", 5, "gift"), NOW))
        await assembly.check_books(parts)
        assert metric("podium_books_balance") == 1
        spoil = "UPDATE account SET nanos = nanos + 1 WHERE name = 'key:key_a:available'"
        changed = await parts.db.together(lambda connection: connection.exec_driver_sql(spoil).rowcount)
        assert changed == 1
        await assembly.check_books(parts)
        assert metric("podium_books_balance") == 0


@pytest.mark.anyio
async def test_every_tick_can_be_repeated(settings):
    async with assembled(settings, with_worker=False) as parts:
        for tick in (assembly.believe, assembly.gauge, assembly.check_books, assembly.clean_store) * 2:
            assert await tick(parts) != ""


@pytest.mark.anyio
async def test_what_one_replica_does_for_all_runs_where_a_worker_is_and_asks_nobody_unasked(settings, monkeypatch):
    async with assembled(settings, with_worker=False) as parts:
        unasked = {tick.name for tick in assembly.shared(parts)}
        assert {"books", "store"} <= unasked and not {name for name in unasked if "/" in name or name == "listings"}
        asking = dataclasses.replace(parts, settings=Settings(**dict(settings) | {"feeds": "on"}))
        assert {"boards/arena", "notices/deprecations-rss"} <= {tick.name for tick in assembly.shared(asking)}
        monkeypatch.setenv("PODIUM_FEED_ARENA_EVERY", "often")
        with pytest.raises(Unavailable, match="PODIUM_FEED_ARENA_EVERY"):
            assembly.shared(asking)
        assert await parts.db.read(ticks.listing) == []
    async with assembled(settings, with_worker=True) as parts:
        for _ in range(200):
            rows = await parts.db.read(ticks.listing)
            if rows and all(row["ended_at"] for row in rows):
                break
            await asyncio.sleep(0.05)
        assert {row["name"]: row["said"] for row in rows}["books"] == "the books balance: 0 entries"


@pytest.mark.anyio
async def test_every_process_tells_what_the_one_that_checked_the_books_found(settings):
    async with assembled(settings, with_worker=False) as parts:
        for said, shown in (("the books do not balance: x", 0), ("the books balance: 3 entries", 1)):
            await parts.db.together(lambda c: ticks.hasten(c, "books", clock.now()))
            await parts.db.together(lambda c: ticks.claim(c, assembly.BOOKS, "other", clock.now()))
            await parts.db.together(
                lambda c, said=said: ticks.ended(c, assembly.BOOKS, "other", clock.now(), said, False, 0.5)
            )
            await assembly.gauge(parts)
            assert metric("podium_books_balance") == shown
