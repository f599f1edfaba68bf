"""Migrations lead from nothing to the tables that the code describes, and back, on both databases."""

import asyncio
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from gateway import migrations
from gateway.db import connect
from gateway.ledger import book, rules as ledger
from gateway.problems import Unavailable
from gateway.usage import audit, store


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


@pytest.mark.anyio
async def test_what_was_settled_before_there_were_rollups_is_in_them(database_url):
    """Jobs and postings of an older version are rolled up, so that the books still agree with the reports."""
    await asyncio.to_thread(command.upgrade, migrations.config(database_url), "0005")
    database, now = connect(database_url), datetime(2026, 11, 1, tzinfo=UTC)

    def settled(connection):
        jobs = sa.Table("job", sa.MetaData(), autoload_with=connection)
        blank = {column.name: "" if "CHAR" in str(column.type) else 0
                 for column in jobs.c if not column.nullable}  # fmt: skip
        for number, cost in enumerate((40, 70)):
            job = {"id": f"job_{number}", "key_id": "key_a", "offer": "fal/maker/model", "status": "succeeded",
                   "task": "text", "strict": True}  # fmt: skip
            connection.execute(sa.insert(jobs), blank | job)
            book.post(connection, ledger.fund("key_a", 60, f"pay-{number}"), now)
            book.post(connection, ledger.hold("key_a", f"job_{number}", 60), now)
            book.post(connection, ledger.settle("key_a", f"job_{number}", 60, [("fal", cost)], 5), now)

    await database.together(settled)
    await asyncio.to_thread(migrations.upgrade, database_url)
    assert (await database.read(audit.verify)).findings == ()
    asked = store.Asked(0, 10**6, ("day", "offer"))
    (group,) = await database.read(lambda connection: store.report(connection, asked, 9))
    assert group.at == (20_758, "fal/maker/model")
    assert (group.cost_nanos, group.margin_nanos, group.over_nanos, group.jobs) == (110, 5, 10, 2)
    await database.close()
