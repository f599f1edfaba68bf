"""Rows of budgets, of what was charged to them in each window, and of what each job charged."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class BudgetRow(SQLModel, table=True):
    __tablename__ = "budget"

    id: str = Field(primary_key=True)
    name: str
    scope: str
    subject: str | None = Field(default=None, description="the key, plan or project; None for the organisation")
    window: str
    limit_nanos: int = Field(sa_type=sa.BigInteger)
    is_hard: bool
    tasks: str = Field(default="[]", description="as json; empty: all")
    models: str = Field(default="[]", description="as json; empty: all")
    thresholds: str = Field(description="percent, as json")
    created_at: datetime = Field(sa_type=Timestamp)
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp)


class BudgetSpendRow(SQLModel, table=True):
    """What jobs hold or have cost in one window of one budget."""

    __tablename__ = "budget_spend"

    budget_id: str = Field(primary_key=True, foreign_key="budget.id")
    counted_for: str = Field(primary_key=True, description="the key, where each has the limit for itself; else empty")
    began_at: datetime = Field(primary_key=True, sa_type=Timestamp)
    nanos: int = Field(sa_type=sa.BigInteger)


class BudgetChargeRow(SQLModel, table=True):
    """What one job holds, or has cost, of one budget: in the window in which it was held, whenever it is settled."""

    __tablename__ = "budget_charge"

    job_id: str = Field(primary_key=True)
    budget_id: str = Field(primary_key=True, foreign_key="budget.id")
    counted_for: str
    began_at: datetime = Field(sa_type=Timestamp)
    nanos: int = Field(sa_type=sa.BigInteger)


class BudgetAlertRow(SQLModel, table=True):
    """A threshold that was crossed, once for each window."""

    __tablename__ = "budget_alert"

    budget_id: str = Field(primary_key=True, foreign_key="budget.id")
    counted_for: str = Field(primary_key=True)
    began_at: datetime = Field(primary_key=True, sa_type=Timestamp)
    percent: int = Field(primary_key=True)
    nanos: int = Field(sa_type=sa.BigInteger)
    crossed_at: datetime = Field(sa_type=Timestamp)


BUDGET: sa.Table = BudgetRow.__table__  # type: ignore[attr-defined]
SPEND: sa.Table = BudgetSpendRow.__table__  # type: ignore[attr-defined]
CHARGE: sa.Table = BudgetChargeRow.__table__  # type: ignore[attr-defined]
ALERT: sa.Table = BudgetAlertRow.__table__  # type: ignore[attr-defined]
