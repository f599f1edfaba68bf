"""`podium names unresolved` and `settle`: the labels that no rule resolves, and the operator's word on one of them."""

from typing import Any

from rich.console import Console
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.catalog import settlements
from gateway.catalog.supply import read_supply
from gateway.commands.database import on_database
from gateway.commands.terminal import Refused, show, table
from gateway.settings import settings
from gateway.snapshots import store
from router.feeds.readings import AnyReading, is_board, parse
from router.names import Names, OneModel, OneOffer
from router.unresolved import unresolved as listed

SHOWN_MOST = 60
"""Labels that are drawn; all are in the JSON."""

NONE, UNDO = "none", "undo"


def unresolved(everything: bool, as_json: bool) -> None:
    """Those of the newest reading of each subject: boards only, or everything."""
    supply = read_supply(settings())

    def read(connection: Connection) -> tuple[list[AnyReading], Names]:
        latest = [each for each in store.latest(connection) if everything or is_board(each.subject)]
        return [parse(each.payload) for each in latest], settlements.names_with(
            supply.names, settlements.settled(connection)
        )

    found = listed(*on_database(lambda db: db.read(read)), boards_only=not everything)
    rows = [
        {
            "label": each.label,
            "is_ranked": each.is_ranked,
            "seen_in": [{"source": source, "subject": subject} for source, subject in each.seen_in],
            "near": list(each.near),
        }
        for each in found
    ]
    show({"data": rows}, as_json, lambda console: _draw(console, rows))


def _draw(console: Console, rows: list[dict[str, Any]]) -> None:
    drawn = table("label", "seen in", "resembles", keep="label")
    for row in rows[:SHOWN_MOST]:
        drawn.add_row(row["label"], ", ".join(each["subject"] for each in row["seen_in"]), ", ".join(row["near"]))
    if rows:
        console.print(drawn)
    more = f"; the first {SHOWN_MOST} are shown, --json has all" if len(rows) > SHOWN_MOST else ""
    console.print(f"{len(rows)} labels mean no model here{more}")


def settle(label: str, model: str, as_json: bool) -> None:
    """A later word takes an earlier one's place."""
    if not label.strip():
        raise Refused("which label? it is empty")
    found = None if model in (NONE, UNDO) else _model(model)
    now = clock.now()

    def unit(connection: Connection) -> bool:
        if model == UNDO:
            return settlements.forget(connection, label)
        settlements.settle(connection, label, found, now)
        return True

    if not on_database(lambda db: db.together(unit)):
        raise Refused(f"nothing was settled of {label}")
    said = "is open again" if model == UNDO else f"is {found}" if found else "is none of ours"
    show({"label": label, "model": found, "settled": model != UNDO}, as_json, lambda c: c.print(f"{label} {said}"))


def _model(name: str) -> str:
    match read_supply(settings()).names.resolve(name):
        case OneModel(model) | OneOffer(_, model):
            return model
        case _:
            raise Refused(f"nothing here is named {name}: `podium models --all` lists what there is")
