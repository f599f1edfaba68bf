"""A job's events, made from its rows: what a listener has been told stands in the id of the last event. Pure.

So a listener who comes back goes on where it stopped, at any replica, and nothing need be kept for it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from adapters.wire import Heard
from gateway.jobs import views
from gateway.jobs.rules import FINAL, Status
from gateway.jobs.service import Seen
from gateway.jobs.views import Link

DONE = "done"
_ID = re.compile(r"([a-z]*)\.([123]{0,99})\.(\d{1,4})\.(\d{1,9})")
_RANKS = {"open": 1, "unknown": 2}
ENDED = 3


class Told(NamedTuple):
    """What a listener knows of a job.

    Its status (or that it is done); of each attempt whether it began (1), is unknown (2) or ended (3); progress in
    thousandths; and how many characters of the latest attempt's words.
    """

    status: str = ""
    attempts: tuple[int, ...] = ()
    permille: int = 0
    chars: int = 0

    @property
    def id(self) -> str:
        return f"{self.status}.{''.join(map(str, self.attempts))}.{self.permille}.{self.chars}"

    def said(self, words: str) -> "Told":
        return self._replace(chars=self.chars + len(words))


class Happening(NamedTuple):
    """One event, and what its listener knows afterwards."""

    name: str
    data: Mapping[str, Any]
    told: Told

    def __str__(self) -> str:
        return f"id: {self.told.id}\nevent: {self.name}\ndata: {json.dumps(self.data)}\n\n"


def told_by(last_event_id: str | None) -> Told:
    """What a listener says it was told last; one that says nothing we know is told all."""
    found = _ID.fullmatch(last_event_id or "")
    if found is None or found[1] not in ("", DONE, *Status):
        return Told()
    return Told(found[1], tuple(map(int, found[2])), int(found[3]), int(found[4]))


def delta(told: Told, heard: Heard) -> Happening:
    """What was heard of a stream. A partial picture leaves nothing behind: who comes back is shown the latest again."""
    if isinstance(heard, str):
        return Happening("delta", {"text": heard}, told.said(heard))
    return Happening("partial", {"index": heard.index, "mime": heard.mime, "base64": heard.base64}, told)


def after(told: Told, seen: Seen, link: Link) -> list[Happening]:
    """What is new to a listener. The last of a job that has ended is `done`, with all of it."""
    found: list[Happening] = []
    job, status = seen.job, Status(seen.job["status"])
    is_final = status in FINAL
    if told.status == DONE:
        return []
    if told.status != status and not is_final:
        told = told._replace(status=status.value)
        found.append(Happening("status", {"id": job["id"], "status": status.value}, told))
    for each in _attempts(told, seen.attempts):
        found.append(each)
        told = each.told
    permille = round(job["progress"] * 1_000)
    if permille != told.permille and not is_final:
        told = told._replace(permille=permille)
        found.append(Happening("progress", {"progress": job["progress"]}, told))
    return found + _end(told, seen, link) if is_final else found


def _attempts(told: Told, rows: Sequence[Mapping[Any, Any]]) -> list[Happening]:
    """Attempts that began, became unknown or ended. With each further one the words begin anew."""
    found = []
    for index, row in enumerate(rows):
        known = told.attempts[index] if index < len(told.attempts) else 0
        rank = _RANKS.get(row["status"], ENDED)
        if rank <= known:
            continue
        ranks = (*told.attempts[:index], rank, *told.attempts[index + 1 :])
        told = told._replace(attempts=ranks, chars=0 if index and not known else told.chars)
        found.append(Happening("attempt", {"number": row["number"]} | views.attempt(row), told))
    return found


def _end(told: Told, seen: Seen, link: Link) -> list[Happening]:
    """Words that were not told yet, then the whole job."""
    found = []
    outputs = json.loads(seen.job["outputs"] or "[]")
    text = (outputs[0].get("text") or "") if outputs else ""
    if len(text) > told.chars:
        rest = delta(told, text[told.chars :])
        found, told = [rest], rest.told
    status = told._replace(status=seen.job["status"])
    found.append(Happening("status", {"id": seen.job["id"], "status": status.status}, status))
    found.append(Happening(DONE, views.view(seen, link), told._replace(status=DONE)))
    return found
