"""Rows of the ledger: entries and postings that are only ever added, and the balance of each account."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp
from gateway.ledger.rules import MAY_GO_NEGATIVE

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""64 bits on both: SQLite numbers rows by itself only in a column whose type is exactly INTEGER."""

ACCOUNT_NAME = sa.String().with_variant(sa.String(collation="C"), "postgresql")
"""Compared by their bytes on both, so that a prefix is a range of the index whatever the database's language."""

LARGEST_BALANCE = 8 * 10**18
"""Nano-dollars. Below the end of 64 bits by more than one amount, because SQLite would go on in floats from there."""

_FREE = ", ".join(f"'{name}'" for name in sorted(MAY_GO_NEGATIVE))


class EntryRow(SQLModel, table=True):
    __tablename__ = "entry"

    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    key: str = Field(unique=True)
    reason: str
    input_hash: str
    posted_at: datetime = Field(sa_type=Timestamp)


class PostingRow(SQLModel, table=True):
    """The indexes by account carry the entry's number, so that a page of one account's entries is read in order."""

    __tablename__ = "posting"
    __table_args__: ClassVar = (
        sa.CheckConstraint("nanos > 0", name="posting_moves_something"),
        sa.Index("ix_posting_source", "source", "entry_id"),
        sa.Index("ix_posting_destination", "destination", "entry_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    entry_id: int = Field(foreign_key="entry.id", index=True, sa_type=ROW_ID)
    source: str = Field(sa_type=ACCOUNT_NAME)
    destination: str = Field(sa_type=ACCOUNT_NAME)
    nanos: int = Field(sa_type=sa.BigInteger)


class AccountRow(SQLModel, table=True):
    __tablename__ = "account"
    __table_args__: ClassVar = (
        sa.CheckConstraint(f"nanos >= 0 OR name IN ({_FREE})", name="account_not_overdrawn"),
        sa.CheckConstraint(f"nanos BETWEEN -{LARGEST_BALANCE} AND {LARGEST_BALANCE}", name="account_fits"),
    )

    name: str = Field(primary_key=True, sa_type=ACCOUNT_NAME)
    nanos: int = Field(sa_type=sa.BigInteger)


ENTRY: sa.Table = EntryRow.__table__  # type: ignore[attr-defined]
POSTING: sa.Table = PostingRow.__table__  # type: ignore[attr-defined]
ACCOUNT: sa.Table = AccountRow.__table__  # type: ignore[attr-defined]
