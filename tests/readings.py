"""Readings for tests: whole boards by label and rating, and files as sources write them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.schema import Task
from router.feeds.readings import ListingReading, ListingRow, PriceReading, PriceRow
from router.quality import Reading, Row

DAY = datetime(2026, 8, 1, tzinfo=UTC)
NOW = DAY + timedelta(days=100)
BOARD = "arena/text-to-video"


def board(day: int = 0, name: str = BOARD, task: Task = Task.TEXT_TO_VIDEO, **ratings: float) -> Reading:
    """A whole board some days after DAY; labels as keywords."""
    rows = [Row(label=label, rating=each, low=each - 5, high=each + 5, votes=1_000) for label, each in ratings.items()]
    return Reading(
        source=name.partition("/")[0], board=name, task=task, taken_at=DAY + timedelta(day), attribution="a board",
        licence="ours", url="https://board.example", rows=tuple(rows),
    )  # fmt: skip


def prices(labels: int, day: int = 0, usd: str = "1") -> PriceReading:
    rows = tuple(
        PriceRow(label=f"model-{n}", provider="p", units=("request",), counted="each", usd=usd) for n in range(labels)
    )
    return PriceReading(source="list", taken_at=DAY + timedelta(day), rows=rows)


def listing(labels: int, day: int = 0) -> ListingReading:
    rows = tuple(ListingRow(label=f"model-{n}", provider="p") for n in range(labels))
    return ListingReading(source="list", taken_at=DAY + timedelta(day), rows=rows)


def arena_file(folder: Path, day: str, name: str = "text-to-video", **ratings: float) -> Path:
    """A kept copy of one of Arena's pages."""
    models = [{"model": label, "score": each, "ci": 5, "votes": 1_000} for label, each in ratings.items()]
    meta = {"leaderboard": name, "fetched_at": f"{day}T06:00:00Z", "model_count": len(models)}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day}_{name}.json"
    path.write_text(json.dumps({"meta": meta, "models": models}))
    return path
