"""Adds changes to their log and reads them again; they are neither changed nor removed. All units of `together`."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.changes.rules import Change, Kind, Shown, Stand, Subject, appearances, changes, stand_of
from gateway.changes.tables import APPEARANCE, CHANGE, LIFE
from gateway.db import insert_once
from gateway.webhooks import outbox
from gateway.webhooks.rules import Kind as Event
from router.retirement import Life, Stage

NAME_CHARS = 300
_TOLD = {
    Kind.DEPRECATED: Event.MODEL_DEPRECATED,
    Kind.STALE: Event.MODEL_STALE,
    Kind.RETIRED: Event.MODEL_RETIRED,
    Kind.PRICE: Event.PRICE_CHANGED,
}
"""Changes that receivers of webhooks are told of."""


def add(connection: Connection, change: Change, now: datetime) -> str:
    """Write down one change, in the transaction of whatever made it. Returns its id."""
    row = {
        "id": clock.new_id("chg"), "at": now, "happened_on": change.on, "kind": change.kind.value,
        "subject": change.subject.id[:400], "model": change.subject.model[:200], "offer": change.subject.offer,
        "before": change.before, "after": change.after, "evidence": change.evidence, "source": change.source[:200],
    }  # fmt: skip
    connection.execute(sa.insert(CHANGE), row)
    if (told := _TOLD.get(change.kind)) is not None:
        data = row | {"at": now.isoformat().replace("+00:00", "Z"), "happened_on": change.on.isoformat()}
        outbox.emit(connection, told, str(row["subject"]), data, now, identity=f"{told}/{row['id']}")
    return str(row["id"])


def listing(
    connection: Connection, limit: int, after: str | None = None, since: datetime | None = None
) -> list[Mapping[Any, Any]]:
    """Newest first. `since` is when we learned of them."""
    wanted = sa.select(CHANGE).order_by(CHANGE.c.id.desc()).limit(limit)
    if after is not None:
        wanted = wanted.where(CHANGE.c.id < after)
    if since is not None:
        wanted = wanted.where(CHANGE.c.at >= since)
    return list(connection.execute(wanted).mappings())


def record_lives(connection: Connection, lives: Mapping[Subject, Life], now: datetime) -> int:
    """Tell of every subject whose stage, end or successor is another than was last recorded; how many changes.

    Groups of units run one after the other on both databases, so what two replicas find at once is told once.
    """
    held = {row["subject"]: _stand(row) for row in connection.execute(sa.select(LIFE)).mappings()}
    told = 0
    for subject, life in sorted(lives.items()):
        before, stand = held.get(subject.id), stand_of(life)
        if before == stand:
            continue
        _hold(connection, subject, stand, before is None, now)
        for change in changes(subject, before, life, is_first=not held):
            add(connection, change, now)
            told += 1
    return told


def _stand(row: Mapping[Any, Any]) -> Stand:
    return Stand(Stage(row["stage"]), row["ends"], row["successor"])


def _hold(connection: Connection, subject: Subject, stand: Stand, is_new: bool, now: datetime) -> None:
    values = {"stage": stand.stage.value, "ends": stand.ends, "successor": stand.successor, "changed_at": now}
    if is_new:
        connection.execute(sa.insert(LIFE), values | {"subject": subject.id})
    else:
        connection.execute(sa.update(LIFE).where(LIFE.c.subject == subject.id).values(**values))


def record_boards(connection: Connection, shown: Iterable[Shown], now: datetime) -> int:
    """Tell of every model and label that a board shows for the first time; how many."""
    known: dict[str, set[str]] = {}
    for board, name in connection.execute(sa.select(APPEARANCE.c.board, APPEARANCE.c.name)):
        known.setdefault(board, set()).add(name)
    told = 0
    for reading, name, is_news in appearances({board: frozenset(names) for board, names in known.items()}, list(shown)):
        row = {"board": reading.board, "name": name[:NAME_CHARS], "first_on": reading.day}
        if insert_once(connection, APPEARANCE, row, ["board", "name"]) and is_news:
            add(connection, _appeared(reading, name), now)
            told += 1
    return told


def _appeared(reading: Shown, name: str) -> Change:
    said = f"{reading.board} showed it on {reading.day}"
    subject = Subject(name, reading.names[name] or name)
    return Change(Kind.APPEARED, subject, None, f"on {reading.board}", said, reading.board, reading.day)
