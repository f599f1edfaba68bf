"""Adds snapshots and finds them again; it neither changes nor removes any, and believes all of them alike."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.snapshots.rules import Snapshot, digest, text_of
from gateway.snapshots.tables import SNAPSHOT

MOST = 10_000
"""Snapshots that one question returns: years of daily readings of a dozen boards."""

_ADD: dict[str, sa.Insert] = {
    "sqlite": sqlite.insert(SNAPSHOT).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(SNAPSHOT).on_conflict_do_nothing(),
}


def _of(name: str) -> sa.ColumnElement[bool]:
    """This column is what was asked for, or nothing was."""
    asked = sa.bindparam(name, type_=sa.String)
    return sa.or_(asked.is_(None), SNAPSHOT.c[name] == asked)


_AGE = (SNAPSHOT.c.taken_at, SNAPSHOT.c.read_at, SNAPSHOT.c.id)
_RANKED = (
    sa.select(
        SNAPSHOT.c.id,
        sa.func.row_number()
        .over(partition_by=(SNAPSHOT.c.source, SNAPSHOT.c.subject), order_by=[column.desc() for column in _AGE])
        .label("place"),
    )
    .where(_of("source"), _of("subject"))
    .subquery()
)
_LATEST = (
    SNAPSHOT.select()
    .join(_RANKED, sa.and_(_RANKED.c.id == SNAPSHOT.c.id, _RANKED.c.place == 1))
    .order_by(SNAPSHOT.c.source, SNAPSHOT.c.subject)
    .limit(MOST)
)
_SUBJECTS = (
    sa.select(
        SNAPSHOT.c.source, SNAPSHOT.c.subject, sa.func.count(), sa.func.min(SNAPSHOT.c.taken_at),
        sa.func.max(SNAPSHOT.c.taken_at), sa.func.max(SNAPSHOT.c.read_at),
    )
    .group_by(SNAPSHOT.c.source, SNAPSHOT.c.subject)
    .order_by(SNAPSHOT.c.source, SNAPSHOT.c.subject)
    .limit(MOST)
)  # fmt: skip
_HEADS = sa.select(SNAPSHOT.c.id, SNAPSHOT.c.subject).join(
    _RANKED, sa.and_(_RANKED.c.id == SNAPSHOT.c.id, _RANKED.c.place == 1)
)
_LAST = (
    SNAPSHOT.select()
    .where(SNAPSHOT.c.source == sa.bindparam("source"), SNAPSHOT.c.subject == sa.bindparam("subject"))
    .where(SNAPSHOT.c.taken_at <= sa.bindparam("moment"))
    .order_by(*[column.desc() for column in _AGE])
    .limit(1)
)
_SINCE = (
    SNAPSHOT.select()
    .where(_of("source"), _of("subject"), SNAPSHOT.c.taken_at >= sa.bindparam("moment"))
    .order_by(*_AGE)
    .limit(sa.bindparam("most"))
)


def add(connection: Connection, source: str, subject: str, taken_at: datetime, payload: bytes, now: datetime) -> bool:
    """Keep one reading; whether it is new. Feeding one twice changes nothing.

    Raises ValueError for a payload that is no text or too large.
    """
    said = {"source": source, "subject": subject, "taken_at": taken_at, "payload": text_of(payload)}
    row = {"id": clock.new_id("snp"), "read_at": now, "sha256": digest(payload)} | said
    return connection.execute(_ADD[connection.dialect.name], row).rowcount == 1


def latest(connection: Connection, source: str | None = None, subject: str | None = None) -> tuple[Snapshot, ...]:
    """The newest snapshot of each subject of each source, or of those named."""
    rows = connection.execute(_LATEST, {"source": source, "subject": subject})
    return tuple(Snapshot(*row) for row in rows)


class Subject(NamedTuple):
    """What one source says of one subject, as far as it is kept: how many snapshots, from when to when, and when the
    last of them was read."""

    source: str
    subject: str
    snapshots: int
    first_at: datetime
    taken_at: datetime
    read_at: datetime


def subjects(connection: Connection) -> tuple[Subject, ...]:
    return tuple(Subject(*row) for row in connection.execute(_SUBJECTS))


def heads(connection: Connection) -> tuple[tuple[str, str], ...]:
    """(id, subject) of what `latest` gives, without the payloads."""
    return tuple((id, subject) for id, subject in connection.execute(_HEADS, {"source": None, "subject": None}))


def payloads(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """What snapshots say, by id."""
    rows = connection.execute(sa.select(SNAPSHOT.c.id, SNAPSHOT.c.payload).where(SNAPSHOT.c.id.in_(list(ids)[:MOST])))
    return {id: payload for id, payload in rows} if ids else {}


def last(connection: Connection, source: str, subject: str, moment: datetime) -> Snapshot | None:
    """The newest snapshot taken at a moment or before it."""
    row = connection.execute(_LAST, {"source": source, "subject": subject, "moment": moment}).first()
    return Snapshot(*row) if row else None


def since(
    connection: Connection, moment: datetime, source: str | None = None, subject: str | None = None, most: int = MOST
) -> tuple[Snapshot, ...]:
    """Snapshots taken at this moment or later, oldest first, at most so many."""
    bound = {"source": source, "subject": subject, "moment": moment, "most": min(most, MOST)}
    return tuple(Snapshot(*row) for row in connection.execute(_SINCE, bound))
