"""How long a year of six boards takes from stored snapshots to qualities; pure computation, nothing else is running.

A gateway reads only the newest snapshot of each board, and each once: this is the most that a fold can ever be asked.
"""

import random
from datetime import UTC, date, datetime, timedelta
from time import perf_counter

from adapters.schema import Model, Task
from gateway.catalog.evidence import standings_of
from router.feeds.readings import payload_of
from router.names import collect
from router.quality import Reading, Row, fold

DAYS, MODELS = 365, 200
BOARDS = {
    "arena/text-to-image": Task.TEXT_TO_IMAGE,
    "other/text-to-image": Task.TEXT_TO_IMAGE,
    "arena/text-to-video": Task.TEXT_TO_VIDEO,
    "arena/image-to-video": Task.IMAGE_TO_VIDEO,
    "arena/image-edit": Task.IMAGE_EDIT,
    "arena/text": Task.TEXT,
}
FIRST = datetime(2025, 8, 22, tzinfo=UTC)


def fold_s() -> tuple[float, float]:
    """(seconds to read and fold all of it, seconds of the fold alone)."""
    chance = random.Random(1)
    payloads = [_payload(board, day, chance) for day in range(DAYS) for board in BOARDS]
    models = [_model(number) for number in range(MODELS)]
    names = collect(models, ())
    began = perf_counter()
    standings = [each for payload in payloads for each in standings_of(payload, names)]
    read = perf_counter()
    qualities = fold(standings, models, date(2026, 8, 22))
    ended = perf_counter()
    tasks = {task for _, task in qualities.known if task is not Task.INPAINT}  # inpainting borrows from editing
    if tasks != set(BOARDS.values()) or len(standings) != DAYS * MODELS * len(BOARDS):
        raise RuntimeError(f"{len(qualities.known)} qualities came of {len(standings)} standings")
    return ended - began, ended - read


def _payload(board: str, day: int, chance: random.Random) -> bytes:
    rows = tuple(_row(number, chance) for number in range(MODELS))
    taken_at = FIRST + timedelta(day)
    return payload_of(
        Reading(
            source="benchmark", board=board, task=BOARDS[board], taken_at=taken_at, attribution="", licence="", url="",
            rows=rows,
        )
    )  # fmt: skip


def _model(number: int) -> Model:
    return Model(id=f"maker/model-{number}", name=f"Model {number}", maker="maker", tasks=frozenset(BOARDS.values()))


def _row(number: int, chance: random.Random) -> Row:
    rating = 900 + 2 * number + chance.uniform(-5, 5)
    return Row(label=f"model-{number}", rating=rating, low=rating - 8, high=rating + 8, votes=1_000 + number)
