"""What looking for engines found, kept as snapshots: one subject for each host, written when it says something new."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from adapters.http import Clients, Shelf
from gateway import clock
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.engines.discovery import HOME, BadHost, Found, Searcher, origins
from gateway.problems import Unavailable
from gateway.snapshots import store
from gateway.ticks.rules import Tick

SOURCE = "discover"
SUBJECT = "engines/"
TICK = Tick("discover", every_s=900, deadline_s=300)
"""Engines are started and stopped by hand: a quarter of an hour is soon enough, and no load."""
SAME_FOR = timedelta(days=1)
"""A finding that says what the last one said is kept once in this time."""


def hosts_of(said: str | None) -> tuple[str, ...]:
    """The setting as hosts: "on" is this one, "off" and nothing are none. Raises Unavailable."""
    if said is None or said.strip().lower() in ("", "off"):
        return ()
    named = (HOME,) if said.strip().lower() == "on" else tuple(each.strip() for each in said.split(",") if each.strip())
    try:
        origins(named)
    except BadHost as error:
        raise Unavailable(f"PODIUM_DISCOVER: {error}") from error
    return named


async def search(db: Database, supply: Supply, clients: Clients, shelf: Shelf, hosts: tuple[str, ...]) -> str:
    """One look at all hosts, kept; says in a sentence what was found."""
    searcher, said = Searcher(supply, clients, shelf), []
    for host in hosts:
        found = await searcher.look([host])
        await keep(db, host, found, clock.now())
        known = [f"{each.engine} at {each.address}" for each in found if each.engine]
        said.append(f"{host}: {', '.join(known) or 'no engine'}")
    return "; ".join(said)


async def keep(db: Database, host: str, found: tuple[Found, ...], now: datetime) -> None:
    """The proposal itself is not kept: it is made anew from what was found."""
    engines = [{name: value for name, value in each.document().items() if name != "card"} for each in found]
    payload = json.dumps({"kind": "engines", "host": host, "engines": engines}, ensure_ascii=False)

    def unit(connection: Connection) -> None:
        last = store.last(connection, SOURCE, SUBJECT + host, now)
        if last is None or last.payload != payload or now - last.taken_at >= SAME_FOR:
            store.add(connection, SOURCE, SUBJECT + host, now, payload.encode(), now)

    await db.together(unit)


def newest(connection: Connection) -> list[Mapping[str, Any]]:
    """The engines of the newest finding at each host, with when it was made."""
    rows: list[Mapping[str, Any]] = []
    for snapshot in store.latest(connection, SOURCE):
        document = json.loads(snapshot.payload)
        rows += [{**each, "host": document["host"], "found_at": snapshot.taken_at} for each in document["engines"]]
    return rows
