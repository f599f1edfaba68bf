"""Clears away workflows that are as old as jobs are kept, and their steps; their jobs go by themselves."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.jobs.retention import Policy, Sweep
from gateway.workflows.rules import Status
from gateway.workflows.tables import STEP, WORKFLOW


def sweeps(policy: Policy) -> list[Sweep]:
    """What is to be cleared under a policy: nothing, if jobs are kept for ever."""
    days = policy.jobs_days
    return [] if days is None else [Sweep("workflows", WORKFLOW.c.id, "wfl", days, _clear)]


def _clear(connection: Connection, ids: Sequence[str]) -> int:
    over = sa.select(WORKFLOW.c.id).where(WORKFLOW.c.id.in_(ids), WORKFLOW.c.status != Status.RUNNING.value)
    done = list(connection.execute(over).scalars())
    connection.execute(sa.delete(STEP).where(STEP.c.workflow_id.in_(done)))
    return connection.execute(sa.delete(WORKFLOW).where(WORKFLOW.c.id.in_(done))).rowcount
