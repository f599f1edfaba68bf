"""What is old is cleared away in batches, what is needed stays, and postings never go."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gateway import clock
from gateway.assets.tables import ASSET
from gateway.attempts.store import ATTEMPT
from gateway.jobs import retention
from gateway.jobs.retention import DECISION, QUOTE, RECORD, Policy, sweep
from gateway.jobs.store import JOB
from gateway.ledger import book, rules as ledger
from gateway.ledger.tables import POSTING

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def made_id(kind, day, number=0):
    return f"{kind}_{int((NOW - timedelta(days=day)).timestamp() * 1_000):012x}{number:020x}"


def blank(table):
    return {column.name: "" for column in table.c if not column.nullable}


def put(connection, day, number=0, status="succeeded", settled=True):
    """A job of so many days ago, with its attempt, its decision and a posting."""
    ended, ids = NOW - timedelta(days=day), {kind: made_id(kind, day, number) for kind in ("job", "att", "dec")}
    attempt = {
        "id": ids["att"], "job_id": ids["job"], "number": 1, "status": status, "next": '{"state": "pending"}',
        "fitted": '{"prompt": "a secret fox"}', "price": "{}", "cost_nanos": 5, "created_at": ended, "ended_at": ended,
        "due_at": ended, "deadline_at": ended, "sends": 1, "turns": 1, "failures": 0, "quote_nanos": 5,
    }  # fmt: skip
    connection.execute(sa.insert(ATTEMPT), blank(ATTEMPT) | attempt)
    job = {
        "id": ids["job"], "decision_id": ids["dec"], "status": "succeeded" if settled else "running", "strict": True,
        "progress": 1.0, "quote_nanos": 5, "held_nanos": 5, "cost_nanos": 5 if settled else None, "created_at": ended,
        "margin_ppm": 0,
    }  # fmt: skip
    connection.execute(sa.insert(JOB), blank(JOB) | job)
    if not connection.execute(sa.select(RECORD).where(RECORD.c.sha256 == f"sha-{number}")).all():
        connection.execute(sa.insert(RECORD), {"sha256": f"sha-{number}", "record": "{}"})
    decision = {"id": ids["dec"], "key_id": "key_a", "record_sha256": f"sha-{number}", "created_at": ended}
    connection.execute(sa.insert(DECISION), decision)
    book.post(connection, ledger.fund("key_a", 5, ids["job"]), ended)
    return ids


async def count(database, table, *where):
    wanted = sa.select(sa.func.count()).select_from(table).where(*where)
    return await database.read(lambda connection: connection.execute(wanted).scalar())


@pytest.fixture
async def past(database, monkeypatch):
    """Thirty old jobs and three new ones; two new decisions share the records of old ones."""
    monkeypatch.setattr(retention, "BATCH", 7)
    monkeypatch.setattr(retention, "PAUSE_S", 0)

    def unit(connection):
        for number in range(30):
            put(connection, 100, number)
        for number in (0, 1, 99):
            put(connection, 10, number)

    await database.together(unit)


@pytest.mark.anyio
async def test_calls_of_old_attempts_go_and_what_they_cost_stays(database, past):
    assert await sweep(database, Policy(90, None, None), NOW) == "cleared 30 attempts"
    old = ATTEMPT.c.next.is_(None), ATTEMPT.c.fitted == "{}", ATTEMPT.c.cost_nanos == 5
    assert await count(database, ATTEMPT, *old) == 30
    assert await count(database, ATTEMPT, ATTEMPT.c.fitted.contains("secret")) == 3
    assert await sweep(database, Policy(90, None, None), NOW) == "cleared 0 attempts"


@pytest.mark.anyio
async def test_old_decisions_go_with_the_records_that_nothing_needs(database, past):
    said = await sweep(database, Policy(None, 90, None), NOW)
    assert said == "cleared 0 quotes, 30 decisions"
    assert await count(database, DECISION) == 3
    assert await count(database, RECORD) == 3


@pytest.mark.anyio
async def test_a_decision_stays_as_long_as_a_quote_points_to_it(database):
    def unit(connection):
        ids = put(connection, 100)
        quote = {
            "id": made_id("quo", 5), "decision_id": ids["dec"], "margin_ppm": 0, "quote_nanos": 1, "created_at": NOW,
            "expires_at": NOW,
        }  # fmt: skip
        connection.execute(sa.insert(QUOTE), blank(QUOTE) | quote)

    await database.together(unit)
    assert await sweep(database, Policy(None, 90, None), NOW) == "cleared 0 quotes, 0 decisions"
    assert await count(database, RECORD) == 1


@pytest.mark.anyio
async def test_jobs_go_only_where_it_is_wished_and_never_their_postings(database, past):
    postings = await count(database, POSTING)
    assert await sweep(database, Policy(None, None, None), NOW) == "everything is kept for ever"
    assert await count(database, JOB) == 33
    assert await sweep(database, Policy(None, None, 90), NOW) == "cleared 30 jobs"
    assert (await count(database, JOB), await count(database, ATTEMPT)) == (3, 3)
    assert await count(database, POSTING) == postings


@pytest.mark.anyio
async def test_what_is_not_over_stays_however_old(database):
    def unit(connection):
        put(connection, 100, 1, settled=False)
        put(connection, 100, 2, status="unknown")

    await database.together(unit)
    assert await sweep(database, Policy(90, None, 90), NOW) == "cleared 1 attempts, 0 jobs"
    assert await count(database, JOB) == 2
    assert await count(database, ATTEMPT, ATTEMPT.c.next.is_not(None)) == 1


@pytest.mark.anyio
async def test_a_sweep_goes_on_where_the_last_one_ended(database, past, monkeypatch):
    monkeypatch.setattr(retention, "BATCHES", 2)
    said = [await sweep(database, Policy(90, None, None), NOW) for _ in range(4)]
    assert said == [f"cleared {cleared} attempts" for cleared in (14, 14, 2, 0)]


@pytest.mark.anyio
async def test_assets_expire_by_age_and_those_with_an_end_of_their_own_keep_it(database):
    own_end = NOW + timedelta(days=5)

    def unit(connection):
        for day, number, ends in [(100, 0, None), (100, 1, own_end), (3, 2, None)]:
            row = {"id": made_id("ast", day, number), "size_bytes": 1, "created_at": NOW, "expires_at": ends}
            connection.execute(sa.insert(ASSET), blank(ASSET) | row)

    await database.together(unit)
    assert await sweep(database, Policy(None, None, None, 90), NOW) == "cleared 1 assets"
    wanted = sa.select(ASSET.c.expires_at).order_by(ASSET.c.id)
    old, with_an_end, new = await database.read(lambda connection: list(connection.execute(wanted).scalars()))
    assert old is not None and old <= clock.now() and with_an_end == own_end and new is None
