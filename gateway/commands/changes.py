"""`podium changes` and `podium prices`: read from the database itself, for the operator at the machine."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape

from gateway import clock
from gateway.catalog import prices
from gateway.catalog.prices import NotOpen
from gateway.catalog.supply import read_supply
from gateway.changes import atom, store
from gateway.changes.routes import view
from gateway.commands.database import on_database
from gateway.commands.terminal import Refused, show, table
from gateway.settings import settings
from gateway.snapshots.rules import moment

LISTED = 500
"""Rows of one listing, the newest."""

THE_OPERATOR = "the operator"


def changes(since: str | None, as_json: bool) -> None:
    """Newest first; since a day, a moment, or so many days ago ("7d")."""
    begins = since_of(since, clock.now())
    rows = on_database(lambda db: db.read(lambda connection: store.listing(connection, LISTED, since=begins)))
    shown = [view(row) for row in rows]
    show({"data": shown}, as_json, lambda console: _draw(console, shown))


def since_of(since: str | None, now: datetime) -> datetime | None:
    if since is None:
        return None
    try:
        if since.endswith("d") and since[:-1].isdigit():
            return now - timedelta(days=int(since[:-1]))
        return moment(since)
    except (ValueError, OverflowError):
        raise Refused(f"{since} is no day: write 2026-11-21, or 7d for the last seven days") from None


def _draw(console: Console, rows: list[dict[str, Any]]) -> None:
    drawn = table("on", "what", "subject", "change", "evidence", keep="subject")
    for row in rows:
        came = f"{row['before']} → {row['after']}" if row["before"] else str(row["after"] or "")
        drawn.add_row(row["on"], row["kind"], escape(row["subject"]), escape(came), escape(row["evidence"]))
    console.print(drawn if rows else "[dim]nothing has changed; `podium refresh` reads what the world says[/]")


def proposals(everything: bool, as_json: bool) -> None:
    """Prices that sources say and the cards do not."""
    status = None if everything else prices.Status.OPEN.value
    rows = on_database(lambda db: db.read(lambda connection: prices.listing(connection, LISTED, status=status)))
    shown = [_plain(prices.view(row)) for row in rows]
    show({"data": shown}, as_json, lambda console: _draw_proposals(console, shown))


def _draw_proposals(console: Console, rows: list[dict[str, Any]]) -> None:
    drawn = table("proposal", "offer", "unit", "in force", "said", "by", "status", keep="proposal")
    for row in rows:
        unit = row["unit"] + (f" {row['when']}" if row["when"] else "")
        drawn.add_row(
            row["id"], row["offer"], escape(unit), row["before_usd"], row["after_usd"], ", ".join(row["sources"]),
            row["status"],
        )  # fmt: skip
    console.print(drawn if rows else "[dim]no price differs from what the sources say[/]")


def accept(proposal_id: str, as_json: bool) -> None:
    supply, now = read_supply(settings()), clock.now()
    _decided(
        on_database(
            lambda db: db.together(lambda connection: prices.accept(connection, proposal_id, supply, THE_OPERATOR, now))
        ),
        proposal_id,
        as_json,
    )


def refuse(proposal_id: str, as_json: bool) -> None:
    now = clock.now()
    _decided(
        on_database(
            lambda db: db.together(lambda connection: prices.refuse(connection, proposal_id, THE_OPERATOR, now))
        ),
        proposal_id,
        as_json,
    )


def _decided(done: object, proposal_id: str, as_json: bool) -> None:
    if isinstance(done, NotOpen):
        known = f"is {done.status}" if done.status != "unknown" else "does not exist"
        raise Refused(f"{proposal_id} {known}: `podium prices list` shows those that are open")
    row = on_database(lambda db: db.read(lambda connection: prices.find(connection, proposal_id)))
    assert row is not None, "it was decided just now"
    shown = _plain(prices.view(row))
    show(shown, as_json, lambda console: console.print(f"{proposal_id} is {shown['status']}"))


def _plain(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Times as the API writes them."""
    return {name: atom.moment(value) if isinstance(value, datetime) else value for name, value in shown.items()}
