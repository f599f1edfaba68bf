"""A workflow under any interleaving: two workers at once, jobs that end as they like, and a crash at every commit."""

import asyncio
import random
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from gateway import clock
from gateway.attempts import store as attempts
from gateway.jobs.store import JOB
from gateway.jobs.tables import SweepRow
from gateway.keys import plans, service as keys
from gateway.keys.rules import Plan
from gateway.ledger import book, rules as ledger
from gateway.ledger.tables import ENTRY
from gateway.problems import RateLimited
from gateway.workflows import retention, service, store
from gateway.workflows.body import WorkflowBody
from gateway.workflows.rules import READY_MOST_S
from gateway.workflows.service import Workflows
from gateway.workflows.starting import patient_s
from gateway.workflows.tables import STEP, WORKFLOW
from tests.gateway.jobs.accounts import CHEAP_NANOS, GONE, House
from tests.stories.cards import asked, write_cards
from tests.supplies import make_supply

assert SweepRow  # its table is needed here


@pytest.fixture
def supply(monkeypatch, tmp_path):
    return make_supply(monkeypatch, tmp_path, catalog_dir=write_cards(tmp_path, "http://127.0.0.1:9"))


@pytest.fixture
async def house(database, supply):
    return await House(database, supply).open("5")


class Crash(BaseException):
    """The process ends here."""


class Mortal:
    """A database whose process dies at its commit of some number: before it, or right after it."""

    def __init__(self, database, dies_at, is_before):
        self.database, self.left, self.is_before = database, dies_at, is_before

    def __getattr__(self, name):
        return getattr(self.database, name)

    async def together(self, unit):
        self.left -= 1
        if self.left == 0 and self.is_before:
            raise Crash
        if self.left < 0:
            raise Crash  # whatever of the dead process still runs
        found = await self.database.together(unit)
        if self.left == 0:
            raise Crash
        return found


def another(house, database):
    """The workflows of a further process."""
    there = House(database, house.supply)
    there.caller = house.caller
    return Workflows(there.jobs)


def body(after, max_cost_usd=None, **more):
    steps = [{"id": name, "job": asked("north", "south"), "after": before} for name, before in after.items()]
    return WorkflowBody.model_validate({"steps": steps, "max_cost_usd": max_cost_usd} | more)


async def rows(database, table):
    return await database.read(lambda connection: connection.execute(sa.select(table)).mappings().all())


async def time_passes(database):
    """All leases are over, and all that waits is due."""
    past = clock.now() - timedelta(seconds=1)

    def unit(connection):
        connection.execute(sa.update(STEP).where(STEP.c.due_at.is_not(None)).values(due_at=past))
        connection.execute(sa.update(WORKFLOW).where(WORKFLOW.c.status == "running").values(due_at=past))

    await database.together(unit)


async def carried_on(workflows):
    """What a worker's look does, one workflow after the other."""
    db = workflows.jobs.db
    for workflow_id in await db.read(lambda connection: store.claimable(connection, clock.now())):
        await workflows.carry_on(workflow_id)


async def end_all(house):
    """Every attempt that is open succeeds at its quote."""
    live = [
        attempts.attempt_of(each) for each in await rows(house.database, attempts.ATTEMPT) if each["status"] == "open"
    ]
    for each in live:
        await house.database.together(lambda c, each=each: house.deliver(c, each, each.quote_nanos))
    return len(live)


async def spent(house):
    """What the jobs have cost the key, and hold."""
    jobs = await rows(house.database, JOB)
    return sum(min(each["held_nanos"], each["held_nanos"] if each["cost_nanos"] is None else each["cost_nanos"])
               for each in jobs)  # fmt: skip


WIDE = {f"s{number}": [] for number in range(8)}
DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": []}


@pytest.mark.anyio
async def test_many_at_once_make_each_job_once(house, other_database):
    both = [another(house, house.database), another(house, other_database)]
    seen = await both[0].submit(house.caller, body(WIDE, "0.20"), None)
    await asyncio.gather(*[both[number % 2].carry_on(seen.workflow["id"]) for number in range(12)])
    jobs, steps = await rows(house.database, JOB), await rows(house.database, STEP)
    assert len(jobs) == 8 == len({each["job_id"] for each in steps})
    assert sum(each["ceiling_nanos"] for each in steps) <= ledger.nanos(Decimal("0.20"))
    assert {each["status"] for each in steps} == {"running"}


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(4))
async def test_the_cap_holds_whatever_the_branches_do(house, other_database, seed):
    """Branches start, fall back to a dearer offer, cost more than they hold, end and are canceled, in any order."""
    chance = random.Random(seed)
    both = [another(house, house.database), another(house, other_database)]
    cap = chance.randint(8, 11) * CHEAP_NANOS
    made = body(WIDE | {"last": ["s0"]}, str(Decimal(cap + CHEAP_NANOS).scaleb(-9)), on_failure="continue")
    workflow_id = (await both[0].submit(house.caller, made, None)).workflow["id"]
    for _ in range(120):
        live = [each for each in await rows(house.database, attempts.ATTEMPT) if each["status"] == "open"]
        match chance.choice(["look", "look", "well", "dear", *["gone"] * 5, "cancel"]):
            case "look":
                await time_passes(house.database)
                await asyncio.gather(*[carried_on(each) for each in both])
            case "well" | "dear" as how if live:
                attempt = attempts.attempt_of(chance.choice(live))
                cost = attempt.quote_nanos * (3 if how == "dear" else 1)
                await house.database.together(lambda c, a=attempt, n=cost: house.deliver(c, a, n))
            case "gone" if live:
                attempt = attempts.attempt_of(chance.choice(live))
                await house.database.together(lambda c, a=attempt: house.endings.ended(c, a, GONE, clock.now()))
            case "cancel" if live and chance.random() < 0.2:
                await house.jobs.cancel(house.caller, chance.choice(live)["job_id"])
        assert await spent(house) <= cap + CHEAP_NANOS
        if (await both[0].see(house.caller, workflow_id)).is_final:
            break
    while not (await both[0].see(house.caller, workflow_id)).is_final:
        await time_passes(house.database)
        await carried_on(both[0])
        await end_all(house)
        assert await spent(house) <= cap + CHEAP_NANOS
    await house.proven()


@pytest.mark.anyio
@pytest.mark.parametrize("is_before", [True, False])
async def test_a_crash_at_any_commit_makes_no_second_job_and_loses_none(house, is_before):
    crashes = 0
    for dies_at in range(1, 40):
        whole = another(house, house.database)
        workflow_id = (await whole.submit(house.caller, body(DIAMOND, "0.10"), None)).workflow["id"]
        mortal = another(house, Mortal(house.database, dies_at, is_before))
        try:
            for _ in range(5):
                await mortal.carry_on(workflow_id)
                await end_all(house)
        except Crash:
            crashes += 1
        for _ in range(8):
            await time_passes(house.database)
            await carried_on(whole)
            await end_all(house)
        seen = await whole.see(house.caller, workflow_id)
        assert seen.workflow["status"] == "succeeded", [dict(each) for each in seen.steps]
        assert [each["job_cost_nanos"] for each in seen.steps] == [CHEAP_NANOS] * 5
        if crashes < dies_at:
            break
    jobs, settled = await rows(house.database, JOB), await rows(house.database, ENTRY)
    assert crashes > 10 and len(jobs) == 5 * dies_at
    assert sum(each["reason"] == "settle" for each in settled) == len(jobs)
    await house.proven()


@pytest.mark.anyio
async def test_a_job_that_was_made_for_a_step_that_was_canceled_meanwhile_is_stopped(house):
    workflows = another(house, house.database)
    workflow_id = (await workflows.submit(house.caller, body({"a": []}), None)).workflow["id"]
    mortal = another(house, Mortal(house.database, 3, False))  # moved, taken, made; and dead before it could say so
    with pytest.raises(Crash):
        await mortal.carry_on(workflow_id)
    [step] = await rows(house.database, STEP)
    assert step["status"] == "ready" and step["job_id"] is None and len(await rows(house.database, JOB)) == 1
    seen = await workflows.cancel(house.caller, workflow_id)
    assert not seen.is_final, "another may be making its job at this moment"
    await time_passes(house.database)
    await carried_on(workflows)
    [job] = await rows(house.database, JOB)
    seen = await workflows.see(house.caller, workflow_id)
    assert (seen.workflow["status"], job["status"]) == ("canceled", "canceled")


@pytest.mark.anyio
async def test_a_step_waits_for_money_that_others_may_give_back(house):
    """Under a cap for two quotes and a half, one branch falls back and takes what is spare; none is refused for it."""
    workflows = another(house, house.database)
    seen = await workflows.submit(house.caller, body({"a": [], "b": []}, "0.025"), None)
    await carried_on(workflows)
    first, second = await rows(house.database, STEP)
    assert first["ceiling_nanos"] + second["ceiling_nanos"] <= ledger.nanos(Decimal("0.025"))
    await end_all(house)
    await carried_on(workflows)
    assert (await workflows.see(house.caller, seen.workflow["id"])).workflow["status"] == "succeeded"


@pytest.mark.anyio
async def test_a_plan_that_allows_one_job_at_a_time_makes_steps_wait(house):
    def unit(connection):
        plans.insert(connection, Plan("pln_1", "one", concurrency=1), clock.now())
        keys.change(connection, house.caller.id, {"plan": "pln_1"})

    await house.database.together(unit)
    workflows = another(house, house.database)
    seen = await workflows.submit(house.caller, body({"a": [], "b": [], "c": []}, "0.06"), None)
    for made in (1, 2, 3):
        await time_passes(house.database)
        await carried_on(workflows)
        assert len(await rows(house.database, JOB)) == made
        waiting = [each for each in await rows(house.database, STEP) if each["status"] == "ready"]
        assert len(waiting) == 3 - made and all("rate_limited" in each["error"] for each in waiting)
        assert all(each["ceiling_nanos"] is None for each in waiting)
        await end_all(house)
    await carried_on(workflows)
    seen = await workflows.see(house.caller, seen.workflow["id"])
    assert seen.workflow["status"] == "succeeded" and not any(each["error"] for each in seen.steps)


@pytest.mark.anyio
async def test_a_step_that_has_waited_long_for_its_plan_is_tried_less_often(house):
    def unit(connection):
        plans.insert(connection, Plan("pln_1", "one", concurrency=1), clock.now())
        keys.change(connection, house.caller.id, {"plan": "pln_1"})

    await house.database.together(unit)
    workflows = another(house, house.database)
    await workflows.submit(house.caller, body({"a": [], "b": []}), None)
    await carried_on(workflows)
    hour_ago, here = clock.now() - timedelta(hours=1), STEP.c.status == "ready"
    await house.database.together(lambda c: c.execute(sa.update(STEP).where(here).values(ready_at=hour_ago)) and None)
    await time_passes(house.database)
    await carried_on(workflows)
    [left] = [each for each in await rows(house.database, STEP) if each["status"] == "ready"]
    assert "rate_limited" in left["error"] and left["due_at"] - clock.now() > timedelta(minutes=7)
    tries, waited_s = 0, 0.0
    while waited_s < READY_MOST_S:
        start = clock.now()
        tries, waited_s = tries + 1, waited_s + patient_s(5, start - timedelta(seconds=waited_s), start)
    assert tries < 100


@pytest.mark.anyio
async def test_a_key_has_so_many_workflows_under_way_and_no_more(house, monkeypatch):
    monkeypatch.setattr(service, "RUNNING_MOST", 2)
    workflows = another(house, house.database)
    asking = [workflows.submit(house.caller, body({"a": []}), f"key {number}") for number in range(4)]
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert sorted(type(each).__name__ for each in found) == ["RateLimited", "RateLimited", "Seen", "Seen"]
    [first, _] = [number for number, each in enumerate(found) if not isinstance(each, RateLimited)]
    again = await workflows.submit(house.caller, body({"a": []}), f"key {first}")
    assert again.workflow["id"] == found[first].workflow["id"], "one that is there is answered all the same"
    await workflows.cancel(house.caller, again.workflow["id"])
    assert (await workflows.submit(house.caller, body({"a": []}), None)).workflow["status"] == "running"


@pytest.mark.anyio
async def test_what_a_key_cannot_pay_fails_and_holds_nothing(house):
    await house.database.together(
        lambda c: book.post(c, ledger.hold(house.caller.id, "elsewhere", ledger.nanos(Decimal("4.995"))), clock.now())
    )
    workflows = another(house, house.database)
    seen = await workflows.submit(house.caller, body({"a": []}, "0.06"), None)
    await carried_on(workflows)
    seen = await workflows.see(house.caller, seen.workflow["id"])
    assert seen.workflow["status"] == "failed" and "insufficient_funds" in seen.steps[0]["error"]
    assert await rows(house.database, JOB) == []


@pytest.mark.anyio
async def test_old_workflows_that_have_ended_are_cleared_away_with_their_steps(house):
    workflows = another(house, house.database)
    done = await workflows.submit(house.caller, body({"a": [], "b": ["a"]}), None)
    for _ in range(3):
        await carried_on(workflows)
        await end_all(house)
    runs = await workflows.submit(house.caller, body({"a": []}), None)
    [sweep] = retention.sweeps(retention.Policy(None, None, 30))
    ids = [done.workflow["id"], runs.workflow["id"]]
    assert await house.database.together(lambda connection: sweep.clear(connection, ids)) == 1
    assert [each["id"] for each in await rows(house.database, WORKFLOW)] == [runs.workflow["id"]]
    assert {each["workflow_id"] for each in await rows(house.database, STEP)} == {runs.workflow["id"]}
    assert retention.sweeps(retention.Policy(None, None, None)) == []
