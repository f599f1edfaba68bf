"""Writes our own standings down as readings of boards named podium/<task>, so that routing, churn and the list of
boards take them like anybody's. A model with few votes is left out, and what did not change is not written again.

Quality compares a model with the median of its board, and a board of the best alone would so make the best look
middling. So ours says which rating stands for the median model of public boards: the one from which its own models are
as far as public boards have them, in the mean.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import log10
from statistics import fmean

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
EDGE = 0.02
"""A public quality nearer to 0 or 1 than this is taken as this near: there a hair's breadth is hundreds of points."""


async def keep(arena: Arena) -> str:
    """Settle the battles whose jobs have ended, and write down each board that changed."""
    ended, now, qualities = await arena.settle(), clock.now(), arena.jobs.routing.belief.qualities
    found = [
        reading_of(task, rated, arena.least_votes, now, qualities) for task, rated in (await arena.standings()).items()
    ]
    whole = [reading for reading in found if reading is not None]
    written = await arena.jobs.db.together(lambda connection: record(connection, whole, now)) if whole else 0
    return f"{ended} battles ended; {len(whole)} boards, {written} written"


def board_of(task: Task) -> str:
    return f"{SOURCE}/{task}"


def reading_of(
    task: Task, rated: Sequence[Rated], least_votes: int, now: datetime, qualities: Qualities
) -> Reading | None:
    """Our standings of a task as a board's reading; None while fewer than two models have the votes for it."""
    rows = [_row(each) for each in rated if each.votes >= least_votes]
    if len(rows) < ROWS_LEAST:
        return None
    return Reading(
        source=SOURCE, board=board_of(task), task=task, taken_at=now, rows=tuple(rows),
        middle=_middle(rows, task, qualities),
        attribution="votes in this gateway's own arena", licence="its operator's own",
        url=f"/v1/arena/standings?task={task}",
    )  # fmt: skip


def _middle(rows: Sequence[Row], task: Task, qualities: Qualities) -> float | None:
    """The rating that a public board's median model would have here; None where public boards know none of these."""
    known = [(row.rating, value) for row in rows if (value := _public(row.label, task, qualities)) is not None]
    return round(fmean(rating - points(value) for rating, value in known), 1) if known else None


def points(quality: float) -> float:
    """How many points above the median model a model of this quality stands, from -676 to 676."""
    value = min(max(quality, EDGE), 1 - EDGE)
    return 400 * log10(value / (1 - value))


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
