"""The database for a command of the operator at the machine: opened, checked, used once and closed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway import migrations
from gateway.db import Database, connect
from gateway.settings import settings

T = TypeVar("T")


def on_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """What `work` makes of the settings' database. Raises Unavailable when its schema is not this version's."""
    return asyncio.run(_opened(settings().database_url, work))


async def _opened(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    db = connect(url)
    try:
        await migrations.require(db)
        return await work(db)
    finally:
        await db.close()
