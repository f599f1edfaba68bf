"""What the readings of an engine on an own machine mean: what is before a new run, and whether it is there. Pure.

A reading that is older than STALE_S says nothing, for or against an engine.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from adapters.engine_readings import Reading
from adapters.schema import Usage
from router.evidence import Load

EVERY_S = 10.0
"""Between two readings, unless the operator says otherwise."""
STALE_S = 60.0
"""Six readings that did not come: whoever takes them is gone, and what the last one said is no longer so."""
STALE_PERIODS = 6
SILENT = 2
"""Readings in a row without an answer after which an engine gets no new job: once may be a busy moment."""
LOST = 4
"""…and after which what it was given is given up: moving a run that goes on after all costs its time once more."""
SAID_CHARS = 200
SILENT_WORDS = "does not answer since"

GPU_SECOND = "gpu_second"


class Told(NamedTuple):
    """The newest reading of one engine, as it is stored. `others` are runs there that are not ours; `silent` is how
    often in a row it did not answer, `silent_since` when that began."""

    provider: str
    taken_at: datetime
    silent: int = 0
    silent_since: datetime | None = None
    said: str | None = None
    running: int | None = None
    waiting: int | None = None
    others: int = 0
    vram_free_bytes: int | None = None
    vram_bytes: int | None = None


def after(before: Told | None, provider: str, reading: Reading | str, ours: int, now: datetime) -> Told:
    """The reading that follows. `reading` is a sentence where the engine did not answer; `ours` are our own runs there,
    which its queue counts too."""
    if isinstance(reading, Reading):
        others = max(0, (reading.ahead or 0) - ours)
        return Told(provider, now, 0, None, None, reading.running, reading.waiting, others, *reading[2:])
    silent = before.silent if before else 0
    since = before.silent_since if before and before.silent_since else now
    return Told(provider, now, silent + 1, since, reading[:SAID_CHARS])


def is_fresh(told: Told, now: datetime, every_s: float = EVERY_S) -> bool:
    return (now - told.taken_at).total_seconds() <= max(STALE_S, STALE_PERIODS * every_s)


def obstacle(told: Told | None, now: datetime, every_s: float = EVERY_S) -> str | None:
    """Why an engine gets no new job."""
    if told is None or told.silent < SILENT or not is_fresh(told, now, every_s):
        return None
    return f"{SILENT_WORDS} {told.silent_since:%Y-%m-%dT%H:%M:%SZ}: {told.said}"


def is_lost(told: Told | None, now: datetime, every_s: float = EVERY_S) -> bool:
    """Whether what an engine was given is to be taken for gone."""
    return told is not None and told.silent >= LOST and is_fresh(told, now, every_s)


def load(
    told: Told | None, ours: int, slots: int, run_s: float, now: datetime, every_s: float = EVERY_S
) -> Load:  # fmt: skip
    """What is before a new run that takes `run_s`: our runs that have not ended, and those of others as last told.

    With so many slots, the wait is a run's time for each full round of them. All runs there count as long as this one.
    """
    is_told = told is not None and not told.silent and is_fresh(told, now, every_s)
    queue = ours + (told.others if told and is_told else 0)
    taken_at = told.taken_at.isoformat(timespec="seconds").replace("+00:00", "Z") if told and is_told else None
    return Load(queue, round(queue // slots * run_s, 3), taken_at)


def run_seconds(
    started_at: datetime, ended_at: datetime, poll_s: float, before_ended_at: datetime | None, beside: int, slots: int
) -> Decimal:
    """GPU seconds of a run by our own clock, for an engine that says nothing of time. Never more than it took.

    From the submit, or from the end of our run before it where there is one place only; to the last poll at which it
    may have ended. Where several run side by side, the machine's time is shared among ours (`beside`, this one too),
    but by no more than there are places: who waits for one takes nothing of it.
    """
    begun = max(started_at, before_ended_at) if before_ended_at and slots == 1 else started_at
    seconds = max(0.0, (ended_at - begun).total_seconds() - poll_s)
    return Decimal(str(round(seconds / max(1, min(beside, slots)), 3)))


def run_usage(usage: Usage) -> float | None:
    """Seconds that a run was worked on, where somebody measured them."""
    return float(usage[GPU_SECOND]) if GPU_SECOND in usage else None


def view(told: Told | None, ours: int, slots: int, now: datetime, every_s: float = EVERY_S) -> dict[str, Any]:
    """An engine as offers show it."""
    is_told = told is not None and is_fresh(told, now, every_s)
    seen: Mapping[str, Any] = told._asdict() if told and is_told else {}
    names = ("running", "waiting", "vram_free_bytes", "vram_bytes")
    return {
        "slots": slots,
        "queue": load(told, ours, slots, 0, now, every_s).queue,
        "reading_at": _written(told.taken_at) if told and is_told else None,
        "silent_since": _written(told.silent_since) if told and is_told and told.silent_since else None,
        **{name: seen.get(name) for name in names},
    }


def _written(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
