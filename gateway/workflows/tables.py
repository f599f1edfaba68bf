"""Rows of workflows and their steps: what was asked of each, where it stands, and what it may cost."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class WorkflowRow(SQLModel, table=True):
    __tablename__ = "workflow"
    __table_args__: ClassVar = (
        sa.UniqueConstraint("key_id", "idempotency_key"),
        sa.Index("ix_workflow_key", "key_id", "id"),
        sa.Index("ix_workflow_live", "status", "key_id", "id"),
        sa.Index("ix_workflow_due", "due_at"),
    )

    id: str = Field(primary_key=True)
    key_id: str
    name: str | None = None
    status: str
    on_failure: str
    idempotency_key: str | None = None
    digest: str = Field(description="hash of the body, to tell a repeat from a contradiction")
    quote_nanos: int = Field(sa_type=sa.BigInteger, description="the quotes of all steps, as they were at submit")
    max_cost_nanos: int | None = Field(default=None, sa_type=sa.BigInteger, description="what all its jobs may cost")
    extras: str = Field(default="{}", description="the caller's metadata, as json")
    webhook_url: str | None = Field(default=None, description="where the caller wants to be told of its end")
    due_at: datetime | None = Field(default=None, sa_type=Timestamp, description="when to look, whatever its jobs do")
    created_at: datetime = Field(sa_type=Timestamp)
    canceled_at: datetime | None = Field(default=None, sa_type=Timestamp, description="when it was asked to stop")
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp)


class StepRow(SQLModel, table=True):
    """A step; once it has a job, that says what is made and what it costs."""

    __tablename__ = "workflow_step"
    __table_args__: ClassVar = (sa.Index("ix_workflow_step_status", "status"),)

    workflow_id: str = Field(primary_key=True, foreign_key="workflow.id")
    number: int = Field(primary_key=True, description="its place in the body, from 0")
    name: str
    task: str
    job: str = Field(description="the body of its job as it was given, as json")
    after: str = Field(description="steps before it, as json")
    status: str
    quote_nanos: int = Field(sa_type=sa.BigInteger, description="as it was at submit, or when it was started")
    ceiling_nanos: int | None = Field(
        default=None, sa_type=sa.BigInteger, description="the most that its job may come to, of the workflow's cap"
    )
    job_id: str | None = None
    is_tried: bool = Field(default=False, description="its job was asked for: it may be there though job_id is not")
    due_at: datetime | None = Field(default=None, sa_type=Timestamp, description="ready: when it is tried (again)")
    outputs: str | None = Field(default=None, description="what its job delivered, as json")
    error: str | None = Field(default=None, description="as json")
    ready_at: datetime | None = Field(default=None, sa_type=Timestamp)
    started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp)


WORKFLOW: sa.Table = WorkflowRow.__table__  # type: ignore[attr-defined]
STEP: sa.Table = StepRow.__table__  # type: ignore[attr-defined]
