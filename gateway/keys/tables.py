"""Rows of keys: whose, in which role, the hash of the secret. The secret itself is nowhere."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class KeyRow(SQLModel, table=True):
    __tablename__ = "key"

    id: str = Field(primary_key=True)
    name: str
    role: str
    secret_hash: str = Field(unique=True)
    hint: str
    created_at: datetime = Field(sa_type=Timestamp)
    revoked_at: datetime | None = Field(default=None, sa_type=Timestamp)


KEY: sa.Table = KeyRow.__table__  # type: ignore[attr-defined]
