"""Server-sent events of the API: lines into events, and events into the rows of a log. Pure; it opens no connection."""

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

DONE = "done"
KEPT = 200
"""Rows of one job's log: the first and what came last say what happened between."""


class Event(NamedTuple):
    """One event. `id` is what its listener says next time, to be told what came after it."""

    id: str
    name: str
    data: Mapping[str, Any]


class Heard(NamedTuple):
    """An event and when it was heard here, by a clock that only goes forward."""

    at_s: float
    event: Event


def read(lines: Iterable[str]) -> Iterator[Event]:
    """Events as their lines come; comments, and what is no JSON object, are left out."""
    said: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            said[name] = value.removeprefix(" ")
        elif event := _event(said):
            said = {}
            yield event
        else:
            said = {}


def _event(said: Mapping[str, str]) -> Event | None:
    try:
        data = json.loads(said.get("data", ""))
    except ValueError:
        return None
    return Event(said.get("id", ""), said.get("event", "message"), data) if isinstance(data, dict) else None


def log(heard: Sequence[Heard]) -> list[dict[str, Any]]:
    """Rows of a job's log, the newest first; `heard` is in seconds since the first look."""
    rows = [
        {"heard": each.at_s - heard[0].at_s, "event": each.event.name, "says": _words(each.event)}
        for each in heard
        if each.event.name != DONE
    ]
    return list(reversed(rows))[:KEPT]


def _words(event: Event) -> str:
    data = event.data
    match event.name:
        case "status":
            return str(data.get("status", ""))
        case "progress":
            return f"{float(data.get('progress', 0)):.0%}"
        case "attempt":
            fault = f", {data['fault']}".replace("_", " ") if data.get("fault") else ""
            return f"{data.get('number')}. at {data.get('offer')}: {data.get('status')}{fault}"
        case "delta":
            return f"{len(str(data.get('text', ''))):,} characters"
        case "partial":
            return f"a picture on its way, number {data.get('index')}"
        case _:
            return ""


def text(heard: Sequence[Event]) -> str:
    """The words that came so far. A further attempt writes them anew."""
    told = ""
    for each in heard:
        if each.name == "attempt" and each.data.get("number", 1) > 1 and each.data.get("status") == "open":
            told = ""
        elif each.name == "delta":
            told += str(each.data.get("text", ""))
    return told


def partial(heard: Sequence[Event]) -> bytes | None:
    """The newest picture that is not done yet."""
    shown = [each.data for each in heard if each.name == "partial"]
    return b64decode(shown[-1]["base64"]) if shown else None
