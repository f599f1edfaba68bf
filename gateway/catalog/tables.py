"""What the operator settled: which model a label means, where no rule could tell."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class SettlementRow(SQLModel, table=True):
    """The operator's last word on one label. Without a model, it is none of ours."""

    __tablename__ = "settlement"

    key: str = Field(primary_key=True, max_length=200, description="the label as router.names.settled_key writes it")
    label: str = Field(max_length=300)
    model: str | None = Field(default=None, max_length=200)
    settled_at: datetime = Field(sa_type=Timestamp)


SETTLEMENT: sa.Table = SettlementRow.__table__  # type: ignore[attr-defined]
