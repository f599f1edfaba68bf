"""Statements sent as the driver's text give what SQLAlchemy would give, on both databases."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from gateway.db import Timestamp
from gateway.prepared import Prepared

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
THING = sa.Table(
    "thing", sa.MetaData(),
    sa.Column("id", sa.String, primary_key=True), sa.Column("zeta", sa.BigInteger), sa.Column("alpha", sa.String),
    sa.Column("share", sa.Float), sa.Column("at", Timestamp), sa.Column("good", sa.Boolean),
)  # fmt: skip
INSERT = Prepared(sa.insert(THING).values({each.name: sa.bindparam(each.name) for each in THING.c}))
RENAME = Prepared(
    sa.update(THING)
    .where(THING.c.alpha == sa.bindparam("was"), THING.c.zeta >= sa.bindparam("least"))
    .values(alpha=sa.bindparam("now"), at=sa.func.coalesce(THING.c.at, sa.bindparam("moment")))
)
TAKE = Prepared(
    sa.update(THING)
    .where(THING.c.id == sa.bindparam("thing"), THING.c.zeta >= sa.bindparam("nanos"))
    .values(zeta=THING.c.zeta - sa.bindparam("nanos", type_=sa.BigInteger))
    .returning(THING.c.zeta, THING.c.at)
)


def thing(name, **changes):
    return {"id": name, "zeta": 2**60, "alpha": "a'b\"c ü", "share": 0.25, "at": NOW, "good": True} | changes


@pytest.fixture
async def things(database):
    await database.together(lambda connection: THING.create(connection))
    return database


async def stored(database):
    query = sa.select(THING).order_by(THING.c.id)
    return await database.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


@pytest.mark.anyio
async def test_what_is_inserted_is_read_as_it_was_whatever_the_order_of_its_names(things):
    rows = [thing("a"), thing("b", zeta=None, alpha=None, share=None, at=None, good=None), thing("c", good=False)]
    backwards = [dict(reversed(row.items())) for row in rows]
    counts = [await things.together(lambda connection, row=row: INSERT.run(connection, row)) for row in backwards]
    assert counts == [1, 1, 1] and await stored(things) == rows


@pytest.mark.anyio
async def test_many_rows_go_at_once(things):
    rows = [thing(f"{number:03}", zeta=number) for number in range(100)]
    await things.together(lambda connection: INSERT.run_many(connection, rows))
    assert await stored(things) == rows


@pytest.mark.anyio
async def test_a_statement_says_how_many_rows_it_changed(things):
    await things.together(lambda connection: INSERT.run_many(connection, [thing("a"), thing("b"), thing("c", zeta=1)]))
    values = {"was": "a'b\"c ü", "now": "new", "least": 2, "moment": NOW}
    assert await things.together(lambda connection: RENAME.run(connection, values)) == 2
    assert await things.together(lambda connection: RENAME.run(connection, values)) == 0
    assert [row["alpha"] for row in await stored(things)] == ["new", "new", "a'b\"c ü"]


@pytest.mark.anyio
async def test_a_value_named_twice_is_sent_to_both_places_and_a_guard_refuses(things):
    await things.together(lambda connection: INSERT.run(connection, thing("a", zeta=10)))

    async def take(nanos):
        return await things.together(lambda connection: TAKE.row(connection, {"thing": "a", "nanos": nanos}))

    left, at = await take(7)
    assert left == 3 and at == 1_795_348_800_123_456, "times come back as microseconds"
    assert await take(4) is None
    assert (await stored(things))[0]["zeta"] == 3


@pytest.mark.anyio
async def test_a_unit_that_breaks_a_rule_is_taken_back(things):
    def twice(connection):
        INSERT.run(connection, thing("a"))
        INSERT.run(connection, thing("a"))

    with pytest.raises(Exception, match=r"(?i)unique"):
        await things.together(twice)
    assert await stored(things) == []


@pytest.mark.anyio
async def test_a_value_that_is_missing_is_not_taken_for_none(things):
    with pytest.raises(KeyError):
        await things.together(lambda connection: INSERT.run(connection, {"id": "a"}))


def test_a_statement_is_compiled_once_for_each_database():
    assert INSERT.text_for("sqlite") is INSERT.text_for("sqlite")
    assert INSERT.text_for("sqlite").text != INSERT.text_for("postgresql").text
    assert set(INSERT.text_for("sqlite").names) == set(THING.c.keys())


def test_a_value_in_the_text_is_refused():
    with pytest.raises(AssertionError, match="values belong into the call"):
        Prepared(sa.update(THING).values(alpha="fixed")).text_for("sqlite")


def test_a_statement_can_differ_between_databases():
    def written(dialect):
        return sa.select(sa.literal_column("1" if dialect == "sqlite" else "2"))

    assert [Prepared(written).text_for(name).text for name in ("sqlite", "postgresql")] == ["SELECT 1", "SELECT 2"]
