"""The ledger's postings as CSV or Parquet, and usage as FOCUS, into a file, page by page: no table is held whole."""

import csv
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.db import Database
from gateway.ledger.rules import NANOS, usd
from gateway.ledger.tables import ENTRY, POSTING
from gateway.usage import focus, store
from gateway.usage.rules import day_of
from gateway.usage.store import Asked

if TYPE_CHECKING:
    import pyarrow

PAGE = 5_000
"""Rows read at a time: some megabytes."""
DIGITS = 28
"""Of a decimal column in Parquet, nine of them after the point."""

Rows = list[dict[str, Any]]
Pages = AsyncIterator[Rows]


class Format(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"
    FOCUS = "focus"


POSTINGS: Mapping[str, str] = {
    "posting_id": "int64", "entry_id": "int64", "key": "string", "reason": "string", "posted_at": "time",
    "source": "string", "destination": "string", "nanos": "int64", "usd": "decimal",
}  # fmt: skip
"""Columns of a posting, with what they hold."""


class Writer(Protocol):
    def write(self, rows: Rows) -> None: ...

    def close(self) -> None: ...


async def export(db: Database, kind: Format, begins: datetime, ends: datetime, place: Path) -> int:
    """Write what was posted from `begins` until before `ends`. Returns the number of rows.

    The file appears under its name when it is whole. FOCUS is whole days, and Parquet too where the name says so.
    """
    pages = _usage(db, begins, ends) if kind is Format.FOCUS else _postings(db, begins, ends)
    columns = focus.COLUMNS if kind is Format.FOCUS else POSTINGS
    part = place.with_name(f"{place.name}.part")
    is_parquet = kind is Format.PARQUET or (kind is Format.FOCUS and place.suffix == ".parquet")
    writer: Writer = Parquet(part, columns) if is_parquet else Csv(part, columns)
    count = 0
    try:
        async for rows in pages:
            writer.write(rows)
            count += len(rows)
    finally:
        writer.close()
    part.replace(place)
    return count


async def _postings(db: Database, begins: datetime, ends: datetime) -> Pages:
    after = 0
    while True:
        since = after
        rows = await db.read(lambda connection: _posted(connection, begins, ends, since))  # noqa: B023
        if rows:
            yield [_posting(row) for row in rows]
        if len(rows) < PAGE:
            return
        after = rows[-1]["posting_id"]


def _posted(connection: Connection, begins: datetime, ends: datetime, after: int) -> Sequence[Mapping[Any, Any]]:
    """A walk along the postings' own numbers; what is outside of the time is passed over in the database."""
    wanted = (
        sa.select(
            POSTING.c.id.label("posting_id"), POSTING.c.entry_id, ENTRY.c.key, ENTRY.c.reason, ENTRY.c.posted_at,
            POSTING.c.source, POSTING.c.destination, POSTING.c.nanos,
        )
        .join(ENTRY, ENTRY.c.id == POSTING.c.entry_id)
        .where(POSTING.c.id > after, ENTRY.c.posted_at >= begins, ENTRY.c.posted_at < ends)
        .order_by(POSTING.c.id)
        .limit(PAGE)
    )  # fmt: skip
    return connection.execute(wanted).mappings().all()


def _posting(row: Mapping[Any, Any]) -> dict[str, Any]:
    return dict(row) | {"usd": Decimal(row["nanos"]) / NANOS}


async def _usage(db: Database, begins: datetime, ends: datetime) -> Pages:
    asked = Asked(day_of(begins.date()), day_of(ends.date()) - 1)
    after: Sequence[Any] | None = None
    while True:
        since = after
        rows = await db.read(lambda connection: store.page(connection, asked, PAGE, since))  # noqa: B023
        if rows:
            yield [focus.row(each) for each in rows]
        if len(rows) < PAGE:
            return
        after = store.key_of(rows[-1])


class Csv:
    """RFC 4180, times in RFC 3339, amounts as plain decimals."""

    def __init__(self, place: Path, columns: Mapping[str, str]) -> None:
        self.file = place.open("w", newline="", encoding="utf-8")
        self.columns = columns
        self.writer = csv.writer(self.file)
        self.writer.writerow(columns)

    def write(self, rows: Rows) -> None:
        self.writer.writerows([_plain(row[name]) for name in self.columns] for row in rows)

    def close(self) -> None:
        self.file.close()


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Decimal():
            return usd(int(value * NANOS)) if value * NANOS == int(value * NANOS) else format(value, "f")
        case _:
            return value


class Parquet:
    """One row group for each page."""

    def __init__(self, place: Path, columns: Mapping[str, str]) -> None:
        from pyarrow import parquet

        self.schema = schema(columns)
        self.writer = parquet.ParquetWriter(place, self.schema)

    def write(self, rows: Rows) -> None:
        import pyarrow

        self.writer.write_table(pyarrow.Table.from_pylist(rows, self.schema))

    def close(self) -> None:
        self.writer.close()


def schema(columns: Mapping[str, str]) -> "pyarrow.Schema":
    import pyarrow

    kinds = {
        "int64": pyarrow.int64(), "string": pyarrow.string(), "time": pyarrow.timestamp("us", tz="UTC"),
        "decimal": pyarrow.decimal128(DIGITS, 9),
    }  # fmt: skip
    return pyarrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
