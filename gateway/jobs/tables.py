"""Rows of jobs: a promise to a caller. Everything finer belongs to its attempts."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp
from gateway.webhooks.rules import PODIUM

ZERO = {"server_default": "0"}
"""For columns that came later: what the rows before them say."""


class SweepRow(SQLModel, table=True):
    """How far old rows of a kind have been cleared away, so that no sweep begins at the beginning."""

    __tablename__ = "sweep"

    name: str = Field(primary_key=True)
    up_to: str = Field(description="the last id that was looked at")
    swept_at: datetime = Field(sa_type=Timestamp)


class JobRow(SQLModel, table=True):
    __tablename__ = "job"
    __table_args__: ClassVar = (
        sa.UniqueConstraint("key_id", "idempotency_key"),
        sa.Index("ix_job_key", "key_id", "id"),
        sa.Index("ix_job_live", "key_id", "status"),
        sa.Index("ix_job_status", "status", "id"),
    )

    id: str = Field(primary_key=True)
    key_id: str
    status: str
    task: str
    asked_model: str
    model: str
    offer: str
    idempotency_key: str | None = None
    digest: str = Field(description="hash of the body, to tell a repeat from a contradiction")
    request: str = Field(description="MediaRequest as json, its inputs as assets")
    strict: bool
    policy: str = Field(description="Policy as json")
    ranked: str = Field(description="offers in fallback order, as json")
    decision_id: str
    extras: str = Field(description="the caller's metadata, as json")
    progress: float = 0.0
    project: str | None = Field(default=None, description="the project that the key spent for")
    margin_ppm: int = Field(default=0, description="asked beyond the cost, as it was at submit", sa_column_kwargs=ZERO)
    quote_id: str | None = Field(default=None, description="the quote whose prices it is settled at")
    quote_nanos: int = Field(sa_type=sa.BigInteger)
    held_nanos: int = Field(sa_type=sa.BigInteger, description="what is or was held in all")
    cost_nanos: int | None = Field(default=None, sa_type=sa.BigInteger, description="once it is settled")
    bill: str | None = Field(default=None, description="usage, lines and source of the cost, as json")
    outputs: str | None = Field(default=None, description="what was delivered, as json")
    resolved: str | None = Field(default=None, description="parameters as sent, as json")
    adjustments: str = Field(default="[]", description="what was changed to fit the offer, as json")
    undelivered: str | None = Field(default=None, description="what did not come as asked, as json")
    error: str | None = Field(default=None, description="as json")
    webhook_url: str | None = Field(default=None, description="where the caller wants to be told of its end")
    webhook_shape: str = Field(
        default=PODIUM, sa_column_kwargs={"server_default": PODIUM}, description="in whose words that address is told"
    )
    canceled_by: str | None = Field(default=None, description="provider or local: who stopped it")
    created_at: datetime = Field(sa_type=Timestamp)
    started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp)
