"""Rows of assets: who owns which bytes, and what was measured. The bytes themselves are never here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlmodel import Field, SQLModel

from gateway import clock
from gateway.assets.rules import Kept
from gateway.db import Timestamp
from gateway.prepared import Prepared

Row = dict[str, Any]
"""One asset, column by column."""
Source = Literal["upload", "input", "output"]


class AssetRow(SQLModel, table=True):
    """Several owners may hold the same bytes: each has a row, and the store has one blob."""

    __tablename__ = "asset"
    __table_args__ = (sa.Index("asset_of_key", "key_id", "id"), sa.Index("asset_expires", "expires_at"))

    id: str = Field(primary_key=True, max_length=40)
    key_id: str = Field(max_length=40)
    sha256: str = Field(max_length=64, index=True)
    mime: str = Field(max_length=64)
    size_bytes: int = Field(sa_type=sa.BigInteger)
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    fps: float | None = None
    frames: int | None = None
    has_audio: bool | None = None
    source: str = Field(max_length=8)
    job_id: str | None = Field(default=None, max_length=40, index=True)
    created_at: datetime = Field(sa_type=Timestamp)
    expires_at: datetime | None = Field(default=None, sa_type=Timestamp)


class SigningSecretRow(SQLModel, table=True):
    """A secret of the gateway's own, shared by its replicas."""

    __tablename__ = "signing_secret"

    name: str = Field(primary_key=True)
    secret: str


ASSET: sa.Table = AssetRow.__table__  # type: ignore[attr-defined]
_INSERT = Prepared(ASSET.insert().values({each.name: sa.bindparam(each.name) for each in ASSET.c}))
_FIND = ASSET.select().where(ASSET.c.id == sa.bindparam("asset"))
_OF_JOB = ASSET.select().where(ASSET.c.job_id == sa.bindparam("job")).order_by(ASSET.c.id)
_LASTS = sa.or_(ASSET.c.expires_at.is_(None), ASSET.c.expires_at > sa.bindparam("now", type_=ASSET.c.expires_at.type))
_OF_KEY = ASSET.select().where(ASSET.c.key_id == sa.bindparam("key"), _LASTS)
_PAGE = _OF_KEY.order_by(ASSET.c.id.desc()).limit(sa.bindparam("most"))
_NEXT_PAGE = _PAGE.where(ASSET.c.id < sa.bindparam("after"))
_UPLOADS = _PAGE.where(ASSET.c.source == "upload")


def new_row(key_id: str, kept: Kept, source: Source, job_id: str | None = None) -> Row:
    """A row with an id of its own, for `insert` in whichever transaction it belongs to."""
    facts = kept.facts._asdict()
    del facts["fault"], facts["is_blank"]
    owned = {"id": clock.new_id("ast"), "key_id": key_id, "source": source, "job_id": job_id}
    return owned | kept.blob._asdict() | facts | {"created_at": clock.now(), "expires_at": None}


def insert(connection: Connection, rows: Sequence[Row]) -> None:
    if rows:
        _INSERT.run_many(connection, rows)


def find(connection: Connection, asset: str) -> Row | None:
    found = connection.execute(_FIND, {"asset": asset}).mappings().first()
    return dict(found) if found else None


def of_job(connection: Connection, job_id: str) -> list[Row]:
    """A job's outputs, in the order in which they were made."""
    return [dict(row) for row in connection.execute(_OF_JOB, {"job": job_id}).mappings()]


def of_key(connection: Connection, key_id: str, most: int, after: str | None = None) -> list[Row]:
    """At most so many assets of one owner that have not expired, newest first, older than the asset `after`."""
    bound = {"key": key_id, "most": most, "now": clock.now()} | ({"after": after} if after else {})
    return [dict(row) for row in connection.execute(_NEXT_PAGE if after else _PAGE, bound).mappings()]


def uploads_of_key(connection: Connection, key_id: str, most: int) -> list[Row]:
    """At most so many uploads of one owner that have not expired, newest first."""
    bound = {"key": key_id, "most": most, "now": clock.now()}
    return [dict(row) for row in connection.execute(_UPLOADS, bound).mappings()]


def has_expired(row: Row) -> bool:
    """Whether it is to be had no more; jobs that were given it before keep it."""
    return row["expires_at"] is not None and bool(row["expires_at"] <= clock.now())
