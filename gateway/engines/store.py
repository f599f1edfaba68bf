"""Readings of engines in the database: the newest of each, for every replica to see. It judges nothing."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.db import insert_once
from gateway.engines.rules import Told
from gateway.engines.tables import READING


def newest(connection: Connection) -> dict[str, Told]:
    """Provider → its newest reading."""
    rows = connection.execute(sa.select(READING)).mappings()
    return {row["provider"]: Told(**{name: row[name] for name in Told._fields}) for row in rows}


def keep(connection: Connection, readings: Iterable[Told]) -> None:
    """Each in place of the one before it."""
    for told in readings:
        if not insert_once(connection, READING, told._asdict(), ["provider"]):
            connection.execute(sa.update(READING).where(READING.c.provider == told.provider).values(told._asdict()))
