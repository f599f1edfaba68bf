"""Run migrations on the settings' database, or on the URL or connection that gateway.migrations gives; nothing else."""

import asyncio
import importlib
import pkgutil

import sqlalchemy as sa
from alembic import context
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

import gateway
from gateway.settings import settings


def import_tables() -> None:
    """Every noun of the gateway that has tables, so that a new noun needs no change here."""
    for noun in pkgutil.iter_modules(gateway.__path__):
        if noun.ispkg and importlib.util.find_spec(f"gateway.{noun.name}.tables"):
            importlib.import_module(f"gateway.{noun.name}.tables")


def migrate(connection: Connection) -> None:
    """SQLite cannot alter most things in place: its tables are copied in batch mode."""
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_asynchronously(url: sa.URL) -> None:
    engine = create_async_engine(url, poolclass=sa.pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()
