"""Events are written with what made them happen, once, for those who asked and nobody else; on both databases."""

import asyncio
from datetime import date, timedelta

import pytest

from gateway import clock
from gateway.changes import store as changes
from gateway.changes.rules import Change, Kind as Changed, Subject
from gateway.keys import service as keys
from gateway.keys.rules import Role
from gateway.webhooks import endpoints, outbox, rules, signing, store
from gateway.webhooks.outbox import EVERYONE
from gateway.webhooks.rules import Kind
from gateway.webhooks.tables import DELIVERY, EVENT, TRY
from tests.gateway.webhooks.posts import emitted, endpoint, log, once, rows, working


@pytest.mark.anyio
async def test_an_event_is_told_signed_and_logged(database, receiver):
    receiver.plan, receiver.said = [200], b"thank you"
    _, secret = await endpoint(database, receiver.url)
    assert await emitted(database) == 1
    async with working(database) as runner:
        await once(runner)
    [post] = receiver.posts
    event = post.verified(secret)
    assert event["type"] == "job.finished" and event["data"] == {"id": "job_1", "status": "succeeded"}
    assert post.headers["content-type"] == "application/json" and post.headers["user-agent"] == "podium-gateway"
    [delivery] = await log(database)
    assert (delivery["status"], delivery["event_id"]) == ("delivered", post.id)
    assert [(each["status"], each["said"], each["error"]) for each in delivery["log"]] == [(200, "thank you", None)]


@pytest.mark.anyio
async def test_where_nobody_asked_nothing_is_written(database, receiver):
    await endpoint(database, receiver.url, Kind.PRICE_CHANGED)
    await endpoint(database, receiver.url, key="key_2")
    assert await emitted(database) == 0
    assert await rows(database, EVENT) == []


@pytest.mark.anyio
async def test_an_event_emitted_twice_is_told_once(database, receiver):
    await endpoint(database, receiver.url)
    assert [await emitted(database), await emitted(database)] == [1, 0]
    assert len(await rows(database, DELIVERY)) == 1


@pytest.mark.anyio
async def test_an_event_whose_transaction_fails_never_happened(database, receiver):
    await endpoint(database, receiver.url)

    def unit(connection):
        outbox.emit(connection, Kind.JOB_FINISHED, "job_1", None, clock.now(), keys=("key_1",))
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await database.together(unit)
    assert await rows(database, EVENT) == await rows(database, DELIVERY) == []


@pytest.mark.anyio
async def test_the_organisation_hears_of_every_key_and_everybody_of_what_is_nobodys(database, receiver):
    mine, _ = await endpoint(database, receiver.url, Kind.JOB_FINISHED, Kind.MODEL_RETIRED)
    house, _ = await endpoint(database, receiver.url, *rules.ASKED_FOR, key="key_admin", watches=EVERYONE)
    other, _ = await endpoint(database, receiver.url, Kind.MODEL_RETIRED, key="key_2")
    await emitted(database)
    await emitted(database, "a/m", Kind.MODEL_RETIRED, {"model": "a/m"}, keys=None)
    await emitted(database, "bud_1", Kind.BUDGET_THRESHOLD, {"percent": 80}, keys=())
    told = {(each["kind"], each["target"]) for each in await log(database)}
    assert told == {
        ("job.finished", mine), ("job.finished", house), ("model.retired", mine), ("model.retired", house),
        ("model.retired", other), ("budget.threshold", house),
    }  # fmt: skip


@pytest.mark.anyio
async def test_the_endpoints_of_a_revoked_key_hear_nothing_any_more(database, receiver):
    now = clock.now()
    admin, _ = await database.together(lambda connection: keys.create(connection, "admin", Role.ADMIN, now))
    await database.together(lambda connection: keys.create(connection, "other", Role.ADMIN, now))
    await endpoint(database, receiver.url, key=admin.id, watches=EVERYONE)
    assert await emitted(database, "job_1") == 1
    await database.together(lambda connection: keys.revoke(connection, admin.id, now))
    assert await emitted(database, "job_2") == await emitted(database, "job_3", keys=None) == 0


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "event"),
    [
        (Changed.DEPRECATED, "model.deprecated"),
        (Changed.STALE, "model.stale"),
        (Changed.RETIRED, "model.retired"),
        (Changed.PRICE, "price.changed"),
        (Changed.APPEARED, None),
    ],
)
async def test_what_the_feed_of_changes_says_is_told_to_everybody_who_asked(database, receiver, kind, event):
    await endpoint(database, receiver.url, *rules.ASKED_FOR)
    change = Change(kind, Subject("p/a/m", "a/m", "p/a/m"), "0.04", "0.05", "it said so", "lives", date(2026, 11, 20))
    change_id = await database.together(lambda connection: changes.add(connection, change, clock.now()))
    async with working(database) as runner:
        await once(runner)
    told = [post.event for post in receiver.posts]
    assert [each["type"] for each in told] == ([event] if event else [])
    for each in told:
        data = each["data"]
        assert (data["id"], data["offer"], data["after"]) == (change_id, "p/a/m", "0.05")
        assert data["happened_on"] == "2026-11-20"


@pytest.mark.anyio
async def test_the_overlap_ends(database):
    webhook_id, old = await endpoint(database, "https://example.com/")
    now = clock.now()
    new = await database.together(lambda connection: signing.rotate(connection, webhook_id, rules.OVERLAP, now))
    for after, good in ((timedelta(hours=23), [new, old]), (timedelta(hours=25), [new])):
        found = await database.read(lambda connection, at=now + after: signing.in_force(connection, webhook_id, at))
        assert found == good


@pytest.mark.anyio
async def test_two_workers_never_hold_the_same_delivery(database, other_database, receiver):
    await endpoint(database, receiver.url)
    for number in range(30):
        await emitted(database, f"job_{number}")
    now = clock.now()
    claimed = await asyncio.gather(
        *[
            each.together(lambda connection, name=f"w{n}": store.claim(connection, name, 5, [], now))
            for n, each in enumerate((database, other_database) * 4)
        ]
    )
    ids = [delivery.id for some in claimed for delivery in some]
    assert len(ids) == len(set(ids)) == 30


@pytest.mark.anyio
async def test_the_log_of_what_ended_long_ago_is_removed_and_nothing_else(database, receiver):
    await endpoint(database, receiver.url)
    await emitted(database, "job_1")
    async with working(database) as runner:
        await once(runner)
    await emitted(database, "job_2")
    later = clock.now() + timedelta(days=31)
    assert await database.together(lambda connection: store.prune(connection, later)) == 1
    assert [row["subject"] for row in await rows(database, EVENT)] == ["job_2"]
    assert [row["subject"] for row in await rows(database, DELIVERY)] == ["job_2"] and await rows(database, TRY) == []


@pytest.mark.anyio
async def test_a_key_has_a_bounded_number_of_endpoints(database):
    for _ in range(endpoints.MOST):
        await endpoint(database, "https://example.com/")
    row = {"key_id": "key_1", "watches": "key_1", "url": "https://example.com/", "events": "[]", "description": ""}
    assert await database.together(lambda connection: endpoints.create(connection, row, clock.now())) is None
