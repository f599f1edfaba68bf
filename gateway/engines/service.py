"""What is known at the moment of the engines on own machines, in every process: their readings, and our runs there.

It asks no engine anything (gateway.engines.watching does) and chooses nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from adapters.schema import EngineHealth
from gateway.attempts import store as attempts
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.engines import rules, store
from gateway.engines.rules import EVERY_S, Told
from router.evidence import Load

State = tuple[tuple[str, int, datetime | None, str | None], ...]
"""All of what is known that a decision can depend on."""


@dataclass
class Engines:
    """`told` and `ours` are as of the last look; `coming` are runs that are being written down just now."""

    db: Database
    supply: Supply
    every_s: float = EVERY_S
    told: Mapping[str, Told] = field(default_factory=dict)
    ours: Mapping[str, int] = field(default_factory=dict)
    coming: Counter[str] = field(default_factory=Counter)

    async def look(self) -> None:
        """Read what is stored. Costs nothing where there is no engine of our own."""
        if names := self.supply.own:

            def unit(connection: Connection) -> tuple[Mapping[str, Told], Mapping[str, int]]:
                return store.newest(connection), attempts.open_at(connection, names)

            self.told, self.ours = await self.db.read(unit)

    def state(self, now: datetime) -> State:
        return tuple((name, *self._known(name, now)) for name in self.supply.own)

    def _known(self, provider: str, now: datetime) -> tuple[int, datetime | None, str | None]:
        told = self.told.get(provider)
        is_fresh = told is not None and rules.is_fresh(told, now, self.every_s)
        return self._ours(provider), told.taken_at if told and is_fresh else None, self.obstacle(provider, now)

    def _ours(self, provider: str) -> int:
        return self.ours.get(provider, 0) + self.coming[provider]

    def obstacle(self, provider: str, now: datetime) -> str | None:
        """Why an engine gets no new job; None for whoever is none."""
        return rules.obstacle(self.told.get(provider), now, self.every_s)

    def is_lost(self, provider: str, now: datetime) -> bool:
        """Whether what an engine was given is to be taken for gone."""
        return rules.is_lost(self.told.get(provider), now, self.every_s)

    def load(self, provider: str, run_s: float, now: datetime) -> Load:
        """What is before a new run there that takes `run_s`."""
        told, slots = self.told.get(provider), slots_of(self.supply, provider)
        return rules.load(told, self._ours(provider), slots, run_s, now, self.every_s)

    def view(self, provider: str, now: datetime) -> dict[str, Any] | None:
        """An engine as its offers show it; None for whoever is none."""
        if provider not in self.supply.own:
            return None
        told, slots = self.told.get(provider), slots_of(self.supply, provider)
        return rules.view(told, self._ours(provider), slots, now, self.every_s)

    @contextmanager
    def given(self, provider: str) -> Iterator[None]:
        """While a run is written down that a decision gave to a provider: those decided meanwhile see it coming."""
        self.coming[provider] += 1
        try:
            yield
        finally:
            self.coming[provider] -= 1


def slots_of(supply: Supply, provider: str) -> int:
    """Runs that an engine works on side by side."""
    return (supply.cards[provider].health or EngineHealth(kind="plain")).slots
