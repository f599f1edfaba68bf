"""The money of jobs whose attempts cross: of unknown fate, late, billed for nothing, refused at a fallback."""

import asyncio

import pytest
import sqlalchemy as sa

from gateway import clock
from gateway.attempts import store as attempts
from gateway.attempts.rules import Status
from gateway.budgets import store as budgets
from gateway.budgets.rules import Budget, Scope, Spender, Window
from gateway.budgets.tables import ALERT, CHARGE
from gateway.jobs import store
from gateway.jobs.retention import _clear_jobs
from gateway.keys.rules import Plan
from gateway.keys.tables import RATE
from gateway.ledger import rules as ledger
from gateway.problems import NoOffer, Problem
from gateway.routing import quotes
from gateway.routing.body import JobBody
from gateway.routing.service import NO_TERMS, Terms
from gateway.webhooks.tables import EVENT, WEBHOOK
from tests.gateway.jobs.accounts import CHEAP_NANOS, DEAR_NANOS, DEAREST_NANOS, GONE, UNKNOWN, House
from tests.stories.cards import CHEAP, DEAR, asked


@pytest.mark.anyio
async def test_a_cap_larger_than_any_amount_of_the_ledger_stops_no_fallback(house):
    job = await house.begin("north", "south", max_cost_usd="1e30")
    assert await house.end(job, "north", GONE) == ["north", "south"]


@pytest.mark.anyio
async def test_a_run_that_was_heard_of_again_still_counts_in_the_hold_of_a_further_fallback(house):
    job = await house.begin("north", "south", "east", unknown_elsewhere=True)
    await house.end(job, "north", UNKNOWN)
    await house.hear(job, "north")
    await house.end(job, "south", GONE)
    row = await house.job(job)
    live = [each for each in await house.attempts(job) if each.status is not Status.FAILED]
    assert row["held_nanos"] >= sum(each.quote_nanos for each in live)
    await house.proven()


@pytest.mark.anyio
async def test_a_run_that_was_heard_of_again_and_fails_starts_no_third_while_a_second_runs(house):
    job = await house.begin("north", "south", "east", unknown_elsewhere=True)
    assert await house.end(job, "north", UNKNOWN) == ["north", "south"]
    await house.hear(job, "north")
    assert await house.end(job, "north", GONE) == ["north", "south"]
    assert await house.end(job, "south", GONE) == ["north", "south", "east"]


@pytest.mark.anyio
async def test_a_billed_failure_is_paid_though_the_first_run_comes_out_well_after_it(house):
    job = await house.begin("north", "south", unknown_elsewhere=True)
    await house.end(job, "north", UNKNOWN)
    await house.bill(job, "south", DEAR)
    await house.succeed(job, "north", CHEAP_NANOS)
    assert (await house.job(job))["cost_nanos"] == CHEAP_NANOS + DEAR_NANOS
    assert await house.balance(ledger.payable("south")) == DEAR_NANOS
    await house.proven()


@pytest.mark.anyio
async def test_a_late_failure_that_is_billed_is_paid_by_the_gateway(house):
    job = await house.begin("north", "south", unknown_elsewhere=True)
    await house.end(job, "north", UNKNOWN)
    await house.succeed(job, "south", DEAR_NANOS)
    await house.hear(job, "north")
    await house.bill(job, "north", CHEAP)
    assert await house.balance(ledger.payable("north")) == CHEAP_NANOS
    assert await house.balance(ledger.OVERRUN) == -CHEAP_NANOS
    await house.proven()


@pytest.mark.anyio
async def test_both_runs_of_a_job_are_owed_when_the_unknown_one_comes_out_last(house):
    await house.limit("cap", DEAREST_NANOS)
    job = await house.begin("north", "south", unknown_elsewhere=True)
    await house.end(job, "north", UNKNOWN)
    await house.succeed(job, "south", DEAR_NANOS)
    await house.succeed(job, "north", CHEAP_NANOS)
    assert await house.proven() == {"cap": DEAR_NANOS}
    assert await house.balance(ledger.OVERRUN) == -CHEAP_NANOS


@pytest.mark.anyio
async def test_a_fallback_that_the_key_cannot_pay_tells_of_no_threshold_and_moves_no_budget(database, supply):
    house = await House(database, supply).open(CHEAP)
    await house.limit("cap", DEAREST_NANOS)
    await house.limit("told", DEAR_NANOS, is_hard=False, thresholds=(100,))
    endpoint = {
        "id": "whk_1", "key_id": house.caller.id, "watches": house.caller.id, "url": "http://127.0.0.1:9/",
        "events": '["budget.threshold"]', "description": "", "created_at": clock.now(),
    }  # fmt: skip
    await house.database.together(lambda c: c.execute(sa.insert(WEBHOOK), endpoint))
    job = await house.begin("north", "south")
    assert await house.end(job, "north", GONE) == ["north"]
    assert await house.database.read(lambda c: c.execute(sa.select(EVENT)).all()) == []
    assert await house.database.read(lambda c: c.execute(sa.select(ALERT)).all()) == []
    assert await house.proven() == {}


@pytest.mark.anyio
async def test_a_fallback_that_the_key_cannot_pay_leaves_the_budgets_as_they_were_though_one_was_lowered(
    database, supply
):
    house = await House(database, supply).open(CHEAP)
    await house.limit("cap", DEAREST_NANOS)
    job = await house.begin("north", "south", unknown_elsewhere=True)
    await house.database.together(lambda c: budgets.change(c, "cap", {"limit_nanos": 0, "is_hard": False}))
    await house.end(job, "north", UNKNOWN)
    assert await house.proven() == {"cap": CHEAP_NANOS}


@pytest.mark.anyio
async def test_a_quoted_offer_that_takes_the_request_no_more_is_not_run_for_nothing(house, monkeypatch):
    body = JobBody.model_validate(asked("north") | {"quality": "high"})
    terms, now = NO_TERMS, clock.now()
    plan = house.jobs.routing.plan(body, now, terms)
    prices = house.jobs.routing.prices(plan, body, now.date())
    row = quotes.draft(plan, terms, house.caller, body, prices, "dec_1", CHEAP_NANOS, now)

    def unit(connection):
        house.jobs.routing.keep(connection, plan, "dec_1", house.caller.id, now)
        quotes.insert(connection, row)

    await house.database.together(unit)
    changed = {
        name: offer.model_copy(update={"accepts": {}}) if offer.provider == "north" else offer
        for name, offer in house.supply.by_name.items()
    }
    monkeypatch.setattr(house.supply, "by_name", changed)
    quoted = body.model_copy(update={"quote": row["id"]})
    with pytest.raises(NoOffer):
        await house.jobs.submit(house.caller, quoted, None)
    assert await house.balance(ledger.held(house.caller.id)) == 0


@pytest.mark.anyio
async def test_a_refusal_takes_back_all_but_the_place_in_the_rate(database, supply):
    house = await House(database, supply).open("0.001", Plan("pln_1", "a plan", jobs_per_minute=60, burst=2))
    await house.limit("cap", DEAREST_NANOS)
    await house.limit("told", CHEAP_NANOS)
    with pytest.raises(Problem):
        await house.begin("north")
    left = [
        await house.database.read(lambda c, table=table: c.execute(sa.select(table)).all())
        for table in (store.JOB, attempts.ATTEMPT, CHARGE, ALERT, EVENT)
    ]
    assert left == [[], [], [], [], []]
    assert await house.proven() == {}


@pytest.mark.anyio
async def test_a_model_that_a_fallback_left_is_charged_nothing_at_the_settlement(database):
    made = Budget("cap", "cap", Scope.ORGANISATION, None, Window.DAY, 100, True, (), ("a/m",), ())

    def unit(connection):
        budgets.insert(connection, made, clock.now())
        spender = Spender("key_1")
        budgets.charge(connection, spender, "job_1", "text", "a/m", 40, clock.now())
        budgets.charge(connection, spender, "job_1", "text", "b/m", 50, clock.now())
        budgets.settle(connection, "job_1", 45)
        return budgets.find(connection, "cap", clock.now()).nanos

    assert await database.together(unit) == 0


@pytest.mark.anyio
async def test_a_repeated_idempotency_key_takes_no_second_place_in_the_rate(database, supply):
    house = await House(database, supply).open(plan=Plan("pln_1", "a plan", jobs_per_minute=1, burst=1, concurrency=1))
    body = JobBody.model_validate(asked("north"))
    seen = await asyncio.gather(*[house.jobs.submit(house.caller, body, "once") for _ in range(5)])
    due = await house.database.read(lambda c: c.execute(sa.select(RATE.c.even_at)).scalar_one())
    seen.append(await house.jobs.submit(house.caller, body, "once"))
    assert len({each.job["id"] for each in seen}) == 1
    assert await house.database.read(lambda c: c.execute(sa.select(RATE.c.even_at)).scalar_one()) == due


@pytest.mark.anyio
async def test_nobody_gets_a_decision_that_was_made_on_another_callers_terms(house):
    body, now = JobBody.model_validate(asked("north", "south", max_cost_usd="0.01")), clock.now()
    routing = house.jobs.routing
    plain = routing.plan(body, now)
    assert routing.plan(body, now, Terms(margin_ppm=1)).offers == ()
    assert routing.plan(body, now, Terms(models=("south",))).offers == ()
    assert routing.plan(body, now) is plain and plain.offers == ("north/story/picture",)


@pytest.mark.anyio
async def test_what_a_key_charged_goes_with_its_jobs_and_the_count_stays(house):
    await house.limit("cap", DEAREST_NANOS)
    job = await house.begin("north")
    await house.succeed(job, "north", CHEAP_NANOS)
    assert await house.database.together(lambda connection: _clear_jobs(connection, [job])) == 1
    assert await house.database.read(lambda c: c.execute(sa.select(CHARGE)).all()) == []
    stand = await house.database.read(lambda connection: budgets.find(connection, "cap", clock.now()))
    assert stand.nanos == CHEAP_NANOS
