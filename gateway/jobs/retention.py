"""Clears away what is old, a few hundred rows at a time: what was sent, why it was chosen, and jobs if it is wished.

Postings and rollups stay for ever, and so does what an attempt cost. Rows are found along their primary keys, which
begin with the time, from where the last sweep ended: no table is scanned, and no lock is held for longer than a batch.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.assets.tables import ASSET
from gateway.attempts.rules import LIVE
from gateway.attempts.store import ATTEMPT
from gateway.budgets.tables import CHARGE
from gateway.db import Database
from gateway.jobs.rules import FINAL
from gateway.jobs.store import JOB
from gateway.jobs.tables import SweepRow
from gateway.routing.tables import DecisionRecordRow, DecisionRow, QuoteRow
from gateway.ticks.rules import Tick

BATCH = 500
"""Rows in one transaction: some tens of milliseconds."""
BATCHES = 2_000
"""Of one kind in one run: a million rows; what is more waits for the next run."""
PAUSE_S = 0.02
"""Between two batches, so that callers' commits come in between."""
TICK = Tick("retention", every_s=6 * 3_600, deadline_s=1_800)

SWEEP: sa.Table = SweepRow.__table__  # type: ignore[attr-defined]
DECISION: sa.Table = DecisionRow.__table__  # type: ignore[attr-defined]
RECORD: sa.Table = DecisionRecordRow.__table__  # type: ignore[attr-defined]
QUOTE: sa.Table = QuoteRow.__table__  # type: ignore[attr-defined]

Clear = Callable[[Connection, Sequence[str]], int]


class Policy(NamedTuple):
    """Days that each kind is kept; None: for ever."""

    attempts_days: int | None
    decisions_days: int | None
    jobs_days: int | None
    assets_days: int | None = None


class Sweep(NamedTuple):
    """One kind of rows: where they are, what their ids begin with, how long they stay, and how they are cleared."""

    name: str
    ids: sa.ColumnElement[str]
    kind: str
    days: int
    clear: Clear


async def sweep(db: Database, policy: Policy, now: datetime, first: Sequence[Sweep] = ()) -> str:
    """Clear away all that is older than the policy says, up to a bound; says how much. `first`: what builds on jobs."""
    counts = [f"{await _swept(db, each, now)} {each.name}" for each in [*first, *_sweeps(policy)]]
    return f"cleared {', '.join(counts)}" if counts else "everything is kept for ever"


def _sweeps(policy: Policy) -> list[Sweep]:
    """In this order: quotes point to decisions."""
    wanted = [
        ("attempts", ATTEMPT.c.id, "att", policy.attempts_days, _clear_attempts),
        ("quotes", QUOTE.c.id, "quo", policy.decisions_days, _clear_quotes),
        ("decisions", DECISION.c.id, "dec", policy.decisions_days, _clear_decisions),
        ("jobs", JOB.c.id, "job", policy.jobs_days, _clear_jobs),
        ("assets", ASSET.c.id, "ast", policy.assets_days, _expire_assets),
    ]
    return [Sweep(name, ids, kind, days, clear) for name, ids, kind, days, clear in wanted if days is not None]


async def _swept(db: Database, kind: Sweep, now: datetime) -> int:
    until = clock.first_id(kind.kind, now - timedelta(days=kind.days))
    cleared = 0
    for _ in range(BATCHES):
        seen, count = await db.together(lambda connection: _batch(connection, kind, until, now))
        cleared += count
        if seen < BATCH:
            break
        await asyncio.sleep(PAUSE_S)
    return cleared


def _batch(connection: Connection, kind: Sweep, until: str, now: datetime) -> tuple[int, int]:
    """Look at the next rows: how many there were, and how many of them were cleared."""
    here = SWEEP.c.name == kind.name
    since = connection.execute(sa.select(SWEEP.c.up_to).where(here)).scalar()
    wanted = sa.select(kind.ids).where(kind.ids < until).order_by(kind.ids).limit(BATCH)
    ids = list(connection.execute(wanted if since is None else wanted.where(kind.ids > since)).scalars())
    if not ids:
        return 0, 0
    count = kind.clear(connection, ids)
    if since is None:
        connection.execute(sa.insert(SWEEP), {"name": kind.name, "up_to": ids[-1], "swept_at": now})
    else:
        connection.execute(sa.update(SWEEP).where(here).values(up_to=ids[-1], swept_at=now))
    return len(ids), count


NOTHING = "{}"
"""In place of what was sent, where a column must say something."""


def _clear_attempts(connection: Connection, ids: Sequence[str]) -> int:
    """Calls, requests and errors go; the row stays, with its offer, its times and what it cost."""
    ended = sa.and_(ATTEMPT.c.id.in_(ids), ATTEMPT.c.status.not_in([status.value for status in LIVE]))
    cleared = sa.update(ATTEMPT).where(ended).values(next=None, fitted=NOTHING, price=NOTHING, error=None)
    return connection.execute(cleared).rowcount


def _clear_quotes(connection: Connection, ids: Sequence[str]) -> int:
    return connection.execute(sa.delete(QUOTE).where(QUOTE.c.id.in_(ids))).rowcount


def _clear_decisions(connection: Connection, ids: Sequence[str]) -> int:
    """Decisions that no quote still points to, and the records that no decision is left for."""
    quoted = sa.exists().where(QUOTE.c.decision_id == DECISION.c.id)
    gone = sa.delete(DECISION).where(DECISION.c.id.in_(ids), ~quoted).returning(DECISION.c.record_sha256)
    records = list(connection.execute(gone).scalars())
    needed = sa.exists().where(DECISION.c.record_sha256 == RECORD.c.sha256)
    connection.execute(sa.delete(RECORD).where(RECORD.c.sha256.in_(set(records)), ~needed))
    return len(records)


def _expire_assets(connection: Connection, ids: Sequence[str]) -> int:
    """They are found no more from now on; gateway.assets.disposal removes their bytes."""
    lasting = sa.and_(ASSET.c.id.in_(ids), ASSET.c.expires_at.is_(None))
    return connection.execute(sa.update(ASSET).where(lasting).values(expires_at=clock.now())).rowcount


def _clear_jobs(connection: Connection, ids: Sequence[str]) -> int:
    """Jobs that have ended and are settled, with their attempts and what they charged to each budget.

    Their postings, their outputs and the counts of the budgets stay.
    """
    over = sa.select(JOB.c.id).where(
        JOB.c.id.in_(ids), JOB.c.status.in_([status.value for status in FINAL]), JOB.c.cost_nanos.is_not(None)
    )
    settled = list(connection.execute(over).scalars())
    live = [status.value for status in LIVE]
    open_ones = sa.select(ATTEMPT.c.job_id).where(ATTEMPT.c.job_id.in_(settled), ATTEMPT.c.status.in_(live))
    waiting = set(connection.execute(open_ones).scalars())
    done = [job_id for job_id in settled if job_id not in waiting]
    connection.execute(sa.delete(ATTEMPT).where(ATTEMPT.c.job_id.in_(done)))
    connection.execute(sa.delete(CHARGE).where(CHARGE.c.job_id.in_(done)))
    return connection.execute(sa.delete(JOB).where(JOB.c.id.in_(done))).rowcount
