"""Arena's boards as kept copies of its pages: a page's rows as JSON, every changed day as CSV, or a board's top as CSV.

Read from files only. They are the same boards as the dataset's, under the same names: the newer reading counts.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from io import StringIO
from typing import Any

from adapters.schema import Task
from adapters.wire import Call, Reply
from router.feeds.readings import Page, Place, PlacesReading, Source, Unreadable
from router.feeds.replies import body_of, counted, document_of, filled, listed, moment_of
from router.quality import Reading, Row

SOURCE = Source("arena", "https://arena.ai", "Arena (arena.ai), https://arena.ai/leaderboard", "CC BY 4.0", every_h=24)

BOARDS = {
    "text-to-image": Task.TEXT_TO_IMAGE,
    "image-edit": Task.IMAGE_EDIT,
    "text-to-video": Task.TEXT_TO_VIDEO,
    "image-to-video": Task.IMAGE_TO_VIDEO,
    "video-edit": Task.VIDEO_TO_VIDEO,
    "text": Task.TEXT,
    "vision": Task.TEXT,
}

_TOP = ["board", "date", "rank", "model", "org", "rating"]


def requests(wanted: tuple[str, ...] = ()) -> tuple[Call, ...]:
    """None: the pages themselves are for people."""
    return ()


def read(call: Call, reply: Reply, now: datetime) -> Page:
    body = body_of(reply)
    if not body.lstrip().startswith(b"{"):
        return Page(_table(body.decode()))
    document = document_of(reply)
    meta = document["meta"]
    rows = counted(listed(document, "models"), meta.get("model_count"))
    return Page((_reading(meta["leaderboard"], moment_of(meta["fetched_at"]), rows),))


def _table(text: str) -> tuple[Reading | PlacesReading, ...]:
    table = csv.DictReader(StringIO(text))
    days: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in table:
        if None in row.values():
            raise Unreadable(f"it was cut short: line {table.line_num} has too few columns")
        days[row["board"], row["date"]].append(row)
    filled(list(days))
    made = _places if table.fieldnames == _TOP else _reading
    return tuple(made(board, moment_of(day), rows) for (board, day), rows in sorted(days.items()))


def _task(board: str) -> Task:
    if board not in BOARDS:
        raise Unreadable(f"it is of a board {board} that is not known")
    return BOARDS[board]


def _reading(board: str, taken_at: datetime, rows: list[Mapping[str, Any]]) -> Reading:
    return Reading(
        source=SOURCE.name,
        board=f"arena/{board}",
        task=_task(board),
        taken_at=taken_at,
        attribution="Arena (arena.ai)",
        licence=SOURCE.licence,
        url=f"https://arena.ai/leaderboard/{board}",
        rows=tuple(map(_row, rows)),
    )


def _row(row: Mapping[str, Any]) -> Row:
    """A page prints the rating and how far its interval reaches on either side, as one number or as two."""
    rating = float(row["score"])
    down, up = (float(row[side] if side in row else row["ci"]) for side in ("ci_low", "ci_high"))
    return Row(label=row["model"], rating=rating, low=rating - down, high=rating + up, votes=int(float(row["votes"])))


def _places(board: str, taken_at: datetime, rows: list[Mapping[str, Any]]) -> PlacesReading:
    return PlacesReading(
        source=SOURCE.name,
        board=f"arena/{board}",
        task=_task(board),
        taken_at=taken_at,
        attribution="Arena (arena.ai)",
        rows=tuple(Place(label=row["model"], rank=int(row["rank"]), rating=float(row["rating"])) for row in rows),
    )
