"""What others are told of jobs and of the budgets they spend: emitted within the transaction that it is true in."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.budgets.rules import Scope
from gateway.budgets.store import Alert
from gateway.keys.tables import KEY
from gateway.ledger.rules import usd
from gateway.webhooks import outbox
from gateway.webhooks.rules import Kind, Notice


def started(connection: Connection, job_id: str, key_id: str, now: datetime) -> None:
    """A job's first turn is over and it goes on: once, whatever attempts follow."""
    outbox.emit(connection, Kind.JOB_STARTED, job_id, None, now, keys=(key_id,))


def accepted(
    connection: Connection, job_id: str, key_id: str, webhook_url: str | None, notice: Notice, now: datetime
) -> None:
    """A job was accepted: told to its own address alone, where that was asked for."""
    if webhook_url is None or Kind.JOB_STARTED not in notice.events:
        return
    target = outbox.address(webhook_url, key_id, notice.shape)
    outbox.queue(connection, Kind.JOB_STARTED, job_id, None, f"{Kind.JOB_STARTED}/{job_id}/own", [target], now)


def finished(
    connection: Connection, job_id: str, key_id: str, webhook_url: str | None, webhook_shape: str, now: datetime
) -> None:
    """A job has ended, however: once, though a run of it may come out later."""
    callback = outbox.address(webhook_url, key_id, webhook_shape) if webhook_url else None
    outbox.emit(connection, Kind.JOB_FINISHED, job_id, None, now, keys=(key_id,), callback=callback)


def crossed(connection: Connection, alerts: Sequence[Alert], key_id: str, now: datetime) -> None:
    """Thresholds of budgets were crossed by a job of this key: told to those whose budget it is."""
    for alert in alerts:
        budget, tally = alert.budget, alert.tally
        data = {
            "budget": budget.id, "name": budget.name, "scope": budget.scope.value, "subject": budget.subject,
            "window": budget.window.value, "began_at": tally.began_at.isoformat().replace("+00:00", "Z"),
            "percent": alert.percent, "limit_usd": usd(budget.limit_nanos), "spent_usd": usd(alert.nanos),
            "key": tally.counted_for or None, "hard": budget.is_hard,
        }  # fmt: skip
        identity = f"{Kind.BUDGET_THRESHOLD}/{'/'.join(map(str, tally))}/{alert.percent}"
        outbox.emit(
            connection, Kind.BUDGET_THRESHOLD, budget.id, data, now, keys=_whose(connection, alert, key_id),
            identity=identity,
        )  # fmt: skip


def _whose(connection: Connection, alert: Alert, key_id: str) -> tuple[str, ...]:
    """The keys that share what was counted; of the whole organisation's budget only its own endpoints hear."""
    match alert.budget.scope:
        case Scope.KEY | Scope.PLAN:
            return (key_id,)
        case Scope.PROJECT:
            here = KEY.c.project == alert.budget.subject, KEY.c.revoked_at.is_(None)
            return tuple(connection.execute(sa.select(KEY.c.id).where(*here)).scalars())
        case Scope.ORGANISATION:
            return ()
