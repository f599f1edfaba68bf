"""Writes our own standings down as readings of boards named podium/<task>, so that routing, churn and the list of
boards take them like anybody's. A model with few votes is left out, and what did not change is not written again.

Quality compares a model with the median of its board. A board of the best alone would so make the best look middling:
ours is kept back while public boards say that its own middle is not in the middle of theirs.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean, median

from sqlalchemy.engine import Connection

from adapters.schema import Task
from gateway import clock
from gateway.arena.service import Arena
from gateway.catalog import boards
from gateway.snapshots import store
from router.feeds.readings import payload_of
from router.quality import Qualities, Reading, Row
from router.ratings import Rated

SOURCE = "podium"
APART = timedelta(minutes=10)
"""Between two readings of one board: snapshots are kept for ever, and a vote more says little."""
ROWS_LEAST = 2
"""A board of one has nobody to be better than."""
LEVEL = 0.1
"""How far from one half the middle of our board may be on public boards. Ours, not measured."""


async def keep(arena: Arena) -> str:
    """Settle the battles whose jobs have ended, and write down each board that changed."""
    ended, now, qualities = await arena.settle(), clock.now(), arena.jobs.routing.belief.qualities
    found = [reading_of(task, rated, arena.least_votes, now) for task, rated in (await arena.standings()).items()]
    whole = [reading for reading in found if reading is not None]
    level = [reading for reading in whole if is_level(reading, qualities)]
    written = await arena.jobs.db.together(lambda connection: record(connection, level, now)) if level else 0
    kept_back = ", ".join(reading.board for reading in whole if reading not in level)
    said = f"{ended} battles ended; {len(level)} boards, {written} written"
    return f"{said}; kept back, for their middle is elsewhere on public boards: {kept_back}" if kept_back else said


def board_of(task: Task) -> str:
    return f"{SOURCE}/{task}"


def reading_of(task: Task, rated: Sequence[Rated], least_votes: int, now: datetime) -> Reading | None:
    """Our standings of a task as a board's reading; None while fewer than two models have the votes for it."""
    rows = [_row(each) for each in rated if each.votes >= least_votes]
    if len(rows) < ROWS_LEAST:
        return None
    return Reading(
        source=SOURCE, board=board_of(task), task=task, taken_at=now, rows=tuple(rows),
        attribution="votes in this gateway's own arena", licence="its operator's own",
        url=f"/v1/arena/standings?task={task}",
    )  # fmt: skip


def is_level(reading: Reading, qualities: Qualities) -> bool:
    """Whether public boards have the middle of this one in the middle too, or know none of its models."""
    public = [value for row in reading.rows if (value := _public(row.label, reading.task, qualities)) is not None]
    return not public or abs(median(public) - 0.5) <= LEVEL


def _public(model: str, task: Task, qualities: Qualities) -> float | None:
    """What the boards of others say of a model."""
    told = [each.interval.value for each in qualities.of(model, task).boards if each.board != board_of(task)]
    return fmean(told) if told else None


def _row(rated: Rated) -> Row:
    low, rating, high = (round(each, 1) for each in (rated.low, rated.rating, rated.high))
    return Row(label=rated.model, rating=rating, low=low, high=high, votes=rated.votes)


def record(connection: Connection, readings: Sequence[Reading], now: datetime) -> int:
    """Keep those that say something new and are not too soon after the last of their board; how many."""
    lasts: Mapping[str, Reading] = {
        reading.board: last
        for reading in readings
        for snapshot in store.latest(connection, SOURCE, reading.board)
        if isinstance(last := boards.placed(snapshot), Reading)
    }
    return sum(
        store.add(connection, SOURCE, each.board, each.taken_at, payload_of(each), now)
        for each in readings
        if is_news(each, lasts.get(each.board), now)
    )


def is_news(reading: Reading, last: Reading | None, now: datetime) -> bool:
    return last is None or (reading.rows != last.rows and now - last.taken_at >= APART)
