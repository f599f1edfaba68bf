"""Rows of snapshots, an append-only log: nothing here changes one; and how reading each source went last."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class SnapshotRow(SQLModel, table=True):
    """One reading. The same payload of the same moment is the same snapshot, however often it is fed."""

    __tablename__ = "snapshot"
    __table_args__ = (
        sa.UniqueConstraint("source", "subject", "taken_at", "sha256", name="snapshot_once"),
        sa.Index("snapshot_taken_at", "taken_at"),
    )

    id: str = Field(primary_key=True, max_length=40)
    source: str = Field(max_length=100)
    subject: str = Field(max_length=200)
    taken_at: datetime = Field(sa_type=Timestamp)
    read_at: datetime = Field(sa_type=Timestamp)
    sha256: str = Field(max_length=64)
    payload: str = Field(sa_type=sa.Text)


class FeedRow(SQLModel, table=True):
    """How reading one source goes. A refusal leaves what was good before it as it is."""

    __tablename__ = "feed"

    kind: str = Field(primary_key=True, max_length=20, description="boards, prices, notices, listings or health")
    name: str = Field(primary_key=True, max_length=100, description="the source")
    good_at: datetime | None = Field(default=None, sa_type=Timestamp, description="when it was last read and believed")
    taken_at: datetime | None = Field(default=None, sa_type=Timestamp, description="the day of its newest good reading")
    readings: int = Field(default=0, description="believed in the last run that was")
    rows: int = Field(default=0, description="rows of those readings")
    kept: int = Field(default=0, description="snapshots that all runs added")
    refused_at: datetime | None = Field(default=None, sa_type=Timestamp)
    refusal: str | None = Field(default=None, max_length=1_000, description="the sentence of the last refusal")
    refusals: int = Field(default=0, description="runs in a row with a refusal")


FEED: sa.Table = FeedRow.__table__  # type: ignore[attr-defined]
SNAPSHOT: sa.Table = SnapshotRow.__table__  # type: ignore[attr-defined]
