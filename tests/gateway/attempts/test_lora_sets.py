"""Runs at an engine that holds one set of LoRAs, in both databases: by sets, whoever claims and whoever dies."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from adapters.errors import Fault, ProviderError
from adapters.holding import ASK, CLEAR
from adapters.wire import Call, Pending
from gateway.attempts import lora_sets, store
from gateway.attempts.lora_rules import AT_ONCE, TURN_S, WAITING
from gateway.attempts.rules import LEASE_S, Again, Ending, Status

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HELD = Pending(call=Call(stage=ASK, method="GET", url="/list_loras"))
CLEARED = Pending(call=Call(stage=CLEAR, url="/unmerge_lora_weights"))
SUBMIT = Pending(call=Call(stage="submit", url="/images/generations"))
FAILED = Ending(Status.FAILED, ProviderError(fault=Fault.PROVIDER_FAULT, message="out of order", status=500))
UNKNOWN = Ending(Status.UNKNOWN, ProviderError(fault=Fault.TIMED_OUT, message="no answer"))


def seconds(number):
    return timedelta(seconds=number)


def row(name, lora_set, provider="sglang", **changes):
    plain = {
        "id": f"att_{name}", "job_id": f"job_{name}", "key_id": "key_1", "number": 1,
        "offer": f"{provider}/maker/model", "provider": provider, "task": "text-to-image", "status": "open",
        "next": HELD.model_dump_json(), "stage": ASK, "sends": 0, "turns": 0, "failures": 0, "fitted": "{}",
        "price": "{}", "quote_nanos": 1, "due_at": NOW, "deadline_at": NOW + seconds(600), "created_at": NOW,
        "cost_nanos": 0, "lora_set": lora_set, "provider_status": WAITING,
    }  # fmt: skip
    return dict.fromkeys(each.name for each in store.ATTEMPT.c) | plain | changes


async def add(database, *rows):
    await database.together(lambda connection: [store.insert(connection, each) for each in rows])


async def claim(database, now=NOW, worker="one"):
    found = await database.together(lambda connection: store.claim(connection, worker, 64, now))
    return [attempt.id for attempt in found]


async def found(database, name):
    return await database.read(lambda connection: store.find(connection, f"att_{name}"))


async def goes_on(database, name, following, now=NOW, worker=None):
    attempt, again = await found(database, name), Again(now, following)
    await database.together(lambda connection: store.go_on(connection, attempt, again, worker, now))


async def ends(database, name, ending=FAILED, now=NOW):
    attempt = await found(database, name)
    values = store.ended_values(attempt, ending, 0, now)
    return await database.together(lambda connection: store.end(connection, attempt, values))


async def submits(database, name, now=NOW):
    await goes_on(database, name, SUBMIT, now, "one")


@pytest.mark.anyio
async def test_one_run_sees_to_the_set_and_those_of_its_set_come_after_it(database):
    await add(database, row("1", "a"), row("2", "a"), row("3", "b"))
    assert await claim(database) == ["att_1"]
    assert await claim(database) == []
    await submits(database, "1")
    assert await claim(database) == ["att_2"]
    await submits(database, "2")
    assert await claim(database) == []
    await ends(database, "1")
    assert await claim(database) == [], "the second of its set is still under way"
    await ends(database, "2")
    assert await claim(database) == ["att_3"]


@pytest.mark.anyio
async def test_a_run_that_waits_loses_none_of_its_time_and_says_why_it_waits(database):
    await add(database, row("1", "a"), row("2", "b"))
    await claim(database)
    (waiting,) = await database.read(lambda connection: store.of_job(connection, "job_2"))
    assert waiting["provider_status"] == WAITING and waiting["let_in_at"] is None
    await ends(database, "1")
    later = NOW + seconds(1_000)
    assert await claim(database, later) == ["att_2"]
    (came,) = await database.read(lambda connection: store.of_job(connection, "job_2"))
    assert came["deadline_at"] == later + seconds(600) and came["provider_status"] is None


@pytest.mark.anyio
async def test_its_seconds_begin_with_its_submit(database):
    await add(database, row("1", "a"))
    await claim(database)
    await goes_on(database, "1", CLEARED, NOW + seconds(1))
    assert (await found(database, "1")).started_at is None
    await goes_on(database, "1", SUBMIT, NOW + seconds(9))
    assert (await found(database, "1")).started_at == NOW + seconds(9)


@pytest.mark.anyio
async def test_a_run_of_unknown_fate_may_still_be_under_way(database):
    await add(database, row("1", "a"), row("2", "b"))
    await claim(database)
    await submits(database, "1")
    await ends(database, "1", UNKNOWN)
    assert await claim(database) == []
    await ends(database, "1", FAILED, NOW + seconds(600))
    assert await claim(database, NOW + seconds(600)) == ["att_2"]


@pytest.mark.anyio
async def test_a_worker_that_dies_between_switch_and_submit_is_followed_by_another_that_asks_again(database):
    await add(database, row("1", "a"), row("2", "b"), row("3", "a"))
    await claim(database)
    await goes_on(database, "1", CLEARED, NOW, "one")
    after = NOW + seconds(LEASE_S + 1)
    assert await claim(database, after, "two") == ["att_1"]
    assert (await found(database, "1")).sends == 0


@pytest.mark.anyio
async def test_other_providers_and_runs_without_a_set_are_left_alone(database):
    await add(database, row("1", "a"), row("2", "b", "other"), row("3", None, "fal", stage="submit"), row("4", "b"))
    assert sorted(await claim(database)) == ["att_1", "att_2", "att_3"]


@pytest.mark.anyio
async def test_switches_are_counted(database):
    await add(database, row("1", "a"), row("2", "b"), row("3", "a"))
    for name in ("1", "3", "2"):
        assert await claim(database) == [f"att_{name}"]
        await ends(database, name)
    told = await database.read(lora_sets.holds)
    assert told["sglang"][0] == "b" and told["sglang"][2] == 2


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(6))
async def test_whatever_arrives_and_whoever_dies_two_sets_are_never_inside_and_every_run_ends(database, seed):
    """Workers claim, prepare, submit, end, and die at any moment; a dead one's lease runs out."""
    dice = random.Random(seed)
    names = [f"{number:02}" for number in range(24)]
    coming = {name: (dice.randrange(0, 60), dice.choice(["a", "b", "[]"])) for name in names}
    held: set[str] = set()
    done: set[str] = set()
    now = NOW
    for step in range(2_000):
        now = NOW + seconds(step)
        due = [row(name, lora_set, due_at=now) for name, (at, lora_set) in coming.items() if at == step]
        await add(database, *due)
        held |= {each.removeprefix("att_") for each in await claim(database, now, dice.choice(["one", "two"]))}
        assert len({coming[name][1] for name in held}) <= 1, "whoever is claimed is of one set"
        inside = await inside_of(database)
        assert len({lora_set for lora_set, _ in inside}) <= 1 and len(inside) <= AT_ONCE, inside
        assert sum(stage in (ASK, CLEAR) for _, stage in inside) <= 1
        for name in sorted(held):
            await _one_step(database, name, dice, now, held, done)
        if len(done) == len(names):
            break
    assert len(done) == len(names)
    switches = (await database.read(lora_sets.holds))["sglang"][2]
    assert 1 <= switches <= len(names)


async def _one_step(database, name, dice, now, held, done):
    attempt = await found(database, name)
    match dice.choice(["die", "work", "work", "rest"]), attempt.next.call.stage:
        case "die", _:
            held.discard(name)
        case "work", "submit":
            if attempt.sends > 1 and dice.random() < 0.5:  # a crash in the middle of a submit
                await ends(database, name, UNKNOWN, now)
            await ends(database, name, FAILED, now)
            held.discard(name)
            done.add(name)
        case "work", stage:
            await goes_on(database, name, CLEARED if stage == ASK else SUBMIT, now, "one")


async def inside_of(database):
    def unit(connection):
        columns = [store.ATTEMPT.c.lora_set, store.ATTEMPT.c.stage]
        there = store.ATTEMPT.c.let_in_at.is_not(None), store.ATTEMPT.c.ended_at.is_(None)
        return [tuple(each) for each in connection.execute(lora_sets.sa.select(*columns).where(*there))]

    return await database.read(unit)


@pytest.mark.anyio
async def test_when_a_turn_is_over_the_other_set_gets_in_however_many_of_the_first_wait(database):
    await add(database, *[row(f"a{number}", "a") for number in range(30)], row("b", "b"))
    now, came = NOW, []
    while "att_b" not in came:
        for each in came:
            await ends(database, each.removeprefix("att_"), now=now)
        came = await claim(database, now)
        now += seconds(10)
        assert (now - NOW).total_seconds() <= TURN_S + 30
