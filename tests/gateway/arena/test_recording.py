"""Our own standings as a board: written when they changed, left out while few voted, and read like any other board."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from adapters.schema import Task
from gateway.arena.recording import APART, board_of, points, reading_of, record
from gateway.catalog import boards, evidence
from gateway.snapshots import starter, store
from router.quality import Qualities
from router.ratings import Tally, rate
from tests.supplies import make_supply

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TASK = Task.TEXT_TO_IMAGE
NOBODY = Qualities({}, frozenset(), frozenset())


def test_a_model_with_few_votes_is_left_out_and_a_board_of_one_is_none():
    rated = rate([Tally("m/a", "m/b", 30, 30), Tally("m/a", "m/c", 2, 3)])
    whole, two, none = (reading_of(TASK, rated, least, NOW, NOBODY) for least in (1, 50, 63))
    assert {row.label for row in whole.rows} == {"m/a", "m/b", "m/c"}
    assert {row.label: row.votes for row in two.rows} == {"m/a": 65, "m/b": 60}
    assert none is None and reading_of(TASK, (), 1, NOW, NOBODY) is None
    assert (whole.source, whole.board, whole.task) == ("podium", "podium/text-to-image", TASK)


@pytest.mark.anyio
async def test_what_did_not_change_is_not_written_again_and_what_did_not_too_soon(database):
    async def kept(wins, after):
        now = NOW + after
        reading = reading_of(TASK, rate([Tally("m/a", "m/b", wins, 10)]), 1, now, NOBODY)
        return await database.together(lambda connection: record(connection, [reading], now))

    assert await kept(10, timedelta()) == 1
    assert await kept(10, 2 * APART) == 0
    assert await kept(11, APART / 2) == 0
    assert await kept(11, APART) == 1
    (latest,) = await database.read(lambda connection: store.latest(connection, "podium", board_of(TASK)))
    assert sum(row.votes for row in boards.placed(latest).rows) == 42


@pytest.fixture
def supply(monkeypatch, tmp_path):
    return make_supply(monkeypatch, tmp_path, "FAL_KEY")


async def believed(database, supply, *tallies, least=50):
    """What routing believes once our board was written beside those that Podium brings."""
    await database.together(lambda connection: starter.load_starter(connection, NOW))
    public = (await evidence.gather(database, supply, NOW)).qualities
    reading = reading_of(TASK, rate(tallies), least, NOW, public)
    await database.together(lambda connection: record(connection, [reading] if reading else [], NOW))
    return (await evidence.gather(database, supply, NOW)).qualities


def ranked(qualities, supply):
    """Models that public boards rank, best first."""
    found = [model for model in supply.models if qualities.of(model, TASK).boards]
    return sorted(found, key=lambda model: -qualities.of(model, TASK).interval.value)


@pytest.mark.anyio
async def test_evidence_reads_our_board_like_any_other(database, supply):
    best, *_, worst = ranked(await believed(database, supply), supply)
    before = (await believed(database, supply)).of(worst, TASK)
    after = (await believed(database, supply, Tally(best, worst, 20, 80))).of(worst, TASK)
    assert "podium/text-to-image of 2026-11-21" in after.source and "podium" not in before.source
    assert after.interval.value > before.interval.value
    assert [each.label for each in after.boards if each.board == board_of(TASK)] == [worst]


@pytest.mark.anyio
async def test_a_handful_of_votes_changes_nothing_that_public_boards_say(database, supply):
    before = await believed(database, supply)
    best, *_, worst = ranked(before, supply)
    after = await believed(database, supply, Tally(best, worst, 0, 9))
    assert [after.of(model, TASK) for model in (best, worst)] == [before.of(model, TASK) for model in (best, worst)]


@pytest.mark.anyio
async def test_and_if_it_were_shown_it_would_not_turn_them_round(database, supply):
    best, *_, worst = ranked(await believed(database, supply), supply)
    after = await believed(database, supply, Tally(best, worst, 1, 4), least=1)
    assert after.of(best, TASK).interval.value > after.of(worst, TASK).interval.value
    assert "podium/text-to-image" in after.of(best, TASK).source


@pytest.mark.anyio
async def test_a_board_of_the_best_alone_does_not_make_them_look_middling(database, supply):
    public = await believed(database, supply)
    first, second, third, *_ = ranked(public, supply)
    rows = [Tally(a, b, 40, 40) for a, b in pairwise([first, second, third])]
    told = await believed(database, supply, *rows)
    for model in (first, second, third):
        before, after = public.of(model, TASK).interval, told.of(model, TASK)
        assert abs(after.interval.value - before.value) < 0.1 and board_of(TASK) in {
            each.board for each in after.boards
        }
    reading = reading_of(TASK, rate(rows), 1, NOW, told)
    assert reading.middle < min(row.rating for row in reading.rows), "the median model is below them all"


@pytest.mark.anyio
async def test_our_own_board_has_no_say_in_where_its_own_middle_is(database, supply):
    public = await believed(database, supply)
    first, second, *_ = ranked(public, supply)
    rated = rate([Tally(first, second, 10, 90)])
    told = await believed(database, supply, Tally(first, second, 10, 90))
    assert reading_of(TASK, rated, 1, NOW, told).middle == reading_of(TASK, rated, 1, NOW, public).middle
    stand_ins = rate([Tally("podium/sandbox-pictures", "podium/sandbox-pictures-draft", 40, 40)])
    assert reading_of(TASK, stand_ins, 1, NOW, public).middle is None, "nobody else knows them"


def test_points_are_those_of_the_elo_scale():
    assert points(0.5) == 0 and round(points(10 / 11)) == 400 and round(points(1 / 11)) == -400
    assert round(-points(0.0)) == round(points(1.0)) == 676


@pytest.mark.anyio
async def test_our_stand_ins_never_look_good_whatever_the_votes_say(database, supply):
    drafts, pictures = "podium/sandbox-pictures-draft", "podium/sandbox-pictures"
    told = await believed(database, supply, Tally(drafts, pictures, 900, 100))
    assert told.of(drafts, TASK).interval.value == told.of(pictures, TASK).interval.value == 0.05
