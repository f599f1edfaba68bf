"""Rows of snapshots: an append-only log, so there is nothing here that changes one."""

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


SNAPSHOT: sa.Table = SnapshotRow.__table__  # type: ignore[attr-defined]
