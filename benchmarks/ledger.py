"""Ledger entries a second through `together` on SQLite, and what sharing a commit is worth; each entry durable.

The clients also compute a little between two entries, as requests do, so that the interpreter's lock is as busy here
as it is in a gateway.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

from gateway import clock, migrations
from gateway.db import Database, Store, Unit, connect, sqlite_engine
from gateway.ledger import book, rules

T = TypeVar("T")

CLIENTS = (1, 64)
THOUGHT = list(range(1_000))
"""Written as JSON and read again between two entries: some tenths of a millisecond."""


class Speeds(NamedTuple):
    """Entries a second: `together` by clients, and 64 clients with another way to run a group."""

    together: dict[int, float]
    commit_each: float
    in_a_thread: float


@dataclass
class Otherwise:
    """A store whose groups are run in another way."""

    store: Store
    run: Callable[[list[Unit[Any]]], Awaitable[list[Any]]]

    async def run_group(self, units: list[Unit[Any]]) -> list[Any]:
        return await self.run(units)

    async def run_read(self, unit: Unit[T]) -> T:
        return await self.store.run_read(unit)

    async def run_glance(self, unit: Unit[T]) -> T:
        return await self.store.run_glance(unit)

    async def dispose(self) -> None:
        await self.store.dispose()


def speeds(seconds: float) -> Speeds:
    """Each figure from a fresh database, measured for so long."""
    together = {clients: _entries_per_s(clients, seconds, lambda db: db.store) for clients in CLIENTS}
    most = max(CLIENTS)
    return Speeds(together, _entries_per_s(most, seconds, _alone), _entries_per_s(most, seconds, _in_a_thread))


def _alone(db: Database) -> Store:
    """Every unit in a commit of its own."""

    async def run(units: list[Unit[Any]]) -> list[Any]:
        return [(await db.store.run_group([unit]))[0] for unit in units]

    return Otherwise(db.store, run)


def _in_a_thread(db: Database) -> Store:
    """The statements of a group in a thread, instead of on the event loop."""
    engine, thread = sqlite_engine(db.url), ThreadPoolExecutor(1)

    def run_all(units: list[Unit[Any]]) -> list[Any]:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            results = [unit(connection) for unit in units]
            connection.commit()
        return results

    async def run(units: list[Unit[Any]]) -> list[Any]:
        return await asyncio.get_running_loop().run_in_executor(thread, run_all, units)

    return Otherwise(db.store, run)


def _entries_per_s(clients: int, seconds: float, store: Callable[[Database], Store]) -> float:
    with TemporaryDirectory(prefix="podium-bench-") as folder:
        url = f"sqlite+aiosqlite:///{folder}/podium.db"
        migrations.upgrade(url)
        return asyncio.run(posted_per_s(url, clients, seconds, store))


async def posted_per_s(url: str, clients: int, seconds: float, store: Callable[[Database], Store]) -> float:
    opened = connect(url)
    db = Database(opened.url, store(opened))
    money = rules.fund("key_benchmark", rules.LARGEST_NANOS, "first")
    await db.together(lambda connection: book.post(connection, money, clock.now()))
    began = perf_counter()
    counts = await asyncio.gather(*[_hold(db, began + seconds) for _ in range(clients)])
    elapsed_s = perf_counter() - began
    await db.close()
    return sum(counts) / elapsed_s


async def _hold(db: Database, ends: float) -> int:
    """One client: think, hold, and again. Returns how many holds were posted."""
    count = 0
    while perf_counter() < ends:
        json.loads(json.dumps(THOUGHT))
        entry = rules.hold("key_benchmark", clock.new_id("job"), 1)
        answer = await db.together(lambda connection: book.post(connection, entry, clock.now()))  # noqa: B023
        assert isinstance(answer, book.Posted), answer
        count += 1
    return count
