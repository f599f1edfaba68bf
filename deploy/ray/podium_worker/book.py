"""The one memory of a worker: which runs there are, how far they got, what they made. It computes nothing.

It forgets: an ended run is kept for a time and within limits, and a book that was restarted knows none of the runs of
before. A run that it does not know is told to stop, since nobody could fetch what it makes.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from podium_worker.settings import Keeping
from podium_worker.wire import ENDED, Ending, Made, OutputView, Presence, Problem, RunBody, RunView

SEED_BITS = 32
"""A drawn seed is short enough for every caller's numbers; one that is asked for may have 63."""
QUIET_S = 60.0
"""How long a replica counts as there after it last spoke; it speaks every few seconds (replica.py)."""


@dataclass
class Entry:
    """A run, and what of it no caller sees."""

    view: RunView
    asked: RunBody
    key: str | None
    ended_at: float | None = None
    stopping: bool = False
    made: tuple[Made, ...] = ()

    @property
    def size_bytes(self) -> int:
        return sum(len(each.data) for each in self.made)


@dataclass
class Book:
    """Runs in the order in which they came. `clock` gives seconds that only ever grow."""

    keeping: Keeping
    clock: Callable[[], float] = time.monotonic
    entries: dict[str, Entry] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    replicas: dict[str, tuple[float, Presence]] = field(default_factory=dict)

    def open(self, body: RunBody, key: str | None) -> tuple[RunView, bool] | Problem:
        """The run, and whether it is new; or why there is none. The same key never makes a second one."""
        self._forget()
        if key is not None and (known := self.entries.get(self.by_key.get(key, ""))):
            if known.asked != body:
                return Problem(code="conflict", message="this idempotency key was used with another body")
            return self._seen(known), False
        if len(self._waiting(body.model)) >= self.keeping.waiting_most:
            return Problem(code="queue_full", message=f"{self.keeping.waiting_most} runs of {body.model} wait already")
        seed = secrets.randbits(SEED_BITS) if body.seed is None else body.seed
        view = RunView(id=f"run_{secrets.token_hex(16)}", model=body.model, status="queued", seed=seed)
        self.entries[view.id] = entry = Entry(view, body, key)
        if key is not None:
            self.by_key[key] = view.id
        return self._seen(entry), True

    def look(self, id: str) -> RunView | None:
        self._forget()
        return self._seen(self.entries[id]) if id in self.entries else None

    def output(self, id: str, number: int) -> Made | None:
        made = self.entries[id].made if id in self.entries else ()
        return made[number] if 0 <= number < len(made) else None

    def cancel(self, id: str) -> RunView | None:
        """A run that waits ends now; one that runs is told at its next word, and ends when it has stopped."""
        if (entry := self.entries.get(id)) is None:
            return None
        if entry.view.status == "queued":
            self._end(entry, Ending(status="canceled"))
        entry.stopping = True
        return self._seen(entry)

    def begin(self, id: str) -> bool:
        """Whether the run is still wanted; from now on it runs."""
        entry = self.entries.get(id)
        if entry is None or entry.view.status != "queued":
            return False
        entry.view = entry.view.model_copy(update={"status": "running"})
        return True

    def tell(self, id: str, step: int, steps: int) -> bool:
        """How far a run has come; the answer is whether it is to go on."""
        entry = self.entries.get(id)
        if entry is None or entry.view.status != "running":
            return False
        entry.view = entry.view.model_copy(update={"step": step, "steps": steps})
        return not entry.stopping

    def end(self, id: str, ending: Ending) -> None:
        if (entry := self.entries.get(id)) is not None and entry.view.status == "running":
            self._end(entry, ending)
            self._forget()

    def lose(self, id: str, message: str) -> None:
        """Its replica has answered or died: a run that has not ended by then never will."""
        if (entry := self.entries.get(id)) is not None and entry.view.status not in ENDED:
            self._end(entry, Ending(status="failed", error=Problem(code="worker_lost", message=message)))

    def report(self, replica: str, loaded: Presence) -> None:
        self.replicas[replica] = (self.clock(), loaded)

    def present(self) -> list[Presence]:
        """The replicas that spoke lately."""
        since = self.clock() - QUIET_S
        self.replicas = {name: told for name, told in self.replicas.items() if told[0] >= since}
        return [loaded for _, loaded in self.replicas.values()]

    def queue(self) -> dict[str, int]:
        statuses = [entry.view.status for entry in self.entries.values()]
        return {"queued": statuses.count("queued"), "running": statuses.count("running")}

    def _end(self, entry: Entry, ending: Ending) -> None:
        told = ending.model_dump(include={"status", "gpu_seconds", "cold_seconds"}) | {"error": ending.error}
        outputs = tuple(_output_view(entry.view.id, number, made) for number, made in enumerate(ending.made))
        entry.view = entry.view.model_copy(update=told | {"outputs": outputs})
        entry.made, entry.ended_at = ending.made, self.clock()

    def _seen(self, entry: Entry) -> RunView:
        if entry.view.status != "queued":
            return entry.view
        ahead = 0
        for each in self.entries.values():
            if each is entry:
                break
            ahead += each.view.model == entry.view.model and each.view.status not in ENDED
        return entry.view.model_copy(update={"queue_ahead": ahead})

    def _waiting(self, model: str) -> list[Entry]:
        return [each for each in self.entries.values() if each.view.model == model and each.view.status == "queued"]

    def _forget(self) -> None:
        """Ended runs leave when their time is over, and the oldest before it where there are too many or too large."""
        ended = sorted((each for each in self.entries.values() if each.ended_at is not None), key=_ended_at)
        left, size_bytes = len(ended), sum(each.size_bytes for each in ended)
        for entry in ended:
            is_old = _ended_at(entry) < self.clock() - self.keeping.kept_s
            if not is_old and left <= self.keeping.runs_most and size_bytes <= self.keeping.output_bytes_most:
                return
            left, size_bytes = left - 1, size_bytes - entry.size_bytes
            del self.entries[entry.view.id]
            self.by_key.pop(entry.key or "", None)


def _ended_at(entry: Entry) -> float:
    return entry.ended_at or 0.0


def _output_view(id: str, number: int, made: Made) -> OutputView:
    told = made.model_dump(exclude={"data"})
    return OutputView(url=f"/v1/runs/{id}/outputs/{number}", size_bytes=len(made.data), **told)
