"""The newest reading of each engine on an own machine; those before it are not kept."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class EngineReadingRow(SQLModel, table=True):
    __tablename__ = "engine_reading"

    provider: str = Field(primary_key=True, max_length=100)
    taken_at: datetime = Field(sa_type=Timestamp)
    silent: int = Field(description="readings in a row that were not answered")
    silent_since: datetime | None = Field(default=None, sa_type=Timestamp)
    said: str | None = Field(default=None, max_length=200, description="why the last one was not")
    running: int | None = None
    waiting: int | None = None
    others: int = Field(description="runs there that are not ours")
    vram_free_bytes: int | None = Field(default=None, sa_type=sa.BigInteger)
    vram_bytes: int | None = Field(default=None, sa_type=sa.BigInteger)


READING: sa.Table = EngineReadingRow.__table__  # type: ignore[attr-defined]
