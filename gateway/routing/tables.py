"""Rows of decisions. Equal records are kept once: with the same evidence and the same wishes they are the same."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class DecisionRecordRow(SQLModel, table=True):
    __tablename__ = "decision_record"

    sha256: str = Field(primary_key=True)
    record: str


class QuoteRow(SQLModel, table=True):
    """Prices that hold for a caller's request until a moment: those of every offer of its decision."""

    __tablename__ = "quote"

    id: str = Field(primary_key=True)
    key_id: str
    digest: str = Field(description="hash of what was asked: a job by this quote must ask the same")
    decision_id: str = Field(foreign_key="decision.id", index=True)
    ranked: str = Field(description="offers in fallback order, as json")
    policy: str = Field(description="Policy as json")
    prices: str = Field(description="offer → Price, as json")
    margin_ppm: int
    quote_nanos: int = Field(sa_type=sa.BigInteger)
    created_at: datetime = Field(sa_type=Timestamp)
    expires_at: datetime = Field(sa_type=Timestamp)


class DecisionRow(SQLModel, table=True):
    __tablename__ = "decision"

    id: str = Field(primary_key=True)
    key_id: str
    record_sha256: str = Field(foreign_key="decision_record.sha256", index=True)
    created_at: datetime = Field(sa_type=Timestamp)
