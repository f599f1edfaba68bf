"""Attempts in both databases: leased once, taken over when their worker is gone, ended once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import SQLModel

from adapters.errors import Fault, ProviderError
from adapters.schema import Output
from adapters.wire import Call, Done, Pending
from gateway.attempts import store
from gateway.attempts.rules import LEASE_S, Again, Ending, Status
from gateway.db import connect

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
SUBMIT = Pending(call=Call(stage="submit", url="/jobs", json_body={"prompt": "füchse"}))
STATUS = Pending(call=Call(stage="status", method="GET", url="/jobs/7"), wait_s=1.0, fraction=0.25)
FAILED = Ending(Status.FAILED, ProviderError(fault=Fault.PROVIDER_FAULT, message="out of order", status=500))
SUCCEEDED = Ending(Status.SUCCEEDED)


def seconds(number):
    return timedelta(seconds=number)


def row(name="a", **changes):
    """A new attempt, due now."""
    plain = {
        "id": f"att_{name}", "job_id": f"job_{name}", "key_id": "key_1", "number": 1, "offer": "fal/maker/model",
        "provider": "fal", "task": "text-to-image", "status": "open", "next": SUBMIT.model_dump_json(),
        "stage": "submit", "sends": 0, "turns": 0, "failures": 0, "fitted": "{}", "price": "{}", "quote_nanos": 2**40,
        "due_at": NOW, "deadline_at": NOW + seconds(600), "created_at": NOW - seconds(1), "cost_nanos": 0,
    }  # fmt: skip
    empty = dict.fromkeys(each.name for each in store.ATTEMPT.c)
    return empty | plain | changes


async def add(database, *rows):
    await database.together(lambda connection: [store.insert(connection, each) for each in rows])


async def claim(database, worker="one", most=10, now=NOW):
    return await database.together(lambda connection: store.claim(connection, worker, most, now))


async def go_on(database, attempt, again, worker=None, now=NOW):
    return await database.together(lambda connection: store.go_on(connection, attempt, again, worker, now))


async def end(database, attempt, ending=FAILED, cost_nanos=0, now=NOW):
    values = store.ended_values(attempt, ending, cost_nanos, now)
    return await database.together(lambda connection: store.end(connection, attempt, values))


async def stored(database, name="a"):
    (found,) = await database.read(lambda connection: store.of_job(connection, f"job_{name}"))
    return found


def ids(attempts):
    return [attempt.id for attempt in attempts]


@pytest.mark.anyio
async def test_what_is_claimed_is_what_was_written(database):
    await add(database, row())
    (attempt,) = await claim(database)
    assert attempt.next == SUBMIT and attempt.status is Status.OPEN and attempt.sends == 1
    assert (attempt.quote_nanos, attempt.created_at, attempt.deadline_at) == (
        2**40, NOW - seconds(1), NOW + seconds(600)
    )  # fmt: skip
    found = await stored(database)
    assert (found["leased_by"], found["lease_until"]) == ("one", NOW + seconds(LEASE_S))


@pytest.mark.anyio
async def test_a_leased_attempt_is_nobody_elses_until_its_lease_runs_out(database):
    await add(database, row())
    await claim(database, "one")
    assert await claim(database, "two", now=NOW + seconds(LEASE_S)) == []
    (taken,) = await claim(database, "two", now=NOW + seconds(LEASE_S + 0.001))
    assert taken.sends == 2, "a second begin of a submit tells that the first one's fate is unknown"
    assert (await stored(database))["leased_by"] == "two"


@pytest.mark.anyio
async def test_only_submits_are_counted_as_sends(database):
    await add(database, row("a"), row("b", stage="status", next=STATUS.model_dump_json(), sends=1))
    assert {attempt.id: attempt.sends for attempt in await claim(database)} == {"att_a": 1, "att_b": 1}


UPLOAD = Pending(call=Call(stage="upload", method="PUT", url="/files/1", asset="ast_1"))


@pytest.mark.anyio
async def test_a_submit_that_follows_an_upload_is_counted_before_it_is_sent(database):
    await add(database, row(stage="upload", next=UPLOAD.model_dump_json()))
    (attempt,) = await claim(database)
    assert attempt.sends == 0
    assert await go_on(database, attempt, Again(NOW, SUBMIT), worker="one")
    (taken,) = await claim(database, "two", now=NOW + seconds(LEASE_S + 1))
    assert taken.next == SUBMIT and taken.sends == 2, "its first worker died within it: nobody sends it again"


@pytest.mark.anyio
async def test_a_submit_that_waits_for_a_worker_after_an_upload_is_counted_once(database):
    await add(database, row(stage="upload", next=UPLOAD.model_dump_json()))
    (attempt,) = await claim(database)
    assert await go_on(database, attempt, Again(NOW, SUBMIT), worker=None)
    (taken,) = await claim(database, "two")
    assert taken.sends == 1


@pytest.mark.anyio
async def test_the_same_news_stored_twice_counts_one_submit(database):
    await add(database, row(stage="upload", next=UPLOAD.model_dump_json()))
    (attempt,) = await claim(database)
    for _ in range(2):
        assert await go_on(database, attempt, Again(NOW, SUBMIT), worker="one")
    assert (await stored(database))["sends"] == 1


@pytest.mark.anyio
async def test_an_upload_that_broke_off_is_simply_made_again(database):
    await add(database, row(stage="upload", next=UPLOAD.model_dump_json()))
    await claim(database, "one")
    (taken,) = await claim(database, "two", now=NOW + seconds(LEASE_S + 1))
    assert (taken.next, taken.sends) == (UPLOAD, 0)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("changes", "is_hurried"),
    [
        ({}, True),
        ({"lease_until": NOW - seconds(1)}, True),
        ({"lease_until": NOW + seconds(1)}, False),
        ({"stage": "submit", "next": SUBMIT.model_dump_json()}, False),
        ({"status": "unknown"}, False),
        ({"status": "succeeded", "ended_at": NOW}, False),
    ],
)
async def test_only_an_attempt_that_waits_for_its_next_poll_is_hurried(database, changes, is_hurried):
    later = NOW + seconds(300)
    await add(database, row(**({"stage": "status", "next": STATUS.model_dump_json(), "due_at": later} | changes)))
    assert await database.together(lambda connection: store.hurry(connection, "att_a", NOW)) is is_hurried
    assert (await stored(database))["due_at"] == (NOW if is_hurried else later)
    assert not await database.together(lambda connection: store.hurry(connection, "att_none", NOW))


@pytest.mark.anyio
async def test_the_earliest_due_come_first_and_no_more_than_asked_for(database):
    await add(database, *[row(name, due_at=NOW - seconds(age)) for age, name in enumerate("abcde")])
    assert ids(await claim(database, most=2)) == ["att_e", "att_d"]
    assert ids(await claim(database, most=10)) == ["att_c", "att_b", "att_a"]
    assert await claim(database, most=10) == []


@pytest.mark.anyio
async def test_nothing_is_claimed_before_it_is_due_or_after_its_end(database):
    ended = {"status": "failed", "ended_at": NOW}
    await add(database, row("a", due_at=NOW + seconds(0.001)), row("b", **ended))
    assert await claim(database) == []
    assert ids(await claim(database, now=NOW + seconds(0.001))) == ["att_a"]


@pytest.mark.anyio
async def test_an_attempt_of_unknown_fate_is_looked_at_again_at_its_deadline(database):
    await add(database, row())
    (attempt,) = await claim(database)
    unknown = Ending(Status.UNKNOWN, FAILED.error)
    assert await end(database, attempt, unknown)
    found = await stored(database)
    assert (found["status"], found["due_at"], found["ended_at"]) == ("unknown", attempt.deadline_at, None)
    assert await claim(database, now=attempt.deadline_at - seconds(1)) == []
    assert [each.status for each in await claim(database, now=attempt.deadline_at)] == [Status.UNKNOWN]


@pytest.mark.anyio
async def test_going_on_keeps_the_next_call_and_the_lease_only_if_asked(database):
    await add(database, row())
    (attempt,) = await claim(database)
    assert await go_on(database, attempt, Again(NOW + seconds(2), STATUS, 1), "one")
    found = await stored(database)
    assert store.attempt_of(found).next == STATUS
    assert (found["stage"], found["turns"], found["failures"], found["fraction"]) == ("status", 1, 1, 0.25)
    assert (found["started_at"], found["leased_by"]) == (NOW, "one")
    assert await go_on(database, store.attempt_of(found), Again(NOW + seconds(2), STATUS), None, NOW + seconds(1))
    found = await stored(database)
    assert (found["leased_by"], found["lease_until"], found["started_at"], found["failures"]) == (None, None, NOW, 0)
    assert ids(await claim(database, "two", now=NOW + seconds(2))) == ["att_a"]


@pytest.mark.anyio
async def test_outputs_that_wait_to_be_collected_are_kept_whole(database):
    done = Done(outputs=(Output(mime="image/png", url="https://cdn.example/a.png"),))
    await add(database, row())
    (attempt,) = await claim(database)
    assert await go_on(database, attempt, Again(NOW, done))
    (again,) = await claim(database)
    assert again.next == done and again.sends == 1
    assert (await stored(database))["stage"] == "collect"


@pytest.mark.anyio
async def test_news_of_an_attempt_of_unknown_fate_open_it_again(database):
    await add(database, row())
    (attempt,) = await claim(database)
    await end(database, attempt, Ending(Status.UNKNOWN, FAILED.error))
    assert await go_on(database, attempt, Again(NOW, STATUS))
    assert [each.status for each in await claim(database)] == [Status.OPEN]


@pytest.mark.anyio
@pytest.mark.parametrize("ending", [FAILED, SUCCEEDED, Ending(Status.CANCELED)], ids=lambda each: each.status.value)
async def test_an_attempt_ends_once_and_then_never_changes(database, ending):
    await add(database, row())
    (attempt,) = await claim(database)
    assert await end(database, attempt, ending, cost_nanos=7)
    before = dict(await stored(database))
    later = NOW + seconds(5)
    assert not await end(database, attempt, SUCCEEDED, cost_nanos=9, now=later)
    assert not await go_on(database, attempt, Again(later, STATUS), "one", later)
    await database.together(lambda connection: store.renew(connection, "one", ["att_a"], later))
    assert dict(await stored(database)) == before
    assert (before["status"], before["cost_nanos"], before["ended_at"]) == (ending.status.value, 7, NOW)
    assert (before["leased_by"], before["lease_until"]) == (None, None)


@pytest.mark.anyio
async def test_an_end_says_what_went_wrong_and_what_was_counted(database):
    await add(database, row())
    (attempt,) = await claim(database)
    await end(database, attempt, FAILED._replace(usage={"output_token": 12}))
    found = await stored(database)
    assert ProviderError.model_validate_json(found["error"]) == FAILED.error
    assert (found["fault"], found["usage"], found["turns"]) == ("provider_fault", '{"output_token":"12"}', 1)


@pytest.mark.anyio
async def test_next_due_is_the_earliest_that_is_free(database):
    async def next_due(now=NOW):
        return await database.read(lambda connection: store.next_due(connection, now))

    assert await next_due() is None
    await add(database, row("a"), row("b", due_at=NOW + seconds(9)), row("c", status="failed", due_at=NOW - seconds(9)))
    assert await next_due() == NOW
    await claim(database)
    assert await next_due() == NOW + seconds(9)
    assert await next_due(NOW + seconds(LEASE_S + 1)) == NOW, "a lease that ran out holds nothing"


@pytest.mark.anyio
async def test_a_worker_renews_its_own_leases_only(database):
    await add(database, row("a"), row("b"))
    await claim(database, "one", most=1)
    await claim(database, "two", most=1)
    later = NOW + seconds(10)
    await database.together(lambda connection: store.renew(connection, "one", ["att_a", "att_b"], later))
    until = {name: (await stored(database, name))["lease_until"] for name in "ab"}
    assert sorted(until.values()) == [NOW + seconds(LEASE_S), later + seconds(LEASE_S)]


@pytest.mark.anyio
async def test_what_dead_workers_held_is_freed_at_once(database):
    await add(database, *[row(name) for name in "abc"])
    for worker in ("one", "two", "three"):
        await claim(database, worker, most=1)
    assert sorted(await database.read(store.holders)) == ["one", "three", "two"]
    assert await database.together(lambda connection: store.release(connection, ["one", "three", "nobody"])) == 2
    assert await database.read(store.holders) == ["two"]
    assert len(await claim(database, "four")) == 2


@pytest.mark.anyio
async def test_attempts_are_found_by_their_jobs(database):
    await add(database, row("a"), row("b", job_id="job_a", number=2), row("c"))
    found = await database.read(lambda connection: store.of_jobs(connection, ["job_a", "job_c", "job_none"]))
    assert {job: [each["id"] for each in rows] for job, rows in found.items()} == {
        "job_a": ["att_a", "att_b"], "job_c": ["att_c"], "job_none": []
    }  # fmt: skip


@pytest.mark.anyio
async def test_the_newest_ends_are_told_for_the_evidence(database):
    await add(database, *[row(name) for name in "abcd"])
    for age, attempt in enumerate(sorted(await claim(database))):
        if attempt.id != "att_d":
            await end(database, attempt, now=NOW + seconds(age))
    ended = await database.read(lambda connection: store.ended_since(connection, NOW + seconds(1), 10))
    assert [each["ended_at"] for each in ended] == [NOW + seconds(2), NOW + seconds(1)]
    assert len(await database.read(lambda connection: store.ended_since(connection, NOW, 2))) == 2


@pytest.mark.anyio
async def test_what_is_live_is_counted_by_status(database):
    await add(database, row("a"), row("b"), row("c", status="unknown"), row("d", status="canceled"))
    assert await database.read(store.live) == {"open": 2, "unknown": 1}


@pytest.mark.anyio
async def test_two_processes_that_claim_at_once_share_and_never_overlap(database, other_database):
    await add(database, *[row(f"{number:02}") for number in range(20)])
    one, two = await asyncio.gather(claim(database, "one", most=12), claim(other_database, "two", most=12))
    assert sorted(ids(one) + ids(two)) == [f"att_{number:02}" for number in range(20)]


@pytest.mark.anyio
async def test_four_replicas_on_postgres_claim_each_of_two_hundred_attempts_exactly_once(postgres_url):
    replicas = [connect(postgres_url) for _ in range(4)]
    await replicas[0].together(SQLModel.metadata.create_all)
    await add(replicas[0], *[row(f"{number:03}") for number in range(200)])

    async def work(number):
        taken = []
        while claimed := await claim(replicas[number], f"worker {number}", most=7):
            assert len(claimed) <= 7
            taken += ids(claimed)
        return taken

    taken = await asyncio.gather(*map(work, range(4)))
    counts = Counter(attempt for each in taken for attempt in each)
    assert len(counts) == 200 and set(counts.values()) == {1}
    assert sum(1 for each in taken if each) > 1, "only one of the replicas got anything"
    for replica in replicas:
        await replica.close()


@pytest.mark.anyio
async def test_only_runs_that_were_sent_before_another_stood_in_front_of_it(database):
    """What is refused or canceled while a run goes on does not make its seconds fewer."""
    began = NOW
    others = {
        "before": {"started_at": NOW - seconds(5), "ended_at": NOW + seconds(10), "sends": 1, "status": "succeeded"},
        "refused": {"started_at": NOW + seconds(1), "ended_at": NOW + seconds(58), "sends": 1, "status": "failed"},
        "unsent": {"started_at": NOW - seconds(9), "ended_at": NOW + seconds(59), "sends": 0, "status": "canceled"},
        "elsewhere": {"started_at": NOW - seconds(5), "ended_at": NOW + seconds(50), "sends": 1, "provider": "api"},
        "waits": {"sends": 0}, "runs": {"sends": 1}, "mine": {"sends": 1, "started_at": began},
    }  # fmt: skip
    await add(database, *[row(name, **changes) for name, changes in others.items()])
    mine = store.attempt_of(await stored(database, "mine"))
    found = await database.read(lambda connection: store.beside(connection, mine, began))
    assert found == (2, NOW + seconds(10))
