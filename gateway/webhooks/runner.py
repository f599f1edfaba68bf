"""The worker's side of webhooks: claim what is due, try each once, write down what came of it. It decides nothing."""

import asyncio
import json
import os
import random
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from adapters.http import Clients, NotSent, post
from gateway import clock, telemetry
from gateway.db import Database
from gateway.webhooks import rules, store
from gateway.webhooks.rules import PODIUM, Again, Heard, Message, Status
from gateway.webhooks.store import Delivery, Outcome

log = structlog.get_logger()

CLAIM = 64
IDLE_S = 0.5
"""How often an idle worker looks for events: what a receiver waits at most for the first try."""
DRAIN_S = 3.0
"""How long a polite stop waits for tries under way; those cut off are tried again, which receivers must bear anyway."""

Render = Callable[[str, str], Awaitable[Mapping[str, Any] | None]]
"""From an event's kind and subject to its data, for events that carry none; None if the subject is gone."""

Shape = Callable[[Delivery], Awaitable[Message | None]]
"""From a delivery to what is sent in a vendor's words; None if its subject is gone."""


@dataclass
class Runner:
    """One for each worker. `is_private_allowed`: receivers may be on private addresses and speak plain http."""

    db: Database
    clients: Clients
    render: Render
    is_private_allowed: bool
    off_after_days: int
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    most: int = 64
    name: str = field(default_factory=lambda: f"{socket.gethostname()}/{os.getpid()}/{clock.new_id('w')[-6:]}")
    running: dict["asyncio.Task[None]", Delivery] = field(default_factory=dict)
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    async def loop(self) -> None:
        """Claim and try until canceled; tries under way are then ended by `drain`."""
        while True:
            if not await self.take_due():
                await self._sleep()

    async def take_due(self) -> bool:
        """Claim what is due and begin to try it. False if there was nothing, or no room, or no database."""
        try:
            claimed = await self._claim() if len(self.running) < self.most else []
        except Exception:  # the worker's edge: whatever it is, the worker lives on and looks again
            telemetry.WORKER_ERRORS.inc()
            log.exception("could not claim webhooks")
            return False
        for delivery in claimed:
            task = asyncio.create_task(self._run(delivery))
            self.running[task] = delivery
            task.add_done_callback(self._done)
        return bool(claimed)

    def _done(self, task: "asyncio.Task[None]") -> None:
        del self.running[task]
        self.awake.set()

    async def _claim(self) -> list[Delivery]:
        now = clock.now()
        due = await self.db.read(lambda connection: store.next_due(connection, now))
        if due is None or due > now:
            return []
        lanes = Counter(delivery.lane for delivery in self.running.values())
        busy = [lane for lane, tries in lanes.items() if tries >= store.PER_LANE]
        most = min(CLAIM, self.most - len(self.running))
        return await self.db.together(lambda connection: store.claim(connection, self.name, most, busy, now))

    async def _sleep(self) -> None:
        self.awake.clear()
        try:
            async with asyncio.timeout(IDLE_S):
                await self.awake.wait()
        except TimeoutError:
            return

    async def settle(self) -> None:
        """Wait for the tries under way."""
        await asyncio.gather(*self.running, return_exceptions=True)

    async def drain(self) -> None:
        """Let the tries under way end, but not for long, and free what is left for other workers."""
        if self.running:
            await asyncio.wait(self.running, timeout=DRAIN_S)
        for task in self.running:
            task.cancel()
        await self.settle()
        await self.db.together(lambda connection: store.release(connection, self.name))

    async def _run(self, delivery: Delivery) -> None:
        try:
            await self._deliver(delivery)
        except Exception:  # the worker's edge: the lease runs out, and it is tried again then
            telemetry.WORKER_ERRORS.inc()
            log.exception("a webhook broke", delivery=delivery.id)

    async def _deliver(self, delivery: Delivery) -> None:
        began_at = clock.now()
        heard = await self._try(delivery)
        after = rules.after_try(heard, delivery.step, random.random())
        outcome = await self.db.together(
            lambda connection: store.told(
                connection, delivery, self.name, heard, after, self.off_after_days, began_at, clock.now()
            )
        )
        if outcome is not None:
            self._count(delivery, heard, outcome)

    def _count(self, delivery: Delivery, heard: Heard, outcome: Outcome) -> None:
        word = "retried" if isinstance(outcome.after, Again) else outcome.after.value
        telemetry.WEBHOOKS.labels(delivery.kind, word).inc()
        telemetry.WEBHOOK_SECONDS.observe(heard.seconds)
        if outcome.is_disabled:
            telemetry.WEBHOOKS_OFF.inc()
            log.warning("a webhook endpoint was turned off", webhook=delivery.target)
        if outcome.after is Status.FAILED:
            log.warning("a webhook was given up", delivery=delivery.id, status=heard.status, error=heard.error)

    async def _try(self, delivery: Delivery) -> Heard:
        """One exchange, whatever becomes of it."""
        if delivery.shape != PODIUM and delivery.shape not in self.shapes:
            return Heard(None, "", f"no worker here speaks as {delivery.shape} does", 0.0)
        message = await self._message(delivery)
        if message is None:
            return Heard(None, "", "what it tells of is no longer there", 0.0)
        timer = asyncio.get_running_loop().time
        began = timer()
        if (reason := rules.refusal(delivery.url, self.is_private_allowed)) is not None:
            return Heard(None, "", f"the address {reason}", 0.0)
        try:
            reply = await post(
                self.clients, delivery.url, message.headers, message.body.encode(), timeout_s=rules.TRY_S,
                most_bytes=4 * rules.SAID_CHARS, is_trusted=self.is_private_allowed,
            )  # fmt: skip
        except NotSent as error:
            return Heard(None, "", str(error)[: rules.SAID_CHARS], timer() - began)
        said = reply.body.decode(errors="replace").replace("\x00", "\ufffd")[: rules.SAID_CHARS]
        wait_s = rules.retry_after_s(reply.headers.get("retry-after"))
        return Heard(reply.status, said, None, timer() - began, wait_s)

    async def _message(self, delivery: Delivery) -> Message | None:
        if delivery.shape != PODIUM:
            return await self.shapes[delivery.shape](delivery)
        data = json.loads(delivery.data) if delivery.data else await self.render(delivery.kind, delivery.subject)
        if data is None:
            return None
        body = rules.body_of(delivery.kind, delivery.happened_at, delivery.subject, data)
        return Message(body, rules.headers_of(delivery.event_id, body, delivery.secrets, clock.now()))
