"""Labels that mean no model of ours: listed from the kept readings, and settled by the operator's word."""

import asyncio
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from gateway.catalog import settlements
from gateway.db import Database
from gateway.snapshots import store
from router.feeds.readings import AnyReading, is_board, parse
from router.names import Names, OneModel, OneOffer
from router.unresolved import unresolved

NONE, UNDO = "none", "undo"
"""In place of a model: it is none of ours; what was settled before counts no more."""


class Settled(NamedTuple):
    """What a label means from now on. `is_settled` is false where a settlement was taken back."""

    label: str
    model: str | None
    is_settled: bool


async def open_labels(db: Database, names: Names, everything: bool = False) -> list[dict[str, Any]]:
    """Those of the newest reading of each board, or of whatever was read; those on boards first."""

    def read(connection: Connection) -> tuple[list[str], Names]:
        kept = [each for each in store.latest(connection) if not each.subject.startswith("engines/")]
        latest = [each.payload for each in kept if everything or is_board(each.subject)]
        return latest, settlements.names_with(names, settlements.settled(connection))

    payloads, settled = await db.read(read)
    return await asyncio.to_thread(_listed, payloads, settled, everything)  # tens of milliseconds, more with all


def _listed(payloads: list[str], names: Names, everything: bool) -> list[dict[str, Any]]:
    readings: list[AnyReading] = [parse(each) for each in payloads]
    return [
        {
            "label": each.label,
            "is_ranked": each.is_ranked,
            "seen_in": [{"source": source, "subject": subject} for source, subject in each.seen_in],
            "near": list(each.near),
        }
        for each in unresolved(readings, names, boards_only=not everything)
    ]


async def settle(db: Database, names: Names, label: str, model: str, now: datetime) -> Settled | None:
    """The last word on a label: a model's id or any name of it, NONE or UNDO. None: nothing was settled to undo.

    Raises LookupError for a name that means no one model.
    """
    if model == UNDO:
        was = await db.together(lambda connection: settlements.forget(connection, label))
        return Settled(label, None, False) if was else None
    found = None if model == NONE else _model(names, model)
    await db.together(lambda connection: settlements.settle(connection, label, found, now))
    return Settled(label, found, True)


def _model(names: Names, name: str) -> str:
    match names.resolve(name):
        case OneModel(model) | OneOffer(_, model):
            return model
        case _:
            raise LookupError(name)
