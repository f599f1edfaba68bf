"""Migrations lead from nothing to the tables that the code describes, and back, on both databases."""

import asyncio

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from gateway import migrations
from gateway.db import connect
from gateway.problems import Unavailable


def tables(connection):
    return set(sa.inspect(connection).get_table_names())


@pytest.mark.anyio
async def test_an_empty_database_is_refused_until_it_is_migrated(database_url):
    database = connect(database_url)
    with pytest.raises(Unavailable, match="run `podium migrate`"):
        await migrations.require(database)
    await asyncio.to_thread(migrations.upgrade, database_url)
    await migrations.require(database)
    assert await migrations.current(database) == migrations.head()
    assert await database.read(tables) == set(SQLModel.metadata.tables) | {"alembic_version"}
    await database.close()


def test_the_migrated_schema_is_the_one_that_the_code_describes(database_url):
    migrations.upgrade(database_url)
    command.check(migrations.config(database_url))


def test_migrating_twice_changes_nothing(database_url):
    migrations.upgrade(database_url)
    migrations.upgrade(database_url)
    command.check(migrations.config(database_url))


@pytest.mark.anyio
async def test_the_last_migration_can_be_taken_back(database_url):
    config = migrations.config(database_url)
    last = ScriptDirectory.from_config(config).get_revision("head")
    await asyncio.to_thread(migrations.upgrade, database_url)
    await asyncio.to_thread(command.downgrade, config, "-1")
    database = connect(database_url)
    assert await migrations.current(database) == last.down_revision
    await asyncio.to_thread(migrations.upgrade, database_url)
    await migrations.require(database)
    await database.close()


def test_there_is_one_line_of_migrations():
    assert len(ScriptDirectory.from_config(migrations.config()).get_heads()) == 1
