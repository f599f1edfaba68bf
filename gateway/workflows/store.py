"""Workflows in the database: found, moved on, and their steps with what their jobs say. Units of `together` or `read`.

The steps of a workflow move only inside `together`, whose groups take turns among all replicas: what a unit has read
stays true until its commit.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.jobs.rules import FINAL
from gateway.jobs.store import JOB
from gateway.keys import plans, service as keys
from gateway.keys.rules import Caller
from gateway.workflows.rules import ENDED, Purse, State, Status, paid
from gateway.workflows.tables import STEP, WORKFLOW

CLAIM = 64
"""Workflows that one look takes up at most; what is more waits for the next look."""

_JOB_COLUMNS = ("status", "offer", "progress", "held_nanos", "cost_nanos", "started_at", "ended_at", "error", "outputs")


class Seen(NamedTuple):
    """A workflow with its steps, each joined with what its job says (`job_status`, `job_offer`, …)."""

    workflow: Mapping[Any, Any]
    steps: Sequence[Mapping[Any, Any]]

    @property
    def is_final(self) -> bool:
        return Status(self.workflow["status"]) is not Status.RUNNING


_STEPS = (
    sa.select(
        *[column for column in STEP.c if column is not STEP.c.job],
        *[JOB.c[name].label(f"job_{name}") for name in _JOB_COLUMNS],
    )
    .select_from(STEP.outerjoin(JOB, JOB.c.id == STEP.c.job_id))
    .order_by(STEP.c.workflow_id, STEP.c.number)
)
"""Without the bodies of their jobs, which are long, and which only one who starts a step, or shows them, need read."""
_WHOLE = _STEPS.add_columns(STEP.c.job)


def insert(connection: Connection, workflow: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> None:
    connection.execute(sa.insert(WORKFLOW), dict(workflow))
    connection.execute(sa.insert(STEP), [dict(step) for step in steps])


def see(connection: Connection, workflow_id: str) -> Seen | None:
    return _see(connection, workflow_id, _STEPS)


def see_whole(connection: Connection, workflow_id: str) -> Seen | None:
    """With `job`, the body of each step's job, as well."""
    return _see(connection, workflow_id, _WHOLE)


def _see(connection: Connection, workflow_id: str, steps: sa.Select[Any]) -> Seen | None:
    row = connection.execute(sa.select(WORKFLOW).where(WORKFLOW.c.id == workflow_id)).mappings().first()
    if row is None:
        return None
    return Seen(row, connection.execute(steps.where(STEP.c.workflow_id == workflow_id)).mappings().all())


def body(connection: Connection, step: Mapping[Any, Any]) -> dict[str, Any]:
    """The body of a step's job, as it was given."""
    here = STEP.c.workflow_id == step["workflow_id"], STEP.c.number == step["number"]
    return dict(json.loads(connection.execute(sa.select(STEP.c.job).where(*here)).scalar_one()))


def repeated(connection: Connection, key_id: str, idempotency_key: str) -> Mapping[Any, Any] | None:
    here = WORKFLOW.c.key_id == key_id, WORKFLOW.c.idempotency_key == idempotency_key
    return connection.execute(sa.select(WORKFLOW).where(*here)).mappings().first()


def running(connection: Connection, key_id: str | None = None) -> int:
    """How many workflows of a key, or of all, have not ended."""
    query = sa.select(sa.func.count()).select_from(WORKFLOW).where(WORKFLOW.c.status == Status.RUNNING.value)
    return int(connection.execute(query.where(WORKFLOW.c.key_id == key_id) if key_id else query).scalar_one())


def listing(
    connection: Connection, key_id: str | None, limit: int, after: str | None, status: str | None
) -> list[Seen]:
    """Newest first. One more than `limit`, to learn whether there is a next page."""
    query = sa.select(WORKFLOW).order_by(WORKFLOW.c.id.desc()).limit(limit + 1)
    for column, value in {"key_id": key_id, "status": status}.items():
        query = query.where(WORKFLOW.c[column] == value) if value is not None else query
    rows = connection.execute(query.where(WORKFLOW.c.id < after) if after else query).mappings().all()
    ids = [row["id"] for row in rows]
    steps = connection.execute(_STEPS.where(STEP.c.workflow_id.in_(ids))).mappings().all()
    return [Seen(row, [step for step in steps if step["workflow_id"] == row["id"]]) for row in rows]


def update(connection: Connection, workflow_id: str, **changes: Any) -> None:
    connection.execute(sa.update(WORKFLOW).where(WORKFLOW.c.id == workflow_id).values(**changes))


def update_step(connection: Connection, step: Mapping[Any, Any], **changes: Any) -> None:
    here = STEP.c.workflow_id == step["workflow_id"], STEP.c.number == step["number"]
    connection.execute(sa.update(STEP).where(*here).values(**changes))


def reckon_due(connection: Connection, workflow_id: str) -> None:
    """Look again when the first of the ready steps is due; where none is, the end of a job will say when."""
    ready = sa.select(sa.func.min(STEP.c.due_at)).where(
        STEP.c.workflow_id == workflow_id, STEP.c.status == State.READY.value
    )
    update(connection, workflow_id, due_at=ready.scalar_subquery())


_RUNNING = STEP.c.status == State.RUNNING.value
_JOB_OVER = sa.or_(JOB.c.id.is_(None), JOB.c.status.in_([status.value for status in FINAL]))


def claimable(connection: Connection, now: datetime) -> list[str]:
    """Workflows in which something is to be done: a job of theirs has ended, or a step is due.

    Each once, which is not asked of the database: to name each once, SQLite reads all steps that there ever were.
    """
    ended = sa.select(STEP.c.workflow_id).select_from(STEP.outerjoin(JOB, JOB.c.id == STEP.c.job_id))
    due = sa.select(WORKFLOW.c.id).where(WORKFLOW.c.due_at <= now).order_by(WORKFLOW.c.due_at).limit(CLAIM)
    first = connection.execute(ended.where(_RUNNING, _JOB_OVER).limit(CLAIM)).scalars()
    return list(dict.fromkeys([*first, *connection.execute(due).scalars()]))


def purse(seen: Seen, step: Mapping[Any, Any]) -> Purse | None:
    """What a step may still spend of its workflow's cap; None if there is no cap."""
    cap = seen.workflow["max_cost_nanos"]
    if cap is None:
        return None
    others = [each for each in seen.steps if each["number"] != step["number"]]
    waiting = [each for each in others if State(each["status"]) not in ENDED and each["ceiling_nanos"] is None]
    return Purse(cap, sum(map(committed, others)), sum(each["quote_nanos"] for each in waiting), len(waiting))


def committed(step: Mapping[Any, Any]) -> int:
    """The most that a step's job can still come to: what it cost, once that is settled."""
    if step["ceiling_nanos"] is None:
        return 0
    if step["job_status"] is None:  # being made; or it is over for so long that its row was cleared away
        return int(step["ceiling_nanos"])
    settled = paid(step["job_cost_nanos"], step["job_held_nanos"])
    return max(step["ceiling_nanos"], step["job_held_nanos"]) if settled is None else settled


def owner(connection: Connection, key_id: str) -> tuple[Caller, bool] | None:
    """Whose a workflow is, with the plan that its key has now; and whether that key is still in force."""
    key = keys.find(connection, key_id)
    if key is None:
        return None
    plan = plans.find(connection, key.plan) if key.plan else None
    return Caller(key.id, key.name, key.role, key.project, plan), key.revoked_at is None


def outputs(seen: Seen) -> dict[str, list[dict[str, Any]]]:
    """Step → what it made, of those that have succeeded."""
    return {step["name"]: json.loads(step["outputs"]) for step in seen.steps if step["outputs"]}
