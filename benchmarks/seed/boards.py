"""Made-up readings of leaderboards: the labels of the starter readings, with ratings that drift, come and go.

No real standings: their source is `made-up`, their boards are `made-up/…`, and each says so in its attribution.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from benchmarks.seed.chance import Chance
from gateway.changes import store as changes
from gateway.changes.rules import Shown
from gateway.snapshots import starter, store

SOURCE = "made-up"
ATTRIBUTION = "Made up by benchmarks.seed, with labels of Arena (arena.ai); no real standings"
LICENCE = "labels CC BY 4.0"
ROWS = 80
"""Labels of a board at most: four hundred names of chat models would only slow the filling."""
LATE_SHARE = 0.3
"""Labels that come while one looks, and of the others those that leave."""
DRIFT = 2.2
"""Points that a rating moves in a day (standard deviation)."""


Resolve = Callable[[str], str | None]
"""A board's label → the model of ours that it means."""


class Entrant(NamedTuple):
    """One label's whole course on a board, a rating for each day; none where it is not listed."""

    label: str
    votes: int
    half_width: float
    ratings: tuple[float | None, ...]


class Board(NamedTuple):
    name: str
    task: str
    entrants: tuple[Entrant, ...]


def boards(chance: Chance, days: int) -> tuple[Board, ...]:
    documents = [json.loads(each.payload) for each in starter.readings()]
    return tuple(_board(document, chance, days) for document in documents)


def _board(document: dict[str, Any], chance: Chance, days: int) -> Board:
    rows = sorted(document["rows"], key=lambda row: -float(row["rating"]))[:ROWS]
    entrants = tuple(_entrant(row, place, chance, days) for place, row in enumerate(rows))
    return Board(f"{SOURCE}/{document['board'].partition('/')[2]}", document["task"], entrants)


def _entrant(row: dict[str, Any], place: int, chance: Chance, days: int) -> Entrant:
    """Some come late, as new models do, and climb; some leave. The first few drift most: that is where churn is."""
    came = chance.randrange(1, max(2, days - 5)) if chance.random() < LATE_SHARE else 0
    went = chance.randrange(days // 2, days) if place > 3 and chance.random() < LATE_SHARE / 3 else days
    rating = float(row["rating"]) - (chance.random() * 25 if came else 0.0)
    course: list[float | None] = []
    for day in range(days):
        rating += chance.gauss(0.35 if came else 0.0, DRIFT if place < 12 else DRIFT / 2)
        course.append(round(rating, 1) if came <= day < went else None)
    half_width = max(3.0, (float(row["high"]) - float(row["low"])) / 2)
    return Entrant(str(row["label"]), int(row["votes"]), half_width, tuple(course))


def readings(board: Board, first: datetime) -> Iterator[tuple[datetime, bytes]]:
    """A reading for each day: when it was taken, and the payload of its snapshot."""
    for day in range(len(board.entrants[0].ratings)):
        taken_at = first + timedelta(days=day)
        rows = sorted(_rows(board, day), key=lambda row: -row["rating"])
        document = {
            "source": SOURCE, "board": board.name, "task": board.task,
            "taken_at": taken_at.isoformat().replace("+00:00", "Z"), "attribution": ATTRIBUTION, "licence": LICENCE,
            "url": "https://arena.ai/leaderboard", "rows": rows,
        }  # fmt: skip
        yield taken_at, json.dumps(document).encode()


def _rows(board: Board, day: int) -> Iterator[dict[str, Any]]:
    for each in board.entrants:
        rating = each.ratings[day]
        if rating is not None:
            votes = int(each.votes * (0.5 + 0.5 * day / len(each.ratings))) + 100
            bounds = {"low": round(rating - each.half_width, 1), "high": round(rating + each.half_width, 1)}
            yield {"label": each.label, "rating": rating, "votes": votes} | bounds


def store_all(connection: Connection, made: tuple[Board, ...], first: datetime) -> int:
    """Add every reading; how many there are."""
    return sum(
        store.add(connection, SOURCE, board.name, taken_at, payload, taken_at)
        for board in made
        for taken_at, payload in readings(board, first)
    )


def tell(connection: Connection, made: tuple[Board, ...], first: datetime, resolve: Resolve) -> None:
    """Tell of the names that appear, day by day, as the product would have told of them."""
    days = len(made[0].entrants[0].ratings)
    for day in range(days):
        at = first + timedelta(days=day)
        shown = [
            Shown(board.name, at.date(), {model or label: model for label, model in _named(board, day, resolve)})
            for board in made
        ]
        changes.record_boards(connection, shown, at)


def _named(board: Board, day: int, resolve: Resolve) -> list[tuple[str, str | None]]:
    return [(each.label, resolve(each.label)) for each in board.entrants if each.ratings[day] is not None]
