"""Secrets of the gateway's own: made once, kept in the database, so that every replica honours what another signed."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.assets.tables import SigningSecretRow
from gateway.db import insert_once

SECRET: sa.Table = SigningSecretRow.__table__  # type: ignore[attr-defined]
LINKS = "asset-links"


def ensure_secret(connection: Connection, name: str = LINKS) -> str:
    """The secret of this name, made when it is first asked for: that of links to assets on the first start."""
    insert_once(connection, SECRET, {"name": name, "secret": clock.new_secret()}, ["name"])
    secret: str = connection.execute(sa.select(SECRET.c.secret).where(SECRET.c.name == name)).scalar_one()
    return secret
