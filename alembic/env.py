"""Run migrations on the settings' database, or on the URL that gateway.migrations gives: all of them, or none."""

import asyncio
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import sqlalchemy as sa
from alembic import context
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

import gateway
from gateway.settings import settings

ONE_AT_A_TIME = 0x706F6469756D
"""Names a Postgres lock: replicas that start together migrate one after the other."""


def import_tables() -> None:
    """Every noun of the gateway that has tables, so that a new noun needs no change here."""
    for noun in pkgutil.iter_modules(gateway.__path__):
        if noun.ispkg and importlib.util.find_spec(f"gateway.{noun.name}.tables"):
            importlib.import_module(f"gateway.{noun.name}.tables")


def migrate(connection: Connection) -> None:
    """Inside the caller's transaction. SQLite cannot alter most things in place: batch mode copies the table."""
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def migrate_sqlite(url: URL) -> None:
    """Without the foreign keys of gateway.db: copying a table drops the one that others refer to."""
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url.set(drivername="sqlite+pysqlite"), poolclass=sa.NullPool, connect_args={"isolation_level": None}
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        migrate(connection)
        connection.commit()


async def migrate_postgres(url: URL) -> None:
    engine = create_async_engine(url, poolclass=sa.NullPool)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")
        await connection.run_sync(migrate)
    await engine.dispose()


import_tables()
database = make_url(context.config.attributes.get("url") or settings().database_url)
if database.get_backend_name() == "sqlite":
    migrate_sqlite(database)
else:
    asyncio.run(migrate_postgres(database))
