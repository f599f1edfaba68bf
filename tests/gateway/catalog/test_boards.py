"""Boards: found by their names, shown with what their labels mean, and followed from reading to reading."""

from datetime import timedelta

import pytest

from adapters.schema import Model, Task
from gateway.catalog import boards
from gateway.snapshots.intake import take_in
from router.feeds.readings import Page, Place, PlacesReading
from router.names import collect
from tests.readings import BOARD, DAY, NOW, board

NAMES = collect([Model(id="google/veo-3.1", name="Veo 3.1", maker="Google", tasks=frozenset({Task.TEXT_TO_VIDEO}))], ())


async def feed(database, *readings):
    for each in readings:
        await take_in(database, "boards", each.source, [Page((each,))], NOW, True)


async def view(database, asked=BOARD, top=2):
    def read(connection):
        return boards.readings(connection, boards.find(connection, asked))

    return boards.churn_view(asked, await database.read(read), NAMES, top)


@pytest.mark.anyio
@pytest.mark.parametrize("asked", [BOARD, "lmarena/text-to-video", "text-to-video"])
async def test_a_board_is_found_by_its_name_its_older_name_and_its_last_part(database, asked):
    await feed(database, board(a=1), board(name="arena/text", task=Task.TEXT, a=1))
    found = await database.read(lambda connection: boards.find(connection, asked))
    assert found.subject == BOARD and found.snapshots == 1
    assert await database.read(lambda connection: boards.find(connection, "arena/none")) is None


@pytest.mark.anyio
async def test_a_last_part_of_two_boards_names_neither(database):
    await feed(database, board(a=1), board(name="other/text-to-video", a=1))
    assert await database.read(lambda connection: boards.find(connection, "text-to-video")) is None


@pytest.mark.anyio
async def test_the_board_with_most_readings_is_taken_where_none_is_named(database):
    await feed(database, board(a=1), board(1, a=2), board(name="arena/text", task=Task.TEXT, a=1))
    assert (await database.read(lambda connection: boards.most_read(connection, None))).subject == BOARD
    assert (await database.read(lambda connection: boards.most_read(connection, Task.TEXT))).subject == "arena/text"
    assert await database.read(lambda connection: boards.most_read(connection, Task.INPAINT)) is None


@pytest.mark.anyio
async def test_a_rename_ends_no_spell(database):
    renamed = {"veo-3.1-720p": 9.0, "newcomer (20260801)": 8.0, "c": 7.0}
    again = {"Veo 3.1 (audio)": 9.0, "newcomer": 8.0, "c": 7.0}
    await feed(database, board(0, **renamed), board(10, **again), board(20, **renamed))
    found = await view(database)
    assert (found["spells"], found["exits"]) == (2, 0)
    assert found["now"] == ["google/veo-3.1", "newcomer"]


@pytest.mark.anyio
async def test_the_shape_is_the_one_that_scripts_rely_on(database):
    await feed(
        database, board(0, a=9, b=8, c=7), board(10, c=10, a=9, b=8), board(20, c=10, d=9, a=8), board(30, d=9, c=8)
    )
    found = await view(database, "lmarena/text-to-video")
    assert {"since", "until", "half_life_days", "median_days", "survival", "stages"} <= found.keys()
    assert (found["board"], found["top"], found["readings"], found["spells"], found["exits"]) == (
        "lmarena/text-to-video", 2, 4, 4, 2
    )  # fmt: skip
    assert (found["since"], found["until"]) == ("2026-08-01", "2026-08-31")
    assert found["half_life_days"]["low"] < found["half_life_days"]["value"] < found["half_life_days"]["high"]
    assert {"value", "low", "high"} == found["median_days"].keys()
    assert all(point["low"] <= point["alive"] <= point["high"] for point in found["survival"])
    assert found["stages"]["c"] == "active" and found["stages"].keys() == {"a", "b", "c", "d"}


@pytest.mark.anyio
async def test_the_end_of_a_board_says_nothing_of_longer_tops(database):
    rows = tuple(Place(label=name, rank=n, rating=-n) for n, name in enumerate("abc", 1))
    short = PlacesReading(
        source="arena", board=BOARD, task=Task.TEXT_TO_VIDEO, taken_at=DAY, attribution="x", rows=rows
    )
    later = short.model_copy(update={"taken_at": DAY + timedelta(30), "rows": rows[::-1]})
    await feed(database, short, later)
    assert (await view(database, f"{BOARD}/top", top=3))["readings"] == 2
    with pytest.raises(ValueError, match="0 days"):
        await view(database, f"{BOARD}/top", top=4)


@pytest.mark.anyio
async def test_a_snapshot_that_cannot_be_read_is_passed_over(database):
    await feed(database, board(0, a=2, b=1), board(9, a=2, b=1))
    broken = lambda c: boards.store.add(c, "arena", BOARD, DAY + timedelta(4), b'{"rows": 3}', NOW)  # noqa: E731
    await database.together(broken)
    assert (await view(database))["readings"] == 2
