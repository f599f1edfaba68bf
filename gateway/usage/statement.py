"""A key's month: what it had, what came in, what it spent on which models, what is left. It posts nothing.

Balances and money that moved are the ledger's own postings; models and units are from the rollups, and whether the two
agree is part of the statement. It reads the key's postings up to the month's end, so it costs what the key did.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.ledger.rules import Reason, available, held, owed
from gateway.ledger.tables import ENTRY, POSTING
from gateway.usage import store
from gateway.usage.rules import day_of
from gateway.usage.store import Asked, Group

LINES = 5_000
"""Models and units of one key in one month: a limit against a body without end, beyond any that was seen."""
FUNDS = 500
"""Payments that are listed one by one; what more came in is one sum."""


class Fund(NamedTuple):
    """Money that came to a key: paid, or lent to be paid later (`credit`)."""

    kind: str
    reference: str
    at: datetime
    nanos: int


class Statement(NamedTuple):
    """Balances are what a key may spend: available and held. `owed_nanos`: credit not paid back at the month's end.

    `ties`: the rollups say the same as the ledger.
    """

    key_id: str
    month: str
    opening_nanos: int
    funded_nanos: int
    spent_nanos: int
    owed_nanos: int
    funds: tuple[Fund, ...]
    lines: tuple[Group, ...]

    @property
    def closing_nanos(self) -> int:
        return self.opening_nanos + self.funded_nanos - self.spent_nanos

    @property
    def unlisted_nanos(self) -> int:
        return self.funded_nanos - sum(each.nanos for each in self.funds)

    @property
    def ties(self) -> bool:
        return sum(line.spend_nanos for line in self.lines) == self.spent_nanos


def month_of(first: date) -> tuple[date, date]:
    """The first day of a month, and of the month after it."""
    return first, (first + timedelta(days=31)).replace(day=1)


def statement(connection: Connection, key_id: str, first: date) -> Statement:
    """The month that begins with `first`."""
    begins, ends = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in month_of(first))
    moved = {(row.is_before, row.came): int(row.nanos) for row in connection.execute(_moved(key_id, begins, ends))}
    opening = moved.get((1, 1), 0) - moved.get((1, 0), 0)
    asked = Asked(day_of(begins.date()), day_of(ends.date()) - 1, ("model", "unit"), {"key": key_id})
    lines = store.report(connection, asked, LINES)
    funds = _funds(connection, key_id, begins, ends)
    return Statement(
        key_id, f"{first:%Y-%m}", opening, moved.get((0, 1), 0), moved.get((0, 0), 0), _owed(connection, key_id, ends),
        tuple(funds), tuple(lines),
    )  # fmt: skip


def _owed(connection: Connection, key_id: str, ends: datetime) -> int:
    account = owed(key_id)
    change = sa.case((POSTING.c.destination == account, POSTING.c.nanos), else_=-POSTING.c.nanos)
    wanted = sa.select(sa.func.sum(change)).join(ENTRY, ENTRY.c.id == POSTING.c.entry_id)
    mine = sa.or_(POSTING.c.destination == account, POSTING.c.source == account)
    return int(connection.execute(wanted.where(mine, ENTRY.c.posted_at < ends)).scalar() or 0)


def _moved(key_id: str, begins: datetime, ends: datetime) -> sa.Select[Any]:
    """What came to a key and what left it, before the month and in it. Holds stay within the key."""
    own = (available(key_id), held(key_id))
    into = sa.select(POSTING.c.entry_id, POSTING.c.nanos, sa.literal(1).label("came")).where(
        POSTING.c.destination.in_(own), POSTING.c.source.not_in(own)
    )
    out = sa.select(POSTING.c.entry_id, POSTING.c.nanos, sa.literal(0).label("came")).where(
        POSTING.c.source.in_(own), POSTING.c.destination.not_in(own)
    )
    crossing = sa.union_all(into, out).subquery()
    is_before = sa.case((ENTRY.c.posted_at < begins, 1), else_=0)
    return (
        sa.select(is_before.label("is_before"), crossing.c.came, sa.func.sum(crossing.c.nanos).label("nanos"))
        .join(ENTRY, ENTRY.c.id == crossing.c.entry_id)
        .where(ENTRY.c.posted_at < ends)
        .group_by(is_before, crossing.c.came)
    )


def _funds(connection: Connection, key_id: str, begins: datetime, ends: datetime) -> Sequence[Fund]:
    wanted = (
        sa.select(ENTRY.c.key, ENTRY.c.reason, ENTRY.c.posted_at, POSTING.c.nanos)
        .join(POSTING, POSTING.c.entry_id == ENTRY.c.id)
        .where(
            POSTING.c.destination == available(key_id), ENTRY.c.reason.in_([Reason.FUND.value, Reason.CREDIT.value]),
            ENTRY.c.posted_at >= begins, ENTRY.c.posted_at < ends,
        )
        .order_by(ENTRY.c.id)
        .limit(FUNDS)
    )  # fmt: skip
    return [Fund(row.reason, row.key.partition(":")[2], row.posted_at, row.nanos) for row in connection.execute(wanted)]
