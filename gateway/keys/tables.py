"""Rows of keys, and of the projects and plans they belong to. A secret is kept as its hash alone."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class ProjectRow(SQLModel, table=True):
    """A named group of keys."""

    __tablename__ = "project"

    id: str = Field(primary_key=True)
    name: str
    created_at: datetime = Field(sa_type=Timestamp)
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp)


class PlanRow(SQLModel, table=True):
    """What the keys on it may do. Its budgets are budgets whose scope is the plan."""

    __tablename__ = "plan"

    id: str = Field(primary_key=True)
    name: str
    jobs_per_minute: int | None = None
    burst: int = Field(default=1, description="jobs that may come at once before the rate counts")
    concurrency: int | None = Field(default=None, description="jobs not ended at the same moment")
    models: str = Field(default="[]", description="models, providers or offers that may be used, as json; empty: all")
    margin_ppm: int = Field(default=0, description="what is asked beyond the cost, in millionths of it")
    created_at: datetime = Field(sa_type=Timestamp)
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp)


class RateRow(SQLModel, table=True):
    """When the next job of a key would come if its jobs came evenly: all that a token bucket needs to remember."""

    __tablename__ = "rate"

    key_id: str = Field(primary_key=True, foreign_key="key.id")
    even_at: datetime = Field(sa_type=Timestamp)


class KeyRow(SQLModel, table=True):
    __tablename__ = "key"

    id: str = Field(primary_key=True)
    name: str
    role: str
    secret_hash: str = Field(unique=True)
    hint: str
    project: str | None = None
    plan: str | None = None
    created_at: datetime = Field(sa_type=Timestamp)
    revoked_at: datetime | None = Field(default=None, sa_type=Timestamp)


KEY: sa.Table = KeyRow.__table__  # type: ignore[attr-defined]
PROJECT: sa.Table = ProjectRow.__table__  # type: ignore[attr-defined]
PLAN: sa.Table = PlanRow.__table__  # type: ignore[attr-defined]
RATE: sa.Table = RateRow.__table__  # type: ignore[attr-defined]
