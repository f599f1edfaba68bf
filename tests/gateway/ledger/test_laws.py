"""The ledger's laws, by sequences of fund, hold, rehold and settle against a model in memory, on both databases."""

import asyncio
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from gateway.db import sqlite_engine
from gateway.ledger import audit, book, rules
from gateway.ledger.tables import ENTRY, POSTING

NOW = datetime(2026, 9, 1, tzinfo=UTC)
KEYS, JOBS = st.sampled_from(["key_a", "key_b"]), st.sampled_from(["job_1", "job_2", "job_3", "job_4"])
AMOUNTS = st.integers(0, 100)
COSTS = st.lists(st.tuples(st.sampled_from(["fal", "sandbox"]), AMOUNTS), max_size=2)


class Fund(NamedTuple):
    key: str
    nanos: int
    once: str


class Hold(NamedTuple):
    key: str
    job: str
    nanos: int


class Rehold(NamedTuple):
    job: str
    attempt: str
    wanted: int


class Settle(NamedTuple):
    job: str
    costs: list
    margin: int


steps = st.lists(
    st.one_of(
        st.builds(Fund, KEYS, AMOUNTS, st.sampled_from("uvwx")),
        st.builds(Hold, KEYS, JOBS, AMOUNTS),
        st.builds(Rehold, JOBS, st.sampled_from(["att_2", "att_3"]), AMOUNTS),
        st.builds(Settle, JOBS, COSTS, st.integers(0, 5)),
    ),
    max_size=25,
)


class Model:
    """The ledger as a dictionary and a counter; what each hold has come to is what a job would remember."""

    def __init__(self):
        self.entries, self.accounts, self.jobs, self.settled = {}, Counter(), {}, set()

    def entry_of(self, step):
        """The entry that a service would post for this step, or None where it would post nothing."""
        match step:
            case Fund(key, nanos, once):
                return rules.fund(key, nanos, once)
            case Hold(key, job, nanos):
                return rules.hold(key, job, nanos)
            case Rehold(job, attempt, wanted) if job in self.jobs and job not in self.settled:
                key, held = self.jobs[job]
                return rules.rehold(key, job, attempt, held, wanted)
            case Settle(job, costs, margin) if job in self.jobs:
                key, held = self.jobs[job]
                return rules.settle(key, job, held, costs, margin)
        return None

    def expect(self, entry):
        if entry.key in self.entries:
            return book.Repeated if self.entries[entry.key] == entry else book.Clash
        after = self.accounts.copy()
        for source, destination, nanos in entry.postings:
            after[source] -= nanos
            after[destination] += nanos
        if any(nanos < 0 for name, nanos in after.items() if name not in rules.MAY_GO_NEGATIVE):
            return book.Short
        self.accounts, self.entries[entry.key] = after, entry
        return book.Posted

    def remember(self, step, entry):
        match step:
            case Hold(key, job, nanos):
                self.jobs[job] = (key, nanos)
            case Rehold(job, _, wanted):
                self.jobs[job] = (self.jobs[job][0], wanted)
            case Settle(job, _, _):
                self.settled.add(job)


def obey(connection, sequence):
    """Run a sequence on the book and on the model; after each step and at the end they agree on everything."""
    model = Model()
    for step in sequence:
        entry = model.entry_of(step)
        if entry is None:
            continue
        expected, answer = model.expect(entry), book.post(connection, entry, NOW)
        assert type(answer) is expected, (entry, answer)
        if expected is book.Posted:
            model.remember(step, entry)
        assert book.balances(connection) == model.accounts, "an account differs, or a refusal left one behind"
    agree(connection, model)


def agree(connection, model):
    report = audit.verify(connection)
    open_jobs = {job: held for job, held in model.jobs.items() if job not in model.settled}
    assert report == (True, len(model.entries), len(model.accounts), len(open_jobs), ())
    for key in ("key_a", "key_b"):
        held = sum(nanos for owner, nanos in open_jobs.values() if owner == key)
        assert book.balance(connection, rules.held(key)) == held
    assert sum(book.balances(connection).values()) == 0
    assert all(nanos >= 0 for name, nanos in book.balances(connection).items() if name not in rules.MAY_GO_NEGATIVE)
    stored = {booked.entry.key: booked.entry for booked in book.entries(connection, 500)}
    assert stored == model.entries


@pytest.fixture
def connection(sqlite_url):
    engine = sqlite_engine(sa.make_url(sqlite_url))
    with engine.connect() as opened:
        SQLModel.metadata.create_all(opened)
        yield opened
    engine.dispose()


@contextmanager
def taken_back(connection):
    """Each sequence begins with an empty ledger."""
    connection.exec_driver_sql("BEGIN")
    try:
        yield
    finally:
        connection.exec_driver_sql("ROLLBACK")
        connection.rollback()


repeated = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)


@repeated
@given(sequence=steps)
def test_the_laws_hold_on_sqlite(connection, sequence):
    with taken_back(connection):
        obey(connection, sequence)


@settings(repeated, max_examples=25)
@given(data=st.data())
def test_the_laws_hold_on_postgres(postgres_sequences, data):
    postgres_sequences(data.draw(steps))


@pytest.fixture
def postgres_sequences(postgres_url):
    """Runs a sequence on Postgres and takes it back, so that each begins with an empty ledger."""
    with asyncio.Runner() as runner:
        engine = create_async_engine(postgres_url)

        async def prepare():
            async with engine.begin() as opened:
                await opened.run_sync(SQLModel.metadata.create_all)

        async def run(sequence):
            async with engine.connect() as opened:
                await opened.run_sync(obey, sequence)
                await opened.rollback()

        runner.run(prepare())
        yield lambda sequence: runner.run(run(sequence))
        runner.run(engine.dispose())


@repeated
@given(sequence=steps)
def test_repeating_any_entry_changes_nothing(connection, sequence):
    with taken_back(connection):
        obey(connection, sequence)
        before = (book.balances(connection), _rows(connection, ENTRY), _rows(connection, POSTING))
        for booked in book.entries(connection, 500):
            assert book.post(connection, booked.entry, NOW) == book.Repeated(booked.id)
            other = booked.entry._replace(reason="other")
            assert book.post(connection, other, NOW) == book.Clash(booked.entry.key)
        assert (book.balances(connection), _rows(connection, ENTRY), _rows(connection, POSTING)) == before


def _rows(connection, table):
    return connection.execute(sa.select(table)).all()
