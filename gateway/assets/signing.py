"""The secret that signs links: made once, kept in the database, so that every replica honours every link."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.assets.tables import SigningSecretRow
from gateway.db import insert_once

SECRET: sa.Table = SigningSecretRow.__table__  # type: ignore[attr-defined]
LINKS = "asset-links"


def ensure_secret(connection: Connection) -> str:
    """The secret for links to assets, made on the first start."""
    insert_once(connection, SECRET, {"name": LINKS, "secret": clock.new_secret()}, ["name"])
    secret: str = connection.execute(sa.select(SECRET.c.secret).where(SECRET.c.name == LINKS)).scalar_one()
    return secret
