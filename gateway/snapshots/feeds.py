"""How reading each source went, one row for each: what was last believed, and why something last was not."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.db import insert_once
from gateway.snapshots.tables import FEED

REFUSAL_CHARS = 1_000


class Run(NamedTuple):
    """One reading of one source. `taken_at` is the day of the newest reading that was believed, if any was; `kept` are
    the snapshots it added; `refusal` is a sentence, or None."""

    kind: str
    name: str
    readings: int
    rows: int
    taken_at: datetime | None
    kept: int
    refusal: str | None


def record(connection: Connection, run: Run, now: datetime) -> None:
    """Write down how it went. What was good stays as it is where nothing was believed."""
    zeros = {"readings": 0, "rows": 0, "kept": 0, "refusals": 0}
    insert_once(connection, FEED, {"kind": run.kind, "name": run.name} | zeros, ["kind", "name"])
    values: dict[str, Any] = {"kept": FEED.c.kept + run.kept, "refusals": 0}
    if run.readings and run.taken_at is not None:
        newer = sa.or_(FEED.c.taken_at.is_(None), FEED.c.taken_at < run.taken_at)
        taken_at = sa.case((newer, sa.literal(run.taken_at, FEED.c.taken_at.type)), else_=FEED.c.taken_at)
        values |= {"good_at": now, "taken_at": taken_at, "readings": run.readings, "rows": run.rows}
    if run.refusal:
        values |= {"refused_at": now, "refusal": run.refusal[:REFUSAL_CHARS], "refusals": FEED.c.refusals + 1}
    connection.execute(sa.update(FEED).where(FEED.c.kind == run.kind, FEED.c.name == run.name).values(**values))


def listing(connection: Connection) -> list[Mapping[Any, Any]]:
    return list(connection.execute(sa.select(FEED).order_by(FEED.c.kind, FEED.c.name)).mappings())
