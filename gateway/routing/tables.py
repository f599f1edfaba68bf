"""Rows of decisions. Equal records are kept once: with the same evidence and the same wishes they are the same."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class DecisionRecordRow(SQLModel, table=True):
    __tablename__ = "decision_record"

    sha256: str = Field(primary_key=True)
    record: str


class DecisionRow(SQLModel, table=True):
    __tablename__ = "decision"

    id: str = Field(primary_key=True)
    key_id: str
    record_sha256: str = Field(foreign_key="decision_record.sha256")
    created_at: datetime = Field(sa_type=Timestamp)
