"""The clips of one key as this door lists them: reads jobs, and labels one that is taken off the list. No HTTP."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.schema import Modality, Task
from gateway.attempts import store as attempts
from gateway.doors.openai.answering import DELETED, labels_of
from gateway.jobs import store
from gateway.jobs.service import Seen
from gateway.jobs.store import JOB

TASKS = tuple(task.value for task in Task if task.modality is Modality.VIDEO)

Order = Literal["asc", "desc"]


def is_here(job: Mapping[Any, Any]) -> bool:
    """Whether a job is a clip that this door still shows."""
    return job["task"] in TASKS and DELETED not in labels_of(job)


def listing(connection: Connection, key_id: str, limit: int, after: str | None, order: Order) -> Sequence[Seen]:
    """A key's clips by time, one more than `limit` to learn whether there is a next page."""
    newest = order == "desc"
    query = sa.select(JOB).where(JOB.c.key_id == key_id, JOB.c.task.in_(TASKS), JOB.c.extras.not_like(f'%"{DELETED}"%'))
    if after:
        query = query.where(JOB.c.id < after if newest else JOB.c.id > after)
    query = query.order_by(JOB.c.id.desc() if newest else JOB.c.id).limit(limit + 1)
    jobs = connection.execute(query).mappings().all()
    tries = attempts.of_jobs(connection, [job["id"] for job in jobs])
    return [Seen(job, tries[job["id"]]) for job in jobs]


def take_off(connection: Connection, job_id: str, now: datetime) -> None:
    """Show it here no more. The job stays what it was, for its books' sake."""
    labels = labels_of(store.locked(connection, job_id)) | {DELETED: now.isoformat()}
    store.update(connection, job_id, extras=json.dumps(labels))
