"""Moves a workflow on as far as its jobs have come: one transaction, harmless to repeat; it starts no job itself."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from gateway.jobs import store as jobs
from gateway.jobs.rules import FINAL, Status as JobStatus
from gateway.webhooks import outbox
from gateway.webhooks.rules import Kind
from gateway.workflows import rules, store
from gateway.workflows.rules import BROKEN, Node, OnFailure, State, Status
from gateway.workflows.store import Seen

STOP_S = 2.0
"""When the jobs of a workflow that was canceled are looked at again, while some still run."""
ENDS = {
    JobStatus.SUCCEEDED: State.SUCCEEDED,
    JobStatus.FAILED: State.FAILED,
    JobStatus.CANCELED: State.CANCELED,
}
SKIPPED = {"code": "skipped", "message": "a step before it did not succeed"}
STOPPED = {"code": "skipped", "message": "nothing more is started after a step has failed"}
NEVER_BEGAN = {"code": "canceled", "message": "the workflow was canceled before this step began"}
CLEARED = {"code": "not_found", "message": "its job is no longer kept"}


def job_key(workflow_id: str, step: str) -> str:
    """The Idempotency-Key of a step's job: who makes it again after a crash gets the one that was made."""
    return f"{workflow_id}/{step}"


def move(connection: Connection, workflow_id: str, now: datetime) -> Seen | None:
    """Note the jobs that have ended, make steps ready or skip them, and end the workflow if nothing is left.

    Returns it as it is then; None if there is none.
    """
    seen = store.see(connection, workflow_id)
    if seen is None or seen.is_final:
        return seen
    for step in seen.steps:
        _note(connection, seen, step, now)
    seen = _see(connection, workflow_id)
    nodes = [_node(step, now) for step in seen.steps]
    is_canceled = seen.workflow["canceled_at"] is not None
    moved = rules.following(nodes, OnFailure(seen.workflow["on_failure"]), is_canceled)
    for step in seen.steps:
        if step["name"] in moved:
            _set(connection, seen, step, moved[step["name"]], now)
    seen = _see(connection, workflow_id)
    status = rules.whole([State(step["status"]) for step in seen.steps], is_canceled)
    if status is Status.RUNNING:
        store.reckon_due(connection, workflow_id)
        if is_canceled:  # whoever is to stop its jobs may not live to do it
            store.update(connection, workflow_id, due_at=now + timedelta(seconds=STOP_S))
    else:
        _end(connection, seen, status, now)
    return _see(connection, workflow_id)


def _see(connection: Connection, workflow_id: str) -> Seen:
    seen = store.see(connection, workflow_id)
    assert seen is not None, "a workflow is not cleared away while it is moved"
    return seen


def is_taken(step: Mapping[Any, Any], now: datetime) -> bool:
    """Whether somebody is making a ready step's job, or it is to wait before it is tried again after that."""
    return bool(step["status"] == State.READY and step["is_tried"] and step["due_at"] > now)


def _node(step: Mapping[Any, Any], now: datetime) -> Node:
    return Node(step["name"], tuple(json.loads(step["after"])), State(step["status"]), is_taken(step, now))


def _note(connection: Connection, seen: Seen, step: Mapping[Any, Any], now: datetime) -> None:
    """Bring a step to where its job is: it has ended, or it was made by one who did not live to say so."""
    match State(step["status"]):
        case State.READY if step["is_tried"] and not is_taken(step, now):
            adopt(connection, seen, step, now)
        case State.RUNNING if step["job_status"] is None:
            fail(connection, step, CLEARED, now)
        case State.RUNNING if JobStatus(step["job_status"]) in FINAL:
            store.update_step(
                connection, step, status=ENDS[JobStatus(step["job_status"])].value, outputs=step["job_outputs"],
                error=step["job_error"], ended_at=step["job_ended_at"] or now,
            )  # fmt: skip


def adopt(connection: Connection, seen: Seen, step: Mapping[Any, Any], now: datetime) -> bool:
    """Give a step the job that was made for it, if it was."""
    key_id, workflow_id = seen.workflow["key_id"], seen.workflow["id"]
    job = jobs.repeated(connection, key_id, job_key(workflow_id, step["name"]))
    if job is None:
        return False
    most = json.loads(job["policy"]).get("max_cost_usd")
    has_cap = seen.workflow["max_cost_nanos"] is not None and most is not None
    changes = {"ceiling_nanos": rules.nanos(most)} if has_cap else {}
    store.update_step(
        connection, step, status=State.RUNNING.value, job_id=job["id"], due_at=None,
        started_at=step["started_at"] or now, **changes,
    )  # fmt: skip
    return True


def fail(connection: Connection, step: Mapping[Any, Any], error: Mapping[str, Any], now: datetime) -> None:
    """End a step that has no job to say why; what was set apart for it is free again."""
    store.update_step(
        connection, step, status=State.FAILED.value, error=json.dumps(error), ended_at=now, due_at=None,
        ceiling_nanos=step["ceiling_nanos"] if step["job_id"] else None,
    )  # fmt: skip


def _set(connection: Connection, seen: Seen, step: Mapping[Any, Any], state: State, now: datetime) -> None:
    if state is State.READY:
        store.update_step(connection, step, status=state.value, ready_at=now, due_at=now)
        return
    if seen.workflow["canceled_at"] is not None:
        why = NEVER_BEGAN
    else:
        before = set(json.loads(step["after"]))
        broken = {each["name"] for each in seen.steps if State(each["status"]) in BROKEN}
        why = SKIPPED if before & broken else STOPPED
    store.update_step(
        connection, step, status=state.value, error=json.dumps(why), ended_at=now, due_at=None, ceiling_nanos=None
    )


def _end(connection: Connection, seen: Seen, status: Status, now: datetime) -> None:
    """The end, and the word of it, in one commit."""
    workflow = seen.workflow
    store.update(connection, workflow["id"], status=status.value, ended_at=now, due_at=None)
    url = workflow["webhook_url"]
    callback = outbox.address(url, workflow["key_id"]) if url else None
    outbox.emit(
        connection, Kind.WORKFLOW_FINISHED, workflow["id"], None, now, keys=(workflow["key_id"],), callback=callback
    )
