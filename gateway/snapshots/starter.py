"""The standings that Podium brings along, so that a first start without a network has something to believe.

They become ordinary snapshots, dated when their boards were read: any later reading of the same board is newer.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.engine import Connection

from gateway.snapshots import store
from gateway.snapshots.rules import moment

FOLDER = Path(__file__).parent / "starter"


class Reading(NamedTuple):
    source: str
    board: str
    taken_at: datetime
    payload: bytes


def readings() -> tuple[Reading, ...]:
    """The files of `starter/`, in the order of their names. Raises ValueError or KeyError for one that is broken."""
    return tuple(_reading(path.read_bytes()) for path in sorted(FOLDER.glob("*.json")))


def _reading(payload: bytes) -> Reading:
    document = json.loads(payload)
    return Reading(document["source"], document["board"], moment(document["taken_at"]), payload)


def load_starter(connection: Connection, now: datetime) -> int:
    """Add the starter standings; how many were new. Repeating it changes nothing."""
    return sum(store.add(connection, each.source, each.board, each.taken_at, each.payload, now) for each in readings())
