"""Keeps what the operator settled of labels, and gives names that know it. It resolves nothing itself."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.catalog.tables import SETTLEMENT
from gateway.db import insert_once
from router.names import Names, settled_key

MOST = 50_000
"""Settlements that are read: far more labels than all boards and feeds of 2026 write."""

Settled = Mapping[str, str | None]
"""settled_key of a label → our model, or None for "none of ours"."""


def settle(connection: Connection, label: str, model: str | None, now: datetime) -> None:
    """The last word on a label; a later one takes its place."""
    row = {"key": settled_key(label), "label": label, "model": model, "settled_at": now}
    if not insert_once(connection, SETTLEMENT, row, ["key"]):
        connection.execute(sa.update(SETTLEMENT).where(SETTLEMENT.c.key == row["key"]).values(**row))


def forget(connection: Connection, label: str) -> bool:
    """Take a settlement back; whether there was one."""
    return connection.execute(sa.delete(SETTLEMENT).where(SETTLEMENT.c.key == settled_key(label))).rowcount == 1


def settled(connection: Connection) -> dict[str, str | None]:
    rows = connection.execute(sa.select(SETTLEMENT.c.key, SETTLEMENT.c.model).limit(MOST))
    return {key: model for key, model in rows}


def listing(connection: Connection) -> list[Mapping[Any, Any]]:
    return list(connection.execute(sa.select(SETTLEMENT).order_by(SETTLEMENT.c.key).limit(MOST)).mappings())


def names_with(names: Names, said: Settled) -> Names:
    """These names where the operator's word comes first. A settlement of a model that the catalog no longer has is left
    out, so that its label is unresolved again."""
    known = {key: model for key, model in said.items() if model is None or model in names.tasks}
    return names if known == names.settled else replace(names, settled=known, read={})
