"""`podium fund` and `podium ledger`: put money on a key, check, export and reconcile the books, in the database."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.commands.database import on_database
from gateway.commands.terminal import Refused, show, table
from gateway.keys import service as keys
from gateway.ledger import book, rules
from gateway.usage import audit, invoices, reconciliation
from gateway.usage.export import Format, export as export_to
from gateway.usage.invoices import InvoiceRefused


def fund(key_id: str, usd: str, reference: str | None, as_json: bool) -> None:
    entry = rules.fund(key_id, _nanos(usd), reference or clock.new_id("cli"))
    now = clock.now()

    def unit(connection: Connection) -> tuple[book.Answer | None, int]:
        answer = book.post(connection, entry, now) if keys.find(connection, key_id) else None
        return answer, book.balance(connection, rules.available(key_id))

    match on_database(lambda db: db.together(unit)):
        case (book.Posted(entry_id) | book.Repeated(entry_id), nanos):
            funded, balance = rules.usd(entry.postings[0].nanos), rules.usd(nanos)
            document = {"entry": str(entry_id), "key": key_id, "usd": funded, "balance_usd": balance}
            show(document, as_json, lambda console: console.print(f"{key_id} has {balance} USD, {funded} of it new"))
        case (book.Clash(key), _):
            raise Refused(f"{key} already funded another key or amount: use a new reference for a new payment")
        case _:
            raise Refused(f"there is no key {key_id}: `podium keys list` shows them")


def _nanos(usd: str) -> int:
    try:
        nanos = rules.nanos(Decimal(usd))
    except InvalidOperation:
        raise Refused(f"{usd} is not an amount of US dollars, such as 5 or 0.25") from None
    if not nanos:
        raise Refused("fund with more than nothing")
    return nanos


def verify(as_json: bool) -> None:
    """Exit code 1 when something is wrong; the findings are in the document, or drawn."""
    report = on_database(lambda db: db.read(audit.verify))

    def draw(console: Console) -> None:
        counted = f"{report.entries} entries on {report.accounts} accounts, {report.open_holds} open holds"
        console.print(
            f"[green]The books balance[/]: {counted}" if report.ok else f"[red]The books are off[/]: {counted}"
        )
        for finding in report.findings:
            console.print(f"  {finding}")

    show(report._asdict(), as_json, draw)
    if not report.ok:
        typer.echo(f"podium: the books do not balance: {len(report.findings)} findings", err=True)
        raise typer.Exit(1)


def export(kind: str, first: str | None, last: str | None, place: Path, as_json: bool) -> None:
    """Days are whole and in UTC, the last one included; without them all there is."""
    if kind not in list(Format):
        raise Refused(f"--format is {', '.join(Format)}, not {kind}")
    begins, ends = _midnight(first) or _beginning(), _after(last) or _after(clock.now().date().isoformat())
    assert ends is not None
    if not place.resolve().parent.is_dir():
        raise Refused(f"there is no folder {place.resolve().parent}")
    rows = on_database(lambda db: export_to(db, Format(kind), begins, ends, place))
    document = {"file": str(place), "format": kind, "from": begins, "until": ends, "rows": rows}
    show(document, as_json, lambda console: console.print(f"{rows} rows in {place}"))


def _beginning() -> datetime:
    """Before anything could be posted."""
    return datetime(2000, 1, 1, tzinfo=UTC)


def reconcile(
    provider: str, file: Path, named: Sequence[str], first: str | None, last: str | None, post: bool, as_json: bool
) -> None:
    """Exit code 0 whatever is found: a difference is an answer. 1 where a correction could not be posted."""
    from adapters.registry import load_catalog  # here, for the other commands of the ledger need no catalog

    try:
        lines = invoices.read(file.read_text(encoding="utf-8"), invoices.columns(named))
        period = reconciliation.period_of(lines, _midnight(first), _after(last))
    except (InvoiceRefused, OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file}: {error}") from error
    card = load_catalog().cards.get(provider)
    wire_ids = {offer.id: offer.wire_id for offer in card.offers} if card else {}
    made = on_database(lambda db: reconciliation.reconcile(db, provider, lines, period, wire_ids, post))
    document = reconciliation.document(made)
    show(document, as_json, lambda console: _draw(console, document))
    if made.refused:
        typer.echo(f"podium: {len(made.refused)} corrections were refused: {made.refused[0]}", err=True)
        raise typer.Exit(1)


def _draw(console: Console, document: dict[str, Any]) -> None:
    console.print(
        f"{document['lines']} lines of {document['provider']} beside {document['attempts']} attempts: "
        f"{document['agreed']} agree, {len(document['differences'])} differ by {document['difference_usd']} USD in all"
    )
    drawn = table("kind", "line", "attempt", "theirs", "ours", "why", keep="attempt")
    for each in document["differences"]:
        places = ", ".join(map(str, each["lines"]))
        drawn.add_row(each["kind"], places, each["attempt"] or "", each["theirs_usd"], each["ours_usd"], each["why"])
    if document["differences"]:
        console.print(drawn)
    if document["posted"]:
        console.print(f"{document['posted']} corrections posted")


def _midnight(words: str | None) -> datetime | None:
    if words is None:
        return None
    try:
        day = date.fromisoformat(words)
    except ValueError:
        raise Refused(f"{words} is not a day, such as 2026-11-21") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _after(words: str | None) -> datetime | None:
    """When the day is over."""
    begun = _midnight(words)
    return begun + timedelta(days=1) if begun else None
