"""The log of changes, and what was last recorded of each subject so that a change is told once."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class ChangeRow(SQLModel, table=True):
    """One change. Ids sort by time: a reader who remembers the last one misses none."""

    __tablename__ = "change"
    __table_args__ = (sa.Index("ix_change_at", "at"),)

    id: str = Field(primary_key=True, max_length=40)
    at: datetime = Field(sa_type=Timestamp, description="when we learned it")
    happened_on: date
    kind: str = Field(max_length=20)
    subject: str = Field(max_length=400)
    model: str = Field(max_length=200, description="a model of ours, or a board's label for one that we do not have")
    offer: str | None = Field(default=None, max_length=300)
    before: str | None = None
    after: str | None = None
    evidence: str
    source: str = Field(max_length=200)


class LifeRow(SQLModel, table=True):
    """The stage that was last told of a subject."""

    __tablename__ = "life"

    subject: str = Field(primary_key=True, max_length=400)
    stage: str = Field(max_length=20)
    ends: date | None = None
    successor: str | None = Field(default=None, max_length=200)
    changed_at: datetime = Field(sa_type=Timestamp)


class AppearanceRow(SQLModel, table=True):
    """A model, or a label, that a board has shown: it appears there once."""

    __tablename__ = "appearance"

    board: str = Field(primary_key=True, max_length=300)
    name: str = Field(primary_key=True, max_length=300)
    first_on: date


CHANGE: sa.Table = ChangeRow.__table__  # type: ignore[attr-defined]
LIFE: sa.Table = LifeRow.__table__  # type: ignore[attr-defined]
APPEARANCE: sa.Table = AppearanceRow.__table__  # type: ignore[attr-defined]
