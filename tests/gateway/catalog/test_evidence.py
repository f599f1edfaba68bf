"""What is believed: the boards' standings and our own attempts, read from the database and folded."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from adapters.errors import Fault
from adapters.schema import Model, Task
from gateway import telemetry
from gateway.attempts import store as attempts
from gateway.catalog import evidence, settlements
from gateway.snapshots import starter, store as snapshots
from gateway.snapshots.intake import take_in
from router import quality
from router.feeds.readings import Page, Place, PlacesReading, parse, payload_of
from router.names import collect
from tests.readings import DAY, board, listing, prices
from tests.supplies import make_supply

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FAL = "fal/black-forest-labs/flux-2-pro"
NUMBERS = itertools.count()


def parse_starter(reading):
    return parse(reading.payload)


@pytest.fixture
def supply(monkeypatch, tmp_path):
    return make_supply(monkeypatch, tmp_path)


def row(seconds=2.0, fault=None, offer=FAL, ago=timedelta(hours=1), status=None):
    number = next(NUMBERS)
    ended_at = NOW - ago
    plain = {
        "id": f"att_{number}", "job_id": f"job_{number}", "key_id": "key_1", "number": 1, "offer": offer,
        "provider": offer.partition("/")[0], "task": "text-to-image", "stage": "status",
        "status": status or ("failed" if fault else "succeeded"), "fault": fault, "sends": 1, "turns": 2,
        "failures": 0, "fitted": "{}", "price": "{}", "quote_nanos": 1, "due_at": ended_at, "deadline_at": ended_at,
        "created_at": ended_at, "cost_nanos": 0, "started_at": ended_at - timedelta(seconds=seconds),
        "ended_at": ended_at, "next": "{}",
    }  # fmt: skip
    return dict.fromkeys(each.name for each in attempts.ATTEMPT.c) | plain


async def add(database, *rows):
    await database.together(lambda connection: [attempts.insert(connection, each) for each in rows])


async def believed(database, supply, task=Task.TEXT_TO_IMAGE):
    belief = await evidence.gather(database, supply, NOW)
    return belief.of(supply.offer(FAL, task), task)


@pytest.mark.anyio
async def test_without_any_log_nobody_is_held_back(database, supply):
    belief = await evidence.gather(database, supply, NOW)
    assert belief.id == "ev_2026-11-22T12:00:00Z"
    found = belief.of(supply.offer(FAL, Task.TEXT_TO_IMAGE), Task.TEXT_TO_IMAGE)
    assert found.quality_source == "no board for this task" and found.cost_usd is None


@pytest.mark.anyio
async def test_the_starter_standings_tell_models_apart(database, supply):
    await database.together(lambda connection: starter.load_starter(connection, NOW))
    belief = await evidence.gather(database, supply, NOW)
    for task in (Task.TEXT_TO_IMAGE, Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO, Task.IMAGE_EDIT, Task.TEXT):
        offers = [offer for offer in supply.by_task[task] if not supply.cards[offer.provider].stand_in]
        known = {offer.model for offer in offers if belief.qualities.of(offer.model, task).boards}
        assert len(known) >= 3, f"only {known} of the models that do {task} are on a board"
        assert len({belief.of(offer, task).quality.value for offer in offers}) >= 3


@pytest.mark.anyio
async def test_attempts_that_were_slow_make_an_offer_slow(database, supply):
    before = await believed(database, supply)
    await add(database, *[row(seconds=60) for _ in range(30)])
    after = await believed(database, supply)
    assert after.latency_p50_s > 3 * before.latency_p50_s
    assert after.latency_p95_s >= after.latency_p50_s and after.reliability > before.reliability


@pytest.mark.anyio
@pytest.mark.parametrize("fault", Fault)
async def test_failures_hurt_reliability_if_they_are_the_providers(database, supply, fault):
    before = await believed(database, supply)
    await add(database, *[row(fault=fault.value) for _ in range(10)])
    after = await believed(database, supply)
    blamed = fault not in (Fault.INVALID_REQUEST, Fault.CONTENT_REJECTED, Fault.AUTH, Fault.OUT_OF_CREDIT)
    assert (after.reliability < before.reliability) is blamed
    assert after.latency_p50_s == before.latency_p50_s


@pytest.mark.anyio
async def test_what_is_long_ago_of_another_offer_or_canceled_says_nothing(database, supply):
    before = await believed(database, supply)
    await add(
        database,
        row(fault="bad_reply", ago=timedelta(days=evidence.HISTORY_DAYS + 1)),
        row(fault="bad_reply", offer="replicate/black-forest-labs/flux-2-pro"),
        row(status="canceled"),
    )
    assert await believed(database, supply) == before


@pytest.mark.anyio
async def test_only_the_newest_attempts_are_read(database, supply, monkeypatch):
    monkeypatch.setattr(evidence, "HISTORY_ROWS", 5)
    await add(
        database, *[row(fault="bad_reply", ago=timedelta(hours=9)) for _ in range(20)], *[row() for _ in range(5)]
    )
    assert (await believed(database, supply)).reliability > 0.95


@pytest.mark.anyio
async def test_the_age_of_the_evidence_is_a_metric(database, supply, monkeypatch):
    await evidence.gather(database, supply, NOW)
    monkeypatch.setattr(evidence.clock, "now", lambda: NOW + timedelta(seconds=12))
    assert telemetry.REGISTRY.get_sample_value("podium_evidence_age_seconds") == 12


@pytest.mark.anyio
async def test_only_whole_boards_say_anything_of_quality_and_vision_nothing_of_text(database, supply):
    vision = board(name="arena/vision", task=Task.TEXT, **{"veo-3.1": 1})
    top = PlacesReading(
        source="arena", board="arena/text-to-video", task=Task.TEXT_TO_VIDEO, taken_at=DAY, attribution="x",
        rows=(Place(label="veo-3.1", rank=1, rating=1),),
    )  # fmt: skip
    for each in (vision, top, prices(3), listing(3)):
        await take_in(database, "boards", each.source, [Page((each,))], NOW, True)
    belief = await evidence.gather(database, supply, NOW)
    assert belief.qualities.known == {} and belief.qualities.ranked_tasks == frozenset()


@pytest.mark.anyio
async def test_what_a_snapshot_says_is_read_once_and_folded_once_a_day(database, supply, monkeypatch):
    read = []
    read_standings = evidence.standings_of
    monkeypatch.setattr(evidence, "standings_of", lambda *each: read.append(each) or read_standings(*each))
    await database.together(lambda connection: starter.load_starter(connection, NOW))
    first = await evidence.gather(database, supply, NOW)
    second = await evidence.gather(database, supply, NOW + timedelta(seconds=30), first)
    assert len(read) == len(starter.readings()) and second.boards is first.boards and second.id != first.id
    [old] = [each for each in map(parse_starter, starter.readings()) if each.board == "arena/text-to-video"]
    newer = old.model_copy(update={"taken_at": DAY + timedelta(30)})
    await take_in(database, "boards", "arena", [Page((newer,))], NOW)
    third = await evidence.gather(database, supply, NOW + timedelta(seconds=60), second)
    assert len(read) == len(starter.readings()) + 1 and third.boards.standings.keys() != first.boards.standings.keys()
    assert third.qualities.of("google/veo-3.1", Task.TEXT_TO_VIDEO).source == "arena/text-to-video of 2026-08-31"
    tomorrow = await evidence.gather(database, supply, NOW + timedelta(days=1), third)
    assert len(read) == len(starter.readings()) + 1 and tomorrow.boards is not third.boards


@pytest.mark.anyio
async def test_what_the_operator_settled_is_believed_from_the_next_fold_on(database, supply):
    await take_in(database, "boards", "arena", [Page((board(secret=3, b=2, c=1),))], NOW)
    first = await evidence.gather(database, supply, NOW)
    await database.together(lambda c: settlements.settle(c, "SECRET", "google/veo-3.1", NOW))
    second = await evidence.gather(database, supply, NOW, first)
    asked = ("google/veo-3.1", Task.TEXT_TO_VIDEO)
    assert not first.qualities.of(*asked).boards and second.qualities.of(*asked).boards


@pytest.mark.anyio
async def test_a_snapshot_that_cannot_be_read_takes_no_belief_down(database, supply):
    broken = [b"[]", b'{"board": "arena/text"}', b"words", b'{"board": 1, "task": "x", "rows": []}']
    for number, payload in enumerate(broken):
        await database.together(lambda c, n=number, p=payload: snapshots.add(c, "s", f"board/{n}", NOW, p, NOW))
    await take_in(database, "boards", "arena", [Page((board(a=3, b=2),))], NOW)
    assert (await evidence.gather(database, supply, NOW)).qualities.ranked_tasks == {Task.TEXT_TO_VIDEO}


@given(st.permutations(range(6)), st.data())
def test_the_order_and_the_repetition_of_readings_change_nothing(order, data):
    names = collect([Model(id="m/a", name="a", maker="m", tasks=frozenset(Task))], ())
    payloads = [payload_of(board(day, a=day + n, b=2, c=3)) for day in range(3) for n in range(2)]

    def folded(chosen):
        standings = [each for number in chosen for each in evidence.standings_of(payloads[number], names)]
        return quality.fold(standings, (), NOW.date()).known

    more = data.draw(st.lists(st.sampled_from(range(6)), max_size=6))
    assert folded([*order, *more]) == folded(range(6))


@pytest.mark.anyio
async def test_an_offers_evidence_is_made_once_for_each_belief(database, supply):
    belief = await evidence.gather(database, supply, NOW)
    offer = supply.offer(FAL, Task.TEXT_TO_IMAGE)
    assert belief.of(offer, Task.TEXT_TO_IMAGE) is belief.of(offer, Task.TEXT_TO_IMAGE)
    assert belief.of(offer, Task.IMAGE_EDIT) is not belief.of(offer, Task.TEXT_TO_IMAGE)


@pytest.mark.anyio
async def test_failures_in_a_row_open_a_breaker_and_what_was_canceled_says_nothing(database, supply):
    def ago(seconds):
        return timedelta(seconds=seconds)

    failures = [row(fault=Fault.PROVIDER_FAULT.value, ago=ago(each)) for each in (9, 8, 7)]
    await add(database, *failures, row(status="canceled", ago=ago(1)), row(ago=timedelta(hours=2)))
    belief = await evidence.gather(database, supply, NOW)
    assert belief.breakers.keys() == {FAL} and belief.breakers[FAL].is_open(NOW)
    await add(database, row(ago=ago(0)))
    assert (await evidence.gather(database, supply, NOW)).breakers == {}
