"""The book under many writers at once, on SQLite and on a real Postgres."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from gateway.db import connect
from gateway.ledger import audit, book, rules
from gateway.ledger.tables import ACCOUNT

NOW = datetime(2026, 9, 1, tzinfo=UTC)
DOLLAR = rules.NANOS


def posting(entry):
    return lambda connection: book.post(connection, entry, NOW)


def kinds(answers):
    return Counter(type(answer).__name__ for answer in answers)


async def together(database, *entries):
    return await asyncio.gather(*[database.together(posting(entry)) for entry in entries])


@pytest.mark.anyio
async def test_sixty_four_holds_with_money_for_ten_are_exactly_ten(database):
    await together(database, rules.fund("key_a", 10 * DOLLAR, "once"))
    answers = await together(database, *[rules.hold("key_a", f"job_{n}", DOLLAR) for n in range(64)])
    assert kinds(answers) == {"Posted": 10, "Short": 54}
    assert set(answers) > {book.Short("key:key_a:available", DOLLAR)}
    assert await database.read(lambda c: book.balance(c, "key:key_a:available")) == 0
    assert await database.read(lambda c: book.balance(c, "key:key_a:held")) == 10 * DOLLAR
    report = await database.read(audit.verify)
    assert (report.ok, report.entries, report.open_holds) == (True, 11, 10)


@pytest.mark.anyio
async def test_a_hold_on_a_key_without_an_account_is_short_by_all_of_it(database):
    assert await together(database, rules.hold("key_a", "job_1", 5)) == [book.Short("key:key_a:available", 5)]
    assert await database.read(book.balances) == {}
    answers = await together(database, rules.fund("key_a", 5, "once"), rules.hold("key_a", "job_1", 5))
    assert kinds(answers) == {"Posted": 2}, "a hold that was refused may be asked again"


@pytest.mark.anyio
async def test_a_refusal_after_some_accounts_moved_takes_them_back(database):
    """The release comes before the refused account by name, so it has to be undone, and its account closed."""
    await together(database, rules.fund("key_b", 3, "once"))
    before = await database.read(book.balances)
    answers = await together(
        database,
        rules.settle("key_a", "job_1", 10, [("fal", 4)]),
        rules.settle("key_b", "job_2", 10, [("fal", 4)]),
        rules.Entry("odd", "correction", (rules.Posting("key:key_b:held", "gateway:margin", 1),)),
    )
    assert kinds(answers) == {"Short": 3}
    assert await database.read(book.balances) == before
    assert await database.read(lambda c: len(book.entries(c, 10))) == 1


@pytest.mark.anyio
async def test_the_same_key_posted_by_many_at_once_counts_once(database):
    await together(database, rules.fund("key_a", 10 * DOLLAR, "once"))
    answers = await together(database, *[rules.hold("key_a", "job_1", DOLLAR)] * 32)
    assert kinds(answers) == {"Posted": 1, "Repeated": 31}
    assert len({answer.entry_id for answer in answers}) == 1


@pytest.mark.anyio
async def test_the_same_key_from_two_databases_at_once_counts_once(database, other_database):
    await together(database, rules.fund("key_a", 10 * DOLLAR, "once"))
    entries = [rules.hold("key_a", f"job_{n}", DOLLAR // 10) for n in range(20)]
    both = await asyncio.gather(together(database, *entries), together(other_database, *entries))
    assert kinds([*both[0], *both[1]]) == {"Posted": 20, "Repeated": 20}
    clashes = await together(other_database, *[rules.hold("key_a", f"job_{n}", 1) for n in range(20)])
    assert kinds(clashes) == {"Clash": 20}
    assert (await database.read(audit.verify)).ok


@pytest.mark.anyio
async def test_holds_and_settlements_of_one_key_from_two_databases_never_overdraw(database, other_database):
    """A hold takes available then held, a settlement gives available and takes held: an invitation to a deadlock."""
    await together(database, rules.fund("key_a", 50, "once"))
    await together(database, *[rules.hold("key_a", f"old_{n}", 1) for n in range(20)])

    async def one_by_one(opened, entries):
        return [await opened.together(posting(entry)) for entry in entries]

    holds, settlements = await asyncio.gather(
        one_by_one(database, [rules.hold("key_a", f"job_{n}", 1) for n in range(60)]),
        one_by_one(other_database, [rules.settle("key_a", f"old_{n}", 1, [("fal", n % 2)]) for n in range(20)]),
    )
    assert kinds(settlements) == {"Posted": 20}
    assert kinds(holds)["Posted"] in range(30, 41)
    assert (await database.read(audit.verify)).ok


@pytest.mark.anyio
async def test_a_balance_beyond_64_bits_is_refused_by_the_database(database):
    await together(database, *[rules.fund("key_a", rules.LARGEST_NANOS, f"f{n}") for n in range(8)])
    with pytest.raises(Exception, match="account_fits"):  # the driver's own error: the hot path is not translated
        await together(database, rules.fund("key_a", rules.LARGEST_NANOS, "f8"))
    assert await database.read(lambda c: book.balance(c, "key:key_a:available")) == 8 * rules.LARGEST_NANOS
    assert (await database.read(audit.verify)).ok


@pytest.mark.anyio
async def test_a_late_run_is_paid_by_the_gateway_once_and_the_books_still_balance(database):
    settled = rules.settle("key_a", "job_1", 7, [("fal", 5)])
    late = rules.late("att_2", "replicate", 6)
    answers = await together(
        database, rules.fund("key_a", 10, "a"), rules.hold("key_a", "job_1", 7), settled, late, late
    )
    assert [type(each).__name__ for each in answers] == ["Posted"] * 4 + ["Repeated"]
    found = await database.read(book.balances)
    assert found["gateway:overrun"] == -6 and found["provider:replicate:payable"] == 6
    assert found["key:key_a:available"] == 5
    assert (await database.read(audit.verify)).ok


@pytest.mark.anyio
async def test_an_overdraft_behind_the_book_is_refused_by_the_database(database):
    await together(database, rules.fund("key_a", 5, "once"))
    with pytest.raises(IntegrityError):
        await database.together(lambda c: c.execute(sa.update(ACCOUNT).values(nanos=-1)))


@pytest.mark.anyio
async def test_entries_of_a_key_come_newest_first_page_by_page(database):
    await together(database, rules.fund("key_a", 100, "a"), rules.fund("key_b", 100, "b"))
    for n in range(5):
        await together(database, rules.hold("key_a", f"a{n}", 2), rules.hold("key_b", f"b{n}", 2))
        await together(database, rules.settle("key_a", f"a{n}", 2, [("fal", 1)]))
    seen, after = [], None
    while page := await database.read(lambda c, after=after: book.entries(c, 4, after, "key_a")):
        seen += [booked.entry.key for booked in page]
        after = page[-1].id
    assert seen == [f"{kind}:a{n}" for n in (4, 3, 2, 1, 0) for kind in ("settle", "hold")] + ["fund:a"]
    assert len(await database.read(lambda c: book.entries(c, 500))) == 17


@pytest.mark.anyio
async def test_balances_of_a_prefix_are_those_accounts_only(database):
    await together(database, rules.fund("key_a", 7, "a"), rules.fund("key_ab", 8, "b"), rules.fund("KEY_A", 9, "c"))
    assert await database.read(lambda c: book.balances(c, "key:key_a:")) == {"key:key_a:available": 7}
    assert await database.read(lambda c: book.balances(c, "key:key_a", 1, "key:key_a:available")) == {
        "key:key_ab:available": 8
    }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        ("UPDATE account SET nanos = nanos + 1 WHERE name = 'key:key_a:available'", "key:key_a:available shows 0.0000"),
        ("UPDATE account SET nanos = nanos + 1 WHERE name = 'key:key_a:held'", "open holds on it are 0.000000004"),
        ("UPDATE account SET nanos = nanos - 1 WHERE name = 'world'", "together hold -0.000000001 USD"),
        ("UPDATE posting SET nanos = 3 WHERE nanos = 4", "key:key_a:held shows 0.000000004 USD but its postings"),
        ("UPDATE posting SET source = destination WHERE nanos = 4", "moves nothing, or from an account to itself"),
        ("UPDATE entry SET key = 'settle:job_2' WHERE key = 'settle:job_1'", "job_2 is settled but -0.000000001 USD"),
        ("DELETE FROM account WHERE name = 'world'", "account world shows 0.00 USD but its postings add up to -0"),
    ],
)
async def test_damage_to_the_books_is_found(database, damage, finding):
    await together(database, rules.fund("key_a", 100, "a"), rules.hold("key_a", "job_1", 5))
    await together(database, rules.hold("key_a", "job_2", 4), rules.settle("key_a", "job_1", 5, [("fal", 9)]))
    assert (await database.read(audit.verify)).ok
    await database.together(lambda c: c.exec_driver_sql(damage))
    report = await database.read(audit.verify)
    assert not report.ok and any(finding in each for each in report.findings), report


@pytest.mark.anyio
async def test_a_posting_without_its_entry_is_found(sqlite_url, tmp_path):
    database = connect(sqlite_url)
    await database.together(SQLModel.metadata.create_all)
    await together(database, rules.fund("key_a", 100, "a"))
    with closing(sqlite3.connect(tmp_path / "podium.db")) as careless, careless:  # one that checks no foreign keys
        careless.execute("INSERT INTO posting (entry_id, source, destination, nanos) VALUES (99, 'world', 'b', 1)")
    findings = (await database.read(audit.verify)).findings
    assert "posting 2 of 0.000000001 USD belongs to no entry" in findings
    await database.close()


@pytest.mark.anyio
async def test_a_check_sees_one_moment_while_others_write(database):
    await together(database, rules.fund("key_a", 10**6, "a"))

    async def write():
        for n in range(100):
            await together(database, rules.hold("key_a", f"job_{n}", 5))
            await together(database, rules.settle("key_a", f"job_{n}", 5, [("fal", 4)]))

    writing = asyncio.create_task(write())
    while not writing.done():
        report = await database.read(audit.verify)
        assert report.ok, report
    await writing
