"""Starts a step: fills in what came before, sets money apart, and submits its job under a key of its own, once.

Of the workflow's cap a job gets a ceiling, in one transaction and before it is made; the job's own `max_cost_usd` then
holds it there, whatever it falls back to. So the ceilings of all that run and the costs of all that ended are never
more than the cap, however many branches start at once and at however many replicas.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import structlog
from sqlalchemy.engine import Connection

from gateway import clock, telemetry
from gateway.jobs import store as job_rows
from gateway.jobs.hangups import stop
from gateway.jobs.service import Jobs
from gateway.keys.rules import Caller
from gateway.ledger import rules as ledger
from gateway.problems import Conflict, Problem, RateLimited, Unavailable
from gateway.routing import service as routing_service
from gateway.routing.body import JobBody
from gateway.workflows import moving, references, rules, store
from gateway.workflows.body import read_job
from gateway.workflows.rules import State
from gateway.workflows.store import Seen

log = structlog.get_logger()

START_S = 240.0
"""How long the making of one job may take: links among its inputs are fetched, each within a minute."""
LEASE_S = 15.0
"""How long a step that is being started is one process's, unless it says again that it lives."""
RENEW_S = 5.0
ROOM_S = 2.0
"""When a step that others leave no money for is looked at again; the end of one of them comes sooner to its notice."""
BUSY_S = 5.0
"""How long to wait where a refusal for a while does not say."""
PATIENCE = 1 / 8
"""A step that is refused for a while is tried again after this share of the time that it has waited already, if that
is longer: each try may fetch its inputs anew, and one that waits for a day is so tried a hundred times, not 17,280."""
BROKEN_S = 30.0
"""How long to leave a step that could not be started for a fault of ours."""
BROKE = {"code": "internal", "message": "its job could not be made for a fault of ours: tell the operator"}
REVOKED = {"code": "unauthorized", "message": "the workflow's key was revoked before this step began"}


class Lacking(NamedTuple):
    """A step cannot be had for what is left; `is_final` if nothing under way will give any of it back."""

    error: Mapping[str, Any]
    is_final: bool


@dataclass(frozen=True)
class Starter:
    """What starting a step needs."""

    jobs: Jobs

    async def start(self, seen: Seen, step: Mapping[Any, Any]) -> None:
        """Make the job of a step that is ready, or note why not. Whatever happens, repeating it makes no second job."""
        try:
            async with asyncio.timeout(START_S):
                await self._start(seen, step)
        except Exception:  # the worker's edge: the other steps are started all the same, and this one again later
            telemetry.WORKER_ERRORS.inc()
            log.exception("a step could not be started", workflow=step["workflow_id"], step=step["name"])
            await self._put_off(step)

    async def _start(self, seen: Seen, step: Mapping[Any, Any]) -> None:
        now = clock.now()
        owner = await self.jobs.db.glance(lambda connection: store.owner(connection, seen.workflow["key_id"]))
        if owner is None or not owner[1]:
            await self._fail(step, REVOKED)
            return
        try:
            asked = await self.jobs.db.read(lambda connection: store.body(connection, step))
            body = read_job(references.filled(asked, store.outputs(seen)))
        except LookupError as error:
            await self._fail(step, {"code": "invalid", "message": str(error.args[0])})
            return
        except Problem as problem:
            await self._fail(step, _said(problem))
            return
        reserved = await self._reserve(owner[0], seen, step, body, now)
        match reserved:
            case JobBody():
                await self._submit(owner[0], step, reserved)
            case Lacking() if reserved.is_final:
                await self._fail(step, reserved.error)
            case Lacking():
                await self._later(step, reserved.error, ROOM_S)
            case None:
                return  # another is at it, or it is to be skipped

    async def _reserve(
        self, caller: Caller, seen: Seen, step: Mapping[Any, Any], body: JobBody, now: datetime
    ) -> JobBody | Lacking | None:
        """Take the step, and set apart what its job may come to: the body with that as its limit."""
        own = body.routing.max_cost_usd
        purse = store.purse(seen, step)
        quote = 0
        if purse is not None:
            quoted = self._quote(caller, seen, step, body, now)
            if isinstance(quoted, Lacking):
                return quoted
            quote = quoted

        def unit(connection: Connection) -> int | Lacking | None:
            fresh = store.see(connection, step["workflow_id"])
            if fresh is None or not _may_start(fresh, here := _found(fresh, step), now):
                return None
            changes: dict[str, Any] = {"is_tried": True, "error": None, "due_at": now + timedelta(seconds=LEASE_S)}
            left = store.purse(fresh, here)
            ceiling = left.ceiling(quote) if left else None
            if left is not None and ceiling is None:
                return _lacking(fresh, here, f"it is quoted at {ledger.usd(quote)} USD", left.left)
            if ceiling is not None:
                ceiling = min(ceiling, rules.nanos(own)) if own is not None else ceiling
                changes |= {"ceiling_nanos": ceiling, "quote_nanos": quote}
            store.update_step(connection, here, **changes)
            store.reckon_due(connection, step["workflow_id"])
            return -1 if ceiling is None else ceiling

        answer = await self.jobs.db.together(unit)
        if not isinstance(answer, int):
            return answer
        return body if answer < 0 else limited(body, answer)

    def _quote(
        self, caller: Caller, seen: Seen, step: Mapping[Any, Any], body: JobBody, now: datetime
    ) -> int | Lacking:
        """What the step is quoted at now, at an offer that what is left allows."""
        purse = store.purse(seen, step)
        assert purse is not None, "only a workflow with a cap is quoted again"
        try:
            return quoted(self.jobs, caller, limited(body, purse.left), now)
        except Problem as problem:
            refusal = problem
        try:
            needed = quoted(self.jobs, caller, body, now)
        except Problem:
            return Lacking(_said(refusal), True)
        return _lacking(seen, step, f"it is quoted at {ledger.usd(needed)} USD", purse.left)

    async def _submit(self, caller: Caller, step: Mapping[Any, Any], body: JobBody) -> None:
        renewing = asyncio.create_task(self._renew(step))
        try:
            await self.jobs.submit(caller, body, moving.job_key(step["workflow_id"], step["name"]))
        except RateLimited as problem:
            await self._later(step, _said(problem), patient_s(_wait_s(problem), step["ready_at"], clock.now()))
            return
        except Unavailable as problem:
            await self._later(step, _said(problem), patient_s(BUSY_S, step["ready_at"], clock.now()))
            return
        except Conflict as problem:  # another's try, of which we did not know, has made it with another ceiling
            if not await self._adopted(caller, step):
                await self._fail(step, _said(problem))
            return
        except Problem as problem:
            await self._fail(step, _said(problem))
            return
        finally:
            renewing.cancel()
        await self._adopted(caller, step)

    async def _renew(self, step: Mapping[Any, Any]) -> None:
        """Say again and again that the step is in hand."""
        while True:
            await asyncio.sleep(RENEW_S)
            await self.jobs.db.together(lambda connection: _set_due(connection, step, LEASE_S))

    async def _adopted(self, caller: Caller, step: Mapping[Any, Any]) -> bool:
        """Give the step the job that was made; where it was skipped meanwhile, stop it. False: there is none."""
        key = moving.job_key(step["workflow_id"], step["name"])

        def unit(connection: Connection) -> tuple[str, bool] | None:
            seen = store.see(connection, step["workflow_id"])
            job = job_rows.repeated(connection, caller.id, key)
            if seen is None or job is None:
                return None
            here = _found(seen, step)
            if here["status"] == State.READY:
                moving.adopt(connection, seen, here, clock.now())
                store.reckon_due(connection, step["workflow_id"])
            return job["id"], here["status"] in (State.READY, State.RUNNING)

        made = await self.jobs.db.together(unit)
        if made is not None and not made[1]:
            await stop(self.jobs, caller, made[0])
        return made is not None

    async def _fail(self, step: Mapping[Any, Any], error: Mapping[str, Any]) -> None:
        def unit(connection: Connection) -> None:
            if (here := _ready(connection, step)) is not None:
                moving.fail(connection, here, error, clock.now())

        await self.jobs.db.together(unit)

    async def _later(self, step: Mapping[Any, Any], error: Mapping[str, Any], wait_s: float) -> None:
        """Leave a step for a while, free to be taken by anyone after it, unless it has waited too long already."""
        now = clock.now()
        if now - step["ready_at"] > timedelta(seconds=rules.READY_MOST_S):
            await self._fail(step, error)
            return

        def unit(connection: Connection) -> None:
            if (here := _ready(connection, step)) is not None:
                due_at = now + timedelta(seconds=wait_s)
                changes = {"is_tried": False, "due_at": due_at, "ceiling_nanos": None, "error": json.dumps(error)}
                store.update_step(connection, here, **changes)
                store.reckon_due(connection, step["workflow_id"])

        await self.jobs.db.together(unit)
        telemetry.STEPS_PUT_OFF.labels(error["code"]).inc()

    async def _put_off(self, step: Mapping[Any, Any]) -> None:
        """Leave a step for a while as it is: whether its job was made is found out then."""
        now = clock.now()
        if now - step["ready_at"] > timedelta(seconds=rules.READY_MOST_S):
            await self._fail(step, BROKE)
            return
        await self.jobs.db.together(lambda connection: _set_due(connection, step, BROKEN_S))


def quoted(jobs: Jobs, caller: Caller, body: JobBody, now: datetime) -> int:
    """What a job with this body would be quoted at, in nano-dollars; nothing is kept. Raises what its submit would."""
    terms = routing_service.terms_of(caller)
    plan = jobs.routing.plan(body, now, terms)
    if not plan.offers:
        raise routing_service.refusal(plan)
    first = jobs.routing.fitted(plan, body, now.date())
    return first.quote_nanos + ledger.margin(first.quote_nanos, terms.margin_ppm)


def limited(body: JobBody, nanos: int) -> JobBody:
    """The same job, for so much at most, or for less if it says so itself."""
    own, most = body.routing.max_cost_usd, Decimal(nanos).scaleb(-9)
    wishes = {"max_cost_usd": most if own is None else min(own, most)}
    return body.model_copy(update={"routing": body.routing.model_copy(update=wishes)})


def _may_start(seen: Seen, step: Mapping[Any, Any], now: datetime) -> bool:
    is_stopped = seen.is_final or seen.workflow["canceled_at"] is not None
    return not is_stopped and step["status"] == State.READY and step["due_at"] <= now


def _found(seen: Seen, step: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return next(each for each in seen.steps if each["number"] == step["number"])


def _ready(connection: Connection, step: Mapping[Any, Any]) -> Mapping[Any, Any] | None:
    """The step as it is now, if it is still to be started."""
    seen = store.see(connection, step["workflow_id"])
    here = _found(seen, step) if seen else None
    return here if here is not None and here["status"] == State.READY else None


def _set_due(connection: Connection, step: Mapping[Any, Any], wait_s: float) -> None:
    if (here := _ready(connection, step)) is not None:
        store.update_step(connection, here, due_at=clock.now() + timedelta(seconds=wait_s))
        store.reckon_due(connection, step["workflow_id"])


def _lacking(seen: Seen, step: Mapping[Any, Any], needed: str, left_nanos: int) -> Lacking:
    """Not enough is left. Another that runs or is being started may give some back when it ends."""
    others = [each for each in seen.steps if each["number"] != step["number"] and each["ceiling_nanos"] is not None]
    message = f"{needed}, and {ledger.usd(left_nanos)} USD are left for it of the workflow's max_cost_usd"
    unsettled = any(each["job_status"] is None or each["job_cost_nanos"] is None for each in others)
    return Lacking({"code": "over_budget", "message": message}, not unsettled)


def patient_s(wait_s: float, ready_at: datetime, now: datetime) -> float:
    """How long a step waits that was refused for a while: as it was told, or longer where it has waited long."""
    return max(wait_s, (now - ready_at).total_seconds() * PATIENCE)


def _wait_s(problem: Problem) -> float:
    said = problem.headers.get("retry-after", "")
    return float(said) if said.isdigit() else BUSY_S


def _said(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code, "message": problem.detail}
