"""The database for a command of the operator at the machine: opened, checked, used once and closed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import make_url

from gateway import migrations
from gateway.db import Database, connect
from gateway.settings import settings

T = TypeVar("T")


def on_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """What `work` makes of the settings' database. Raises Unavailable when its schema is not this version's."""
    return asyncio.run(_opened(settings().database_url, work))


def exists(url: str) -> bool:
    """Whether there is a database to open: a file that no start has made yet is not made by looking."""
    parsed = make_url(url)
    return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").is_file()


async def _opened(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    db = connect(url)
    try:
        await migrations.require(db)
        return await work(db)
    finally:
        await db.close()
