"""Arena's public dataset on Hugging Face: one parquet file for each board, or its rows as JSON. It needs no token.

`latest` holds the newest day of a board, `full` every day that was published. Only the category "overall" is read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib import import_module
from io import BytesIO
from typing import Any

from adapters.schema import Task
from adapters.wire import Call, Reply
from router.feeds.readings import Page, Source, Unreadable
from router.feeds.replies import body_of, counted, document_of, filled, listed, moment_of
from router.quality import Reading, Row

SOURCE = Source(
    "arena", "https://huggingface.co", "Arena (arena.ai), https://arena.ai/leaderboard", "CC BY 4.0", every_h=6
)

BOARDS = {
    "text-to-image": Task.TEXT_TO_IMAGE,
    "image-edit": Task.IMAGE_EDIT,
    "text-to-video": Task.TEXT_TO_VIDEO,
    "image-to-video": Task.IMAGE_TO_VIDEO,
    "video-edit": Task.VIDEO_TO_VIDEO,
    "text": Task.TEXT,
    "vision": Task.TEXT,
}
"""Board → our task. Vision is chat about pictures: the same task, on its own board."""

DATASET = "https://huggingface.co/datasets/lmarena-ai/leaderboard-dataset"

PARQUET_ROWS = 5_000_000
"""The rows of all categories and days of the text board, the largest file, are a fraction of this."""

_COLUMNS = (
    "model_name", "rating", "rating_lower", "rating_upper", "vote_count", "category", "leaderboard_publish_date",
)  # fmt: skip


def requests(wanted: tuple[str, ...] = ()) -> tuple[Call, ...]:
    """The newest day of every board."""
    return tuple(request(board) for board in BOARDS)


def request(board: str, split: str = "latest") -> Call:
    """One board; the split "full" holds its whole history."""
    subset = board.replace("-", "_")
    url = f"{DATASET}/resolve/main/{subset}/{split}-00000-of-00001.parquet"
    return Call(stage="read", method="GET", url=url, memo={"board": board})


def read(call: Call, reply: Reply, now: datetime) -> Page:
    """One reading for each published day. The dataset's host answers with a redirect to where the file lies."""
    if reply.status in (301, 302, 303, 307, 308):
        return Page((), _moved(call, reply))
    if body_of(reply).startswith(b"PAR1"):
        return Page(_boards(str(call.memo["board"]), _parquet(reply.body)))
    document = document_of(reply)
    meta = document["meta"]
    day = {"leaderboard_publish_date": meta["leaderboard_publish_date"]}
    rows = [day | row for row in counted(listed(document, "rows"), meta.get("n_rows"))]
    return Page(_boards(meta["subset"].replace("_", "-"), rows))


def _moved(call: Call, reply: Reply) -> Call:
    if not (url := reply.headers.get("location")):
        raise Unreadable(f"it answered with status {reply.status} and no address")
    return call.model_copy(update={"url": url})


def _parquet(body: bytes) -> list[Mapping[str, Any]]:
    # Loaded here, for it takes longer than any other command needs to start.
    parquet, arrow = import_module("pyarrow.parquet"), import_module("pyarrow")
    try:
        file = parquet.ParquetFile(BytesIO(body))
        if file.metadata.num_rows > PARQUET_ROWS:
            raise Unreadable(f"{file.metadata.num_rows} rows; {PARQUET_ROWS} are read")
        table = parquet.read_table(BytesIO(body), columns=list(_COLUMNS), filters=[("category", "=", "overall")])
    except (arrow.ArrowException, OSError) as error:
        raise Unreadable(f"not a whole parquet file ({len(body)} bytes): {error}") from error
    rows: list[Mapping[str, Any]] = table.to_pylist()
    return filled(rows)


def _boards(board: str, rows: Iterable[Mapping[str, Any]]) -> tuple[Reading, ...]:
    if board not in BOARDS:
        raise Unreadable(f"it is of a board {board} that is not known")
    days: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        if row["category"] == "overall":
            days[str(row["leaderboard_publish_date"])[:10]][row["model_name"]] = _row(row)
    filled(list(days))
    return tuple(_reading(board, day, tuple(rows.values())) for day, rows in sorted(days.items()))


def _row(row: Mapping[str, Any]) -> Row:
    return Row(
        label=row["model_name"],
        rating=row["rating"],
        low=row["rating_lower"],
        high=row["rating_upper"],
        votes=int(row["vote_count"]),
    )


def _reading(board: str, day: str, rows: tuple[Row, ...]) -> Reading:
    return Reading(
        source=SOURCE.name,
        board=f"arena/{board}",
        task=BOARDS[board],
        taken_at=moment_of(day),
        attribution="Arena (arena.ai)",
        licence=SOURCE.licence,
        url=f"https://arena.ai/leaderboard/{board}",
        rows=rows,
    )
