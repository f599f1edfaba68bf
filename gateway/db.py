"""The database: units of work that share one transaction, durable before anyone is answered.

A unit is a plain function of a connection that returns a value. Units that arrive while a commit is running go out
together in the next one. A guard that refuses is a returned value, not an exception, so it never undoes its
neighbours. No unit can wait for anything, so no network call can happen inside a transaction.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from gateway import clock

T = TypeVar("T")
Unit = Callable[[Connection], T]

GROUP = 256
"""Units in one transaction at most: a refusal to let one commit grow without end."""
READERS = 4
"""Threads, each with its own connection, that read from SQLite beside the one that writes."""
ONE_WRITER = 7_063_696
"""The advisory lock of a group on Postgres. Groups take rows in crossing orders, and would wait for each other in a
ring until one is thrown out; one group at a time, as on SQLite, spares that."""
BUSY_MS = 10_000
"""How long SQLite waits for another process to finish its write."""


@dataclass
class Waiting:
    unit: Unit[Any]
    answer: "asyncio.Future[Any]"


class Store(Protocol):
    """One kind of database: how it runs units."""

    async def run_group(self, units: list[Unit[Any]]) -> list[Any]: ...

    async def run_read(self, unit: Unit[T]) -> T: ...

    async def run_glance(self, unit: Unit[T]) -> T: ...

    async def dispose(self) -> None: ...


@dataclass
class Database:
    """One database, whichever kind. Made by `connect`; `together` writes, `read` and `glance` read."""

    url: URL
    store: Store
    waiting: list[Waiting] = field(default_factory=list)
    writing: "asyncio.Task[None] | None" = None

    async def together(self, unit: Unit[T]) -> T:
        """Run a unit in the next shared transaction, and answer when its commit is durable.

        A unit that raises takes nobody down: its group is rolled back and the others run again without it. So a unit
        may run twice, and must do nothing but database work.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.waiting.append(Waiting(unit, answer))
        if self.writing is None:
            self.writing = asyncio.create_task(self._write())
        return await answer

    async def read(self, unit: Unit[T]) -> T:
        """Run a unit that only reads, beside the writer."""
        return await self.store.run_read(unit)

    async def glance(self, unit: Unit[T]) -> T:
        """Run a unit that reads a row or two by their keys: on SQLite at once, without the hop to a thread."""
        return await self.store.run_glance(unit)

    async def _write(self) -> None:
        try:
            while self.waiting:
                group, self.waiting = self.waiting[:GROUP], self.waiting[GROUP:]
                await self._commit(group)
        finally:
            self.writing = None

    async def _commit(self, group: list[Waiting]) -> None:
        try:
            results = await self.store.run_group([each.unit for each in group])
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
        await self.store.dispose()


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
    return Database(parsed, Sqlite(parsed) if parsed.get_backend_name() == "sqlite" else Postgres(parsed))


class Sqlite:
    """SQLite through the standard library.

    What waits (for the lock, for the disk) runs in a thread: BEGIN when the lock is taken, and COMMIT. The statements
    between run on the event loop: each takes some ten microseconds and gives the interpreter's lock away, which a
    thread would have to win back each time.
    """

    def __init__(self, url: URL) -> None:
        if url.database and url.database != ":memory:":
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = sqlite_engine(url)
        self.committer = ThreadPoolExecutor(1, thread_name_prefix="sqlite-commit")
        self.readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self.writing: Connection | None = None
        self.glancing: Connection | None = None

    async def run_group(self, units: list[Unit[Any]]) -> list[Any]:
        connection = self.writing = self.writing or self._writer()
        loop = asyncio.get_running_loop()
        if not _begins_at_once(connection):
            await loop.run_in_executor(self.committer, _begin, connection)
        try:
            results = [unit(connection) for unit in units]
        except BaseException:
            connection.rollback()
            raise
        await asyncio.shield(loop.run_in_executor(self.committer, connection.commit))
        return results

    def _writer(self) -> Connection:
        """The one connection that writes. It never waits for the lock: the event loop would wait with it."""
        connection = self.engine.connect()
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        connection.rollback()
        return connection

    async def run_read(self, unit: Unit[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.readers, self._read, unit)

    def _read(self, unit: Unit[T]) -> T:
        with self.engine.connect() as connection:
            return unit(connection)

    async def run_glance(self, unit: Unit[T]) -> T:
        connection = self.glancing = self.glancing or self.engine.connect()
        try:
            return unit(connection)
        finally:
            connection.rollback()

    async def dispose(self) -> None:
        self.committer.shutdown()
        self.readers.shutdown()
        for connection in (self.writing, self.glancing):
            if connection is not None:
                connection.close()
        self.engine.dispose()


def _begins_at_once(connection: Connection) -> bool:
    """Take SQLite's write lock if nobody has it."""
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except sa.exc.OperationalError:
        connection.rollback()
        return False
    return True


def _begin(connection: Connection) -> None:
    """Wait for the write lock, up to BUSY_MS."""
    connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_MS}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")


def sqlite_engine(url: URL) -> sa.Engine:
    engine = sa.create_engine(
        url.set(drivername="sqlite+pysqlite"), connect_args={"check_same_thread": False}, pool_size=READERS + 2
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


class Postgres:
    """Postgres through asyncpg; one group at a time among all replicas."""

    def __init__(self, url: URL) -> None:
        self.engine = create_async_engine(url, pool_size=READERS + 4)

    async def run_group(self, units: list[Unit[Any]]) -> list[Any]:
        async with self.engine.begin() as connection:
            return await connection.run_sync(_run_all, units)

    async def run_read(self, unit: Unit[T]) -> T:
        async with self.engine.connect() as connection:
            return await connection.run_sync(unit)

    run_glance = run_read

    async def dispose(self) -> None:
        await self.engine.dispose()


def _run_all(connection: Connection, units: list[Unit[Any]]) -> list[Any]:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_WRITER})")
    return [unit(connection) for unit in units]


class Timestamp(sa.types.TypeDecorator[Any]):
    """A time in UTC as an integer of microseconds since 1970: exact, sortable and alike on both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> int | None:
        return None if value is None else clock.to_micros(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else clock.from_micros(value)


_AWAY = (
    OSError,
    sqlite3.OperationalError,
    sa.exc.OperationalError,
    sa.exc.InterfaceError,
    AsyncAdapt_asyncpg_dbapi.OperationalError,
    AsyncAdapt_asyncpg_dbapi.InterfaceError,
)


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database cannot be reached or cannot write now; the same unit may work later."""
    return isinstance(error, _AWAY) and not isinstance(error, FileNotFoundError) and "no such" not in str(error)


def insert_once(connection: Connection, table: sa.Table, row: dict[str, Any], unique: list[str]) -> bool:
    """Insert a row unless one with the same unique columns is there. True if it was inserted."""
    return connection.execute(_insert_once(connection.dialect.name, table, tuple(unique)), row).rowcount == 1


@cache
def _insert_once(dialect: str, table: sa.Table, unique: tuple[str, ...]) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing(index_elements=list(unique))
