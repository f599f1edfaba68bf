"""Claims a tick for one replica and writes down how its run went; it runs nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.db import insert_once
from gateway.ticks.rules import Tick, lease_until, next_due
from gateway.ticks.tables import TICK

SAID_CHARS = 500


def claim(connection: Connection, tick: Tick, who: str, now: datetime) -> bool:
    """Take a tick that is due and that nobody runs. One that was never known is due at once."""
    row = {"name": tick.name, "due_at": now, "runs": 0, "failures": 0}
    insert_once(connection, TICK, row, ["name"])
    free = sa.or_(TICK.c.lease_until.is_(None), TICK.c.lease_until < now)
    taken = (
        sa.update(TICK)
        .where(TICK.c.name == tick.name, TICK.c.due_at <= now, free)
        .values(lease_until=lease_until(tick, now), leased_by=who, started_at=now, runs=TICK.c.runs + 1)
    )
    return connection.execute(taken).rowcount == 1


def ended(connection: Connection, tick: Tick, who: str, now: datetime, said: str, failed: bool, chance: float) -> bool:
    """Write down a run's end, unless its lease went to another meanwhile."""
    values: dict[str, Any] = {
        "lease_until": None, "leased_by": None, "ended_at": now, "said": said[:SAID_CHARS],
        "due_at": next_due(tick, now, failed, chance), "failures": TICK.c.failures + 1 if failed else 0,
    }  # fmt: skip
    if not failed:
        values["succeeded_at"] = now
    mine = sa.update(TICK).where(TICK.c.name == tick.name, TICK.c.leased_by == who)
    return connection.execute(mine.values(**values)).rowcount == 1


def hasten(connection: Connection, name: str, now: datetime) -> bool:
    """Make a tick due at once."""
    return connection.execute(sa.update(TICK).where(TICK.c.name == name).values(due_at=now)).rowcount == 1


def listing(connection: Connection) -> list[Mapping[Any, Any]]:
    return list(connection.execute(sa.select(TICK).order_by(TICK.c.name)).mappings())
