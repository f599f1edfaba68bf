"""Graphs of jobs as callers have them: accepted whole or refused whole, seen, waited for, and stopped."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from sqlalchemy.engine import Connection

from gateway import clock, telemetry
from gateway.jobs.hangups import stop
from gateway.jobs.rules import FINAL, Status as JobStatus
from gateway.jobs.service import WAIT_S, Jobs
from gateway.keys.rules import Caller, Role
from gateway.ledger import rules as ledger
from gateway.problems import Conflict, Invalid, NotFound, OverBudget, Problem, RateLimited
from gateway.webhooks import rules as webhook_rules
from gateway.workflows import moving, rules, store
from gateway.workflows.body import Checked, WorkflowBody, checked
from gateway.workflows.references import PLACEHOLDER
from gateway.workflows.rules import RUNNING_MOST, STEPS, State, Status
from gateway.workflows.starting import Starter, limited, quoted
from gateway.workflows.store import Seen

log = structlog.get_logger()

LOOK_S = 0.5
"""How often one who waits looks: the steps of a workflow may run anywhere."""
FULL_S = 60
"""When to ask again where a key has as many workflows as it may have: they take minutes."""
ROUNDS = 2 * STEPS
"""Moves of one workflow in a row: steps that fail at once may make others ready or skip them, each a move."""


class Accepted(NamedTuple):
    """It was made now, or by the same idempotency key before."""

    workflow_id: str
    digest: str


@dataclass
class Workflows:
    """Jobs do not know of it: it looks for those that have ended. `awake` is set when there is something to do."""

    jobs: Jobs
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def starter(self) -> Starter:
        return Starter(self.jobs)

    async def submit(self, caller: Caller, body: WorkflowBody, idempotency_key: str | None) -> Seen:
        """Accept a workflow: its steps are checked, routed and quoted, and stored. Nothing is held or sent yet."""
        if idempotency_key and (before := await self._repeated(caller, idempotency_key)):
            return await self.see(caller, _same(before, body))
        try:
            rows = await self._drafted(caller, body, idempotency_key, clock.now())
        except Problem as problem:
            telemetry.REFUSED.labels(problem.code).inc()
            raise

        def unit(connection: Connection) -> Accepted | None:
            before = store.repeated(connection, caller.id, idempotency_key) if idempotency_key else None
            if before is not None:
                return Accepted(before["id"], before["digest"])
            if store.running(connection, caller.id) >= RUNNING_MOST:
                return None
            store.insert(connection, *rows)
            return Accepted(rows[0]["id"], rows[0]["digest"])

        accepted = await self.jobs.db.together(unit)
        if accepted is None:
            raise _too_many()
        self.awake.set()
        return await self.see(caller, _same(accepted, body))

    async def _repeated(self, caller: Caller, idempotency_key: str) -> Accepted | None:
        row = await self.jobs.db.glance(lambda connection: store.repeated(connection, caller.id, idempotency_key))
        return Accepted(row["id"], row["digest"]) if row else None

    async def _drafted(
        self, caller: Caller, body: WorkflowBody, idempotency_key: str | None, now: datetime
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The rows of a workflow that can run, as far as that is known before its inputs exist."""
        self._check_webhook(body.webhook_url, "webhook_url")
        steps = checked(body)
        await self.jobs.routing.look()
        cap = None if body.max_cost_usd is None else rules.nanos(body.max_cost_usd)
        quotes = [await self._quoted(caller, step, index, cap, now) for index, step in enumerate(steps)]
        quote = sum(quotes)
        if cap is not None and quote > cap:
            needed, allowed = ledger.usd(quote), ledger.usd(cap)
            detail = f"the steps are quoted at {needed} USD together, and max_cost_usd allows {allowed}: raise it, or "
            raise OverBudget(f"{detail}choose cheaper offers", needed_usd=needed, short_by_usd=ledger.usd(quote - cap))
        workflow_id = clock.new_id("wfl")
        workflow = {
            "id": workflow_id, "key_id": caller.id, "name": body.name, "status": Status.RUNNING.value,
            "on_failure": body.on_failure.value, "idempotency_key": idempotency_key, "digest": body.digest(),
            "quote_nanos": quote, "max_cost_nanos": cap, "extras": json.dumps(body.metadata),
            "webhook_url": body.webhook_url, "due_at": now, "created_at": now,
        }  # fmt: skip
        drafts = [
            {
                "workflow_id": workflow_id, "number": number, "name": step.name, "task": step.body.task.value,
                "job": json.dumps(step.job), "after": json.dumps(step.after), "status": State.WAITING.value,
                "quote_nanos": quotes[number], "is_tried": False,
            }
            for number, step in enumerate(steps)
        ]  # fmt: skip
        return workflow, drafts

    def _check_webhook(self, url: str | None, path: str) -> None:
        if url and (reason := webhook_rules.refusal(url, self.jobs.is_private_allowed)):
            raise Invalid(f"{path}: {reason}", errors=[{"path": path, "message": reason}])

    async def _quoted(self, caller: Caller, step: Checked, index: int, cap: int | None, now: datetime) -> int:
        """A step's quote before anything of it exists. Raises what its submit would, with the step's path."""
        path = f"steps.{index}.job"
        self._check_webhook(step.body.webhook_url, f"{path}.webhook_url")
        try:
            for item in step.body.inputs:
                if item.asset and item.asset != PLACEHOLDER:
                    await self.jobs.assets.found(item.asset, caller.id)
            await asyncio.sleep(0)  # fifty decisions in a row would keep all others waiting
            return quoted(self.jobs, caller, step.body if cap is None else limited(step.body, cap), now)
        except Problem as problem:
            raise _at(problem, path, step.name) from problem

    async def see(self, caller: Caller, workflow_id: str) -> Seen:
        """A workflow of the caller's own, or of anyone for an admin, with the bodies of its jobs. Another's is not
        found."""
        return self._own(caller, workflow_id, await self.jobs.db.read(lambda c: store.see_whole(c, workflow_id)))

    async def look(self, caller: Caller, workflow_id: str) -> Seen:
        """The same without the bodies, for who looks again and again."""
        return self._own(caller, workflow_id, await self.jobs.db.read(lambda c: store.see(c, workflow_id)))

    def _own(self, caller: Caller, workflow_id: str, seen: Seen | None) -> Seen:
        if seen is None or not (caller.role is Role.ADMIN or seen.workflow["key_id"] == caller.id):
            raise NotFound(f"there is no workflow {workflow_id[:40]} of this key")
        return seen

    async def wait(self, caller: Caller, seen: Seen, wait_s: float) -> Seen:
        """A workflow when it has ended, or as it is after that time."""
        timer = asyncio.get_running_loop().time
        deadline = timer() + min(wait_s, WAIT_S)
        latest = seen
        while not latest.is_final and (left_s := deadline - timer()) > 0:
            await asyncio.sleep(min(LOOK_S, left_s))
            latest = await self.look(caller, seen.workflow["id"])
        return seen if latest is seen else await self.see(caller, seen.workflow["id"])

    async def listing(self, caller: Caller, limit: int, after: str | None, status: str | None) -> list[Seen]:
        owner = None if caller.role is Role.ADMIN else caller.id
        return await self.jobs.db.read(lambda connection: store.listing(connection, owner, limit, after, status))

    async def cancel(self, caller: Caller, workflow_id: str) -> Seen:
        """Start nothing more, and stop what runs: each job as its own cancel would."""
        seen = await self.see(caller, workflow_id)
        if seen.is_final:
            return seen
        now = clock.now()

        def unit(connection: Connection) -> None:
            fresh = store.see(connection, workflow_id)
            if fresh is not None and not fresh.is_final and fresh.workflow["canceled_at"] is None:
                store.update(connection, workflow_id, canceled_at=now, due_at=now)

        await self.jobs.db.together(unit)
        await self.carry_on(workflow_id)
        return await self.see(caller, workflow_id)

    async def carry_on(self, workflow_id: str) -> None:
        """Do all that can be done for a workflow now. Harmless to repeat, and for several to do at once."""
        for _ in range(ROUNDS):
            began = clock.now()
            seen = await self.jobs.db.together(lambda c, at=began: moving.move(c, workflow_id, at))  # type: ignore[misc]
            now = clock.now()
            if seen is None or seen.is_final:
                _count(seen, began)
                return
            if seen.workflow["canceled_at"] is not None:
                if not await self._stop_jobs(seen):
                    return
                continue
            ready = [step for step in seen.steps if step["status"] == State.READY and step["due_at"] <= now]
            if not ready:
                return
            await asyncio.gather(*[self.starter.start(seen, each) for each in ready])

    async def _stop_jobs(self, seen: Seen) -> int:
        """Cancel the jobs that run. Returns how many there were."""
        owner = await self.jobs.db.glance(lambda connection: store.owner(connection, seen.workflow["key_id"]))
        running = [each["job_id"] for each in seen.steps if _runs(each)]
        if owner is not None:
            await asyncio.gather(*[stop(self.jobs, owner[0], job_id) for job_id in running])
        return len(running) if owner else 0


def _runs(step: Mapping[Any, Any]) -> bool:
    status = step["job_status"]
    return step["status"] == State.RUNNING and status is not None and JobStatus(status) not in FINAL


def _count(seen: Seen | None, began: datetime) -> None:
    """The metric of an end, once its commit is durable; of one that was over before, nothing."""
    if seen is not None and seen.workflow["ended_at"] == began:
        telemetry.WORKFLOWS.labels(seen.workflow["status"]).inc()


def _too_many() -> RateLimited:
    telemetry.REFUSED.labels(RateLimited.code).inc()
    detail = f"{RUNNING_MOST} workflows of this key have not ended: wait until one of them has, or cancel one"
    return RateLimited(detail, headers={"retry-after": str(FULL_S)})


def _same(accepted: Accepted, body: WorkflowBody) -> str:
    if accepted.digest != body.digest():
        raise Conflict(
            "this Idempotency-Key was used with another body: use a new key for a new workflow",
            workflow=accepted.workflow_id,
        )
    return accepted.workflow_id


def _at(problem: Problem, path: str, step: str) -> Problem:
    """The same problem, with the path of the step that has it."""
    said = problem.more.get("errors") or [{"path": "", "message": problem.detail}]
    errors = [each | {"path": f"{path}.{each['path']}".rstrip(".")} for each in said]
    return type(problem)(
        f"{path}: {problem.detail}", problem.headers, **(problem.more | {"errors": errors, "step": step})
    )
