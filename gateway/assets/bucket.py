"""Blobs in an object store that speaks S3. An upload appears whole or not at all; that promise is the store's own."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import obstore
from obstore.store import S3Store

from gateway.assets.rules import Blob
from gateway.assets.store import ASIDE, Readable, append, batches, place

STEP_BYTES = 8 * 1024 * 1024
"""What one request reads of a blob: enough to be worth the request, and soon over, however slow the client is."""
CALL_TIMEOUT = timedelta(seconds=60)
"""The longest that one exchange may take; none moves more than STEP_BYTES."""
PART_BYTES = 8 * 1024 * 1024
LEAVING = "leaving"
PARTS = 4
"""Parts of one upload in flight: it holds at most so many PART_BYTES in memory."""


def open_bucket(url: str) -> "Bucket":
    """`s3://bucket/prefix`; credentials, region and endpoint come from the usual AWS_ variables.

    Whether it is plain HTTP is for AWS_ENDPOINT to say: our options would hide AWS_ALLOW_HTTP (obstore 0.12).
    """
    return Bucket(S3Store.from_url(url, client_options={"timeout": CALL_TIMEOUT, "allow_http": True}))


class Bucket:
    """An object store as a `Store`. A blob's name is known only at its end, so a stream waits on the local disk."""

    def __init__(self, objects: Any) -> None:
        self.objects = objects

    async def put(self, chunks: AsyncIterator[bytes]) -> Blob:
        hashed, size_bytes = hashlib.sha256(), 0
        with tempfile.TemporaryFile() as file:
            async for batch in batches(chunks):
                size_bytes += len(batch)
                await asyncio.to_thread(append, file, hashed, batch)
            blob = Blob(hashed.hexdigest(), size_bytes)
            file.seek(0)
            await asyncio.to_thread(self._upload, blob, file)
        return blob

    def write(self, blob: Blob, data: bytes) -> None:
        self._upload(blob, data)

    def open(self, sha256: str) -> Readable:
        try:
            return Reader(obstore.open_reader(self.objects, place(sha256)))
        except FileNotFoundError:
            return Reader(obstore.open_reader(self.objects, f"{LEAVING}/{sha256}"))

    async def stream(self, sha256: str, start: int, end: int) -> AsyncIterator[bytes]:
        for offset in range(start, end, STEP_BYTES):
            stop = min(offset + STEP_BYTES, end)
            yield await self._step(sha256, offset, stop)

    async def size(self, sha256: str) -> int | None:
        found = await asyncio.to_thread(self._size, place(sha256))
        return found if found is not None else await asyncio.to_thread(self._size, f"{LEAVING}/{sha256}")

    async def clean(self, now: datetime) -> int:
        """Nothing of ours is left behind: a local file dies with its process, an upload with a rule of the bucket."""
        return 0

    async def set_aside(self, sha256: str) -> None:
        """A copy, then a removal: whoever found the blob before it went can still read the copy."""
        try:
            await obstore.copy_async(self.objects, place(sha256), f"{LEAVING}/{sha256}")
        except FileNotFoundError:
            return
        await obstore.delete_async(self.objects, place(sha256))

    async def aside(self, before: datetime | None = None) -> list[str]:
        old: list[str] = []
        async for batch in obstore.list(self.objects, prefix=LEAVING):
            old += [
                str(each["path"]).rsplit("/", 1)[-1]
                for each in batch
                if before is None or each["last_modified"] < before
            ]
            if len(old) >= ASIDE:
                break
        return old[:ASIDE]

    async def put_back(self, sha256: str) -> None:
        try:
            await obstore.copy_async(self.objects, f"{LEAVING}/{sha256}", place(sha256))
        except FileNotFoundError:
            return
        await self.discard(sha256)

    async def discard(self, sha256: str) -> None:
        with suppress(FileNotFoundError):
            await obstore.delete_async(self.objects, f"{LEAVING}/{sha256}")

    async def _step(self, sha256: str, start: int, end: int) -> bytes:
        try:
            return bytes(await obstore.get_range_async(self.objects, place(sha256), start=start, end=end))
        except FileNotFoundError:
            return bytes(await obstore.get_range_async(self.objects, f"{LEAVING}/{sha256}", start=start, end=end))

    def _size(self, path: str) -> int | None:
        try:
            return int(obstore.head(self.objects, path)["size"])
        except FileNotFoundError:
            return None

    def _upload(self, blob: Blob, data: bytes | BinaryIO) -> None:
        """A second upload of the same name would carry the same bytes, so no store needs to know `create only`."""
        if self._size(place(blob.sha256)) == blob.size_bytes:
            return
        obstore.put(self.objects, place(blob.sha256), data, chunk_size=PART_BYTES, max_concurrency=PARTS)


class Reader:
    """obstore's reader with the bytes type that Pillow and PyAV insist on."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def read(self, size: int = -1, /) -> bytes:
        return bytes(self.reader.read(None if size < 0 else size))

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(self.reader.seek(offset, whence))

    def tell(self) -> int:
        return int(self.reader.tell())

    def close(self) -> None:
        self.reader.close()
