"""The promise to callers: a job is accepted whole or refused whole, found again, waited for, and canceled."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from adapters.schema import ImagePart, Input, MediaRequest, Message, Task
from adapters.wire import Heard, Partial, Pending
from gateway import clock, telemetry
from gateway.assets import tables as asset_tables
from gateway.assets.ingest import ingest
from gateway.assets.service import Assets
from gateway.attempts import store as attempts
from gateway.attempts.rules import LEASE_S, LIVE, Ending, Status as AttemptStatus
from gateway.attempts.runner import Runner, stop
from gateway.attempts.store import Attempt
from gateway.budgets.store import Over
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.jobs import admission, notices, store
from gateway.jobs.admission import TooFast, TooMany
from gateway.jobs.drafts import AttemptDraft, draft_attempt, draft_job
from gateway.jobs.endings import Endings, News
from gateway.jobs.rules import FINAL, Status
from gateway.jobs.waiting import LOOK_S, Waiting
from gateway.keys.rules import Caller, Role
from gateway.ledger import book
from gateway.problems import Conflict, Invalid, NotFound, Problem
from gateway.routing import quotes, service as routing_service
from gateway.routing.body import JobBody
from gateway.routing.fitting import fit_offer
from gateway.routing.quotes import Choice
from gateway.routing.service import Routing
from gateway.webhooks import rules as webhook_rules
from gateway.webhooks.rules import OURS, Notice

WAIT_S = 60.0
"""The longest that `Prefer: wait` holds a connection: most proxies close one after that."""


class Seen(NamedTuple):
    """A job with its attempts, as stored. `is_new`: it was made just now, and nothing can have happened to it."""

    job: Mapping[Any, Any]
    attempts: Sequence[Mapping[Any, Any]]
    is_new: bool = False

    @property
    def is_final(self) -> bool:
        return Status(self.job["status"]) in FINAL


class Accepted(NamedTuple):
    """A new job, as it was stored with its first attempt."""

    seen: Seen


class Repeated(NamedTuple):
    """The job that this idempotency key made before."""

    job_id: str
    digest: str


Outcome = Accepted | Repeated | admission.Refused


@dataclass
class Jobs:
    """`runner` is the worker of this process, if it has one: it takes a new job's first turn at once."""

    db: Database
    supply: Supply
    routing: Routing
    assets: Assets
    endings: Endings
    waiting: Waiting
    runner: Runner | None = None
    is_private_allowed: bool = False
    """Whether jobs may name webhooks on private addresses and over plain http."""

    async def submit(self, caller: Caller, body: JobBody, idempotency_key: str | None, notice: Notice = OURS) -> Seen:
        """Accept a job: decision, hold, job and first attempt in one commit. `notice`: how its own webhook is told."""
        if idempotency_key and (before := await self._repeated(caller, body, idempotency_key)):
            return await self.see(caller, before)
        try:
            self._check_webhook(body)
            return await self._accept(caller, body, idempotency_key, notice)
        except Problem as problem:
            telemetry.REFUSED.labels(problem.code).inc()
            raise

    def _check_webhook(self, body: JobBody) -> None:
        if body.webhook_url and (reason := webhook_rules.refusal(body.webhook_url, self.is_private_allowed)):
            raise Invalid(f"webhook_url: {reason}", errors=[{"path": "webhook_url", "message": reason}])

    async def _repeated(self, caller: Caller, body: JobBody, idempotency_key: str) -> str | None:
        row = await self.db.glance(lambda connection: store.repeated(connection, caller.id, idempotency_key))
        return _same(row["id"], row["digest"], body) if row else None

    async def _accept(self, caller: Caller, body: JobBody, idempotency_key: str | None, notice: Notice) -> Seen:
        now = clock.now()
        choice = await self._choice(caller, body, now)
        with self.routing.given(choice.plan):
            return await self._written(caller, body, choice, idempotency_key, notice, now)

    async def _written(
        self, caller: Caller, body: JobBody, choice: Choice, idempotency_key: str | None, notice: Notice, now: datetime
    ) -> Seen:
        """The job as it was chosen, in one commit; its first turn is taken here if there is room."""
        request, rows = await self._ingested(caller, body)
        draft = self._draft(caller, body, request, choice, now)
        job = draft_job(body, request, choice, draft, idempotency_key, caller, notice)
        attempt = self._leased(draft, now)

        def unit(connection: Connection) -> Outcome:
            if idempotency_key and (before := store.repeated(connection, caller.id, idempotency_key)):
                return Repeated(before["id"], before["digest"])
            if refused := admission.refused(connection, caller, job, now):
                return refused
            if choice.plan:
                self.routing.keep(connection, choice.plan, choice.decision_id, caller.id, now)
            store.insert(connection, job)
            asset_tables.insert(connection, rows)
            attempts.insert(connection, draft.row)
            notices.accepted(connection, job["id"], caller.id, body.webhook_url, notice, now)
            return Accepted(Seen(job, [draft.row], is_new=True))

        outcome = await self.db.together(unit)
        match outcome:
            case Repeated(job_id, digest):
                return await self.see(caller, _same(job_id, digest, body))
            case book.Short() | Over() | TooFast() | TooMany():
                raise admission.problem(outcome, job, now)
            case Accepted(seen):
                if choice.plan:
                    self.routing.kept(choice.plan)
                if attempt is not None and self.runner is not None:
                    self.runner.take(attempt)
                return seen

    async def _choice(self, caller: Caller, body: JobBody, now: datetime) -> Choice:
        """What to run and at which prices: those of the caller's quote, or those of a decision made now."""
        if body.quote:
            quoted = await self.db.glance(lambda connection: quotes.find(connection, str(body.quote)))
            return quotes.choice_of(quoted, caller, body, now)
        terms = routing_service.terms_of(caller)
        await self.routing.look()
        plan = self.routing.plan(body, now, terms)
        if not plan.offers:
            raise routing_service.refusal(plan)
        return quotes.chosen(plan, terms, clock.new_id("dec"))

    def _draft(
        self, caller: Caller, body: JobBody, request: MediaRequest, choice: Choice, now: datetime
    ) -> AttemptDraft:
        supplied = self.supply.supplied(choice.offers[0], body.task)
        if supplied is None:
            raise quotes.gone(choice)
        if choice.plan:
            fitted = self.routing.fitted(choice.plan, body, now.date())
        else:
            supplied = quotes.at_prices(supplied, choice.prices)
            asked, book = body.media(), self.supply.loras
            fitted = fit_offer(asked, supplied.offer, body.strict, now.date(), self.supply.bounded, book)
            if fitted.reasons:
                raise quotes.unfit(choice, fitted.reasons)
            fitted = routing_service.noted(fitted, self.routing.meant(body, now.date())[1])
        return draft_attempt(supplied, fitted, request, clock.new_id("job"), caller.id, 1, now)

    def _leased(self, draft: AttemptDraft, now: datetime) -> Attempt | None:
        """The first attempt as this process's own worker will hold it, if it has room; else it waits for any worker.

        One that must be let in at an engine first is claimed like any other, where that is seen to.
        """
        if self.runner is None or not self.runner.has_room or draft.row["lora_set"] is not None:
            return None
        begun = int(draft.row["stage"] == "submit")
        lease = {"lease_until": now + timedelta(seconds=LEASE_S), "leased_by": self.runner.name, "sends": begun}
        draft.row.update(lease)
        return attempts.attempt_of(draft.row, draft.first)

    async def _ingested(self, caller: Caller, body: JobBody) -> tuple[MediaRequest, list[dict[str, Any]]]:
        """The request with every link and base64 input brought into our own store, and the new assets' rows."""
        request = body.media()
        if not request.inputs and not any(isinstance(message.content, tuple) for message in request.messages):
            return request, []
        rows: list[dict[str, Any]] = []

        async def brought(item: Input | ImagePart, path: str) -> str:
            ingested = await ingest(self.assets, caller.id, item, path)
            rows.extend([ingested.row] if ingested.is_new else [])
            return ingested.asset

        inputs = [
            Input(role=item.role, asset=await brought(item, f"inputs.{index}"))
            for index, item in enumerate(request.inputs)
        ]
        messages = [
            await _message(message, f"messages.{index}", brought) for index, message in enumerate(request.messages)
        ]
        return request.model_copy(update={"inputs": tuple(inputs), "messages": tuple(messages)}), rows

    def ending(self, seen: Seen) -> dict[str, str]:
        """Headers that say when the model that a job's caller pinned ends; none for what does not."""
        return self.routing.ending(seen.job["asked_model"], clock.now().date())

    async def see(self, caller: Caller, job_id: str) -> Seen:
        """A job of the caller's own, or of anyone for an admin. Another's is not found."""
        seen = await self.db.glance(lambda connection: _see(connection, job_id))
        if seen is None or not _may_see(caller, seen.job):
            raise NotFound(f"there is no job {job_id} of this key")
        return seen

    async def wait(self, caller: Caller, seen: Seen, wait_s: float) -> Seen:
        """A job when it has ended, or as it is after that time. `seen` is how the caller last saw it.

        Unless it was made just now, it is looked at again once we listen: its end may have been told in between.
        """
        job_id, now = seen.job["id"], asyncio.get_running_loop().time
        deadline = now() + min(wait_s, WAIT_S)
        with self.waiting.watch(job_id) as watch:
            seen = seen if seen.is_new else await self.see(caller, job_id)
            while not seen.is_final and (left_s := deadline - now()) > 0:
                await watch.until(left_s if self._runs(seen) else min(left_s, LOOK_S))
                seen = _told(seen, watch.news) or await self.see(caller, job_id)
        return seen

    def _runs(self, seen: Seen) -> bool:
        """Whether the job's attempt is in the hands of this process, which will then say when it ends."""
        return self.runner is not None and any(row["id"] in self.runner.running for row in seen.attempts)

    async def words(self, caller: Caller, job_id: str) -> AsyncGenerator[str, None]:
        """A text job's words as they come, if a worker of this process makes them; it ends when the job does."""
        async with aclosing(self._heard(caller, job_id)) as heard:
            async for each in heard:
                if each and isinstance(each, str):
                    yield each

    async def partials(self, caller: Caller, job_id: str) -> AsyncGenerator[Partial | None, None]:
        """A picture while it is made, if its provider shows it and a worker of this process reads the stream; None now
        and then in a silence."""
        async with aclosing(self._heard(caller, job_id)) as heard:
            async for each in heard:
                if not isinstance(each, str):
                    yield each
                elif not each:
                    yield None

    async def _heard(self, caller: Caller, job_id: str) -> AsyncGenerator[Heard, None]:
        """What is heard of a job until it ends; no words in a silence."""
        async with aclosing(self.waiting.listen(job_id)) as listening:
            if (await self.see(caller, job_id)).is_final:
                return
            async for heard in listening:
                if not heard and (await self.see(caller, job_id)).is_final:
                    return
                yield heard

    async def listing(
        self, caller: Caller, limit: int, after: str | None, status: str | None, task: str | None,
        model: str | None = None, key: str | None = None,
    ) -> list[Seen]:  # fmt: skip
        """The caller's own; of an admin all, or those of one key. Another's key has no jobs for a caller."""
        if caller.role is not Role.ADMIN and key not in (None, caller.id):
            return []
        owner = key if caller.role is Role.ADMIN else caller.id

        def unit(connection: Connection) -> list[Seen]:
            jobs = store.listing(connection, owner, limit, after, status, task, model)
            tries = attempts.of_jobs(connection, [job["id"] for job in jobs])
            return [Seen(job, tries[job["id"]]) for job in jobs]

        return await self.db.read(unit)

    async def cancel(self, caller: Caller, job_id: str) -> Seen:
        """Stop a job: at the provider if it can be stopped there, else for the caller only.

        What cannot be stopped at the provider runs on unseen, keeps its hold, and is settled at what it costs.
        """
        seen = await self.see(caller, job_id)
        if seen.is_final:
            return seen
        live = [attempts.attempt_of(row) for row in seen.attempts if row["status"] in LIVE]
        stopped = frozenset([attempt.id for attempt in live if await self._stopped(attempt)])
        news = await self.db.together(lambda connection: self._cancel(connection, job_id, stopped))
        if news is not None:
            self.waiting.announce(news)
        return await self.see(caller, job_id)

    async def _stopped(self, attempt: Attempt) -> bool:
        """Whether nothing of an attempt runs at the provider (any more)."""
        if not isinstance(attempt.next, Pending) or attempt.status is AttemptStatus.UNKNOWN:
            return False
        if attempt.sees_to_loras:  # a switch that is under way must not outlive its place at the engine
            return attempt.let_in_at is None
        if attempt.next.call.stage == "submit":
            return attempt.sends == 0
        supplied = self.supply.supplied(attempt.offer, Task(attempt.task))
        return supplied is not None and await stop(self.assets.clients, self.assets, supplied, attempt.next.call)

    def _cancel(self, connection: Connection, job_id: str, stopped: frozenset[str]) -> News | None:
        """End the job. `stopped` are the attempts of which nothing runs: one that has begun since is not among them."""
        now = clock.now()
        job = store.locked(connection, job_id)
        if Status(job["status"]) in FINAL:
            return None
        live = [attempts.attempt_of(row) for row in attempts.of_job(connection, job_id) if row["status"] in LIVE]
        gone = all(attempt.id in stopped and _is_still(attempt) for attempt in live)
        who = "provider" if gone else "local"
        store.update(connection, job_id, status=Status.CANCELED.value, canceled_by=who, ended_at=now)
        notices.finished(connection, job_id, job["key_id"], job["webhook_url"], job["webhook_shape"], now)
        for attempt in live if gone else ():
            self.endings.ended(connection, attempt, Ending(AttemptStatus.CANCELED), now)
        return News(job_id, True, job["task"], Status.CANCELED)


def _is_still(attempt: Attempt) -> bool:
    """Whether an attempt that was found stopped cannot have been sent meanwhile."""
    if attempt.sees_to_loras:
        return attempt.let_in_at is None
    return attempt.sends == 0 or not (isinstance(attempt.next, Pending) and attempt.next.call.stage == "submit")


def _told(seen: Seen, news: News | None) -> Seen | None:
    """A job as its end leaves it, if the news say all that changed since it was new; else it must be read."""
    if news is None or news.job is None or news.attempt is None or len(seen.attempts) != 1:
        return None
    return Seen(dict(seen.job) | dict(news.job), [dict(seen.attempts[0]) | dict(news.attempt)])


async def _message(message: Message, path: str, brought: Any) -> Message:
    if isinstance(message.content, str):
        return message
    parts = [
        ImagePart(asset=await brought(part, f"{path}.content.{index}")) if isinstance(part, ImagePart) else part
        for index, part in enumerate(message.content)
    ]
    return message.model_copy(update={"content": tuple(parts)})


def _see(connection: Connection, job_id: str) -> Seen | None:
    job = store.find(connection, job_id)
    return Seen(job, attempts.of_job(connection, job_id)) if job else None


def _may_see(caller: Caller, job: Mapping[Any, Any]) -> bool:
    return caller.role is Role.ADMIN or job["key_id"] == caller.id


def _same(job_id: str, digest: str, body: JobBody) -> str:
    """The job that the same idempotency key and body made before. Raises Conflict for another body."""
    if digest != body.digest():
        raise Conflict("this Idempotency-Key was used with another body: use a new key for a new job", job=job_id)
    return job_id
