"""Asks every provider that can be used here whether its host answers, and writes down since when it does not.

It sends one request without a key, runs nothing and judges no offer: what attempts meet counts for that.
"""

import asyncio
from collections.abc import Mapping

from sqlalchemy.engine import Connection

from adapters.http import answered
from adapters.registry import DIALECTS
from adapters.schema import ProviderCard
from adapters.wire import Call
from gateway import clock
from gateway.catalog.refreshing import Refresher
from gateway.snapshots import feeds
from gateway.snapshots.feeds import Run
from gateway.ticks.rules import NotDone, Tick
from gateway.ticks.runner import Work

HEALTH = "health"
EVERY_S = 900.0
DEADLINE_S = 120.0
CALL_S = 15.0
"""A host that says nothing for so long would say nothing to a job either."""
AT_ONCE = 8
"""Hosts that are asked side by side."""

_PROBE = Call(stage="health", method="GET", url="/")


def ticks(refresher: Refresher) -> Mapping[Tick, Work]:
    """One tick for all providers together; none where none can be used."""
    if not refresher.supply.real_providers:
        return {}
    return {Tick(HEALTH, EVERY_S, DEADLINE_S): lambda: look(refresher)}


async def look(refresher: Refresher) -> str:
    """Ask all of them. Raises NotDone where none answered: then it may be our own line that is cut."""
    names, places = refresher.supply.real_providers, asyncio.Semaphore(AT_ONCE)

    async def asked(name: str) -> str | None:
        async with places:
            return await _silence(refresher, refresher.supply.cards[name])

    found = dict(zip(names, await asyncio.gather(*map(asked, names)), strict=True))
    await refresher.db.together(lambda connection: _record(connection, found))
    silent = [f"{name} {reason}" for name, reason in found.items() if reason]
    if len(silent) == len(found):
        raise NotDone(f"no provider answered: {'; '.join(silent)}")
    return f"{len(found) - len(silent)} of {len(found)} providers answered{''.join(f'; {each}' for each in silent)}"


async def _silence(refresher: Refresher, card: ProviderCard) -> str | None:
    """Why a host counts as away; None where it answered anything but a fault of its own."""
    brief = card.model_copy(update={"timeout_s": CALL_S})
    dialect = DIALECTS[card.dialect]
    reply = await answered(refresher.clients, brief, dialect, _PROBE, None, refresher.shelf, now=clock.now())
    if reply is None:
        return f"cannot be reached, or did not answer within {CALL_S:g} s"
    return f"answered {reply.status}" if reply.status >= 500 else None


def _record(connection: Connection, found: Mapping[str, str | None]) -> None:
    now = clock.now()
    for name, reason in found.items():
        feeds.record(connection, Run(HEALTH, name, int(reason is None), 0, now, 0, reason), now)
