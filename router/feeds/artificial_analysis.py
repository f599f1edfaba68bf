"""Artificial Analysis' boards, from its data API (with a key) or from kept copies of what its pages load.

A row whose interval is not given is left out: how sure it is cannot be known, and is not made up.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.schema import Task
from adapters.wire import Call, Reply
from router.feeds.readings import Page, Source, Unreadable
from router.feeds.replies import counted, document_of, filled, listed, moment_of, only
from router.quality import Reading, Row

# unsure: the paths and fields of the data API are from its public description as of 2025 and were not tried with a key.
SOURCE = Source(
    "artificial-analysis",
    "https://artificialanalysis.ai",
    "Artificial Analysis, https://artificialanalysis.ai",
    "attribution required; redistribution not cleared",
    every_h=12,
    key_env="ARTIFICIAL_ANALYSIS_API_KEY",
    auth_header="x-api-key",
    auth="{key}",
)

BOARDS = {
    "text-to-image": Task.TEXT_TO_IMAGE,
    "image-editing": Task.IMAGE_EDIT,
    "text-to-video": Task.TEXT_TO_VIDEO,
    "image-to-video": Task.IMAGE_TO_VIDEO,
    "text-to-speech": Task.TEXT_TO_SPEECH,
}

_INTERVAL = re.compile(r"-(\d+(?:\.\d+)?)\s*/\s*\+(\d+(?:\.\d+)?)")


def requests(wanted: tuple[str, ...] = ()) -> tuple[Call, ...]:
    return tuple(request(board) for board in BOARDS)


def request(board: str) -> Call:
    url = f"{SOURCE.origin}/api/v2/data/media/{board}"
    return Call(stage="read", method="GET", url=url, memo={"board": board})


def read(call: Call, reply: Reply, now: datetime) -> Page:
    """The data API says no date, so its reading is of now; a kept copy says when it was fetched."""
    document = document_of(reply)
    meta = document.get("meta") if isinstance(document, dict) else None
    if meta is None:
        return Page((_reading(str(call.memo["board"]), now, listed(document, "data")),))
    rows = counted(listed(document, "models"), meta.get("model_count"))
    return Page((_reading(meta["endpoint"], moment_of(meta["fetched_at"]), rows),))


def _reading(board: str, taken_at: datetime, rows: list[Any]) -> Reading:
    if board not in BOARDS:
        raise Unreadable(f"it is of a board {board} that is not known")
    return Reading(
        source=SOURCE.name,
        board=f"{SOURCE.name}/{board}",
        task=BOARDS[board],
        taken_at=taken_at,
        attribution=SOURCE.attribution,
        licence=SOURCE.licence,
        url=f"{SOURCE.origin}/{board}/arena",
        rows=tuple(filled([made for row in only(rows) if (made := _row(row))])),
    )


def _row(row: Mapping[str, Any]) -> Row | None:
    reach = _INTERVAL.fullmatch(str(row.get("ci95")).strip())
    if reach is None:
        return None
    rating, votes = float(row["elo"]), int(row.get("appearances") or 0)
    low, high = rating - float(reach[1]), rating + float(reach[2])
    return Row(label=row["name"], rating=rating, low=low, high=high, votes=votes)
