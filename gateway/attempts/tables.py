"""Rows of attempts: one run on one offer. An open one carries its next call; an ended one never changes."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class AttemptRow(SQLModel, table=True):
    __tablename__ = "attempt"
    __table_args__: ClassVar = (
        sa.Index("ix_attempt_due", "status", "due_at"),
        sa.Index("ix_attempt_offer_ended", "offer", "ended_at"),
        sa.Index(
            "ix_attempt_ended",
            "ended_at",
            "provider",
            "offer",
            "status",
            "fault",
            sqlite_where=sa.text("ended_at IS NOT NULL"),
            postgresql_where=sa.text("ended_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_attempt_lora_set",
            "provider",
            "due_at",
            sqlite_where=sa.text("lora_set IS NOT NULL AND ended_at IS NULL"),
            postgresql_where=sa.text("lora_set IS NOT NULL AND ended_at IS NULL"),
        ),
        sa.UniqueConstraint("job_id", "number"),
    )

    id: str = Field(primary_key=True)
    job_id: str
    key_id: str
    number: int
    offer: str
    provider: str
    task: str
    status: str
    next: str | None = Field(default=None, description="Pending or Done as json: all that is needed to go on")
    stage: str
    sends: int = Field(default=0, description="submits begun: a second begin means the first one's fate is unknown")
    turns: int = 0
    failures: int = 0
    fraction: float | None = None
    provider_status: str | None = None
    provider_ref: str | None = Field(default=None, description="the provider's own name for the run, where it gave one")
    fitted: str = Field(description="the request as sent, as json")
    price: str = Field(description="the price frozen at submit, as json")
    quote_nanos: int = Field(sa_type=sa.BigInteger)
    due_at: datetime = Field(sa_type=Timestamp)
    deadline_at: datetime = Field(sa_type=Timestamp)
    lease_until: datetime | None = Field(default=None, sa_type=Timestamp)
    leased_by: str | None = None
    fault: str | None = None
    error: str | None = Field(default=None, description="ProviderError as json")
    usage: str | None = Field(default=None, description="what the provider counted, as json")
    cost_nanos: int = Field(default=0, sa_type=sa.BigInteger)
    cost_source: str | None = Field(
        default=None, description="provider, table, measured or estimate; None: nothing is owed"
    )
    lora_set: str | None = Field(
        default=None, description="at an engine that holds one set of LoRAs: the set of this run, [] is none"
    )
    let_in_at: datetime | None = Field(
        default=None, sa_type=Timestamp, description="when a run that has a set was let in: only then it is claimed"
    )
    created_at: datetime = Field(sa_type=Timestamp)
    started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp)


class LoraHoldRow(SQLModel, table=True):
    """An engine that holds one set of LoRAs at a time: which set it is given to."""

    __tablename__ = "lora_hold"

    provider: str = Field(primary_key=True)
    lora_set: str | None = None
    since: datetime = Field(sa_type=Timestamp)
    switches: int = Field(default=0, description="how often it was given to a set")
