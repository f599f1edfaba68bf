"""Adds snapshots and finds them again; it neither changes nor removes any, and believes all of them alike."""

from datetime import datetime

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


def since(
    connection: Connection, moment: datetime, source: str | None = None, subject: str | None = None, most: int = MOST
) -> tuple[Snapshot, ...]:
    """Snapshots taken at this moment or later, oldest first, at most so many."""
    bound = {"source": source, "subject": subject, "moment": moment, "most": min(most, MOST)}
    return tuple(Snapshot(*row) for row in connection.execute(_SINCE, bound))
