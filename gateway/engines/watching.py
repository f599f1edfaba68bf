"""Asks every engine on an own machine how it is, and writes the newest answer down; it runs and stops nothing there.

What an engine was given that is lost is hurried to its next turn, so that its jobs need not wait for a slow poll.
"""

import asyncio

from sqlalchemy.engine import Connection

from adapters import engine_readings
from adapters.engine_readings import Reading
from adapters.http import Clients, Shelf, answered
from adapters.registry import DIALECTS
from adapters.schema import ProviderCard
from adapters.wire import Call, Reply
from gateway import clock
from gateway.attempts import store as attempts
from gateway.engines import rules, store
from gateway.engines.rules import Told
from gateway.engines.service import Engines
from gateway.ticks.rules import Tick

CALL_S = 5.0
"""An engine on one's own network that needs longer for a small page is as good as away."""
AT_ONCE = 16
"""Engines that are asked side by side."""
DEADLINE_S = 60.0

NAME = "engines"


def tick(every_s: float) -> Tick:
    return Tick(NAME, every_s, DEADLINE_S)


async def watch(engines: Engines, clients: Clients, shelf: Shelf) -> str:
    """One reading of each engine that has an address and says how its readings are taken."""
    places = asyncio.Semaphore(AT_ONCE)
    cards = [card for name in engines.supply.own if (card := engines.supply.cards[name]).health]

    async def asked(card: ProviderCard) -> Reading | str:
        async with places:
            return await _asked(card, engines.supply.keys[card.name], clients, shelf)

    readings = dict(zip([card.name for card in cards], await asyncio.gather(*map(asked, cards)), strict=True))

    def unit(connection: Connection) -> list[Told]:
        now, before = clock.now(), store.newest(connection)
        ours = attempts.open_at(connection, tuple(readings))
        told = [rules.after(before.get(name), name, each, ours.get(name, 0), now) for name, each in readings.items()]
        store.keep(connection, told)
        lost = [each.provider for each in told if rules.is_lost(each, now, engines.every_s)]
        attempts.hurry_at(connection, lost, now)
        return told

    told = await engines.db.together(unit)
    silent = [f"{each.provider} {each.said}" for each in told if each.silent]
    return f"{len(told) - len(silent)} of {len(told)} engines answered{''.join(f'; {each}' for each in silent)}"


async def _asked(card: ProviderCard, key: str | None, clients: Clients, shelf: Shelf) -> Reading | str:
    """What an engine tells, or why it counts as silent."""
    assert card.health is not None
    brief = card.model_copy(update={"timeout_s": CALL_S})

    async def reply_to(call: Call) -> Reply | None:
        return await answered(clients, brief, DIALECTS[card.dialect], call, key, shelf, now=clock.now())

    first, *others = engine_readings.calls(card, card.health)
    reply = await reply_to(first)
    if not engine_readings.is_well(reply):
        return f"it answered {reply.status}" if reply else f"it cannot be reached, or needs more than {CALL_S:g} s"
    return engine_readings.read(card.health.kind, (reply, *[await reply_to(call) for call in others]))
