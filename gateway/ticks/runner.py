"""Runs ticks: each replica asks for every tick, one gets it. What a tick does is given to it."""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from gateway import clock, telemetry
from gateway.db import Database
from gateway.ticks import store
from gateway.ticks.rules import NotDone, Tick

log = structlog.get_logger()

LOOK_S = 15
"""How often a replica asks whether a tick is due."""

Work = Callable[[], Awaitable[str]]
"""Does what a tick is for, and says in a sentence what that was."""


@dataclass
class Ticks:
    """The ticks of one process."""

    db: Database
    works: Mapping[Tick, Work]
    who: str = field(default_factory=lambda: f"{socket.gethostname()}/{clock.new_id('tck')[-8:]}")

    async def look(self) -> list[str]:
        """Run every tick that is due and free, side by side. Returns the names of those that ran here."""
        ran = await asyncio.gather(*[self.run(tick, work) for tick, work in self.works.items()])
        return [tick.name for tick, did in zip(self.works, ran, strict=True) if did]

    async def run(self, tick: Tick, work: Work) -> bool:
        """One tick, if it is due and nobody runs it."""
        now = clock.now()
        if not await self.db.together(lambda connection: store.claim(connection, tick, self.who, now)):
            return False
        said, failed = await self._done(tick, work)
        chance = random.random()
        await self.db.together(
            lambda connection: store.ended(connection, tick, self.who, clock.now(), said, failed, chance)
        )
        return True

    async def _done(self, tick: Tick, work: Work) -> tuple[str, bool]:
        try:
            with telemetry.TICK_SECONDS.labels(tick.name).time():
                async with asyncio.timeout(tick.deadline_s):
                    said = await work()
        except NotDone as error:
            telemetry.TICKS.labels(tick.name, "failed").inc()
            log.warning("a tick could not be done", tick=tick.name, said=str(error))
            return str(error), True
        except Exception as error:  # a tick's edge: whatever it is, the others run on, and it is tried again
            telemetry.TICKS.labels(tick.name, "failed").inc()
            log.exception("a tick failed", tick=tick.name)
            return f"{type(error).__name__}: {error}", True
        telemetry.TICKS.labels(tick.name, "succeeded").inc()
        log.debug("ticked", tick=tick.name, said=said)
        return said, False
