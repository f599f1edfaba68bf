"""`podium names unresolved` and `settle`: the labels that no rule resolves, and the operator's word on one of them."""

from typing import Any

from rich.console import Console

from gateway import clock
from gateway.catalog import naming
from gateway.catalog.naming import UNDO
from gateway.catalog.supply import read_supply
from gateway.commands.database import on_database
from gateway.commands.terminal import Refused, show, table
from gateway.settings import settings

SHOWN_MOST = 60
"""Labels that are drawn; all are in the JSON."""


def unresolved(everything: bool, as_json: bool) -> None:
    """Those of the newest reading of each subject: boards only, or everything."""
    names = read_supply(settings()).names
    rows = on_database(lambda db: naming.open_labels(db, names, everything))
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
    names, now = read_supply(settings()).names, clock.now()
    try:
        done = on_database(lambda db: naming.settle(db, names, label, model, now))
    except LookupError:
        raise Refused(f"nothing here is named {model}: `podium models --all` lists what there is") from None
    if done is None:
        raise Refused(f"nothing was settled of {label}")
    said = "is open again" if model == UNDO else f"is {done.model}" if done.model else "is none of ours"
    document = {"label": label, "model": done.model, "settled": done.is_settled}
    show(document, as_json, lambda console: console.print(f"{label} {said}"))
