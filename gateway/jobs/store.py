"""Jobs in the database. All units of `together` or `read`; none decides anything."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.jobs.rules import FINAL, Status
from gateway.jobs.tables import JobRow
from gateway.prepared import Prepared

JOB: sa.Table = JobRow.__table__  # type: ignore[attr-defined]

_INSERT = Prepared(sa.insert(JOB).values({each.name: sa.bindparam(each.name) for each in JOB.c}))
_BY_ID = sa.select(JOB).where(JOB.c.id == sa.bindparam("job"))
_BY_IDEMPOTENCY = sa.select(JOB).where(
    JOB.c.key_id == sa.bindparam("owner"), JOB.c.idempotency_key == sa.bindparam("idempotency")
)
_FOR_ENDING = _BY_ID.with_for_update()
"""SQLite ignores the lock: it has one writer. On Postgres it makes a cancel and an ending take turns."""


def insert(connection: Connection, row: Mapping[str, Any]) -> None:
    _INSERT.run(connection, row)


def find(connection: Connection, job_id: str) -> Mapping[Any, Any] | None:
    return connection.execute(_BY_ID, {"job": job_id}).mappings().first()


def locked(connection: Connection, job_id: str) -> Mapping[Any, Any]:
    """A job about to be changed by what happened to its attempt."""
    return connection.execute(_FOR_ENDING, {"job": job_id}).mappings().one()


def repeated(connection: Connection, key_id: str, idempotency_key: str) -> Mapping[Any, Any] | None:
    values = {"owner": key_id, "idempotency": idempotency_key}
    return connection.execute(_BY_IDEMPOTENCY, values).mappings().first()


_LIVE = Prepared(
    sa.select(sa.func.count())
    .select_from(JOB)
    .where(
        JOB.c.key_id == sa.bindparam("key", type_=sa.String),
        JOB.c.status.in_([sa.literal_column(f"'{status.value}'") for status in Status if status not in FINAL]),
    )
)


def live(connection: Connection, key_id: str) -> int:
    """How many of a key's jobs have not ended."""
    row = _LIVE.row(connection, {"key": key_id})
    return int(row[0]) if row else 0


def listing(
    connection: Connection, key_id: str | None, limit: int, after: str | None, status: str | None, task: str | None,
    model: str | None = None,
) -> Sequence[Mapping[Any, Any]]:  # fmt: skip
    """Newest first; ids sort by time. One row more than `limit`, to learn whether there is a next page."""
    query = sa.select(JOB).order_by(JOB.c.id.desc()).limit(limit + 1)
    wanted = {"key_id": key_id, "status": status, "task": task}
    for column, value in wanted.items():
        query = query.where(JOB.c[column] == value) if value is not None else query
    query = query.where(JOB.c.offer.endswith(f"/{model}", autoescape=True)) if model else query
    query = query.where(JOB.c.id < after) if after else query
    return connection.execute(query).mappings().all()


def update(connection: Connection, job_id: str, **changes: Any) -> None:
    connection.execute(sa.update(JOB).where(JOB.c.id == job_id).values(**changes))


FINISHED = ("offer", "progress", "cost_nanos", "bill", "outputs", "undelivered")
_CANCELED: sa.ColumnElement[str] = sa.literal_column(f"'{Status.CANCELED.value}'")
_FINISH = Prepared(
    sa.update(JOB)
    .where(JOB.c.id == sa.bindparam("job"), JOB.c.cost_nanos.is_(None))
    .values(
        {name: sa.bindparam(f"new_{name}") for name in FINISHED}
        | {
            "status": sa.case((JOB.c.status == _CANCELED, _CANCELED), else_=sa.bindparam("new_status")),
            "started_at": sa.func.coalesce(JOB.c.started_at, sa.bindparam("new_started_at")),
            "ended_at": sa.func.coalesce(JOB.c.ended_at, sa.bindparam("new_ended_at")),
        }
    )
    .returning(JOB.c.status, JOB.c.held_nanos, JOB.c.margin_ppm, JOB.c.project, JOB.c.webhook_url, JOB.c.webhook_shape)
)


class Finished(NamedTuple):
    """What a job that was just finished says: its status (canceled, if it was), hold, margin, project, webhook."""

    status: str
    held_nanos: int
    margin_ppm: int
    project: str | None
    webhook_url: str | None
    webhook_shape: str


def finish(connection: Connection, job_id: str, values: Mapping[str, Any]) -> Finished | None:
    """End a job that succeeded; None if it is settled already.

    One that was canceled stays so; what is known of its beginning and end stays too.
    """
    bound = {f"new_{name}": value for name, value in values.items()}
    row = _FINISH.row(connection, bound | {"job": job_id})
    return Finished(*row) if row else None


_RUNNING = (
    sa.update(JOB)
    .where(JOB.c.id == sa.bindparam("job"), JOB.c.status.not_in([status.value for status in FINAL]))
    .values(
        status=Status.RUNNING.value,
        progress=sa.bindparam("fraction"),
        started_at=sa.func.coalesce(JOB.c.started_at, sa.bindparam("at", type_=JOB.c.started_at.type)),
    )
)


def set_running(connection: Connection, job_id: str, fraction: float, now: datetime) -> None:
    connection.execute(_RUNNING, {"job": job_id, "fraction": fraction, "at": now})
