"""A change is told once, whoever finds it, and found again by those who come back for it."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.changes import store
from gateway.changes.rules import Change, Kind, Shown, Subject
from router.retirement import Life, Stage

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = date(2026, 11, 22)
SUBJECTS = [Subject(f"acme/acme/{name}", f"acme/{name}", f"acme/acme/{name}") for name in ("one", "two")]


def lives(stage):
    return {subject: Life(stage=stage, since=DAY, evidence="seen") for subject in SUBJECTS}


async def listed(database, **asked):
    return await database.read(lambda connection: store.listing(connection, asked.pop("limit", 100), **asked))


@pytest.mark.anyio
async def test_two_replicas_that_find_the_same_change_tell_it_once(database, other_database):
    await database.together(lambda connection: store.record_lives(connection, lives(Stage.ACTIVE), NOW))
    told = await asyncio.gather(
        *(
            each.together(lambda connection: store.record_lives(connection, lives(Stage.STALE), NOW))
            for each in (database, other_database, database, other_database)
        )
    )
    assert sorted(told) == [0, 0, 0, 2]
    rows = [(row["kind"], row["before"], row["after"]) for row in await listed(database)]
    assert rows == [("stale", "active", "stale")] * 2


@pytest.mark.anyio
async def test_a_board_tells_each_name_once(database):
    shown = [
        Shown("a board", DAY, {"acme/one": "acme/one"}),
        Shown("a board", DAY + timedelta(1), {"acme/one": "acme/one", "stranger": None}),
    ]
    told = [await database.together(lambda connection: store.record_boards(connection, shown, NOW)) for _ in range(2)]
    assert told == [1, 0]
    (row,) = await listed(database)
    assert (row["subject"], row["model"], row["happened_on"]) == ("stranger", "stranger", DAY + timedelta(1))


@pytest.mark.anyio
async def test_pages_and_moments_find_every_change(database):
    def change(number):
        return Change(Kind.PRICE, Subject(f"s{number}", "m"), None, "1 USD", "said", "a list", DAY)

    ids = []
    for number in range(5):
        at = NOW + timedelta(hours=number)
        ids.append(await database.together(lambda connection, n=number, at=at: store.add(connection, change(n), at)))
    assert [row["id"] for row in await listed(database)] == ids[::-1]
    first = await listed(database, limit=2)
    assert [row["id"] for row in await listed(database, after=first[-1]["id"])] == ids[2::-1]
    assert len(await listed(database, since=NOW + timedelta(hours=3))) == 2
