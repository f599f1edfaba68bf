import asyncio
import hashlib
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from obstore.store import MemoryStore

from gateway import clock
from gateway.assets.bucket import STEP_BYTES, Bucket
from gateway.assets.disk import Disk
from gateway.assets.rules import blob_of
from gateway.assets.store import batches, open_store

pytestmark = pytest.mark.anyio


async def chunked(data, size=70_000):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read(store, sha256, start, end):
    return b"".join([chunk async for chunk in store.stream(sha256, start, end)])


@pytest.fixture(params=["disk", "bucket"])
def store(request, tmp_path):
    """Both kinds: a folder, and obstore's own object store in memory (the same calls as for S3)."""
    return Disk(tmp_path / "assets") if request.param == "disk" else Bucket(MemoryStore())


async def test_a_stream_is_kept_under_the_hash_of_its_bytes(store):
    data = os.urandom(3_000_000)
    blob = await store.put(chunked(data))
    assert blob == (hashlib.sha256(data).hexdigest(), len(data))
    assert await store.size(blob.sha256) == len(data)
    assert await read(store, blob.sha256, 0, len(data)) == data
    assert await read(store, blob.sha256, 1_000_000, 2_200_000) == data[1_000_000:2_200_000]


async def test_bytes_at_hand_and_a_stream_of_them_are_one_blob(store):
    data = os.urandom(50_000)
    store.write(blob_of(data), data)
    store.write(blob_of(data), data)
    assert await store.put(chunked(data)) == blob_of(data)
    file = store.open(blob_of(data).sha256)
    assert file.read(10) == data[:10] and file.tell() == 10
    assert file.seek(-10, 2) == len(data) - 10 and file.read() == data[-10:]
    file.close()


async def test_what_is_not_there_has_no_size_and_does_not_open(store):
    absent = blob_of(b"never kept").sha256
    assert await store.size(absent) is None
    with pytest.raises(FileNotFoundError):
        store.open(absent)
    with pytest.raises(FileNotFoundError):
        await read(store, absent, 0, 10)


async def test_nothing_at_all_is_a_blob_too(store):
    blob = await store.put(chunked(b""))
    assert blob.size_bytes == 0 and await store.size(blob.sha256) == 0


async def test_a_bucket_is_read_in_steps():
    store, data = Bucket(MemoryStore()), bytes(STEP_BYTES + 5)
    blob = await store.put(chunked(data, 1024 * 1024))
    assert [len(chunk) async for chunk in store.stream(blob.sha256, 0, len(data))] == [STEP_BYTES, 5]


async def test_a_stream_that_breaks_leaves_nothing(tmp_path):
    store = Disk(tmp_path)

    async def breaking():
        yield b"x" * 2_000_000
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await store.put(breaking())
    assert files(tmp_path) == []


async def test_an_upload_that_is_canceled_leaves_nothing(tmp_path):
    store = Disk(tmp_path)

    async def endless():
        while True:
            yield b"x" * 100_000
            await asyncio.sleep(0)

    task = asyncio.create_task(store.put(endless()))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files(tmp_path) == []


async def test_bytes_are_on_the_disk_before_they_have_a_name_and_the_name_before_the_answer(tmp_path, monkeypatch):
    store, steps = Disk(tmp_path), []
    sync, rename = os.fsync, os.rename

    def noted_sync(descriptor):
        steps.append("folder" if Path(f"/proc/self/fd/{descriptor}").resolve().is_dir() else "file")
        sync(descriptor)

    def noted_rename(path, target):
        steps.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "rename", noted_rename)
    await store.put(chunked(b"some bytes"))
    assert steps == ["file", "rename", "folder"]
    steps.clear()
    store.write(blob_of(b"some bytes"), b"some bytes")
    assert steps == ["folder"]  # another process may have written it a moment ago


async def test_a_crash_before_the_name_leaves_nothing_visible(tmp_path, monkeypatch):
    store, data = Disk(tmp_path), b"half a file"

    def crash(path, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", crash)
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: None)  # a dead process tidies nothing up
    with pytest.raises(KeyboardInterrupt):
        store.write(blob_of(data), data)
    monkeypatch.undo()
    assert len(files(tmp_path)) == 1
    again = Disk(tmp_path)
    assert await again.size(blob_of(data).sha256) is None
    assert await again.clean(clock.now()) == 0
    assert await again.clean(clock.now() + timedelta(hours=25)) == 1
    assert files(tmp_path) == []
    again.write(blob_of(data), data)
    assert await again.size(blob_of(data).sha256) == len(data)


async def test_a_damaged_blob_is_replaced_when_its_bytes_come_again(tmp_path):
    store, data = Disk(tmp_path), b"whole"
    store.write(blob_of(data), data)
    (path,) = files(tmp_path)
    path.write_bytes(b"wh")
    store.write(blob_of(data), data)
    assert path.read_bytes() == data


async def test_blobs_are_spread_over_folders(tmp_path):
    blob = await Disk(tmp_path).put(chunked(b"abc"))
    assert files(tmp_path) == [tmp_path / "ba" / blob.sha256]


async def test_a_relative_folder_is_relative_to_where_the_process_began(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store("file://.podium/assets")
    monkeypatch.chdir("/")
    store.write(blob_of(b"abc"), b"abc")
    assert len(files(tmp_path / ".podium" / "assets")) == 1


def test_an_address_of_s3_is_a_bucket_and_any_other_is_refused():
    assert isinstance(open_store("s3://bucket/prefix"), Bucket)
    with pytest.raises(ValueError, match="PODIUM_STORE_URL"):
        open_store("ftp://somewhere")


async def test_many_writers_of_the_same_bytes_leave_one_file(tmp_path):
    store, data = Disk(tmp_path), os.urandom(200_000)
    began = time.perf_counter()
    await asyncio.gather(*(asyncio.to_thread(store.write, blob_of(data), data) for _ in range(20)))
    assert len(files(tmp_path)) == 1 and time.perf_counter() - began < 10


@settings(max_examples=30)
@given(st.lists(st.integers(0, 1_500_000), max_size=6))
def test_batches_lose_nothing(sizes):
    async def chunks():
        for size in sizes:
            yield b"x" * size

    async def gathered():
        return [batch async for batch in batches(chunks())]

    found = asyncio.run(gathered())
    assert sum(map(len, found)) == sum(sizes)
    assert all(len(batch) >= 1024 * 1024 for batch in found[:-1])


def files(root):
    return [path for path in root.rglob("*") if path.is_file()]
