"""The money of jobs whose attempts cross: of unknown fate, late, billed for nothing, refused at a fallback."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from adapters.errors import Fault, ProviderError
from gateway import clock
from gateway.attempts import store as attempts
from gateway.attempts.rules import Ending, Status
from gateway.attempts.runner import Delivery
from gateway.budgets import store as budgets
from gateway.budgets.rules import Budget, Scope, Window
from gateway.budgets.tables import ALERT, CHARGE, SPEND
from gateway.jobs import store
from gateway.jobs.endings import Delivered, Endings
from gateway.jobs.service import Jobs
from gateway.jobs.waiting import Waiting
from gateway.keys import service as keys
from gateway.keys.rules import Caller, Plan, Role
from gateway.ledger import book, rules as ledger
from gateway.problems import NoOffer, Problem
from gateway.routing import quotes
from gateway.routing.body import JobBody
from gateway.routing.service import Routing
from gateway.usage import audit, rules as usage
from gateway.webhooks.tables import EVENT, WEBHOOK
from tests.stories.cards import CHEAP, DEAR, DEAREST, asked, write_cards
from tests.supplies import make_supply, starter_belief

CHEAP_NANOS, DEAR_NANOS, DEAREST_NANOS = (ledger.nanos(Decimal(usd)) for usd in (CHEAP, DEAR, DEAREST))
GONE = Ending(Status.FAILED, ProviderError(fault=Fault.MODEL_MISSING, message="no such model"))
UNKNOWN = Ending(Status.UNKNOWN, ProviderError(fault=Fault.UNREACHABLE, message="hung up"))


class House:
    """A gateway without its edges: jobs come in by a call, and attempts end as a test says."""

    def __init__(self, database, supply):
        self.database, self.supply = database, supply
        self.endings = Endings(supply, None)
        routing = Routing(supply, starter_belief(supply, clock.now()))
        self.jobs = Jobs(database, supply, routing, None, self.endings, Waiting())
        self.caller = None

    async def open(self, usd="1", plan=None):
        def unit(connection):
            key, _ = keys.create(connection, "alice", Role.CALLER, clock.now())
            book.post(connection, ledger.fund(key.id, ledger.nanos(Decimal(usd)), "pay"), clock.now())
            return key

        key = await self.database.together(unit)
        self.caller = Caller(key.id, "alice", Role.CALLER, None, plan)
        return self

    async def begin(self, *providers, quote=None, **routing):
        body = JobBody.model_validate(asked(*providers, **routing) | ({"quote": quote} if quote else {}))
        return (await self.jobs.submit(self.caller, body, None)).job["id"]

    async def job(self, job_id):
        return await self.database.read(lambda connection: store.find(connection, job_id))

    async def attempts(self, job_id):
        rows = await self.database.read(lambda connection: attempts.of_job(connection, job_id))
        return [attempts.attempt_of(row) for row in rows]

    async def attempt(self, job_id, provider):
        return next(each for each in await self.attempts(job_id) if each.provider == provider)

    async def end(self, job_id, provider, ending):
        attempt = await self.attempt(job_id, provider)
        await self.database.together(lambda c: self.endings.ended(c, attempt, ending, clock.now()))
        return [each.provider for each in await self.attempts(job_id)]

    async def bill(self, job_id, provider, usd):
        """It failed, and the provider says that it is to be paid all the same."""
        error = ProviderError(fault=Fault.MODEL_MISSING, message="gone")
        return await self.end(job_id, provider, Ending(Status.FAILED, error, cost_usd=Decimal(usd)))

    async def hear(self, job_id, provider):
        """There is news of an attempt of unknown fate: it runs."""
        attempt = await self.attempt(job_id, provider)
        await self.database.together(
            lambda c: c.execute(
                sa.update(attempts.ATTEMPT).where(attempts.ATTEMPT.c.id == attempt.id).values(status="open")
            )
        )

    async def succeed(self, job_id, provider, nanos):
        attempt = await self.attempt(job_id, provider)
        line = usage.Tally((usage.Line("output_image", 1_000_000, nanos),), outputs=1)
        delivery = Delivery(nanos, "table", Delivered("{}", "[]", None, [], line))

        def unit(connection):
            now = clock.now()
            values = attempts.ended_values(attempt, Ending(Status.SUCCEEDED), nanos, now, "table")
            if attempts.end(connection, attempt, values):
                self.endings.finish(connection, attempt, delivery, values, now)

        await self.database.together(unit)

    async def balance(self, account):
        return await self.database.read(lambda connection: book.balance(connection, account))

    async def proven(self):
        report = await self.database.read(audit.verify)
        assert report.ok, report.findings
        tallies = sa.select(SPEND.c.budget_id, SPEND.c.nanos).where(SPEND.c.nanos != 0)
        charges = sa.select(CHARGE.c.budget_id, sa.func.sum(CHARGE.c.nanos)).group_by(CHARGE.c.budget_id)
        counted, charged = [
            await self.database.read(lambda c, query=query: {id: int(nanos) for id, nanos in c.execute(query)})
            for query in (tallies, charges)
        ]
        assert counted == {id: nanos for id, nanos in charged.items() if nanos}
        return counted

    async def limit(self, id, nanos, **more):
        made = Budget(id, id, Scope.KEY, self.caller.id, Window.DAY, nanos, True, (), (), (50, 100))._replace(**more)
        await self.database.together(lambda connection: budgets.insert(connection, made, clock.now()))


@pytest.fixture
def supply(monkeypatch, tmp_path):
    return make_supply(monkeypatch, tmp_path, catalog_dir=write_cards(tmp_path, "http://127.0.0.1:9"))


@pytest.fixture
async def house(database, supply):
    return await House(database, supply).open()


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
    terms, now = quotes.Terms(), clock.now()
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
        spender = budgets.Spender("key_1")
        budgets.charge(connection, spender, "job_1", "text", "a/m", 40, clock.now())
        budgets.charge(connection, spender, "job_1", "text", "b/m", 50, clock.now())
        budgets.settle(connection, "job_1", 45)
        return budgets.find(connection, "cap", clock.now()).nanos

    assert await database.together(unit) == 0
