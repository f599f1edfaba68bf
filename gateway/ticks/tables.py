"""One row for each tick: when it is due, who runs it now, and how its last run went."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class TickRow(SQLModel, table=True):
    __tablename__ = "tick"

    name: str = Field(primary_key=True, max_length=100)
    due_at: datetime = Field(sa_type=Timestamp)
    lease_until: datetime | None = Field(default=None, sa_type=Timestamp)
    leased_by: str | None = Field(default=None, max_length=100)
    started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp)
    succeeded_at: datetime | None = Field(default=None, sa_type=Timestamp, description="when it last went well")
    runs: int = 0
    failures: int = Field(default=0, description="in a row")
    said: str | None = Field(default=None, description="what the last run did, or why it failed")


TICK: sa.Table = TickRow.__table__  # type: ignore[attr-defined]
