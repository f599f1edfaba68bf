"""Bytes go a week after nobody needs them any more, and come back where somebody does meanwhile."""

import os
from datetime import timedelta

import pytest
from obstore.store import MemoryStore

from gateway import clock
from gateway.assets import disposal, tables
from gateway.assets.bucket import Bucket
from gateway.assets.disk import Disk
from gateway.assets.disposal import ASIDE_FOR, GRACE, dispose
from gateway.assets.rules import Facts, Kept, blob_of

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


@pytest.fixture(params=["disk", "bucket"])
def blobs(request, tmp_path):
    return Disk(tmp_path / "assets") if request.param == "disk" else Bucket(MemoryStore())


@pytest.fixture
def keep(database, blobs):
    """Keeps bytes as an asset that expired so long ago, or never does."""

    async def kept(data, expired=None):
        blob = blob_of(data)
        blobs.write(blob, data)
        row = tables.new_row("key_a", Kept(blob, Facts("image/png")), "upload")
        row["expires_at"] = expired and clock.now() - expired
        await database.together(lambda connection: tables.insert(connection, [row]))
        return row["id"]

    return kept


@pytest.fixture
def found(database):
    async def there(asset):
        return await database.read(lambda connection: tables.find(connection, asset)) is not None

    return there


async def read(blobs, data):
    return b"".join([part async for part in blobs.stream(blob_of(data).sha256, 0, len(data))])


async def test_what_expired_is_set_aside_and_goes_a_day_later(database, blobs, keep, found):
    data, now = os.urandom(1_000), clock.now()
    asset = await keep(data, GRACE + DAY)
    assert await dispose(database, blobs, now) == "removed 0 files, set 1 aside, put 0 back"
    assert await read(blobs, data) == data and await blobs.size(blob_of(data).sha256) == len(data)
    assert await dispose(database, blobs, now) == "removed 0 files, set 0 aside, put 0 back"
    later = clock.now() + ASIDE_FOR + timedelta(minutes=1)
    assert await dispose(database, blobs, later) == "removed 1 files, set 0 aside, put 0 back"
    assert await blobs.size(blob_of(data).sha256) is None and not await found(asset)


@pytest.mark.parametrize("expired", [None, GRACE - DAY, -DAY])
async def test_what_lasts_or_ended_only_now_stays(database, blobs, keep, found, expired):
    data = os.urandom(1_000)
    asset = await keep(data, expired)
    for hours in (0, 25):
        await dispose(database, blobs, clock.now() + timedelta(hours=hours))
    assert await read(blobs, data) == data and await found(asset)


async def test_bytes_that_another_asset_needs_stay_with_both(database, blobs, keep, found):
    data = os.urandom(1_000)
    expired, lasting = await keep(data, GRACE + DAY), await keep(data)
    await dispose(database, blobs, clock.now())
    assert await blobs.aside() == []
    assert await found(expired) and await found(lasting)


async def test_bytes_that_were_found_there_just_before_they_left_come_back(database, blobs, keep):
    """An upload looks, finds its bytes and writes none; then they are set aside; then it names them."""
    data = os.urandom(1_000)
    await keep(data, GRACE + DAY)
    await dispose(database, blobs, clock.now())
    row = tables.new_row("key_b", Kept(blob_of(data), Facts("image/png")), "upload")
    await database.together(lambda connection: tables.insert(connection, [row]))
    assert await read(blobs, data) == data
    said = await dispose(database, blobs, clock.now() + ASIDE_FOR + timedelta(minutes=1))
    assert said == "removed 0 files, set 0 aside, put 1 back"
    assert await read(blobs, data) == data and await blobs.aside() == []


async def test_bytes_that_came_anew_while_aside_are_not_removed(database, blobs, keep):
    data = os.urandom(1_000)
    await keep(data, GRACE + DAY)
    await dispose(database, blobs, clock.now())
    asset = await keep(data, GRACE + DAY)  # written anew; again nobody needs it
    await dispose(database, blobs, clock.now() + ASIDE_FOR + timedelta(minutes=1))
    assert await read(blobs, data) == data, f"{asset} was written after the other was set aside"


async def test_one_run_sets_a_bounded_number_aside_and_the_next_goes_on(database, blobs, keep, monkeypatch):
    monkeypatch.setattr(disposal, "MOST", 2)
    for _ in range(5):
        await keep(os.urandom(100), GRACE + DAY)
    sizes = []
    for _ in range(3):
        await dispose(database, blobs, clock.now())
        sizes.append(len(await blobs.aside()))
    assert sizes == [2, 4, 5]


async def test_discarding_what_is_not_there_is_nothing(blobs):
    absent = blob_of(b"never kept").sha256
    await blobs.set_aside(absent)
    await blobs.put_back(absent)
    await blobs.discard(absent)
    assert await blobs.size(absent) is None
