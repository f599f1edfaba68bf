"""Which set of LoRAs each engine that holds one at a time is given to, and who is let in there. Units of `together`.

What is inside is read from the attempts themselves, so nothing need be tidied after a crash: an attempt is inside from
when it is let in until it ends, whoever holds its lease, and also while its fate is unknown.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.holding import STAGES
from gateway.attempts import lora_rules
from gateway.attempts.lora_rules import Hold, Inside, Waits
from gateway.attempts.tables import AttemptRow, LoraHoldRow
from gateway.db import insert_once

ATTEMPT: sa.Table = AttemptRow.__table__  # type: ignore[attr-defined]
HOLD: sa.Table = LoraHoldRow.__table__  # type: ignore[attr-defined]

WAITING_MOST = 1_000
"""Attempts that are looked at in one claim, the earliest first: those behind them come when these have gone."""

FREE = sa.or_(ATTEMPT.c.lora_set.is_(None), ATTEMPT.c.let_in_at.is_not(None))
"""Attempts that a worker may claim, as far as LoRAs go."""

_LIVE = sa.and_(ATTEMPT.c.lora_set.is_not(None), ATTEMPT.c.ended_at.is_(None))
_COLUMNS = [ATTEMPT.c[name] for name in ("id", "provider", "lora_set", "stage", "let_in_at", "due_at")]
_INSIDE = sa.select(*_COLUMNS).where(_LIVE, ATTEMPT.c.let_in_at.is_not(None))
_WAITING = (
    sa.select(*_COLUMNS)
    .where(_LIVE, ATTEMPT.c.let_in_at.is_(None), ATTEMPT.c.due_at <= sa.bindparam("at"))
    .order_by(ATTEMPT.c.due_at, ATTEMPT.c.id)
    .limit(WAITING_MOST)
)
_LET_IN = (
    sa.update(ATTEMPT)
    .where(ATTEMPT.c.id == sa.bindparam("attempt"))
    .values(
        let_in_at=sa.bindparam("at"),
        deadline_at=ATTEMPT.c.deadline_at - ATTEMPT.c.due_at + sa.bindparam("at", type_=ATTEMPT.c.due_at.type),
        provider_status=None,
    )
)
"""Its time runs from here: what it waited for others is not taken from it."""


def let_in(connection: Connection, now: datetime) -> None:
    """Let in whoever may go now, at every engine that holds one set at a time."""
    waiting = connection.execute(_WAITING, {"at": now}).mappings().all()
    for provider in sorted({row["provider"] for row in waiting}):
        _let_in_at(connection, provider, [row for row in waiting if row["provider"] == provider], now)


def _let_in_at(connection: Connection, provider: str, waiting: Sequence[Any], now: datetime) -> None:
    hold = _locked(connection, provider, now)
    rows = connection.execute(_INSIDE.where(ATTEMPT.c.provider == provider)).mappings()
    inside = [Inside(row["lora_set"], row["stage"] in STAGES) for row in rows]
    let = lora_rules.let_in(hold, inside, [Waits(row["id"], row["lora_set"], row["due_at"]) for row in waiting], now)
    if let.id is None or let.hold is None:
        return
    connection.execute(_LET_IN, {"attempt": let.id, "at": now})
    if let.hold != hold:
        told = {"lora_set": let.hold.lora_set, "since": let.hold.since, "switches": HOLD.c.switches + 1}
        connection.execute(sa.update(HOLD).where(HOLD.c.provider == provider).values(told))


def _locked(connection: Connection, provider: str, now: datetime) -> Hold | None:
    """The engine's row, kept from all others until the transaction ends."""
    insert_once(connection, HOLD, {"provider": provider, "lora_set": None, "since": now, "switches": 0}, ["provider"])
    query = sa.select(HOLD.c.lora_set, HOLD.c.since).where(HOLD.c.provider == provider).with_for_update()
    lora_set, since = connection.execute(query).one()
    return None if lora_set is None else Hold(lora_set, since)


def holds(connection: Connection) -> dict[str, tuple[str | None, datetime, int]]:
    """Provider → the set that it is given to, since when, and how often it was given to another."""
    rows = connection.execute(sa.select(HOLD.c.provider, HOLD.c.lora_set, HOLD.c.since, HOLD.c.switches))
    return {provider: (lora_set, since, switches) for provider, lora_set, since, switches in rows}
