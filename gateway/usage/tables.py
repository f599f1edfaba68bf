"""Rows of rollups: one for each day, key, project, provider, model, task and unit, added to by every settlement."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class UsageRow(SQLModel, table=True):
    """Sums, as `rules.Row` says them. An offer is its provider and model."""

    __tablename__ = "usage_day"
    __table_args__: ClassVar = (sa.Index("ix_usage_day_key", "key_id", "day"),)

    day: int = Field(primary_key=True, description="days since 1970, in UTC")
    key_id: str = Field(primary_key=True)
    project: str = Field(primary_key=True, description="empty: none")
    provider: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    task: str = Field(primary_key=True)
    unit: str = Field(primary_key=True)
    micros: int = Field(sa_type=sa.BigInteger, description="how much of the unit, in millionths")
    cost_nanos: int = Field(sa_type=sa.BigInteger, description="what the provider is owed")
    margin_nanos: int = Field(sa_type=sa.BigInteger, description="what the gateway keeps")
    over_nanos: int = Field(sa_type=sa.BigInteger, description="what of the cost the gateway paid, and not the key")
    compute_millis: int = Field(sa_type=sa.BigInteger, description="compute units, in thousandths")
    video_ms: int = Field(sa_type=sa.BigInteger, description="finished video, in milliseconds")
    outputs: int = Field(sa_type=sa.BigInteger)
    bills: int = Field(sa_type=sa.BigInteger, description="jobs whose bill has the unit")
    jobs: int = Field(sa_type=sa.BigInteger, description="jobs settled")
    succeeded: int = Field(sa_type=sa.BigInteger, description="of them, those that brought what was asked")


class AdjustmentRow(SQLModel, table=True):
    """What an invoice has changed: the entries that were posted for it, by the attempt or line that they are about."""

    __tablename__ = "adjustment"
    __table_args__: ClassVar = (sa.Index("ix_adjustment_subject", "provider", "subject"),)

    entry_key: str = Field(primary_key=True, description="of the entry in the ledger")
    provider: str
    subject: str = Field(description="an attempt's id, or a line of an invoice as its digest")
    kind: str = Field(description="the class of the difference")
    nanos: int = Field(sa_type=sa.BigInteger, description="what is owed more, or less")
    posted_at: datetime = Field(sa_type=Timestamp)


USAGE: sa.Table = UsageRow.__table__  # type: ignore[attr-defined]
ADJUSTMENT: sa.Table = AdjustmentRow.__table__  # type: ignore[attr-defined]
