"""Invoices against attempts in the database: what was found is posted once, and then there is nothing left to find."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from gateway.attempts.store import ATTEMPT
from gateway.jobs.store import JOB
from gateway.ledger import book, rules as ledger
from gateway.usage import audit, reconciliation, rules, store
from gateway.usage.invoices import InvoiceRefused, Line
from gateway.usage.matching import Kind
from gateway.usage.reconciliation import Period
from gateway.usage.rules import Line as Billed, Settled, Tally

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
OCTOBER = Period(BEGIN, datetime(2026, 11, 1, tzinfo=UTC))
CENT = 10**7


def at(number):
    return BEGIN + timedelta(hours=number)


def attempt_id(number):
    return f"att_{int(at(number).timestamp() * 1_000):012x}{number:020x}"


def put(connection, number, nanos=200 * CENT, provider="fal", status="succeeded"):
    """An attempt that ended, its job, and its settlement in the ledger and in the rollups."""
    job, key, offer = f"job_{number}", "key_a", f"{provider}/google/veo"
    blank = {column.name: "" for column in ATTEMPT.c if not column.nullable}
    attempt = {
        "id": attempt_id(number), "job_id": job, "key_id": key, "offer": offer, "provider": provider, "number": 1,
        "task": "text-to-video", "status": status, "provider_ref": f"req-{number}", "cost_nanos": nanos, "sends": 1,
        "turns": 3, "failures": 0, "quote_nanos": nanos, "created_at": at(number), "started_at": at(number),
        "ended_at": at(number) + timedelta(minutes=1), "due_at": at(number), "deadline_at": at(number),
    }  # fmt: skip
    connection.execute(sa.insert(ATTEMPT), blank | attempt)
    bill = '{"source": "table", "usage": {}, "lines": [{"unit": "output_video_second", "quantity": "5"}]}'
    blank = {column.name: "" for column in JOB.c if not column.nullable}
    row = {
        "id": job, "key_id": key, "project": "prj_1", "bill": bill, "created_at": at(number), "status": status,
        "cost_nanos": nanos, "strict": True, "progress": 1.0, "quote_nanos": nanos, "held_nanos": nanos,
        "margin_ppm": 0,
    }  # fmt: skip
    connection.execute(sa.insert(JOB), blank | row)
    book.post(connection, ledger.fund(key, nanos, job), at(number))
    book.post(connection, ledger.hold(key, job, nanos), at(number))
    book.post(connection, ledger.settle(key, job, nanos, [(provider, nanos)]), at(number))
    made = Tally((Billed("output_video_second", 5_000_000, nanos),))
    settled = Settled(rules.day_of(at(number).date()), key, "prj_1", "text-to-video", offer, made, succeeded=True)
    store.add(connection, rules.rows(settled, 0, 0))


def line(place, number, nanos=200 * CENT, quantity=5):
    ended = at(number) + timedelta(minutes=1)
    return Line(place, nanos, 2, f"req-{number}", "fal-ai/veo", ended, False, Decimal(quantity), "seconds")


@pytest.fixture
async def september_to_october(database):
    """A hundred clips at fal, one that was refused, and some at another provider."""

    def unit(connection):
        for number in range(100):
            put(connection, number)
        put(connection, 100, nanos=0, status="failed")
        for number in range(101, 105):
            put(connection, number, provider="runway")

    await database.together(unit)


INVOICE = [
    *[line(place, place) for place in range(95)],  # 95 to 98 are not on it
    line(95, 99, nanos=320 * CENT, quantity=8),
    line(96, 100, nanos=4 * CENT),
    line(97, 7),
    line(98, 0)._replace(ref="stranger", nanos=33 * CENT),
]


async def reconcile(database, lines, post=False):
    return await reconciliation.reconcile(database, "fal", lines, OCTOBER, {"fal/google/veo": "fal-ai/veo"}, post)


def kinds(made):
    found = {}
    for each in made.matched.differences:
        found[each.kind] = found.get(each.kind, 0) + 1
    return found


PLANTED = {
    Kind.MISSING_AT_THEIRS: 4, Kind.DIFFERENT_UNITS: 1, Kind.REFUSAL_BILLED: 1, Kind.DUPLICATED_LINE: 1,
    Kind.MISSING_AT_OURS: 1,
}  # fmt: skip


@pytest.mark.anyio
async def test_differences_are_listed_and_nothing_is_posted_unasked(database, september_to_october, monkeypatch):
    monkeypatch.setattr(reconciliation, "PAGE", 7)
    before = await database.read(book.balances)
    made = await reconcile(database, INVOICE)
    assert kinds(made) == PLANTED and made.matched.agreed == 95 and made.attempts == 101
    assert await database.read(book.balances) == before
    document = reconciliation.document(made)
    assert document["by_kind"]["different_units"] == {"count": 1, "usd": "1.20"}
    assert "counted 8, and 5 here" in next(
        each["why"] for each in document["differences"] if each["kind"] == "different_units"
    )


@pytest.mark.anyio
async def test_corrections_are_further_entries_and_are_posted_once(database, september_to_october, monkeypatch):
    monkeypatch.setattr(reconciliation, "AT_ONCE", 3)
    made = await reconcile(database, INVOICE, post=True)
    assert (made.posted, made.refused) == (7, ())
    claimed = 200 * CENT
    owed = await database.read(lambda connection: book.balance(connection, ledger.payable("fal")))
    assert owed == sum(each.nanos for each in INVOICE) - claimed, "what the invoice asks, but for the line it has twice"
    assert (await database.read(audit.verify)).ok
    assert await database.read(lambda connection: book.balance(connection, ledger.available("key_a"))) == 0
    again = await reconcile(database, INVOICE, post=True)
    assert (kinds(again), again.posted) == ({Kind.DUPLICATED_LINE: 1}, 0)


@pytest.mark.anyio
async def test_a_corrected_invoice_posts_only_what_is_still_different(database, september_to_october):
    await reconcile(database, INVOICE, post=True)
    right = [line(place, place) for place in range(100)]
    made = await reconcile(database, right, post=True)
    assert made.posted == 6, "four that were thought unbilled, the clip of other units, and the refusal"
    owed = await database.read(lambda connection: book.balance(connection, ledger.payable("fal")))
    assert owed == 100 * 200 * CENT + 33 * CENT, "a line of another invoice stays with that invoice"
    assert (await database.read(audit.verify)).ok


@pytest.mark.anyio
async def test_two_who_post_at_once_correct_once(database, other_database, september_to_october):
    made = await reconcile(database, INVOICE)
    first = await reconciliation._corrected(database, made)
    second = await reconciliation._corrected(other_database, made)
    assert (first.posted, second.posted) == (7, 0)
    assert (await database.read(audit.verify)).ok


def test_an_invoice_without_times_must_be_told_its_period():
    nameless = line(1, 1)._replace(at=None)
    with pytest.raises(InvoiceRefused, match="--from and --to"):
        reconciliation.period_of([nameless], None, None)
    assert reconciliation.period_of([nameless], *OCTOBER) == OCTOBER
    assert reconciliation.period_of([line(1, 1), line(2, 30)], None, None) == (BEGIN, BEGIN + timedelta(days=2))
