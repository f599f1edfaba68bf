"""Secrets that webhooks are signed with: made here, replaced with an overlap, never shown in a list."""

import base64
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.webhooks.rules import SECRETS as MOST
from gateway.webhooks.tables import SECRET

PREFIX = "whsec_"


def create(connection: Connection, owner: str, now: datetime) -> str:
    """A new secret for an endpoint or a key: 256 random bits, spelled as Standard Webhooks has it."""
    raw = base64.urlsafe_b64decode(clock.new_secret() + "=")
    secret = PREFIX + base64.b64encode(raw).decode()
    row = {"id": clock.new_id("whs"), "owner": owner, "secret": secret, "created_at": now, "expires_at": None}
    connection.execute(sa.insert(SECRET), row)
    return secret


def in_force(connection: Connection, owner: str, now: datetime) -> list[str]:
    """Newest first: what signs now."""
    good = sa.or_(SECRET.c.expires_at.is_(None), SECRET.c.expires_at > now)
    wanted = (
        sa.select(SECRET.c.secret)
        .where(SECRET.c.owner == owner, good)
        .order_by(SECRET.c.created_at.desc(), SECRET.c.id.desc())
        .limit(MOST)
    )
    return list(connection.execute(wanted).scalars())


def ensure(connection: Connection, owner: str, now: datetime) -> list[str]:
    """What signs now; made if there is nothing yet."""
    return in_force(connection, owner, now) or [create(connection, owner, now)]


def rotate(connection: Connection, owner: str, overlap: timedelta, now: datetime) -> str:
    """A new secret. Those before it still sign for a while, and none of them longer than it would have."""
    until = now + overlap
    outlives = sa.or_(SECRET.c.expires_at.is_(None), SECRET.c.expires_at > until)
    connection.execute(sa.update(SECRET).where(SECRET.c.owner == owner, outlives).values(expires_at=until))
    connection.execute(sa.delete(SECRET).where(SECRET.c.owner == owner, SECRET.c.expires_at <= now))
    return create(connection, owner, now)
