"""Deliveries reach a real receiver: in order, again and again until it has them; on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from adapters import http
from adapters.http import NotSent
from gateway import clock
from gateway.webhooks import endpoints, outbox, rules, signing, store
from gateway.webhooks.rules import RETRIES_S, Kind
from gateway.webhooks.tables import WEBHOOK
from tests.gateway.webhooks.posts import Clock, emitted, endpoint, log, once, rows, working
from tests.stories.receiver import Receiver


@pytest.mark.anyio
async def test_a_receiver_that_was_down_for_an_hour_gets_every_event_in_order(database, receiver, monkeypatch):
    time = Clock(timedelta(hours=2))
    monkeypatch.setattr(clock, "now", time.now)
    _, secret = await endpoint(database, receiver.url, Kind.JOB_STARTED, Kind.JOB_FINISHED)
    receiver.end()
    async with working(database) as runner:
        for job in ("job_1", "job_2", "job_3"):
            await emitted(database, job, Kind.JOB_STARTED)
            time.pass_by(seconds=2)
            await emitted(database, job)
            await once(runner)
        for _ in range(60):
            time.pass_by(minutes=1)
            await once(runner)
        assert receiver.posts == [] and len(await log(database, status="pending")) == 6
        receiver.begin()
        time.at = datetime.now(UTC) + timedelta(seconds=1)
        await once(runner)
    assert len(receiver.posts) == 6 and all(post.is_signed_with(secret) for post in receiver.posts)
    for job in ("job_1", "job_2", "job_3"):
        told = [post.event["type"] for post in receiver.posts if post.event["data"]["id"] == job]
        assert told == ["job.started", "job.finished"]
    assert {each["status"] for each in await log(database)} == {"delivered"}


@pytest.mark.anyio
async def test_every_try_bears_the_same_id_and_a_time_of_its_own(database, receiver, monkeypatch):
    time = Clock(timedelta(minutes=4))
    monkeypatch.setattr(clock, "now", time.now)
    receiver.plan, receiver.said = [500, 302, 200], b"x" * 5_000
    receiver.headers = {"location": receiver.url + "/elsewhere"}
    _, secret = await endpoint(database, receiver.url)
    await emitted(database)
    async with working(database) as runner:
        for wait_s in (0, RETRIES_S[0] * 1.2, RETRIES_S[1] * 1.2):
            time.pass_by(seconds=wait_s)
            await once(runner)
    assert [post.path for post in receiver.posts] == ["/hooks"] * 3, "a redirect is not followed"
    assert len({post.id for post in receiver.posts}) == 1 and len({post.body for post in receiver.posts}) == 1
    assert len({post.headers["webhook-timestamp"] for post in receiver.posts}) == 3
    assert all(post.is_signed_with(secret) for post in receiver.posts)
    [delivery] = await log(database)
    assert [each["status"] for each in delivery["log"]] == [500, 302, 200]
    assert {len(each["said"]) for each in delivery["log"]} == {rules.SAID_CHARS}


@pytest.mark.anyio
async def test_after_the_whole_schedule_it_is_given_up_and_by_hand_sent_again(database, receiver, monkeypatch):
    time = Clock(timedelta(days=4))
    monkeypatch.setattr(clock, "now", time.now)
    receiver.plan = [500] * (1 + len(RETRIES_S))
    await endpoint(database, receiver.url)
    await emitted(database)
    async with working(database, off_after_days=30) as runner:
        for wait_s in (0, *RETRIES_S, RETRIES_S[-1]):
            time.pass_by(seconds=wait_s * 1.21)
            await once(runner)
        [delivery] = await log(database)
        assert delivery["status"] == "failed" and len(delivery["log"]) == len(receiver.posts) == 1 + len(RETRIES_S)
        await database.together(lambda connection: store.requeue(connection, delivery["id"], time.now()))
        await once(runner)
    [delivery] = await log(database)
    assert delivery["status"] == "delivered" and len({post.id for post in receiver.posts}) == 1


@pytest.mark.anyio
async def test_after_days_of_failure_an_endpoint_is_off_and_another_hears_of_it(database, receiver, monkeypatch):
    time = Clock(timedelta(days=5))
    monkeypatch.setattr(clock, "now", time.now)
    broken, _ = await endpoint(database, "http://127.0.0.1:1/", Kind.JOB_FINISHED, Kind.ENDPOINT_DISABLED)
    _, secret = await endpoint(database, receiver.url, Kind.ENDPOINT_DISABLED)
    async with working(database, off_after_days=5) as runner:
        for day in range(6):
            await emitted(database, f"job_{day}")
            await once(runner)
            is_off = [row["disabled_at"] is not None for row in await rows(database, WEBHOOK) if row["id"] == broken]
            assert is_off == [day == 5]
            time.pass_by(days=1)
        assert await emitted(database, "job_7") == 0, "nothing is queued for it any more"
    [post] = receiver.posts
    event = post.verified(secret)
    assert event["type"] == "endpoint.disabled" and event["data"]["id"] == broken
    assert event["data"]["reason"] == "every delivery failed for 5 days"
    assert {each["status"] for each in await log(database, target=broken)} == {"failed"}
    await database.together(lambda connection: endpoints.change(connection, broken, {}, True, time.now()))
    assert await emitted(database, "job_8") == 1


@pytest.mark.anyio
async def test_a_success_in_between_forgives_the_failures_before(database, receiver, monkeypatch):
    time = Clock(timedelta(days=12))
    monkeypatch.setattr(clock, "now", time.now)
    receiver.plan = [500, 200, 500, 200, 500]
    await endpoint(database, receiver.url)
    async with working(database, off_after_days=3) as runner:
        for day in range(5):
            await emitted(database, f"job_{day}")
            await once(runner)
            time.pass_by(days=2)
            receiver.plan = receiver.plan or [500]
    assert (await rows(database, WEBHOOK))[0]["disabled_at"] is None


@pytest.mark.anyio
async def test_410_turns_an_endpoint_off_at_once(database, receiver):
    receiver.plan = [410]
    await endpoint(database, receiver.url)
    await emitted(database)
    async with working(database) as runner:
        await once(runner)
    [row] = await rows(database, WEBHOOK)
    assert row["disabled_at"] and "410" in row["disabled_for"]
    assert [each["status"] for each in await log(database)] == ["failed"]


@pytest.mark.anyio
async def test_both_secrets_sign_while_one_replaces_the_other(database, receiver, monkeypatch):
    time = Clock(timedelta(hours=25))
    monkeypatch.setattr(clock, "now", time.now)
    webhook_id, old = await endpoint(database, receiver.url)
    new = await database.together(
        lambda connection: signing.rotate(connection, webhook_id, rules.OVERLAP, time.now() + timedelta(hours=24))
    )
    time.at = datetime.now(UTC)
    async with working(database) as runner:
        await emitted(database)
        await once(runner)
        monkeypatch.setattr(clock, "now", lambda: time.at)
        assert receiver.posts[0].is_signed_with(old) and receiver.posts[0].is_signed_with(new)
        await database.together(lambda connection: signing.rotate(connection, webhook_id, timedelta(0), time.now()))
        await emitted(database, "job_2")
        await once(runner)
    assert not receiver.posts[1].is_signed_with(old) and not receiver.posts[1].is_signed_with(new)


@pytest.mark.anyio
async def test_private_addresses_are_refused_when_it_is_sent(database, receiver):
    await endpoint(database, receiver.url)
    await endpoint(database, f"https://127.0.0.1:{receiver.port}/")
    await emitted(database)
    async with working(database, private=False) as runner:
        await once(runner)
        with pytest.raises(NotSent, match="not public"):
            await http.post(runner.clients, receiver.url, {}, b"{}", timeout_s=5, most_bytes=10, is_trusted=False)
    assert receiver.posts == []
    errors = {each["log"][0]["error"].partition(" of ")[0] for each in await log(database)}
    assert errors == {"the address must be an https address", "the address must lead to a public address"}


@pytest.mark.anyio
async def test_a_slow_receiver_is_cut_off_and_delays_nobody_else(database, receiver, monkeypatch):
    monkeypatch.setattr(rules, "TRY_S", 1.0)
    with Receiver(slow_s=3) as slow:
        await endpoint(database, slow.url)
        await endpoint(database, receiver.url, key="key_2")
        for number in range(20):
            await emitted(database, f"job_{number}")
            await emitted(database, f"own_{number}", keys=("key_2",))
        async with working(database, most=16) as runner, asyncio.timeout(20):
            while len(receiver.posts) < 20:
                await runner.take_due()
                await asyncio.sleep(0.02)
                assert sum(delivery.url == slow.url for delivery in runner.running.values()) <= 2 * store.PER_LANE
            await runner.settle()
        tried = [each["log"][0]["error"] for each in await log(database, key_id="key_1") if each["log"]]
    assert tried and set(tried) == {"no answer within 1 s"}
    assert len(tried) < 20


@pytest.mark.anyio
async def test_what_a_dead_worker_held_is_tried_by_another_under_the_same_id(database, receiver, monkeypatch):
    time = Clock(timedelta(minutes=2))
    monkeypatch.setattr(clock, "now", time.now)
    await endpoint(database, receiver.url)
    await emitted(database)
    [held] = await database.together(lambda connection: store.claim(connection, "dead/1/w", 10, [], time.now()))
    async with working(database) as runner:
        await once(runner)
        assert receiver.posts == [], "its lease is not over"
        time.pass_by(seconds=rules.LEASE_S + 1)
        await once(runner)
    assert [post.id for post in receiver.posts] == [held.event_id]
    late = await database.together(
        lambda connection: store.told(
            connection, held, "dead/1/w", rules.Heard(500, "", None, 0.1), rules.Again(30), 5, time.now(), time.now()
        )
    )
    assert late is None and [each["status"] for each in await log(database)] == ["delivered"]


@pytest.mark.anyio
async def test_a_jobs_own_address_is_signed_with_the_secret_of_its_key(database, receiver):
    await emitted(database, callback=outbox.address(receiver.url + "?job=1", "key_1"))
    async with working(database) as runner:
        await once(runner)
    [secret] = await database.together(lambda connection: signing.ensure(connection, "key_1", clock.now()))
    [post] = receiver.posts
    assert post.path == "/hooks?job=1" and post.verified(secret)["data"]["id"] == "job_1"
    assert [each["key_id"] for each in await log(database)] == ["key_1"]


@pytest.mark.anyio
async def test_an_address_is_told_in_the_shape_that_its_job_names_and_in_no_other(database, receiver):
    async def told(delivery):
        body = f"{delivery.kind} {delivery.subject} of {delivery.key_id}"
        return None if delivery.subject == "job_gone" else rules.Message(body, {"x-said-by": delivery.shape})

    await endpoint(database, receiver.url + "/ours")
    for job in ("job_1", "job_gone"):
        await emitted(database, job, callback=outbox.address(receiver.url, "key_1", "smoke"))
    async with working(database, shapes={"smoke": told}) as runner:
        await once(runner)
    said = {post.path: post for post in receiver.posts}
    assert said["/hooks"].body == b"job.finished job_1 of key_1" and said["/hooks"].headers["x-said-by"] == "smoke"
    assert said["/hooks/ours"].event["data"]["id"] == "job_1" and len(receiver.posts) == 2
    [gone] = await log(database, target=receiver.url, subject="job_gone")
    assert "no longer there" in gone["log"][0]["error"]


@pytest.mark.anyio
async def test_a_shape_that_a_worker_does_not_know_waits_for_one_that_does(database, receiver, monkeypatch):
    time = Clock(timedelta(minutes=2))
    monkeypatch.setattr(clock, "now", time.now)
    await emitted(database, callback=outbox.address(receiver.url, "key_1", "smoke"))
    async with working(database) as runner:
        await once(runner)
    [delivery] = await log(database)
    assert (delivery["status"], delivery["log"][0]["error"]) == ("pending", "no worker here speaks as smoke does")
    assert receiver.posts == []


@pytest.mark.anyio
async def test_what_is_no_longer_there_cannot_be_told_and_ends(database, receiver, monkeypatch):
    monkeypatch.setattr(rules, "RETRIES_S", ())
    await endpoint(database, receiver.url)
    await emitted(database, "job_gone")
    async with working(database) as runner:
        await once(runner)
    [delivery] = await log(database)
    assert delivery["status"] == "failed" and "no longer there" in delivery["log"][0]["error"]
