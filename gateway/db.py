"""The database: units of work that share one transaction, durable before anyone is answered.

A unit is a plain function of a connection that returns a value. Units that arrive while a commit is running go out
together in the next one. A guard that refuses is a returned value, not an exception, so it never undoes its
neighbours. No unit can wait for anything, so no network call can happen inside a transaction.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway import clock

T = TypeVar("T")
Unit = Callable[[Connection], T]

GROUP = 256
"""Units in one transaction at most: a refusal to let one commit grow without end."""
READERS = 4
"""Threads, each with its own connection, that read from SQLite beside the one that writes."""
BUSY_MS = 10_000
"""How long SQLite waits for another process to finish its write."""


@dataclass
class Waiting:
    unit: Unit[Any]
    answer: "asyncio.Future[Any]"


@dataclass
class Database:
    """One database, whichever kind. Made by `connect`; `together` writes, `read` reads."""

    url: URL
    run_group: Callable[[list[Unit[Any]]], "asyncio.Future[list[Any]] | Any"]
    run_read: Callable[[Unit[Any]], Any]
    dispose: Callable[[], Any]
    waiting: list[Waiting] = field(default_factory=list)
    writing: "asyncio.Task[None] | None" = None

    async def together(self, unit: Unit[T]) -> T:
        """Run a unit in the next shared transaction, and answer when its commit is durable.

        A unit that raises takes nobody down: its group is rolled back and the others run again without it.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.waiting.append(Waiting(unit, answer))
        if self.writing is None:
            self.writing = asyncio.create_task(self._write())
        return await answer

    async def read(self, unit: Unit[T]) -> T:
        """Run a unit that only reads, beside the writer."""
        result: T = await self.run_read(unit)
        return result

    async def _write(self) -> None:
        try:
            while self.waiting:
                group, self.waiting = self.waiting[:GROUP], self.waiting[GROUP:]
                await self._commit(group)
        finally:
            self.writing = None

    async def _commit(self, group: list[Waiting]) -> None:
        try:
            results = await self.run_group([each.unit for each in group])
        except Exception as error:  # noqa: BLE001 - whatever a unit raised belongs to its caller, and to no one else
            if len(group) == 1:
                _settle(group[0], error=error)
                return
            for each in group:
                await self._commit([each])
            return
        for each, result in zip(group, results, strict=True):
            _settle(each, result)

    async def close(self) -> None:
        if self.writing:
            await self.writing
        await self.dispose()


def _settle(waiting: Waiting, result: Any = None, error: Exception | None = None) -> None:
    if waiting.answer.done():  # its caller went away; the commit stands
        return
    if error is None:
        waiting.answer.set_result(result)
    else:
        waiting.answer.set_exception(error)


def connect(url: str) -> Database:
    """Open a database by its URL: `sqlite+aiosqlite:///path` or `postgresql+asyncpg://…`."""
    parsed = make_url(url)
    return _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgres(parsed)


def _sqlite(url: URL) -> Database:
    """SQLite through the standard library in threads of its own: one writes, a few read.

    A whole group runs in one hop to the writing thread. The asynchronous driver hops once for each statement, which
    costs more than the statements do (benchmarks/ledger.py measures it).
    """
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sqlite_engine(url)
    writer = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
    readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")

    def write(units: list[Unit[Any]]) -> list[Any]:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            results = [unit(connection) for unit in units]
            connection.commit()
        return results

    def read(unit: Unit[Any]) -> Any:
        with engine.connect() as connection:
            return unit(connection)

    async def run_group(units: list[Unit[Any]]) -> list[Any]:
        return await asyncio.get_running_loop().run_in_executor(writer, write, units)

    async def run_read(unit: Unit[Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(readers, read, unit)

    async def dispose() -> None:
        writer.shutdown()
        readers.shutdown()
        engine.dispose()

    return Database(url, run_group, run_read, dispose)


def sqlite_engine(url: URL) -> sa.Engine:
    engine = sa.create_engine(
        url.set(drivername="sqlite+pysqlite"), connect_args={"check_same_thread": False}, pool_size=READERS + 1
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgres(url: URL) -> Database:
    engine: AsyncEngine = create_async_engine(url, pool_size=READERS + 4)

    def run_all(connection: Connection, units: list[Unit[Any]]) -> list[Any]:
        return [unit(connection) for unit in units]

    async def run_group(units: list[Unit[Any]]) -> list[Any]:
        async with engine.begin() as connection:
            return await connection.run_sync(run_all, units)

    async def run_read(unit: Unit[Any]) -> Any:
        async with engine.connect() as connection:
            return await connection.run_sync(unit)

    return Database(url, run_group, run_read, engine.dispose)


class Timestamp(sa.types.TypeDecorator[Any]):
    """A time in UTC as an integer of microseconds since 1970: exact, sortable and alike on both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> int | None:
        return None if value is None else clock.to_micros(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else clock.from_micros(value)


def insert_once(connection: Connection, table: sa.Table, row: dict[str, Any], unique: list[str]) -> bool:
    """Insert a row unless one with the same unique columns is there. True if it was inserted."""
    return connection.execute(_insert_once(connection.dialect.name, table, tuple(unique)), row).rowcount == 1


@cache
def _insert_once(dialect: str, table: sa.Table, unique: tuple[str, ...]) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing(index_elements=list(unique))
