"""A workflow's events, made from its rows: what a listener has been told stands in the id of the last event. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.jobs.views import Link
from gateway.workflows import views
from gateway.workflows.rules import STEPS
from gateway.workflows.store import Seen

DONE = "done"
_LETTERS = {
    "waiting": "w", "ready": "e", "queued": "q", "running": "r", "succeeded": "s", "failed": "f", "canceled": "c",
    "skipped": "k",
}  # fmt: skip
_ID = re.compile(rf"([{''.join(_LETTERS.values())}]{{1,{STEPS}}})|{DONE}")


class Happening(NamedTuple):
    """One event, and what its listener knows afterwards: a letter for each step, or that it is done."""

    name: str
    data: Mapping[str, Any]
    told: str

    def __str__(self) -> str:
        return f"id: {self.told}\nevent: {self.name}\ndata: {json.dumps(self.data)}\n\n"


def told_by(last_event_id: str | None) -> str:
    """What a listener says it was told last; one that says nothing we know is told all."""
    return last_event_id if last_event_id and _ID.fullmatch(last_event_id) else ""


def after(told: str, seen: Seen, link: Link) -> list[Happening]:
    """What is new to a listener: a `step` for each that has changed, `done` with the whole when it has ended."""
    if told == DONE:
        return []
    shown = views.view(seen, link)
    known = told.ljust(len(shown["steps"]), "w")
    found: list[Happening] = []
    for index, step in enumerate(shown["steps"]):
        letter = _LETTERS[step["status"]]
        if letter != known[index]:
            known = known[:index] + letter + known[index + 1 :]
            found.append(Happening("step", step, known))
    return [*found, Happening(DONE, shown, DONE)] if seen.is_final else found
