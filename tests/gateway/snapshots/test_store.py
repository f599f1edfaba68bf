import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.snapshots import starter, store
from gateway.snapshots.rules import PAYLOAD_BYTES, moment

pytestmark = pytest.mark.anyio

DAY = datetime(2026, 8, 22, tzinfo=UTC)
NOW = DAY + timedelta(days=90)


def add(source="arena", subject="arena/text", taken_at=DAY, payload=b'{"rows": []}', now=NOW):
    return lambda connection: store.add(connection, source, subject, taken_at, payload, now)


async def test_feeding_a_reading_twice_changes_nothing(database):
    assert await database.together(add())
    before = await database.read(store.latest)
    assert not await database.together(add(now=NOW + timedelta(days=1)))
    assert await database.read(store.latest) == before


async def test_what_was_said_comes_back_word_for_word(database):
    payload = '{"rows": [{"label": "größer – 模型"}]}\n'.encode()
    await database.together(add(payload=payload))
    (snapshot,) = await database.read(store.latest)
    assert snapshot.payload.encode() == payload
    assert (snapshot.taken_at, snapshot.read_at, snapshot.source) == (DAY, NOW, "arena")


async def test_another_moment_another_payload_and_another_subject_are_new(database):
    for unit in (add(), add(taken_at=DAY + timedelta(days=1)), add(payload=b"[]"), add(subject="b"), add(source="c")):
        assert await database.together(unit)
    assert len(await database.read(lambda connection: store.since(connection, DAY))) == 5


async def test_the_latest_of_each_subject_is_by_when_it_was_taken(database):
    await database.together(add(payload=b"new", taken_at=DAY + timedelta(days=2)))
    await database.together(add(payload=b"old", now=NOW + timedelta(days=5)))
    await database.together(add(subject="other", payload=b"only"))
    latest = await database.read(store.latest)
    assert [each.payload for each in latest] == ["new", "only"]
    assert [each.payload for each in await database.read(lambda c: store.latest(c, subject="other"))] == ["only"]
    assert await database.read(lambda connection: store.latest(connection, "nobody")) == ()


async def test_two_readings_of_one_moment_are_settled_by_when_they_were_read(database):
    await database.together(add(payload=b"first"))
    await database.together(add(payload=b"corrected", now=NOW + timedelta(hours=1)))
    assert [each.payload for each in await database.read(store.latest)] == ["corrected"]


async def test_since_goes_forward_in_time_and_stops_where_it_is_told(database):
    for days in (3, 1, 2, 0):
        await database.together(add(taken_at=DAY + timedelta(days=days), payload=str(days).encode()))
    found = await database.read(lambda connection: store.since(connection, DAY + timedelta(days=1), "arena", most=2))
    assert [each.payload for each in found] == ["1", "2"]


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"a\x00b", b" " * (PAYLOAD_BYTES + 1)], ids=["bytes", "nul", "long"])
async def test_what_is_no_text_is_refused(database, payload):
    with pytest.raises(ValueError, match=r"."):
        await database.together(add(payload=payload))
    assert await database.read(store.latest) == ()


async def test_the_starter_standings_are_loaded_once_and_give_way_to_later_readings(database):
    loaded = await database.together(lambda connection: starter.load_starter(connection, NOW))
    assert loaded == len(starter.readings()) >= 4
    assert await database.together(lambda connection: starter.load_starter(connection, NOW)) == 0
    latest = await database.read(lambda connection: store.latest(connection, "arena", "arena/text-to-image"))
    document = json.loads(latest[0].payload)
    assert document["licence"] and document["attribution"] and len(document["rows"]) > 10
    newer = add(subject="arena/text-to-image", taken_at=NOW, payload=b"{}")
    await database.together(newer)
    latest = await database.read(lambda connection: store.latest(connection, "arena", "arena/text-to-image"))
    assert latest[0].payload == "{}"


def test_every_starter_file_says_when_it_was_true_and_where_it_is_from():
    for reading in starter.readings():
        document = json.loads(reading.payload)
        assert reading.taken_at.tzinfo is UTC and reading.board == document["board"]
        assert document["url"].startswith("https://") and document["task"]


def test_moments_are_read_in_utc():
    assert moment("2026-08-22") == DAY
    assert moment("2026-08-22T02:00:00+02:00") == DAY == moment("2026-08-22T00:00:00Z")
