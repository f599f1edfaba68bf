"""Votes as they are kept: once for each battle, and of one key on one pair only so many a day that count."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from adapters.schema import Task
from gateway.arena import rules, store
from gateway.arena.rules import COUNTED_A_DAY, Choice, Outcome
from gateway.arena.tables import BATTLE, VOTE

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TASK = Task.TEXT_TO_IMAGE


def battle(number, key="key_a", models=("m/a", "m/b"), status="ready", task=TASK):
    blank = {column.name: None for column in BATTLE.c}
    return blank | {
        "id": f"btl_{number}", "key_id": key, "digest": "", "status": status, "task": task.value, "request": "{}",
        "extras": "{}", "seed": 1, "draw": "{}", "left_model": models[0], "right_model": models[1],
        "left_job": f"job_{number}l", "right_job": f"job_{number}r", "created_at": NOW,
    }  # fmt: skip


async def cast(database, row, choice=Choice.LEFT, now=NOW, is_new=True):
    def unit(connection):
        if is_new:
            store.insert(connection, row)
        return store.cast(connection, row, choice, "{}", now), store.find(connection, row["id"], row["key_id"])

    return await database.together(unit)


async def counts(database, task=None):
    return await database.read(lambda connection: store.counts(connection, task))


@pytest.mark.anyio
async def test_one_battle_has_one_vote_however_many_come_at_once(database, other_database):
    row = battle(1)
    await database.together(lambda connection: store.insert(connection, row))
    both = [cast(each, row, choice, is_new=False)
            for choice in (Choice.LEFT, Choice.TIE) for each in (database, other_database)]  # fmt: skip
    done = await asyncio.gather(*both)
    assert sorted(first for first, _ in done) == [False, False, False, True]
    votes = await database.read(lambda connection: connection.execute(sa.select(VOTE)).mappings().all())
    assert len(votes) == 1 and votes[0]["battle_id"] == "btl_1"


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["running", "void", "voted"])
async def test_only_what_is_ready_can_be_voted(database, status):
    done, row = await cast(database, battle(1, status=status))
    assert not done and row["choice"] is None and await counts(database) == {}


@pytest.mark.anyio
async def test_one_key_cannot_stuff_a_pair(database):
    """Whichever side the models stand on; another key, another pair and another day count anew."""
    for number in range(COUNTED_A_DAY + 5):
        models = ("m/a", "m/b") if number % 2 else ("m/b", "m/a")
        done, row = await cast(database, battle(number, models=models), Choice.TIE)
        assert done and row["status"] == "voted" and row["counted"] is (number < COUNTED_A_DAY)
        assert (row["moves"] is None) is not row["counted"]
    assert await counts(database) == {TASK: {("m/a", "m/b"): {Outcome.TIE: COUNTED_A_DAY}}}
    others = [battle("key", key="key_b"), battle("pair", models=("m/a", "m/c")), battle("task", task=Task.IMAGE_EDIT)]
    assert [(await cast(database, row))[1]["counted"] for row in others] == [True, True, True]
    assert (await cast(database, battle("day"), now=NOW + timedelta(days=1)))[1]["counted"] is True
    assert set(await counts(database)) == {TASK, Task.IMAGE_EDIT} and set(await counts(database, TASK)) == {TASK}


@pytest.mark.anyio
async def test_counts_are_by_model_whichever_side_it_stood_on(database):
    for number, (models, choice) in enumerate(
        [(("m/a", "m/b"), Choice.LEFT), (("m/b", "m/a"), Choice.RIGHT), (("m/b", "m/a"), Choice.LEFT)]
    ):
        await cast(database, battle(number, models=models), choice)
    found = (await counts(database))[TASK]
    assert found == {("m/a", "m/b"): {Outcome.FIRST: 2, Outcome.SECOND: 1}}
    assert rules.tallies(found, ("m/a", "m/b"))[0].wins == 2


@pytest.mark.anyio
async def test_a_battle_ends_once_and_lists_are_paged_by_key(database):
    rows = [battle(number, status="running") for number in range(4)] + [battle(9, key="key_b")]
    await database.together(lambda connection: [store.insert(connection, row) for row in rows])
    ends = [
        await database.together(lambda c: store.end(c, "btl_2", {"status": "void", "void": "a test"})) for _ in "ab"
    ]
    assert ends == [True, False]

    def listed(after=None, status=None):
        return database.read(lambda c: [row["id"] for row in store.listing(c, "key_a", 2, after, status, None)])

    assert await listed() == ["btl_3", "btl_2", "btl_1"] and await listed("btl_2") == ["btl_1", "btl_0"]
    assert await listed(status="void") == ["btl_2"]
    assert await database.read(lambda c: store.find(c, "btl_9", "key_a")) is None
    running = await database.read(lambda c: [row["id"] for row in store.running(c, 9)])
    assert running == ["btl_0", "btl_1", "btl_3"]
