"""Units of work share transactions without sharing each other's fate, on SQLite and on a real Postgres."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlmodel import SQLModel

from gateway.db import connect
from gateway.ledger import audit, book, rules

NOW = datetime(2026, 9, 1, tzinfo=UTC)


class Broken(Exception):
    pass


def broken(connection):
    fund("half-done")(connection)
    raise Broken


def fund(name):
    return lambda connection: book.post(connection, rules.fund("key_a", 1, name), NOW)


@pytest.mark.anyio
async def test_a_unit_that_raises_takes_back_its_own_work_and_nobody_elses(database):
    units = [fund("one"), fund("two"), broken, fund("three"), broken, fund("four")]
    answers = await asyncio.gather(*map(database.together, units), return_exceptions=True)
    assert [type(answer) for answer in answers] == [book.Posted, book.Posted, Broken, book.Posted, Broken, book.Posted]
    stored = await database.read(lambda c: {each.entry.key for each in book.entries(c, 50)})
    assert stored == {"fund:one", "fund:two", "fund:three", "fund:four"}
    assert await database.read(lambda c: book.balance(c, "key:key_a:available")) == 4


@pytest.mark.anyio
async def test_units_that_arrive_during_a_commit_share_the_next_one(database):
    """Postgres numbers its transactions; on SQLite each group begins one, which the connection tells."""
    transactions = []

    def unit(connection):
        fund(f"f{len(transactions)}")(connection)
        number = connection.exec_driver_sql("SELECT txid_current()").scalar() if on_postgres else None
        transactions.append(number or connection.get_transaction())
        return len(transactions)

    on_postgres = database.url.get_backend_name() == "postgresql"
    assert await asyncio.gather(*[database.together(unit) for _ in range(50)]) == list(range(1, 51))
    assert len(set(transactions)) <= 2, "50 units took more than two transactions"


@pytest.mark.anyio
async def test_an_answer_comes_only_after_the_commit(database, other_database):
    """Whoever has an answer finds the row through another connection, and whoever reads earlier does not."""
    during = []

    def count(connection):
        return connection.exec_driver_sql("SELECT count(*) FROM entry").scalar()

    for number in range(5):
        before = await other_database.read(count)
        await database.together(fund(f"f{number}"))
        during.append((before, await other_database.read(count)))
    assert during == [(number, number + 1) for number in range(5)]


@pytest.mark.anyio
async def test_what_was_answered_is_in_the_file(sqlite_url, tmp_path):
    database = connect(sqlite_url)
    await database.together(SQLModel.metadata.create_all)
    await database.together(fund("one"))
    with closing(sqlite3.connect(tmp_path / "podium.db")) as stranger:
        assert stranger.execute("SELECT key FROM entry").fetchall() == [("fund:one",)]
    await database.close()


@pytest.mark.anyio
async def test_a_caller_that_goes_away_does_not_stop_the_others(database):
    leaving = asyncio.create_task(database.together(fund("leaving")))
    staying = asyncio.create_task(database.together(fund("staying")))
    await asyncio.sleep(0)
    leaving.cancel()
    assert isinstance(await staying, book.Posted)
    with pytest.raises(asyncio.CancelledError):
        await leaving


@pytest.mark.anyio
async def test_two_databases_that_take_the_same_rows_crosswise_both_finish(database, other_database):
    """One writer at a time, as on SQLite: else each would hold what the other waits for."""

    def crossing(*names):
        def unit(connection):
            for name in names:
                book.post(connection, rules.fund(name, 1, f"{names}-{name}"), NOW)
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SELECT pg_sleep(0.1)")  # let the other take its first row

        return unit

    await asyncio.gather(
        database.together(crossing("key_a", "key_b")),
        other_database.together(crossing("key_b", "key_a")),
    )
    assert await database.read(lambda c: book.balance(c, "key:key_a:available")) == 2
    assert (await database.read(audit.verify)).entries == 4
