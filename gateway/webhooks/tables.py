"""Rows of endpoints, their secrets, events, and what became of each event at each endpoint: the outbox and its log."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp
from gateway.webhooks.rules import PODIUM


class WebhookRow(SQLModel, table=True):
    """An endpoint: where a key, or the whole organisation, wants to be told of what."""

    __tablename__ = "webhook"
    __table_args__: ClassVar = (sa.Index("ix_webhook_watches", "watches"), sa.Index("ix_webhook_key", "key_id", "id"))

    id: str = Field(primary_key=True)
    key_id: str = Field(description="whose it is")
    watches: str = Field(description="the key whose events it is told, or * for all of them")
    url: str
    events: str = Field(description="kinds, as json")
    description: str = ""
    created_at: datetime = Field(sa_type=Timestamp)
    failing_since: datetime | None = Field(default=None, sa_type=Timestamp, description="first failure since a success")
    disabled_at: datetime | None = Field(default=None, sa_type=Timestamp)
    disabled_for: str | None = Field(default=None, description="why it is off")
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp)


class WebhookSecretRow(SQLModel, table=True):
    """What an endpoint, or a key for its jobs' own addresses, is signed with; several while one replaces another."""

    __tablename__ = "webhook_secret"
    __table_args__: ClassVar = (sa.Index("ix_webhook_secret_owner", "owner", "id"),)

    id: str = Field(primary_key=True)
    owner: str = Field(description="id of the endpoint or key")
    secret: str
    created_at: datetime = Field(sa_type=Timestamp)
    expires_at: datetime | None = Field(default=None, sa_type=Timestamp, description="none: the one in force")


class WebhookEventRow(SQLModel, table=True):
    """Something that happened and that somebody wants to be told."""

    __tablename__ = "webhook_event"

    id: str = Field(primary_key=True)
    identity: str = Field(unique=True, description="what makes it the same event: it is written once")
    kind: str
    subject: str = Field(description="id of what it happened to")
    data: str | None = Field(default=None, description="as json; none: read from the subject when it is sent")
    created_at: datetime = Field(sa_type=Timestamp)


class WebhookDeliveryRow(SQLModel, table=True):
    """One event for one receiver, until it is told or given up."""

    __tablename__ = "webhook_delivery"
    __table_args__: ClassVar = (
        sa.UniqueConstraint("event_id", "target"),
        sa.Index("ix_webhook_delivery_due", "status", "due_at"),
        sa.Index("ix_webhook_delivery_order", "target", "subject", "status"),
        sa.Index("ix_webhook_delivery_key", "key_id", "id"),
        sa.Index("ix_webhook_delivery_ended", "ended_at"),
    )

    id: str = Field(primary_key=True)
    event_id: str = Field(foreign_key="webhook_event.id")
    target: str = Field(description="id of the endpoint, or the address that a job named for itself")
    lane: str = Field(description="deliveries of one lane share a limit, so that a slow receiver delays only its own")
    key_id: str = Field(description="whose endpoint or job it is")
    subject: str
    shape: str = Field(
        default=PODIUM, sa_column_kwargs={"server_default": PODIUM}, description="podium, or the door in whose words"
    )
    status: str
    tries: int = Field(default=0, description="in all")
    step: int = Field(default=0, description="waits of the schedule that have passed since it was (re)queued")
    due_at: datetime = Field(sa_type=Timestamp)
    lease_until: datetime | None = Field(default=None, sa_type=Timestamp)
    leased_by: str | None = None
    created_at: datetime = Field(sa_type=Timestamp)
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp)


class WebhookTryRow(SQLModel, table=True):
    """One try of a delivery: what was answered, or why nothing was."""

    __tablename__ = "webhook_try"

    delivery_id: str = Field(primary_key=True, foreign_key="webhook_delivery.id")
    number: int = Field(primary_key=True)
    began_at: datetime = Field(sa_type=Timestamp)
    seconds: float
    status: int | None = None
    said: str = Field(default="", description="the beginning of the answer's body")
    error: str | None = None


WEBHOOK: sa.Table = WebhookRow.__table__  # type: ignore[attr-defined]
SECRET: sa.Table = WebhookSecretRow.__table__  # type: ignore[attr-defined]
EVENT: sa.Table = WebhookEventRow.__table__  # type: ignore[attr-defined]
DELIVERY: sa.Table = WebhookDeliveryRow.__table__  # type: ignore[attr-defined]
TRY: sa.Table = WebhookTryRow.__table__  # type: ignore[attr-defined]
