"""The worker's loop: claim what is due, take one turn each, store what came of it. It decides nothing about jobs."""

import asyncio
import itertools
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import structlog
from sqlalchemy.engine import Connection

from adapters import holding, uploads
from adapters.errors import Fault, ProviderError
from adapters.http import Clients, Listener, Shelf, is_accepted, take_turn
from adapters.registry import DIALECTS
from adapters.schema import MediaRequest, Offer, ProviderCard, Task, Usage
from adapters.wire import Call, CallsBack, Cancels, Done, Failed, Pending, Progress, addressed
from gateway import clock, telemetry
from gateway.attempts import rules, store
from gateway.attempts.rules import Again, Ending, Status
from gateway.attempts.store import Attempt
from gateway.db import Database, Unit, is_away

log = structlog.get_logger()

T = TypeVar("T")

CLAIM = 64
"""Attempts taken in one claim: enough to keep a commit busy, few enough to share among replicas."""
IDLE_S = 0.25
"""How often an idle worker looks for attempts that another process queued."""


STORE_TRIES = 60
"""Times that a result is tried to be stored: for a quarter of an hour a database may be away."""
STORE_WAIT_S = 0.5


class Supplied(NamedTuple):
    """What a turn on an offer needs: the provider's card (at its real address), its key, and the offer."""

    card: ProviderCard
    key: str | None
    offer: Offer


class Delivery(NamedTuple):
    """What was collected from a finished attempt, what it costs and who says so; `parts` is the jobs' own business.
    `measured` is usage that we measured where the provider said nothing of it."""

    cost_nanos: int
    cost_source: str
    parts: Any
    measured: Usage = {}  # noqa: RUF012 - never changed


class NotYet(Exception):
    """The outputs could not be fetched now; `lasting` says that they never will be."""

    def __init__(self, message: str, lasting: bool) -> None:
        super().__init__(message)
        self.lasting = lasting


Collect = Callable[[Attempt, Supplied, Done], Awaitable[Delivery]]
"""Bring the outputs home and measure them. Raises NotYet."""

Finish = Callable[[Connection, Attempt, Delivery, Mapping[str, Any], datetime], Any]
"""In the transaction that ends a succeeded attempt, with the columns that changed: settle, and end the job.

Returns what to announce."""

Ended = Callable[[Connection, Attempt, Ending, datetime], Any]
"""In the transaction that ends any other attempt: decide what comes next. Returns what to announce."""

Moved = Callable[[Connection, Attempt, Again, datetime], Any]
"""In the transaction that stores progress. Returns what to announce."""


CallbackUrl = Callable[[str, ProviderCard], str | None]
"""From an attempt's id to the address at which its provider may call us, if there is one."""


IsLost = Callable[[str, datetime], bool]
"""Whether a provider, an engine of the operator's own, is gone with all that it was given."""


@dataclass
class Runner:
    """One worker. `supply` finds what an offer needs, or None if it is no longer there."""

    db: Database
    clients: Clients
    shelf: Shelf
    supply: Callable[[str, Task], Supplied | None]
    collect: Collect
    finish: Finish
    ended: Ended
    moved: Moved
    announce: Callable[[Any], None]
    listener: Callable[[str], Listener | None]
    callback_url: CallbackUrl = lambda attempt_id, card: None
    is_lost: IsLost = lambda provider, now: False
    most: int = 64
    name: str = field(default_factory=lambda: f"{socket.gethostname()}/{os.getpid()}/{clock.new_id('w')[-6:]}")
    running: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    awake: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bool = False

    @property
    def has_room(self) -> bool:
        return not self.closing and len(self.running) < self.most

    def take(self, attempt: Attempt) -> None:
        """Run an attempt that this worker holds the lease of.

        One that it runs already comes back when its lease ran out unseen (the machine slept): that turn is not lost.
        """
        if attempt.id in self.running:
            return
        task = asyncio.create_task(self._run(attempt))
        self.running[attempt.id] = task
        task.add_done_callback(lambda _: self._done(attempt.id))

    def _done(self, attempt_id: str) -> None:
        if len(self.running) >= self.most:
            self.awake.set()  # there is room again
        self.running.pop(attempt_id, None)

    async def loop(self) -> None:
        """Claim and run until canceled; turns under way are then finished by `drain`."""
        heartbeat = asyncio.create_task(self._keep_leases())
        try:
            while True:
                if not await self._take_due():
                    await self._sleep()
        finally:
            heartbeat.cancel()

    async def _take_due(self) -> bool:
        """Claim what is due and run it. False if there was nothing, or no room, or no database."""
        try:
            claimed = await self._claim() if self.has_room else []
        except Exception:  # the worker's edge: whatever it is, the worker lives on and looks again
            telemetry.WORKER_ERRORS.inc()
            log.exception("could not claim")
            return False
        for attempt in claimed:
            self.take(attempt)
        return bool(claimed)

    async def _claim(self) -> list[Attempt]:
        now = clock.now()
        due = await self.db.read(lambda connection: store.next_due(connection, now))
        if due is None or due > now:
            return []
        most = min(CLAIM, self.most - len(self.running))
        return await self.db.together(lambda connection: store.claim(connection, self.name, most, now))

    async def _sleep(self) -> None:
        self.awake.clear()
        try:
            async with asyncio.timeout(IDLE_S):
                await self.awake.wait()
        except TimeoutError:
            return

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(rules.HEARTBEAT_S)
            try:
                await self._renew(list(self.running))
            except Exception:  # the worker's edge: a heartbeat that failed is made up for by the next
                log.exception("could not renew leases")

    async def _renew(self, ids: list[str]) -> None:
        if ids:
            await self.db.together(lambda connection: store.renew(connection, self.name, ids, clock.now()))

    def take_over(self, connection: Connection) -> int:
        """Free what workers of this machine held that are gone: a restart need not wait for their leases to run out.

        Only where the database is on this machine, so that a process id says who holds a lease.
        """
        gone = [holder for holder in store.holders(connection) if _is_gone(holder)]
        return store.release(connection, gone) if gone else 0

    async def drain(self) -> None:
        """Let the turns under way end, so that a polite stop leaves no submit of unknown fate."""
        self.closing = True
        await asyncio.gather(*self.running.values(), return_exceptions=True)

    async def _run(self, attempt: Attempt) -> None:
        """Turns of one attempt, as long as the next is due at once."""
        following: Attempt | None = attempt
        while following is not None:
            try:
                following = await self._turn(following)
            except Exception:  # the worker's edge: the lease runs out, and another turn is taken then
                telemetry.WORKER_ERRORS.inc()
                log.exception("turn broke", attempt=attempt.id)
                return

    async def _turn(self, attempt: Attempt) -> Attempt | None:
        """One turn. Returns the attempt as it goes on, if it goes on at once."""
        supplied = self.supply(attempt.offer, Task(attempt.task))
        if supplied is None:
            return await self._end(
                attempt, _failing(Fault.MODEL_MISSING, f"{attempt.offer} is no longer in the catalog")
            )
        if supplied.card.self_hosted and attempt.started_at is None and not attempt.sees_to_loras:
            attempt = attempt._replace(started_at=clock.now())  # its seconds cost money: they begin with its submit
        progress = await self._progress(attempt, supplied)
        now = clock.now()
        progress = self._given_up(progress) if self.is_lost(attempt.provider, now) else progress
        is_resendable = supplied.card.idempotency_header is not None
        is_called_back = isinstance(progress, Pending) and self._is_called_back(attempt, supplied)
        after = rules.after_turn(progress, attempt, now, is_resendable, is_called_back)
        if isinstance(after, Done):
            return await self._collect(attempt, supplied, after)
        if isinstance(after, Again):
            return await self._go_on(attempt, after, now)
        if after.error and after.error.fault is Fault.TIMED_OUT and isinstance(attempt.next, Pending):
            await stop(self.clients, self.shelf, supplied, attempt.next.call)
        return await self._end(attempt, after)

    async def _progress(self, attempt: Attempt, supplied: Supplied) -> Progress:
        """Make the stored call, unless a submit was begun before and nobody knows what became of it."""
        if isinstance(attempt.next, Done):
            return attempt.next
        call = attempt.next.call
        if attempt.status is Status.UNKNOWN and self.is_lost(attempt.provider, clock.now()):
            return _failed(Fault.UNREACHABLE, "the engine is gone, and what it was given with it")
        is_early = supplied.card.self_hosted and clock.now() < attempt.deadline_at  # hurried, and the engine is back
        if attempt.status is Status.UNKNOWN and is_early:
            return _failed(Fault.TIMED_OUT, "nobody knows yet").model_copy(update={"fate_unknown": True})
        if attempt.status is Status.UNKNOWN:
            return _failed(Fault.TIMED_OUT, "nobody can say whether the provider accepted it; its deadline has passed")
        if call.stage == "submit" and supplied.card.idempotency_header:
            call = call.model_copy(update={"headers": call.headers | {supplied.card.idempotency_header: attempt.id}})
        elif call.stage == "submit" and attempt.sends > 1:
            lost = _failed(Fault.TIMED_OUT, "the gateway stopped while this was being submitted")
            return lost.model_copy(update={"fate_unknown": True})
        call = addressed(call, attempt.id) if call.stage == "submit" else call
        dialect = holding.turned(DIALECTS[supplied.offer.dialect], call)
        url = self._called_back_at(attempt, supplied) if call.stage == "submit" else None
        if url is not None and isinstance(dialect, CallsBack):
            call = dialect.called_back(call, url)
        with telemetry.TURN_SECONDS.labels(supplied.card.name, call.stage).time():
            return await take_turn(
                self.clients, supplied.card, dialect, call, supplied.key, self.shelf, self.listener(attempt.job_id),
                now=clock.now(),
            )  # fmt: skip

    def _given_up(self, progress: Progress) -> Progress:
        """A turn that failed in passing at an engine that is gone fails for good: nothing will come of asking again."""
        if isinstance(progress, Failed) and progress.error.fault in (Fault.UNREACHABLE, Fault.TIMED_OUT):
            return progress.model_copy(update={"is_verdict": True, "fate_unknown": False})
        return progress

    def _called_back_at(self, attempt: Attempt, supplied: Supplied) -> str | None:
        """Where the provider may call us about this attempt, if its protocol can and it was told to."""
        if supplied.card.callbacks is None or not isinstance(DIALECTS[supplied.offer.dialect], CallsBack):
            return None
        return self.callback_url(attempt.id, supplied.card)

    def _is_called_back(self, attempt: Attempt, supplied: Supplied) -> bool:
        """Whether our address was in this attempt's submit: some protocols take one for some kinds of media only."""
        dialect, url = DIALECTS[supplied.offer.dialect], self._called_back_at(attempt, supplied)
        if url is None or not isinstance(dialect, CallsBack):
            return False
        submit = uploads.submit_of(dialect.submit(MediaRequest.model_validate_json(attempt.fitted), supplied.offer))
        return dialect.called_back(submit, url) != submit

    async def _collect(self, attempt: Attempt, supplied: Supplied, done: Done) -> Attempt | None:
        """Bring the outputs home. Where asking again would not give them again, they are written down first."""
        if _asked_once(attempt.next) and any(output.url for output in done.outputs):
            attempt = attempt._replace(next=done)
            await self._store(attempt, Again(clock.now(), done), keep_lease=True)
        try:
            delivery = await self.collect(attempt, supplied, done)
        except NotYet as error:
            return await self._not_collected(attempt, error)
        ending = Ending(Status.SUCCEEDED, usage=done.usage | delivery.measured)

        def unit(connection: Connection) -> Any:
            now = clock.now()
            values = store.ended_values(attempt, ending, delivery.cost_nanos, now, delivery.cost_source)
            won = store.end(connection, attempt, values)
            return self.finish(connection, attempt, delivery, values, now) if won else None

        self._announce(await self._durably(unit))
        telemetry.ATTEMPTS.labels(attempt.provider, "succeeded").inc()
        if attempt.lora_set is not None:
            self.awake.set()  # its place is free
        return None

    async def _not_collected(self, attempt: Attempt, error: NotYet) -> Attempt | None:
        """A fetch that failed is not a job that failed: it is tried again until the deadline."""
        now = clock.now()
        if error.lasting or now >= attempt.deadline_at:
            return await self._end(attempt, _failing(Fault.BAD_REPLY, f"the outputs could not be fetched: {error}"))
        wait = timedelta(seconds=rules.backoff_s(attempt.failures + 1))
        return await self._go_on(attempt, Again(now + wait, attempt.next, attempt.failures + 1), now)

    async def _go_on(self, attempt: Attempt, again: Again, now: datetime) -> Attempt | None:
        """Store the next call, then make it at once if it is due; otherwise free the lease until it is."""
        at_once = again.due_at <= now and not self.closing
        if not await self._store(attempt, again, keep_lease=at_once):
            return None
        if attempt.lora_set is not None:
            self.awake.set()  # the next of its set may be let in
        if not at_once:
            return None
        return attempt._replace(
            status=Status.OPEN, next=again.progress, sends=store.sends_after(attempt, again, self.name),
            turns=attempt.turns + 1, failures=again.failures,
            started_at=store.started_at(attempt, again.progress, now),
        )  # fmt: skip

    async def _store(self, attempt: Attempt, again: Again, keep_lease: bool) -> bool:
        worker = self.name if keep_lease else None

        def unit(connection: Connection) -> tuple[bool, Any]:
            now = clock.now()
            alive = store.go_on(connection, attempt, again, worker, now)
            return alive, self.moved(connection, attempt, again, now) if alive else None

        alive, news = await self._durably(unit)
        self._announce(news)
        return alive

    async def _end(self, attempt: Attempt, ending: Ending) -> Attempt | None:
        def unit(connection: Connection) -> Any:
            return self.ended(connection, attempt, ending, clock.now())

        self._announce(await self._durably(unit))
        fault = ending.error.fault if ending.error else ending.status
        telemetry.ATTEMPTS.labels(attempt.provider, fault).inc()
        self.awake.set()
        return None

    async def _durably(self, unit: Unit[T]) -> T:
        """Store what came of a turn, however long the database is away: a paid result is not dropped for that.

        Repeating such a unit is harmless: one whose first commit went through unseen finds the attempt ended or moved.
        """
        for tries in itertools.count(1):
            try:
                return await self.db.together(unit)
            except Exception as error:
                if not is_away(error) or tries > STORE_TRIES:
                    raise
                log.warning("the database is away", tries=tries, error=str(error)[:200])
                await asyncio.sleep(min(tries * STORE_WAIT_S, rules.LEASE_S))
        raise AssertionError("counting does not end")

    def _announce(self, news: Any) -> None:
        if news is not None:
            self.announce(news)


async def stop(clients: Clients, shelf: Shelf, supplied: Supplied, call: Call) -> bool:
    """Ask the provider to stop the run that `call` waits for. True if it says that it did."""
    dialect = DIALECTS[supplied.offer.dialect]
    stopping = dialect.cancel(call) if isinstance(dialect, Cancels) else None
    if stopping is None:
        return False
    return await is_accepted(clients, supplied.card, dialect, stopping, supplied.key, shelf, now=clock.now())


def _is_gone(holder: str) -> bool:
    """Whether the process that a worker's name tells of is no longer there."""
    host, pid, _ = holder.split("/")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(pid) == os.getpid()


def _asked_once(asked: Pending | Done) -> bool:
    """Whether the call that brought a Done cannot simply be made again."""
    return isinstance(asked, Pending) and asked.call.method != "GET"


def _failed(fault: Fault, message: str) -> Failed:
    return Failed(error=ProviderError(fault=fault, message=message))


def _failing(fault: Fault, message: str) -> Ending:
    return Ending(Status.FAILED, ProviderError(fault=fault, message=message))
