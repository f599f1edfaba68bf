"""Webhooks in: a provider says that a run moved, and its attempt is asked about at once.

A webhook is a hint and not news: what became of a run is read from the provider's own answer to the next poll. Only of
an attempt of unknown fate, which has nothing to poll, is the payload itself read.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import structlog
from sqlalchemy.engine import Connection

from adapters.callbacks import KEYS_AT, SECRETS, read_keys, verified
from adapters.hosts import shortened
from adapters.http import answered
from adapters.registry import DIALECTS
from adapters.schema import ProviderCard, Task
from adapters.wire import Call, Done, Pending, Reply, understand
from gateway import clock, telemetry
from gateway.assets.service import Assets
from gateway.attempts import store
from gateway.attempts.rules import Again, Status
from gateway.attempts.store import Attempt
from gateway.callbacks import rules
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.jobs.service import Jobs
from gateway.problems import NotFound, Unauthorized

log = structlog.get_logger()

KEYS_S = 24 * 3_600.0
"""How long a provider's public keys are kept: a day, as they recommend."""
KEYS_ANEW_S = 300.0
"""A signature that no kept key made may be of a new one: keys older than this are then fetched again."""
LOOKS_S = (0.0, 0.2, 0.5, 1.0)
"""Waits while a turn of the attempt is under way: the provider may call before we have stored its answer. Together
shorter than any provider waits for ours."""


class Outcome(StrEnum):
    """What a webhook came to. `busy`: a turn was under way all the time, so it was of no use."""

    WOKEN = "woken"
    BUSY = "busy"
    OVER = "over"


class Keys(NamedTuple):
    """A provider's public keys, and when they were fetched."""

    raw: tuple[bytes, ...]
    at: datetime


@dataclass
class Callbacks:
    """One for each process. `public_url` is where providers reach this gateway, if they do."""

    db: Database
    supply: Supply
    assets: Assets
    jobs: Jobs
    public_url: str | None
    keys: dict[str, Keys] = field(default_factory=dict)

    def url(self, attempt_id: str, card: ProviderCard) -> str | None:
        """The address for an attempt's submit; None where nobody could call, or a call could not be believed."""
        if self.public_url is None or card.callbacks is None:
            return None
        if card.callbacks in SECRETS and not self.supply.callback_secrets.get(card.name):
            return None
        return rules.address(self.public_url, card.name, attempt_id, self.assets.secret)

    def addressed(self, provider: str, name: str) -> str:
        """The attempt that an address is of. Raises NotFound."""
        card, attempt_id = self.supply.cards.get(provider), rules.attempt_of(provider, name, self.assets.secret)
        if card is None or card.callbacks is None or attempt_id is None:
            raise NotFound("no provider was given this address")
        return attempt_id

    async def heard(self, provider: str, attempt_id: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """Take a webhook to an address of ours, and say what to answer. Raises Unauthorized for a bad signature."""
        card = self.supply.cards[provider]
        is_signed = card.callbacks != "unsigned"
        if is_signed and not await self._is_verified(card, headers, body):
            telemetry.CALLBACKS.labels(provider, "unsigned").inc()
            log.warning("a webhook is not signed as its provider signs", provider=provider, attempt=attempt_id)
            raise Unauthorized("the signature is not this provider's, or not of these five minutes")
        if not is_signed and (word := rules.challenge(body)) is not None:
            return {"challenge": word}
        outcome = Outcome.BUSY
        for wait_s in LOOKS_S:
            await asyncio.sleep(wait_s)
            outcome = await self._take(attempt_id, Reply(200, headers, body), is_signed)
            if outcome is not Outcome.BUSY:
                break
        telemetry.CALLBACKS.labels(provider, outcome.value).inc()
        return {"status": outcome.value}

    async def _take(self, attempt_id: str, reply: Reply, is_signed: bool) -> Outcome:
        def unit(connection: Connection) -> tuple[Outcome, Any]:
            now = clock.now()
            if store.hurry(connection, attempt_id, now):
                return Outcome.WOKEN, None
            attempt = store.find(connection, attempt_id)
            if attempt is None or attempt.status not in (Status.OPEN, Status.UNKNOWN):
                return Outcome.OVER, None
            if attempt.status is Status.OPEN:
                return Outcome.BUSY, None
            return self._found_again(connection, attempt, reply, is_signed, now)

        outcome, news = await self.db.together(unit)
        if news is not None:
            self.jobs.waiting.announce(news)
        if outcome is Outcome.WOKEN and self.jobs.runner is not None:
            self.jobs.runner.awake.set()
        return outcome

    def _found_again(
        self, connection: Connection, attempt: Attempt, reply: Reply, is_signed: bool, now: datetime
    ) -> tuple[Outcome, Any]:
        """An attempt of unknown fate was accepted after all; it goes on if the webhook says how to ask about it."""
        progress = self._answer_to_submit(attempt, reply, is_signed)
        if progress is None:
            return Outcome.OVER, None
        again = Again(now, progress)
        store.go_on(connection, attempt, again, None, now)
        return Outcome.WOKEN, self.jobs.endings.moved(connection, attempt, again, now)

    def _answer_to_submit(self, attempt: Attempt, reply: Reply, is_signed: bool) -> Pending | Done | None:
        """The payload read as the answer to the submit that got none: for many protocols it is the same document.

        Outputs are believed only where the provider signed for them; where to ask is believed of whoever knew the
        address, since the asking goes to the provider.
        """
        supplied = self.supply.supplied(attempt.offer, Task(attempt.task))
        if supplied is None or not isinstance(attempt.next, Pending) or attempt.next.call.stage != "submit":
            return None
        progress = understand(DIALECTS[supplied.offer.dialect], attempt.next.call, reply)
        match shortened(supplied.card, progress):
            case Pending(call=call) as pending if call.stage != "submit":
                return pending
            case Done() as done if is_signed:
                return done
            case _:
                return None

    async def _is_verified(self, card: ProviderCard, headers: Mapping[str, str], body: bytes) -> bool:
        assert card.callbacks is not None
        now = clock.now()
        if card.callbacks in SECRETS:
            return verified(card.callbacks, headers, body, self.supply.callback_secrets.get(card.name), (), now)
        for most_s in (KEYS_S, KEYS_ANEW_S):
            keys = await self._keys(card, now, most_s)
            if verified(card.callbacks, headers, body, None, keys, now):
                return True
        return False

    async def _keys(self, card: ProviderCard, now: datetime, most_s: float) -> tuple[bytes, ...]:
        """A provider's public keys, not older than this if they can be had."""
        kept = self.keys.get(card.name)
        if kept is not None and (now - kept.at).total_seconds() < most_s:
            return kept.raw
        fetched = await self._fetched(card, now)
        if fetched is not None:
            kept = self.keys[card.name] = Keys(fetched, now)
        return kept.raw if kept is not None else ()

    async def _fetched(self, card: ProviderCard, now: datetime) -> tuple[bytes, ...] | None:
        assert card.callbacks is not None
        call = Call(stage="keys", method="GET", url=card.callback_keys or KEYS_AT[card.callbacks])
        reply = await answered(self.assets.clients, card, DIALECTS[card.dialect], call, None, self.assets, now=now)
        try:
            return read_keys(reply.json()) if reply is not None and reply.status == 200 else None
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            log.warning("no public keys where a provider's should be", provider=card.name, error=repr(error)[:200])
            return None
