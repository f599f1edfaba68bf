"""Removes the bytes of assets that have expired, in two steps, so that bytes which come again meanwhile are not lost.

The same bytes may be another's asset, or become one while they are being removed. So a blob that no asset needs is set
aside first, where it can still be read; a day later it goes, unless an asset that needs it has come since. Nothing here
says when an asset expires.
"""

import asyncio
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.assets.store import Store
from gateway.assets.tables import ASSET
from gateway.db import Database

GRACE = timedelta(days=7)
"""Jobs that were given an asset keep it, and none lives as long as this after its asset has expired."""
ASIDE_FOR = timedelta(days=1)
"""Longer than any upload or job takes from finding that bytes are there to naming them."""
MOST = 1_000
"""Blobs set aside in one run, the longest expired first; the others wait for the next."""
PAUSE_S = 0.005


async def dispose(db: Database, blobs: Store, now: datetime) -> str:
    """One run; what it did, in words."""
    expired = now - GRACE
    gone = back = 0
    for sha256 in await blobs.aside(now - ASIDE_FOR):
        if await db.together(partial(forget, sha256=sha256, before=expired)):
            await blobs.discard(sha256)
            gone += 1
        else:
            await blobs.put_back(sha256)
            back += 1
        await asyncio.sleep(PAUSE_S)
    already = set(await blobs.aside())
    found = await db.read(partial(unneeded, before=expired, most=MOST + len(already)))
    leaving = [sha256 for sha256 in found if sha256 not in already][:MOST]
    for sha256 in leaving:
        await blobs.set_aside(sha256)
        await asyncio.sleep(PAUSE_S)
    return f"removed {gone} files, set {len(leaving)} aside, put {back} back"


def unneeded(connection: Connection, before: datetime, most: int) -> list[str]:
    """At most so many blobs of which every asset expired before then, the longest expired first."""
    other = ASSET.alias()
    needed = sa.exists().where(other.c.sha256 == ASSET.c.sha256, _needs(other, before))
    ended = sa.select(ASSET.c.sha256).where(ASSET.c.expires_at < before, ~needed)
    oldest = ended.group_by(ASSET.c.sha256).order_by(sa.func.min(ASSET.c.expires_at), ASSET.c.sha256)
    return list(connection.execute(oldest.limit(most)).scalars())


def forget(connection: Connection, sha256: str, before: datetime) -> bool:
    """Remove the rows of these bytes, if no asset of theirs lasts longer than that. False: one does, and all stay.

    Jobs keep what was measured of their outputs.
    """
    lasting = sa.select(ASSET.c.id).where(ASSET.c.sha256 == sha256, _needs(ASSET, before)).limit(1)
    if connection.execute(lasting).first() is not None:
        return False
    connection.execute(sa.delete(ASSET).where(ASSET.c.sha256 == sha256, ~_needs(ASSET, before)))
    return True


def _needs(asset: sa.FromClause, before: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(asset.c.expires_at.is_(None), asset.c.expires_at >= before)
