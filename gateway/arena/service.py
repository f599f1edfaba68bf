"""Battles: begun whole or not at all, blind until the vote, voted once. Who wins is the caller's word, never ours."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy.engine import Connection

from adapters.schema import Task
from gateway import clock, telemetry
from gateway.arena import blind, pairing, rules, store
from gateway.arena.body import BattleBody
from gateway.arena.pairing import Drafted, Drawn
from gateway.arena.rules import OPEN_FOR, Choice, Counts, Pair, Side, Status
from gateway.arena.store import Battle
from gateway.assets import tables as asset_tables
from gateway.attempts import store as attempts
from gateway.jobs import admission, store as job_store
from gateway.jobs.rules import FINAL, Status as JobStatus
from gateway.jobs.service import Jobs
from gateway.keys.rules import Caller
from gateway.ledger import book, rules as ledger
from gateway.problems import Conflict, InsufficientFunds, NotFound, Problem
from gateway.ticks import store as ticks
from gateway.ticks.rules import Tick
from router import ratings
from router.ratings import Rated

log = structlog.get_logger()

TICK = Tick("arena", every_s=60, deadline_s=120)
"""Battles are settled and boards written this often; a vote makes it due at once."""

SETTLED_MOST = 200
"""Battles that one look settles: each may write two pictures anew, which takes a second or so for the largest."""

KNOWN_FOR = timedelta(seconds=30)
"""Replicas whose clocks differ may write a vote down with an id before the newest: so long it is not seen."""

Jobrow = Mapping[Any, Any]


class Refused(NamedTuple):
    """Why a side may not begin, and so neither."""

    refusal: admission.Refused
    side: Side


class Known(NamedTuple):
    """All standings as they were when this was the newest vote."""

    newest: str | None
    at: datetime
    standings: Mapping[Task, tuple[Rated, ...]]


@dataclass
class Arena:
    """`least_votes`: a model with fewer votes is not on our board, however it is rated."""

    jobs: Jobs
    least_votes: int
    known: Known | None = None

    async def begin(self, caller: Caller, body: BattleBody, idempotency_key: str | None) -> Battle:
        """Two jobs in one commit, with their holds; or none."""
        if idempotency_key:
            before = await self.jobs.db.glance(lambda c: store.repeated(c, caller.id, str(idempotency_key)))
            if before:
                return await self.settled(_same(before, body))
        try:
            return await self._begin(caller, body, idempotency_key)
        except Problem as problem:
            telemetry.REFUSED.labels(problem.code).inc()
            raise

    async def _begin(self, caller: Caller, body: BattleBody, idempotency_key: str | None) -> Battle:
        rated = {each.model: each for each in (await self.standings(body.task)).get(body.task, ())}
        await self.jobs.routing.look()
        now, battle_id, seed = clock.now(), clock.new_id("btl"), rules.seed_of(clock.new_secret())
        drawn = pairing.drawn(self.jobs.routing, caller, body, rated, seed, now)
        request, inputs = await pairing.ingested(self.jobs.assets, caller, body.job().media())
        sides = {
            side: pairing.drafted(
                self.jobs, caller, drawn.bodies[side], request, rules.job_key(battle_id, seed, side), now
            )
            for side in rules.made_in(seed)
        }
        row = _row(battle_id, caller, body, drawn, sides, idempotency_key, now)
        row |= {"seed": seed, "request": request.model_dump_json(exclude_defaults=True)}

        def unit(connection: Connection) -> Battle | Refused:
            if idempotency_key and (before := store.repeated(connection, caller.id, idempotency_key)):
                return before
            if refused := self._stored(connection, caller, sides, now):
                return refused
            if drawn.plan:
                self.jobs.routing.keep(connection, drawn.plan, json.loads(row["draw"])["decision"], caller.id, now)
            asset_tables.insert(connection, inputs)
            store.insert(connection, row)
            return row

        outcome = await self.jobs.db.together(unit)
        if isinstance(outcome, Refused):
            raise _problem(outcome, sides, now)
        if outcome is row:  # one that was begun before has kept other plans
            for plan in filter(None, (drawn.plan, *(each.plan for each in sides.values()))):
                self.jobs.routing.kept(plan)
        return _same(outcome, body)

    def _stored(
        self, connection: Connection, caller: Caller, sides: Mapping[Side, Drafted], now: datetime
    ) -> Refused | None:
        """Both jobs, each through the same gates as any; where one of them is refused, nothing of either is left."""
        point = connection.begin_nested()
        for side, draft in sides.items():
            if refusal := admission.refused(connection, caller, draft.job, now):
                point.rollback()
                return Refused(refusal, side)
            self.jobs.routing.keep(connection, draft.plan, draft.job["decision_id"], caller.id, now)
            job_store.insert(connection, draft.job)
            attempts.insert(connection, draft.attempt)
        point.commit()
        return None

    async def see(self, caller: Caller, battle_id: str) -> Battle:
        """A battle of the caller's own. Raises NotFound for another's, whoever asks."""
        battle = await self.jobs.db.glance(lambda connection: store.find(connection, battle_id, caller.id))
        if battle is None:
            raise NotFound(f"there is no battle {battle_id} of this key")
        return await self.settled(battle)

    async def wait(self, caller: Caller, battle: Battle, wait_s: float) -> Battle:
        """A battle when both sides have ended, or as it is after that time."""
        if battle["status"] != Status.RUNNING:
            return battle
        now = asyncio.get_running_loop().time
        deadline = now() + wait_s
        for job_id in (battle["left_job"], battle["right_job"]):
            seen = await self.jobs.see(caller, job_id)
            await self.jobs.wait(caller, seen, max(0.0, deadline - now()))
        return await self.see(caller, battle["id"])

    async def listing(
        self, caller: Caller, limit: int, after: str | None, status: Status | None, task: Task | None
    ) -> Sequence[Battle]:
        running = await self.jobs.db.read(lambda connection: store.running(connection, SETTLED_MOST, caller.id))
        await self._settle(running)
        return await self.jobs.db.read(lambda c: store.listing(c, caller.id, limit, after, status, task))

    async def settle(self) -> int:
        """Look at the battles that run; how many have ended."""
        return await self._settle(await self.jobs.db.read(lambda connection: store.running(connection, SETTLED_MOST)))

    async def _settle(self, battles: Sequence[Battle]) -> int:
        """Those that broke are left for the next look: one must not keep all others from being settled."""
        return sum([await self._is_settled(battle) for battle in battles])

    async def _is_settled(self, battle: Battle) -> bool:
        try:
            return Status((await self.settled(battle))["status"]) is not Status.RUNNING
        except Exception:  # the worker's edge: whatever is wrong with it, it is wrong with this battle alone
            telemetry.WORKER_ERRORS.inc()
            log.exception("a battle could not be settled", battle=battle["id"])
            return False

    async def settled(self, battle: Battle) -> Battle:
        """The battle as it is now that its jobs are looked at. Of one side nothing is shown before the other ends."""
        if battle["status"] != Status.RUNNING:
            return battle
        left, right = await self.jobs.db.glance(lambda connection: _jobs(connection, battle))
        if not (_is_over(left) and _is_over(right)):
            return battle
        values, rows = await self._ended(battle["key_id"], left, right)

        def unit(connection: Connection) -> Battle | None:
            if store.end(connection, battle["id"], values):
                asset_tables.insert(connection, rows)
            return store.find(connection, battle["id"], battle["key_id"])

        found = await self.jobs.db.together(unit) or battle
        if found["ended_at"] == values["ended_at"]:
            telemetry.BATTLES.labels(battle["task"], found["status"]).inc()
        return found

    async def _ended(
        self, key_id: str, left: Jobrow | None, right: Jobrow | None
    ) -> tuple[dict[str, Any], list[asset_tables.Row]]:
        facts = {side: _facts(job) for side, job in zip(Side, (left, right), strict=True)}
        values = {"status": Status.VOID.value, "facts": json.dumps(facts), "ended_at": clock.now()}
        if void := _void(left, right):
            return values | {"void": void}, []
        assert left and right, "a battle without its jobs is void"
        try:
            shown = [
                await blind.blinded(self.jobs.assets, key_id, json.loads(job["outputs"] or "[]"))
                for job in (left, right)
            ]
        except (NotFound, FileNotFoundError):
            return values | {"void": "an output is no longer kept"}, []
        outputs = {side: each.outputs for side, each in zip(Side, shown, strict=True)}
        ready = {"status": Status.READY.value, "outputs": json.dumps(outputs)}
        return values | ready, [row for each in shown for row in each.rows]

    async def vote(self, caller: Caller, battle_id: str, choice: Choice) -> Battle:
        """Say which was better, once. The same vote again is answered as before. Raises Conflict, NotFound."""
        battle, now = await self.see(caller, battle_id), clock.now()
        if battle["status"] == Status.READY:
            if now - battle["ended_at"] > OPEN_FOR:
                raise Conflict(f"this battle is over {OPEN_FOR.days} days old: begin a new one")
            moves = await self._moves(battle, choice)
            await self._cast(battle, choice, moves, now)
            battle = await self.see(caller, battle_id)
        match Status(battle["status"]):
            case Status.RUNNING:
                raise Conflict("there is nothing to compare yet: wait until the battle is ready")
            case Status.VOID:
                raise Conflict(f"this battle is void, for {battle['void']}: begin a new one")
            case Status.VOTED if battle["choice"] != choice:
                raise Conflict(f"this battle was voted {battle['choice']} before: a vote is never changed")
            case _:
                return battle

    async def _cast(self, battle: Battle, choice: Choice, moves: str, now: datetime) -> None:
        def unit(connection: Connection) -> bool:
            is_cast = store.cast(connection, battle, choice, moves, now)
            if is_cast:
                ticks.hasten(connection, TICK.name, now)
            return is_cast

        if await self.jobs.db.together(unit):
            telemetry.VOTES.labels(battle["task"], choice).inc()

    async def _moves(self, battle: Battle, choice: Choice) -> str:
        """How this vote moves both ratings, by the votes that were known just now."""
        task, pair = Task(battle["task"]), Pair(battle["left_model"], battle["right_model"])
        before = (await self.jobs.db.read(lambda connection: store.counts(connection, task))).get(task, {})
        after = rules.with_vote(before, pair, rules.outcome(choice, pair))
        was, now = [{each.model: each for each in await self._rated(counts)} for counts in (before, after)]
        return json.dumps(
            {
                side: {"before": _rating(was, model), "after": _rating(now, model)}
                for side, model in zip(Side, pair, strict=True)
            }
        )

    async def standings(self, task: Task | None = None) -> dict[Task, tuple[Rated, ...]]:
        """Ratings by all votes that count, best first: reckoned once for each new vote, not for each reader."""
        newest, now, known = await self.jobs.db.read(store.newest_vote), clock.now(), self.known
        if known is None or known.newest != newest or now - known.at > KNOWN_FOR:
            counts = await self.jobs.db.read(store.counts)
            rated = {each: await self._rated(votes) for each, votes in sorted(counts.items())}
            known = self.known = Known(newest, now, rated)
        return {each: rated for each, rated in known.standings.items() if task in (None, each)}

    async def _rated(self, counts: Counts) -> tuple[Rated, ...]:
        return await asyncio.to_thread(ratings.rate, rules.tallies(counts, self.jobs.supply.models))


def _rating(rated: Mapping[str, Rated], model: str) -> float:
    return round(rated[model].rating if model in rated else ratings.MIDDLE, 1)


def _row(
    battle_id: str, caller: Caller, body: BattleBody, drawn: Drawn, sides: Mapping[Side, Drafted],
    idempotency_key: str | None, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    decision = clock.new_id("dec") if drawn.plan else None
    return {
        "id": battle_id, "key_id": caller.id, "idempotency_key": idempotency_key, "digest": body.digest(),
        "status": Status.RUNNING.value, "task": body.task.value, "extras": json.dumps(body.metadata),
        "draw": json.dumps(drawn.record | {"decision": decision}),
        "left_model": drawn.pair.left, "right_model": drawn.pair.right,
        "left_job": sides[Side.LEFT].job["id"], "right_job": sides[Side.RIGHT].job["id"],
        "outputs": None, "facts": None, "void": None, "choice": None, "counted": None, "moves": None,
        "created_at": now, "ended_at": None, "voted_at": None,
    }  # fmt: skip


def _same(battle: Battle, body: BattleBody) -> Battle:
    """The battle of this idempotency key. Raises Conflict for another body."""
    if battle["digest"] != body.digest():
        said = "this Idempotency-Key was used with another body: use a new key for a new battle"
        raise Conflict(said, battle=battle["id"])
    return battle


def _problem(refused: Refused, sides: Mapping[Side, Drafted], now: datetime) -> Problem:
    """The refusal as a caller hears it: of money, by what both sides need together."""
    if not isinstance(refused.refusal, book.Short):
        return admission.problem(refused.refusal, sides[refused.side].job, now)
    needed = sum(draft.job["held_nanos"] for draft in sides.values())
    first, second = sides
    missing = refused.refusal.short_by + (sides[second].job["held_nanos"] if refused.side is first else 0)
    detail = (
        f"both sides together are quoted at {ledger.usd(needed)} USD and the key is short of {ledger.usd(missing)} USD:"
        " nothing was begun; fund it, or set max_cost_usd"
    )
    return InsufficientFunds(detail, needed_usd=ledger.usd(needed), short_by_usd=ledger.usd(missing))


def _jobs(connection: Connection, battle: Battle) -> tuple[Jobrow | None, Jobrow | None]:
    return job_store.find(connection, battle["left_job"]), job_store.find(connection, battle["right_job"])


def _is_over(job: Jobrow | None) -> bool:
    """One that is gone was cleared away, which happens only to those that have ended."""
    return job is None or JobStatus(job["status"]) in FINAL


def _void(left: Jobrow | None, right: Jobrow | None) -> str | None:
    """Why there is nothing to vote on, in words that fit after "for"."""
    for side, job in zip(Side, (left, right), strict=True):
        if job is None:
            return f"the job of the {side} side is no longer kept"
        if job["status"] != JobStatus.SUCCEEDED:
            return f"the {side} side {'was ' * (job['status'] == JobStatus.CANCELED)}{job['status']}"
    return None


def _facts(job: Jobrow | None) -> dict[str, Any] | None:
    """What is revealed of a side."""
    if job is None:
        return None
    ended = job["ended_at"]
    return {
        "job": job["id"], "status": job["status"], "model": job["offer"].partition("/")[2], "offer": job["offer"],
        "provider": job["offer"].partition("/")[0], "decision": job["decision_id"],
        "quote_usd": ledger.usd(job["quote_nanos"]),
        "cost_usd": None if job["cost_nanos"] is None else ledger.usd(job["cost_nanos"]),
        "seconds": round((ended - job["created_at"]).total_seconds(), 3) if ended else None,
        "error": json.loads(job["error"]) if job["error"] else None,
    }  # fmt: skip
