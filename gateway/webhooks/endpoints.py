"""Endpoints in the database: made, found, changed and ended. All units of `together` or `read`."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.webhooks import signing, store
from gateway.webhooks.tables import WEBHOOK

MOST = 20
"""Endpoints of one key: each multiplies what every one of its jobs writes."""


def create(connection: Connection, row: Mapping[str, Any], now: datetime) -> tuple[Mapping[Any, Any], str] | None:
    """A new endpoint and its secret; None if its key has as many as it may have."""
    mine = WEBHOOK.c.key_id == row["key_id"], WEBHOOK.c.ended_at.is_(None)
    if connection.execute(sa.select(sa.func.count()).select_from(WEBHOOK).where(*mine)).scalar_one() >= MOST:
        return None
    webhook_id = clock.new_id("whk")
    connection.execute(sa.insert(WEBHOOK), {**row, "id": webhook_id, "created_at": now})
    found = find(connection, webhook_id)
    assert found is not None
    return found, signing.create(connection, webhook_id, now)


def find(connection: Connection, webhook_id: str) -> Mapping[Any, Any] | None:
    """One that has not ended."""
    wanted = sa.select(WEBHOOK).where(WEBHOOK.c.id == webhook_id, WEBHOOK.c.ended_at.is_(None))
    return connection.execute(wanted).mappings().first()


def listing(connection: Connection, key_id: str | None, limit: int, after: str | None) -> list[Mapping[Any, Any]]:
    """Newest first, those of a key or, without one, all."""
    wanted = sa.select(WEBHOOK).where(WEBHOOK.c.ended_at.is_(None)).order_by(WEBHOOK.c.id.desc()).limit(limit)
    wanted = wanted.where(WEBHOOK.c.key_id == key_id) if key_id else wanted
    wanted = wanted.where(WEBHOOK.c.id < after) if after else wanted
    return list(connection.execute(wanted).mappings())


def change(
    connection: Connection, webhook_id: str, values: Mapping[str, Any], is_on: bool | None, now: datetime
) -> Mapping[Any, Any] | None:
    """Change its address, events or words, and turn it on or off."""
    said = {name: json.dumps(value) if name == "events" else value for name, value in values.items()}
    if is_on:
        said |= {"disabled_at": None, "disabled_for": None, "failing_since": None}
    if said:
        connection.execute(sa.update(WEBHOOK).where(WEBHOOK.c.id == webhook_id).values(**said))
    if is_on is False:
        store.disable(connection, webhook_id, "its owner turned it off", now)
    return find(connection, webhook_id)


def end(connection: Connection, webhook_id: str, now: datetime) -> None:
    """It is told nothing any more; its log stays until it is old."""
    connection.execute(sa.update(WEBHOOK).where(WEBHOOK.c.id == webhook_id).values(ended_at=now))
    store.give_up(connection, webhook_id, now)
