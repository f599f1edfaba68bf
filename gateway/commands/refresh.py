"""`podium refresh`: reads one kind of source now, over the network or from files, into the database itself."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from adapters.http import close_clients, open_clients
from gateway import clock
from gateway.catalog import settlements
from gateway.catalog.boards import ALIASES
from gateway.catalog.refreshing import LISTINGS, Refresher, listed_providers
from gateway.catalog.supply import read_supply
from gateway.commands.database import on_database
from gateway.commands.listings import NoShelf
from gateway.commands.terminal import Refused, show, table
from gateway.db import Database
from gateway.settings import settings
from gateway.snapshots import intake
from gateway.snapshots.intake import Taken
from gateway.snapshots.rules import moment
from router.feeds import sources, trust
from router.feeds.readings import AnyReading, Feed, Page, is_board, subject_of
from router.names import Names

FILES_MOST = 10_000
"""Files of one folder: a quarter of a century of days of one board."""

FILE_BYTES = 64 * 1024 * 1024
"""As much as a source's reply may have."""

SHOWN_MOST = 60
"""Lines that are drawn of one run; all are in the JSON."""

KINDS = (*sources.KINDS, LISTINGS)


def refresh(kind: str, source: str | None, place: Path | None, taken_at: str | None, as_json: bool) -> None:
    """Exit code 1 where nothing at all was believed."""
    source = ALIASES.get(source, source) if source else None
    if kind not in KINDS:
        raise Refused(f"there is no {kind} to refresh: choose one of {', '.join(KINDS)}")
    day = _day(taken_at)
    if place is None and day is not None:
        raise Refused("--taken-at is for --from: what the network says is of now")
    if place is None:
        made = on_database(lambda db: _asked(db, kind, source))
    else:
        files = files_of(place)
        made = on_database(lambda db: _from_files(db, kind, source, files, day))
    document = {"kind": kind, **made}
    show(document, as_json, lambda console: _draw(console, document))
    if document["refused"] and not document["read"]:
        typer.echo(f"podium: nothing was believed: {document['refused'][0]['why']}", err=True)
        raise typer.Exit(1)


def _day(taken_at: str | None) -> datetime | None:
    try:
        return moment(taken_at) if taken_at else None
    except ValueError:
        raise Refused(f"--taken-at: {taken_at} is no day or moment such as 2026-08-22") from None


async def _asked(db: Database, kind: str, source: str | None) -> dict[str, Any]:
    async with _refresher(db) as refresher:
        if kind == LISTINGS:
            providers = _listed(refresher, source)
            taken = [await refresher.listing(provider) for provider in providers]
        else:
            taken = [await refresher.feed(kind, feed) for feed in _feeds(kind, source)]
        names = await _names(db, refresher)
    return _document([(None, each) for each in taken], names)


@asynccontextmanager
async def _refresher(db: Database) -> AsyncIterator[Refresher]:
    clients = open_clients()
    try:
        yield Refresher(db, read_supply(settings()), clients, NoShelf())
    finally:
        await close_clients(clients)


async def _names(db: Database, refresher: Refresher) -> Names:
    return settlements.names_with(refresher.supply.names, await db.read(settlements.settled))


def _feeds(kind: str, source: str | None) -> list[Feed]:
    found = [feed for feed in sources.KINDS[kind] if source is None or feed.SOURCE.name == source]
    if not found:
        known = ", ".join(feed.SOURCE.name for feed in sources.KINDS[kind])
        raise Refused(f"{source} is no source of {kind}: choose one of {known}")
    return found


def _listed(refresher: Refresher, source: str | None) -> tuple[str, ...]:
    if source is not None and source not in refresher.supply.cards:
        raise Refused(f"there is no provider {source}")
    if source in sources.FEEDS:
        raise Refused(f"{source}'s list is read with its prices: `podium refresh prices --source {source}`")
    found = (source,) if source else listed_providers(refresher.supply)
    if not found:
        raise Refused("no provider with a list has a key here: docs/settings.md names their variables")
    return found


def files_of(place: Path) -> list[Path]:
    """The file, or all files of a folder and of those within it."""
    if not place.exists():
        raise Refused(f"{place} is not there")
    found = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    shown = [path for path in found if not path.name.startswith(".")]
    if not shown or len(shown) > FILES_MOST:
        raise Refused(f"{place} holds {len(shown)} files: at least one and at most {FILES_MOST} are read")
    return shown


async def _from_files(
    db: Database, kind: str, source: str | None, files: Iterable[Path], day: datetime | None
) -> dict[str, Any]:
    """Oldest first, so that each reading is judged against the one before it."""
    now = clock.now()
    pages = [(path, read_page(path, day, now)) for path in files]
    taken: list[tuple[Path | None, Taken]] = []
    for path, page in sorted(pages, key=lambda each: (_oldest(each[1], now), str(each[0]))):
        if reason := _unwanted(page, kind, source):
            taken.append((path, _refused(kind, path, page, reason)))
        elif isinstance(page, Page):
            names = sorted({reading.source for reading in page.readings})
            taken += [(path, await intake.take_in(db, kind, name, [_of(page, name)], now, True)) for name in names]
        else:
            taken.append((path, Taken(kind, page.source, (), 0, (page,))))
    supply = read_supply(settings())
    return _document(taken, settlements.names_with(supply.names, await db.read(settlements.settled)))


def read_page(path: Path, day: datetime | None, now: datetime) -> Page | trust.Refused:
    """What a file says, or why it is refused."""
    if path.stat().st_size > FILE_BYTES:
        return trust.Refused("file", "file", f"{path.stat().st_size} bytes; {FILE_BYTES} are read")
    body = path.read_bytes()
    return trust.understood("file", lambda: sources.read_file(str(path), body, now, day))


def _oldest(page: Page | trust.Refused, now: datetime) -> datetime:
    return min((reading.taken_at for reading in page.readings), default=now) if isinstance(page, Page) else now


def _of(page: Page, source: str) -> Page:
    return Page(tuple(reading for reading in page.readings if reading.source == source))


def _unwanted(page: Page | trust.Refused, kind: str, source: str | None) -> str | None:
    """Why a file is not what was asked for."""
    if isinstance(page, trust.Refused):
        return None
    kinds = {kind_of(reading) for reading in page.readings}
    if kind not in kinds:
        return f"it holds {' and '.join(sorted(kinds)) or 'nothing'}, and {kind} were asked for"
    if source and source not in {reading.source for reading in page.readings}:
        return f"it is of {page.readings[0].source}, and {source} was asked for"
    return None


def kind_of(reading: AnyReading) -> str:
    """The kind whose refresh a reading belongs to."""
    subject = subject_of(reading)
    if is_board(subject):
        return "boards"
    return {"prices": "prices", "notices": "notices"}.get(subject.partition("/")[0], LISTINGS)


def _refused(kind: str, path: Path, page: Page | trust.Refused, reason: str) -> Taken:
    name = page.readings[0].source if isinstance(page, Page) and page.readings else "file"
    return Taken(kind, name, (), 0, (trust.Refused(name, path.name, reason),))


def _document(taken: Iterable[tuple[Path | None, Taken]], names: Names) -> dict[str, Any]:
    taken = list(taken)
    read = [_line(path, reading, names) for path, each in taken for reading in each.good]
    refused = [
        {"source": each.name, "file": str(path) if path else None, "subject": one.subject, "why": one.sentence}
        for path, each in taken
        for one in each.refused
    ]
    read.sort(key=lambda line: (line["taken_at"], line["subject"]))
    return {"read": read, "refused": refused, "new": sum(each.new for _, each in taken)}


def _line(path: Path | None, reading: AnyReading, names: Names) -> dict[str, Any]:
    labels = {row.label for row in reading.rows}
    how = Counter(names.read_label(label).how for label in labels)
    return {
        "source": reading.source,
        "subject": subject_of(reading),
        "taken_at": reading.taken_at.isoformat().replace("+00:00", "Z"),
        "rows": len(reading.rows),
        "labels": len(labels),
        "resolved": sum(number for name, number in how.items() if name != "unresolved"),
        "file": str(path) if path else None,
    }


def _draw(console: Console, document: dict[str, Any]) -> None:
    drawn = table("subject", "source", "taken", "rows", "labels", "resolved", keep="subject")
    for row in document["read"][-SHOWN_MOST:]:
        figures = (str(row[name]) for name in ("rows", "labels", "resolved"))
        drawn.add_row(row["subject"], row["source"], row["taken_at"][:10], *figures)
    if document["read"]:
        console.print(drawn)
    if len(document["read"]) > SHOWN_MOST:
        console.print(f"[dim]the newest {SHOWN_MOST} of {len(document['read'])}[/]")
    for row in document["refused"]:
        where = Path(row["file"]).name if row["file"] else row["source"]
        console.print(f"[red]refused[/] {where} ({row['subject']}): {row['why']}", soft_wrap=True)
    refused = len(document["refused"])
    console.print(f"{len(document['read'])} readings believed, {document['new']} of them new; {refused} refused")
