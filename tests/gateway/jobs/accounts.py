"""A gateway without its edges: jobs come in by a call, attempts end as a test says, and the books are looked at."""

from decimal import Decimal

import sqlalchemy as sa

from adapters.errors import Fault, ProviderError
from gateway import clock
from gateway.attempts import store as attempts
from gateway.attempts.rules import Again, Ending, Status
from gateway.attempts.runner import Delivery
from gateway.budgets import store as budgets
from gateway.budgets.rules import Budget, Scope, Window
from gateway.budgets.tables import CHARGE, SPEND
from gateway.jobs import store
from gateway.jobs.endings import Delivered, Endings
from gateway.jobs.service import Jobs
from gateway.jobs.waiting import Waiting
from gateway.keys import service as keys
from gateway.keys.rules import Caller, Role
from gateway.ledger import book, rules as ledger
from gateway.routing.body import JobBody
from gateway.routing.service import Routing
from gateway.usage import audit, rules as usage
from tests.stories.cards import CHEAP, DEAR, DEAREST, asked
from tests.supplies import starter_belief

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
        await self.database.together(lambda connection: self.heard(connection, attempt))

    def heard(self, connection, attempt):
        attempts.go_on(connection, attempt, Again(clock.now(), attempt.next), None, clock.now())

    async def succeed(self, job_id, provider, nanos):
        attempt = await self.attempt(job_id, provider)
        await self.database.together(lambda connection: self.deliver(connection, attempt, nanos))

    def deliver(self, connection, attempt, nanos):
        """It ends well and costs so much."""
        now, tally = clock.now(), usage.Tally((usage.Line("output_image", 1_000_000, nanos),), outputs=1)
        delivery = Delivery(nanos, "table", Delivered("{}", "[]", None, [], tally))
        values = attempts.ended_values(attempt, Ending(Status.SUCCEEDED), nanos, now, "table")
        if attempts.end(connection, attempt, values):
            self.endings.finish(connection, attempt, delivery, values, now)

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
