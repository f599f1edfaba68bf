"""What listings, boards and notices ever showed, kept in memory between folds: each snapshot is read once a process.

It reads the log of snapshots and judges nothing. Of the last weeks one reading a day is looked at, of what is older one
a month: enough to know when a source last showed something, and that it was looked for since.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.schema import Frozen
from gateway.db import Database
from gateway.snapshots.tables import SNAPSHOT
from router.feeds.readings import Notice, NoticeReading

DAILY_DAYS = 60
"""Twice the days after which what nobody confirms is retired: until then every day counts."""

READINGS_MOST = 20_000
"""Readings looked at: sixty days and ten years of months, of a hundred sources."""

AT_ONCE = 50
"""Payloads read in one go: at some hundred kilobytes each, a few megabytes."""

DAY_MICROS = 86_400_000_000


class Row(NamedTuple):
    """What a source showed: a label at a provider, or on a board, where the provider is empty."""

    provider: str
    label: str


class Looked(NamedTuple):
    """One whole reading: on `day`, `source` showed these and nothing else."""

    source: str
    day: date
    rows: frozenset[Row]


class Heard(NamedTuple):
    """A notice as its source last wrote it. `first` is the day since which it says this end, `newest` the last day on
    which it said so; `still` is whether the source's newest reading has it."""

    source: str
    notice: Notice
    first: date
    newest: date
    still: bool


class Told(Frozen):
    """What remains of one notices' snapshot."""

    source: str
    day: date
    rows: tuple[Notice, ...]


@dataclass
class Sightings:
    """Everything read so far. `refresh` adds what is new, and forgets what is no longer looked at."""

    db: Database
    looked: dict[str, Looked] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    rows: dict[Row, Row] = field(default_factory=dict)

    async def refresh(self, now: datetime) -> bool:
        """Read the snapshots that were not read yet; whether anything changed."""
        ids = await self.db.read(lambda connection: _ids(connection, now))
        known = self.looked.keys() | self.told.keys()
        new, gone = sorted(ids - known), known - ids
        for start in range(0, len(new), AT_ONCE):
            read = partial(_payloads, ids=new[start : start + AT_ONCE])
            await asyncio.to_thread(self._read, await self.db.read(read))
        for id in gone:
            self.looked.pop(id, None)
            self.told.pop(id, None)
        return bool(new or gone)

    def _read(self, snapshots: Iterable[tuple[str, str, str, datetime, str]]) -> None:
        for id, source, subject, taken_at, payload in snapshots:
            if subject == "notices":
                reading = NoticeReading.model_validate_json(payload)
                self.told[id] = Told(source=source, day=taken_at.date(), rows=reading.rows)
            else:
                found = frozenset(self._same(row) for row in _rows(json.loads(payload)))
                is_named = subject.startswith(f"{source}/")
                whole = source if subject == "listing" else subject if is_named else f"{source} {subject}"
                self.looked[id] = Looked(whole, taken_at.date(), found)

    def _same(self, row: Row) -> Row:
        """One object for equal rows: sixty daily lists of a provider are nearly one."""
        return self.rows.setdefault(row, row)

    def heard(self) -> tuple[Heard, ...]:
        """Each notice once, as its source last wrote it."""
        newest: dict[str, date] = {}
        found: dict[tuple[str, str, str], Heard] = {}
        for source, day, notice in sorted(
            ((told.source, told.day, notice) for told in self.told.values() for notice in told.rows),
            key=lambda each: (each[0], each[1], each[2].model_dump_json()),
        ):
            newest[source] = day
            key = (source, notice.channel, notice.label)
            before = found.get(key)
            same = before is not None and before.notice.ends == notice.ends
            found[key] = Heard(source, notice, before.first if before and same else day, day, False)
        return tuple(each._replace(still=each.newest == newest[each.source]) for each in found.values())


def _rows(document: Mapping[str, Any]) -> Iterable[Row]:
    """Of a listing or of a board. Read without validation: it was checked when it was stored."""
    return (Row(str(row.get("provider") or ""), str(row["label"])) for row in document["rows"])


_MICROS = sa.type_coerce(SNAPSHOT.c.taken_at, sa.BigInteger)
_BUCKET = sa.case(
    (sa.bindparam("recent", type_=sa.BigInteger) <= _MICROS, _MICROS / sa.literal_column(str(DAY_MICROS))),
    else_=-(_MICROS / sa.literal_column(str(30 * DAY_MICROS))),
)
_LOOKS = sa.and_(SNAPSHOT.c.subject.not_like("prices%"), SNAPSHOT.c.subject.not_like("%/top"))
"""Price lists keep what is long gone, and the top of a board leaves out what is not: neither can miss anything."""
_NEWEST_OF_EACH = (
    sa.select(
        SNAPSHOT.c.id,
        SNAPSHOT.c.taken_at,
        sa.func.row_number()
        .over(
            partition_by=(SNAPSHOT.c.source, SNAPSHOT.c.subject, _BUCKET),
            order_by=(SNAPSHOT.c.taken_at.desc(), SNAPSHOT.c.read_at.desc(), SNAPSHOT.c.id.desc()),
        )
        .label("place"),
    )
    .where(_LOOKS)
    .subquery()
)
_IDS = (
    sa.select(_NEWEST_OF_EACH.c.id)
    .where(_NEWEST_OF_EACH.c.place == 1)
    .order_by(_NEWEST_OF_EACH.c.taken_at.desc())
    .limit(READINGS_MOST)
)


def _ids(connection: Connection, now: datetime) -> frozenset[str]:
    recent = int((now - timedelta(days=DAILY_DAYS)).timestamp()) * 1_000_000
    return frozenset(connection.execute(_IDS, {"recent": recent}).scalars())


def _payloads(connection: Connection, ids: list[str]) -> list[tuple[str, str, str, datetime, str]]:
    columns = [SNAPSHOT.c[name] for name in ("id", "source", "subject", "taken_at", "payload")]
    rows = connection.execute(sa.select(*columns).where(SNAPSHOT.c.id.in_(ids)))
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
