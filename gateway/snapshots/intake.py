"""Takes readings in: each judged against the last good one of its subject, the believed ones kept as snapshots.

What is refused leaves what was good in its place. It fetches nothing, and resolves no label.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.engine import Connection

from gateway.db import Database
from gateway.snapshots import feeds, store
from gateway.snapshots.feeds import Run
from router.feeds import trust
from router.feeds.readings import AnyReading, Page, is_board, parse, payload_of, subject_of
from router.feeds.trust import Refused

SAME_FOR = timedelta(days=1)
"""A reading that says what the last one said is kept once in this time: often enough to show that a model is still
there, and no heap of equal lists."""

Key = tuple[str, str]


class Taken(NamedTuple):
    """What became of one source's readings. `new` of the good ones were not kept before."""

    kind: str
    name: str
    good: tuple[AnyReading, ...]
    new: int
    refused: tuple[Refused, ...]

    @property
    def refusal(self) -> str | None:
        """All refusals as one sentence."""
        said = dict.fromkeys(f"{each.subject}: {each.sentence}" for each in self.refused)
        return "; ".join(said) or None


async def take_in(
    db: Database, kind: str, name: str, pages: Sequence[Page | Refused], now: datetime, is_history: bool = False
) -> Taken:
    """Judge and keep what the replies of one source say.

    Readings of a history may be older than what is kept: each is judged against the one before it, wherever it falls.
    """
    readings, refused = trust.gathered(pages)
    lasts = await db.read(lambda connection: _lasts(connection, readings, now, is_history))
    good, doubted, news = await asyncio.to_thread(_judged, readings, lasts, now)
    taken = Taken(kind, name, good, 0, (*refused, *doubted))
    written = [(each.source, subject_of(each), each.taken_at, payload_of(each)) for each in news]

    def unit(connection: Connection) -> int:
        new = sum(store.add(connection, *each, now) for each in written)
        feeds.record(connection, _run(taken, new), now)
        return new

    return taken._replace(new=await db.together(unit))


def _run(taken: Taken, new: int) -> Run:
    newest = max((each.taken_at for each in taken.good), default=None)
    rows = sum(len(each.rows) for each in taken.good)
    return Run(taken.kind, taken.name, len(taken.good), rows, newest, new, taken.refusal)


def _lasts(connection: Connection, readings: Iterable[AnyReading], now: datetime, is_history: bool) -> dict[Key, str]:
    """The payload of the last good snapshot of each subject; of a history, the last before it begins."""
    first: dict[Key, datetime] = {}
    for reading in readings:
        key = (reading.source, subject_of(reading))
        first[key] = min(first.get(key, reading.taken_at), reading.taken_at)
    ahead = now + trust.AHEAD
    found = {key: store.last(connection, *key, taken_at if is_history else ahead) for key, taken_at in first.items()}
    return {key: snapshot.payload for key, snapshot in found.items() if snapshot is not None}


def _judged(
    readings: tuple[AnyReading, ...], lasts: Mapping[Key, str], now: datetime
) -> tuple[tuple[AnyReading, ...], tuple[Refused, ...], tuple[AnyReading, ...]]:
    """The believed, the refused, and those of the believed that say something new."""
    held = {key: parse(payload) for key, payload in lasts.items()}
    good, refused = trust.believed(Page(readings), lambda *key: held.get(key), now)
    good, more = _kept_together(good, refused)
    refused = (*refused, *more)
    news: list[AnyReading] = []
    for reading in good:
        key = (reading.source, subject_of(reading))
        if is_news(reading, held.get(key)):
            news.append(reading)
            held[key] = reading
    return good, refused, tuple(news)


def _kept_together(
    good: tuple[AnyReading, ...], refused: tuple[Refused, ...]
) -> tuple[tuple[AnyReading, ...], tuple[Refused, ...]]:
    """A price list that shrank is not believed, so neither are the notices and the listing that came with it."""
    parts = {each.subject for each in refused if not is_board(each.subject)}
    together = parts & {"prices", "listing"}
    doubtful = [each for each in good if together and not trust.is_whole(each)]
    said = tuple(
        Refused(each.source, subject_of(each), f"it came with {' and '.join(sorted(together))} that are refused")
        for each in doubtful
    )
    return tuple(each for each in good if each not in doubtful), said


def is_news(reading: AnyReading, last: AnyReading | None) -> bool:
    """Whether it says something else than the last one, or that one is a day old."""
    return last is None or reading.rows != last.rows or reading.taken_at - last.taken_at >= SAME_FOR
