"""What listings, boards and notices ever showed, kept in memory between folds: each snapshot is read once a process.

It reads the log of snapshots and judges nothing. Of the last weeks one list a day is looked at, of what is older one
a month: enough to know when a source last showed something, and that it was looked for since.
"""

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.db import Database
from gateway.snapshots.tables import SNAPSHOT
from router.feeds.readings import Notice

DAILY_DAYS = 60
"""Twice the days after which what nobody confirms is retired: until then every day counts."""

READINGS_MOST = 20_000
"""Readings looked at: sixty days and ten years of months, of a hundred sources."""

AT_ONCE = 50
"""Payloads read in one go: at some hundred kilobytes each, a few megabytes."""

BEST_MOST = 25
"""Labels of a board's top that are kept: a model may have several, and five places are followed."""

DAY_MICROS = 86_400_000_000


class Row(NamedTuple):
    """What a source showed: a label at a provider, or on a board, where the provider is empty."""

    provider: str
    label: str


class Looked(NamedTuple):
    """One whole reading: on `day`, `source` showed these and nothing else. `best` are a board's first labels."""

    source: str
    day: date
    rows: frozenset[Row]
    best: tuple[str, ...] = ()


class Heard(NamedTuple):
    """A notice as its source last wrote it. `first` is the day since which it says this end, `newest` the last day on
    which it said so; `still` is whether the source's newest reading has it."""

    source: str
    notice: Notice
    first: date
    newest: date
    still: bool


class Known(NamedTuple):
    """A notice as it is known so far: as written, as understood, since when it says so, and when it last did."""

    written: Mapping[str, Any]
    notice: Notice
    first: datetime
    newest: datetime


@dataclass
class Sightings:
    """Everything read so far. `refresh` adds what is new, and forgets the lists that are no longer looked at; what was
    announced is never forgotten."""

    db: Database
    looked: dict[str, Looked] = field(default_factory=dict)
    known: dict[tuple[str, str, str], Known] = field(default_factory=dict)
    newest: dict[str, datetime] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    rows: dict[Row, Row] = field(default_factory=dict)

    async def refresh(self, now: datetime) -> bool:
        """Read the snapshots that were not read yet, the oldest first; whether anything changed."""
        ids = await self.db.read(lambda connection: _ids(connection, now))
        new, gone = [id for id in ids if id not in self.read], self.read.difference(ids)
        for start in range(0, len(new), AT_ONCE):
            read = partial(_payloads, ids=new[start : start + AT_ONCE])
            await asyncio.to_thread(self._read, await self.db.read(read))
        for id in gone:
            self.looked.pop(id, None)
        self.read = set(ids)
        return bool(new or gone)

    def _read(self, snapshots: Iterable[tuple[str, str, str, datetime, str]]) -> None:
        for id, source, subject, taken_at, payload in snapshots:
            document = json.loads(payload)
            if subject == "notices":
                self._hear(source, taken_at, document["rows"])
            else:
                found = frozenset(self._same(row) for row in _rows(document))
                is_named = subject.startswith(f"{source}/")
                whole = source if subject == "listing" else subject if is_named else f"{source} {subject}"
                self.looked[id] = Looked(whole, taken_at.date(), found, _best(document))

    def _same(self, row: Row) -> Row:
        """One object for equal rows: sixty daily lists of a provider are nearly one."""
        return self.rows.setdefault(row, row)

    def _hear(self, source: str, at: datetime, rows: Iterable[Mapping[str, Any]]) -> None:
        self.newest[source] = max(at, self.newest.get(source, at))
        for written in rows:
            key = (source, str(written["channel"]), str(written["label"]))
            before = self.known.get(key)
            if before is None or at >= before.newest:
                self.known[key] = _renewed(before, written, at)

    def heard(self) -> tuple[Heard, ...]:
        """Each notice once, as its source last wrote it."""
        return tuple(
            Heard(key[0], known.notice, known.first.date(), known.newest.date(), known.newest == self.newest[key[0]])
            for key, known in sorted(self.known.items(), key=lambda item: item[0])
        )


def _renewed(before: Known | None, written: Mapping[str, Any], at: datetime) -> Known:
    """Lists hardly change from day to day: what is written as before is not read again."""
    if before and before.written == written:
        return before._replace(newest=at)
    notice = Notice.model_validate(written)
    return Known(written, notice, before.first if before and before.notice.ends == notice.ends else at, at)


def _best(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The first labels of a board, best first; none of a listing."""
    rated = sorted((-row["rating"], str(row["label"])) for row in document["rows"] if "rating" in row)
    return tuple(sys.intern(label) for _, label in rated[:BEST_MOST])


def _rows(document: Mapping[str, Any]) -> Iterable[Row]:
    """Of a listing or of a board. Read without validation: it was checked when it was stored."""
    return (Row(str(row.get("provider") or ""), str(row["label"])) for row in document["rows"])


_MICROS = sa.type_coerce(SNAPSHOT.c.taken_at, sa.BigInteger)
_DAY = sa.literal_column(str(DAY_MICROS), sa.BigInteger)
_RECENT = sa.bindparam("recent", type_=sa.BigInteger) <= _MICROS
_BUCKET = sa.case(
    (sa.and_(_RECENT, SNAPSHOT.c.subject == "notices"), _MICROS),
    (sa.or_(_RECENT, SNAPSHOT.c.subject == "notices"), _MICROS // _DAY),
    else_=-(_MICROS // _DAY // 30),
)
"""Of recent notices all, of older ones one a day: what was announced and taken back within a day was a mistake."""
_LOOKS = sa.and_(*[SNAPSHOT.c.subject.not_like(each) for each in ("prices%", "engines/%", "%/top")])
"""Price lists keep what is long gone, and the top of a board leaves out what is not: neither can miss anything. Which
engines were found somewhere says nothing of anybody else's models."""
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
    .order_by(_NEWEST_OF_EACH.c.taken_at.desc(), _NEWEST_OF_EACH.c.id.desc())
    .limit(READINGS_MOST)
)


def _ids(connection: Connection, now: datetime) -> list[str]:
    """What is looked at, the oldest first."""
    recent = int((now - timedelta(days=DAILY_DAYS)).timestamp()) * 1_000_000
    return list(connection.execute(_IDS, {"recent": recent}).scalars())[::-1]


def _payloads(connection: Connection, ids: list[str]) -> list[tuple[str, str, str, datetime, str]]:
    columns = [SNAPSHOT.c[name] for name in ("id", "source", "subject", "taken_at", "payload")]
    wanted = sa.select(*columns).where(SNAPSHOT.c.id.in_(ids)).order_by(SNAPSHOT.c.taken_at, SNAPSHOT.c.id)
    rows = connection.execute(wanted)
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
