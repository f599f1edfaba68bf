"""The laws of money under any interleaving: 64 clients, two workers on one database, and crashes in between."""

import asyncio
import random
from collections import Counter
from decimal import Decimal

import pytest
import sqlalchemy as sa

from gateway import clock
from gateway.attempts import store as attempts
from gateway.attempts.rules import LIVE, Ending, Status
from gateway.budgets import store as budgets
from gateway.jobs import store
from gateway.jobs.rules import FINAL
from gateway.ledger import rules as ledger
from gateway.ledger.tables import ENTRY
from gateway.problems import Problem
from gateway.routing.body import JobBody
from router.policy import Policy
from tests.gateway.jobs.accounts import CHEAP_NANOS, DEAR_NANOS, DEAREST_NANOS, GONE, UNKNOWN
from tests.stories.cards import asked

CLIENTS = 64
AFFORDED = 40
"""Jobs that the budget has room for when all ask at once."""
CAP_NANOS = CHEAP_NANOS * AFFORDED
RAISED_NANOS = 2 * CAP_NANOS
"""Room for some fallbacks and not for all."""


class Crash(Exception):
    """A process ends after its work and before its commit."""


class Worker:
    """One of two processes: it ends attempts, and sometimes dies before the commit."""

    def __init__(self, house, database, chance):
        self.house, self.database, self.chance = house, database, chance

    async def take(self, attempt):
        what = self.chance.choice(["succeed", "succeed", "dear", "gone", "billed", "unknown", "hear", "cancel"])
        crashes = self.chance.random() < 0.2

        def unit(connection):
            self.work(connection, what, attempt)
            if crashes:
                raise Crash

        try:
            await self.database.together(unit)
        except Crash:
            assert crashes

    def work(self, connection, what, attempt):
        endings, now = self.house.endings, clock.now()
        match what:
            case "succeed" | "dear":
                cost = attempt.quote_nanos * (3 if what == "dear" else 1)
                self.house.deliver(connection, attempt, cost)
            case "gone":
                endings.ended(connection, attempt, GONE, now)
            case "billed":
                billed = Ending(Status.FAILED, GONE.error, cost_usd=Decimal("0.004"))
                endings.ended(connection, attempt, billed, now)
            case "unknown" if attempt.status is Status.OPEN:
                endings.ended(connection, attempt, UNKNOWN, now)
            case "hear" if attempt.status is Status.UNKNOWN:
                self.house.heard(connection, attempt)
            case "cancel":
                self.house.jobs._cancel(connection, attempt.job_id, frozenset({attempt.id}))


async def rush(house, chance):
    """All clients at once; some repeat another's call."""

    async def one(number):
        routing = {"unknown_elsewhere": chance.random() < 0.7, "max_cost_usd": chance.choice(["0.03", "0.1", None])}
        body = JobBody.model_validate(asked("north", "south", "east", **routing))
        try:
            return (await house.jobs.submit(house.caller, body, f"call {number}")).job["id"]
        except Problem as problem:
            return problem.code

    return Counter(await asyncio.gather(*[one(number) for number in range(CLIENTS)]))


async def live(house):
    rows = await house.database.read(
        lambda c: (
            c.execute(sa.select(attempts.ATTEMPT).where(attempts.ATTEMPT.c.status.in_(["open", "unknown"])))
            .mappings()
            .all()
        )
    )
    return [attempts.attempt_of(row) for row in rows]


async def check(house, cap_nanos=RAISED_NANOS):
    """Sum zero, nothing overdrawn, held equals open holds, one settlement for each job and no run's cost lost; budgets
    are their charges, and within their limits; what may yet be billed is held."""
    counted = await house.proven()
    assert counted.get("cap", 0) <= cap_nanos
    assert counted.get("cap", 0) == counted.get("everybody", 0) == counted.get("picture", 0)
    jobs = await house.database.read(lambda c: c.execute(sa.select(store.JOB)).mappings().all())
    held = sum(job["held_nanos"] for job in jobs if job["cost_nanos"] is None)
    assert await house.balance(ledger.held(house.caller.id)) == held
    spent = ledger.NANOS - held - await house.balance(ledger.available(house.caller.id))
    assert counted.get("cap", 0) == held + spent
    for job in jobs:
        wishes = Policy.model_validate_json(job["policy"]).max_cost_usd
        assert wishes is None or job["held_nanos"] <= wishes * ledger.NANOS
    billed, committed = Counter(), Counter()
    settled_jobs = {job["id"] for job in jobs if job["cost_nanos"] is not None}
    for row in await house.database.read(lambda c: c.execute(sa.select(attempts.ATTEMPT)).mappings().all()):
        billed[row["provider"]] += row["cost_nanos"] if row["job_id"] in settled_jobs else 0
        committed[row["job_id"]] += row["quote_nanos"] if row["status"] in LIVE else row["cost_nanos"]
    assert all(job["held_nanos"] >= committed[job["id"]] for job in jobs if job["id"] not in settled_jobs)
    for provider, nanos in billed.items():
        assert await house.balance(ledger.payable(provider)) == nanos, "a run's cost is owed once, and none is lost"
    settled = await house.database.read(
        lambda c: set(c.execute(sa.select(ENTRY.c.key).where(ENTRY.c.reason == "settle")).scalars())
    )
    assert settled == {f"settle:{job_id}" for job_id in settled_jobs}
    return jobs


async def lived_through(house, other_database, seed):
    chance = random.Random(seed)
    await house.limit("cap", CAP_NANOS)
    await house.limit("picture", DEAREST_NANOS * 100, models=("story/picture",))
    await house.limit("everybody", DEAR_NANOS, is_hard=False)
    told = await rush(house, chance)
    assert told["over_budget"] == CLIENTS - AFFORDED
    await check(house, CAP_NANOS)
    await house.database.together(lambda c: budgets.change(c, "cap", {"limit_nanos": RAISED_NANOS}))
    workers = [Worker(house, database, chance) for database in (house.database, other_database)]
    for _ in range(60):
        waiting = await live(house)
        if not waiting:
            break
        taken = chance.choices(waiting, k=min(16, len(waiting)))
        await asyncio.gather(*[chance.choice(workers).take(attempt) for attempt in taken + taken[:4]])
        await check(house)
    while waiting := await live(house):
        for attempt in waiting:
            await house.database.together(lambda c, attempt=attempt: house.endings.ended(c, attempt, GONE, clock.now()))
    jobs = await check(house)
    assert len(jobs) == AFFORDED and all(job["status"] in FINAL and job["cost_nanos"] is not None for job in jobs)
    assert await house.balance(ledger.held(house.caller.id)) == 0


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(6))
async def test_the_laws_hold_whoever_comes_first_and_whoever_dies(house, other_database, seed):
    await lived_through(house, other_database, seed)
