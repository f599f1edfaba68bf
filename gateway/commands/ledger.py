"""`podium fund` and `podium ledger`: put money on a key, and check the books, in the database itself."""

from decimal import Decimal, InvalidOperation

import typer
from rich.console import Console
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.commands.database import on_database
from gateway.commands.terminal import Refused, show
from gateway.keys import service as keys
from gateway.ledger import audit, book, rules


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
