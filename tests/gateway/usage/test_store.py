"""The rollups are the ledger, whatever is settled in whichever order, on both databases."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from adapters.schema import Task
from gateway.db import sqlite_engine
from gateway.jobs.endings import Endings
from gateway.ledger import book, rules as ledger
from gateway.usage import audit, rules, store
from gateway.usage.rules import Settled, tally
from gateway.usage.store import Asked
from gateway.usage.tables import USAGE

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
ENDINGS = Endings(supply=None, assets=None)
"""What settles jobs in earnest; settling needs neither offers nor assets."""
OFFERS = ("fal/maker/draft", "fal/maker/fine", "runway/runway/gen")


class Job(NamedTuple):
    """A job that was held and ended: at which offer it ended, what it and another attempt cost."""

    id: str
    key: str
    project: str | None
    offer: str
    held: int
    cost: int
    other: tuple[str, int] | None
    margin_ppm: int
    days: int
    delivered: bool
    late: int


jobs = st.lists(
    st.builds(
        Job, st.uuids().map(lambda each: f"job_{each.hex}"), st.sampled_from(["key_a", "key_b"]),
        st.sampled_from([None, "prj_1"]), st.sampled_from(OFFERS), st.integers(0, 1_000), st.integers(0, 1_500),
        st.none() | st.tuples(st.sampled_from(OFFERS), st.integers(0, 500)), st.sampled_from([0, 50_000, 2_000_000]),
        st.integers(0, 3), st.booleans(), st.sampled_from([0, 0, 30]),
    ),
    max_size=12, unique_by=lambda job: job.id,
)  # fmt: skip


def settle(connection, job):
    """One job as its end settles it, in one transaction."""
    now = NOW + timedelta(days=job.days)
    assert isinstance(book.post(connection, ledger.hold(job.key, job.id, job.held), now), book.Posted)
    lines = [{"unit": "output_image", "quantity": "1", "usd": str(Decimal(job.cost) / 10**9)}]
    outputs = [{"width": 100, "height": 100}]
    made = tally(Task.TEXT_TO_IMAGE, {}, lines, job.cost, outputs) if job.delivered else rules.NOTHING
    billed = [job.other] if job.other else []
    if not job.delivered:
        billed.append((job.offer, job.cost))
    costs = owed_by_provider([(job.offer, job.cost), *([job.other] if job.other else [])])
    day = rules.day_of(now.date())
    settled = Settled(day, job.key, job.project or "", "text-to-image", job.offer, made, billed, job.delivered)
    ENDINGS._settle(connection, job.id, settled, job.held, costs, job.margin_ppm, now)
    if job.late:
        provider = job.offer.partition("/")[0]
        book.post(connection, ledger.late(f"att_{job.id}", provider, job.late), now)
        store.add(connection, [rules.corrected(settled, job.late)])


def owed_by_provider(costs):
    counted = Counter()
    for offer, nanos in costs:
        counted[offer.partition("/")[0]] += nanos
    return counted


def fund(connection):
    for key in ("key_a", "key_b"):
        book.post(connection, ledger.fund(key, 10**9, key), NOW)


def settle_all(connection, wanted):
    fund(connection)
    for job in wanted:
        settle(connection, job)
    agree(connection, wanted)


def agree(connection, settled):
    assert audit.verify(connection).findings == ()
    asked = Asked(rules.day_of(NOW.date()), rules.day_of(NOW.date()) + 10)
    (whole,) = store.report(connection, asked, 1)
    assert whole.jobs == len(settled)
    assert whole.succeeded == sum(job.delivered for job in settled)
    for by in (("key",), ("day", "model"), ("offer", "unit"), ("project", "provider", "task")):
        groups = store.report(connection, asked._replace(by=by), 500)
        for name in ("cost_nanos", "margin_nanos", "over_nanos", "compute_millis", "outputs", "jobs", "bills"):
            assert sum(getattr(group, name) for group in groups) == getattr(whole, name)


@pytest.fixture
def connection(sqlite_url):
    engine = sqlite_engine(sa.make_url(sqlite_url))
    with engine.connect() as opened:
        SQLModel.metadata.create_all(opened)
        yield opened
    engine.dispose()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(wanted=jobs)
def test_the_rollups_are_the_ledger_whatever_is_settled(connection, wanted):
    connection.exec_driver_sql("BEGIN")
    try:
        settle_all(connection, wanted)
    finally:
        connection.exec_driver_sql("ROLLBACK")
        connection.rollback()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(data=st.data())
def test_the_rollups_are_the_ledger_on_postgres_too(on_postgres, data):
    on_postgres(data.draw(jobs))


@pytest.fixture
def on_postgres(postgres_url):
    """Settles jobs on Postgres, and takes it back."""
    with asyncio.Runner() as runner:
        engine = create_async_engine(postgres_url)

        async def prepare():
            async with engine.begin() as opened:
                await opened.run_sync(SQLModel.metadata.create_all)

        async def run(wanted):
            async with engine.connect() as opened:
                await opened.run_sync(settle_all, wanted)
                await opened.rollback()

        runner.run(prepare())
        yield lambda wanted: runner.run(run(wanted))
        runner.run(engine.dispose())


@pytest.mark.anyio
async def test_the_rollups_are_the_ledger_when_64_settle_at_once_from_two_replicas(database, other_database):
    chance = random.Random(7)
    made = [
        Job(
            f"job_{number}", chance.choice(["key_a", "key_b"]), None, chance.choice(OFFERS), chance.randrange(1_000),
            chance.randrange(1_500), None, 50_000, chance.randrange(2), chance.random() < 0.8, 0,
        )
        for number in range(64)
    ]  # fmt: skip
    await database.together(fund)
    replicas = (database, other_database)
    await asyncio.gather(
        *[
            replicas[number % 2].together(lambda connection, job=job: settle(connection, job))
            for number, job in enumerate(made)
        ]
    )
    await database.read(lambda connection: agree(connection, made))


@pytest.mark.anyio
async def test_a_rollup_that_tells_another_sum_is_found(database):
    await database.together(fund)
    job = Job("job_1", "key_a", None, OFFERS[0], 100, 60, None, 0, 0, True, 0)
    await database.together(lambda connection: settle(connection, job))
    assert (await database.read(audit.verify)).ok
    await database.together(lambda connection: connection.execute(sa.update(USAGE).values(cost_nanos=61)) and None)
    report = await database.read(audit.verify)
    assert not report.ok
    assert set(report.findings) == {
        f"usage adds up to 0.000000061 USD on {account} but the ledger to 0.00000006 USD"
        for account in ("key:key_a:held", "provider:fal:payable")
    }


@pytest.mark.anyio
async def test_a_report_is_paged_by_its_own_groups_and_none_is_lost(database):
    rows = [
        rules.Row(day, key, "", "fal", model, "text", "output_token", micros=1, jobs=1)
        for day in range(3)
        for key in ("key_a", "key_b")
        for model in ("m/1", "m/2", "m/3")
    ]
    await database.together(lambda connection: store.add(connection, rows))
    asked, seen, after = Asked(0, 2, ("day", "offer")), [], None
    while groups := await database.read(lambda connection, after=after: store.report(connection, asked, 2, after)):
        seen += [group.at for group in groups]
        after = groups[-1].at
    assert seen == [(day, f"fal/m/{number}") for day in range(3) for number in (1, 2, 3)]
    narrowed = asked._replace(by=("key",), only={"model": "m/2", "key": "key_a"})
    (group,) = await database.read(lambda connection: store.report(connection, narrowed, 9))
    assert (group.at, group.jobs, group.keys) == (("key_a",), 3, 1)
