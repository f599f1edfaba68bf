"""What the operator settled: which model a label means, whether an offer is over; and prices that changed."""

from datetime import date, datetime

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


class ProposalRow(SQLModel, table=True):
    """A price that sources say, and the card does not: open until it is accepted, refused, or said no more."""

    __tablename__ = "price_proposal"
    __table_args__ = (sa.Index("ix_price_proposal_status", "status"),)

    id: str = Field(primary_key=True, max_length=40)
    offer: str = Field(max_length=300)
    unit: str = Field(max_length=100)
    conditions: str = Field(description="the rate's `when`, as json")
    before: str = Field(max_length=60, description="USD for one unit, as the price in force has it")
    after: str = Field(max_length=60, description="USD for one unit, as the sources say")
    sources: str = Field(description="who says so, as json")
    status: str = Field(max_length=20)
    first_seen_at: datetime = Field(sa_type=Timestamp)
    seen_at: datetime = Field(sa_type=Timestamp)
    decided_at: datetime | None = Field(default=None, sa_type=Timestamp)
    decided_by: str | None = Field(default=None, max_length=100, description="a key, the operator, or the rule")


class AcceptedPriceRow(SQLModel, table=True):
    """A dated price laid over those of the offer's card. Never changed: a further change is a further row."""

    __tablename__ = "accepted_price"

    id: str = Field(primary_key=True, max_length=40)
    offer: str = Field(max_length=300, index=True)
    price: str = Field(description="Price as json")
    since: date
    accepted_at: datetime = Field(sa_type=Timestamp)
    proposal_id: str = Field(foreign_key="price_proposal.id")


class OfferWordRow(SQLModel, table=True):
    """The operator's last word on one offer: that it is over, or that it is not, whatever was observed."""

    __tablename__ = "offer_word"

    offer: str = Field(primary_key=True, max_length=300)
    word: str = Field(max_length=20)
    why: str = Field(max_length=500)
    said_at: datetime = Field(sa_type=Timestamp)
    said_by: str = Field(max_length=100, description="a key")


PROPOSAL: sa.Table = ProposalRow.__table__  # type: ignore[attr-defined]
ACCEPTED: sa.Table = AcceptedPriceRow.__table__  # type: ignore[attr-defined]
SETTLEMENT: sa.Table = SettlementRow.__table__  # type: ignore[attr-defined]
OFFER_WORD: sa.Table = OfferWordRow.__table__  # type: ignore[attr-defined]
