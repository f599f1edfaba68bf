"""Bring a database to the schema that this code expects, and refuse to serve on any other; changes no data itself."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from gateway.db import Database
from gateway.problems import Unavailable

_HERE = Path(__file__).resolve().parent
FOLDERS = (_HERE / "alembic_scripts", _HERE.parent / "alembic")
"""In a wheel the scripts lie inside the package, for beside it there is the library of that name; else in the root."""


def config(url: str | None = None) -> Config:
    """Alembic's configuration, for a database other than the settings' one if a url is given."""
    folder = next(folder for folder in FOLDERS if (folder / "env.py").is_file())
    made = Config()
    made.set_main_option("script_location", str(folder).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["url"] = url
    return made


def upgrade(url: str) -> None:
    """To the newest revision. Blocking, with an event loop of its own: from a coroutine use asyncio.to_thread."""
    command.upgrade(config(url), "head")


@cache
def head() -> str | None:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(config()).get_current_head()


async def current(db: Database) -> str | None:
    """The revision that a database is at; None when it was never migrated."""
    return await db.read(_revision)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def mismatch(db: Database) -> str | None:
    """What is wrong with a database's schema, and what to do, in a sentence; None when it is as it should be."""
    found, expected = await current(db), head()
    if found == expected:
        return None
    return (
        f"the database's schema is at {found or 'nothing'}, and this version needs {expected or 'nothing'}: "
        "run `podium migrate`, or the version of Podium that the database belongs to"
    )


async def require(db: Database) -> None:
    """Refuse to serve on a schema that does not match: raises Unavailable."""
    if sentence := await mismatch(db):
        raise Unavailable(sentence)
