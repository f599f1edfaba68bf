"""Blobs in a folder of this machine. A file gets its name only once its bytes are durable: none is half there."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

from gateway import clock
from gateway.assets.rules import Blob
from gateway.assets.store import ASIDE, BATCH_BYTES, TEMPORARY_AGE, append, batches, place

T = TypeVar("T")

THREADS = 8
"""They wait for the disk rather than compute, and a disk serves several waiting at once better than one."""
TEMPORARY, LEAVING = "unfinished", "leaving"


class Disk:
    """A folder as a `Store`. Blobs lie at `ab/abcd…`; what is being written lies in `unfinished/`, and in `leaving/`
    what was set aside."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.temporary = self.root / TEMPORARY
        self.leaving = self.root / LEAVING
        self.temporary.mkdir(parents=True, exist_ok=True)
        self.leaving.mkdir(exist_ok=True)
        self._make_folders()
        _sync(self.root.parent)
        self.folders: dict[Path, int] = {}
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="disk")

    def _make_folders(self) -> None:
        """All folders for blobs at once, so that none has to be made, and made durable, on a picture's way."""
        for number in range(256):
            (self.root / f"{number:02x}").mkdir(exist_ok=True)
        _sync(self.root)

    async def put(self, chunks: AsyncIterator[bytes]) -> Blob:
        path, hashed, size_bytes = self._unfinished(), hashlib.sha256(), 0
        file = await self._run(lambda: path.open("xb"))
        try:
            async for batch in batches(chunks):
                size_bytes += len(batch)
                await self._run(partial(append, file, hashed, batch))
            blob = Blob(hashed.hexdigest(), size_bytes)
            await self._run(lambda: self._name(file, path, blob))
        finally:
            await self._run(lambda: _discard(file, path))
        return blob

    def write(self, blob: Blob, data: bytes) -> None:
        """Few calls to the system, for each gives the interpreter away: this is on every picture's way."""
        if self._has(blob):
            return
        path = self._unfinished()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                file.write(data)
                os.fsync(descriptor)
            self._rename(path, blob)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def open(self, sha256: str) -> BinaryIO:
        try:
            return self._path(sha256).open("rb")
        except FileNotFoundError:
            return (self.leaving / sha256).open("rb")

    async def stream(self, sha256: str, start: int, end: int) -> AsyncIterator[bytes]:
        file = await self._run(lambda: self.open(sha256))
        try:
            file.seek(start)
            while start < end and (data := await self._run(lambda: file.read(min(BATCH_BYTES, end - start)))):  # noqa: B023
                start += len(data)
                yield data
        finally:
            file.close()

    async def size(self, sha256: str) -> int | None:
        return await self._run(lambda: _size(self._path(sha256), self.leaving / sha256))

    async def set_aside(self, sha256: str) -> None:
        await self._run(lambda: self._set_aside(sha256))

    async def aside(self, before: datetime | None = None) -> list[str]:
        def leaving() -> list[str]:
            old = (each.name for each in self.leaving.iterdir() if before is None or _changed_at(each) < before)
            return list(islice(old, ASIDE))

        return await self._run(leaving)

    async def put_back(self, sha256: str) -> None:
        def restore() -> None:
            try:
                os.rename(self.leaving / sha256, self._path(sha256))
            except FileNotFoundError:
                return
            self._make_durable(self._path(sha256).parent)

        await self._run(restore)

    async def discard(self, sha256: str) -> None:
        await self._run(lambda: (self.leaving / sha256).unlink(missing_ok=True))

    async def clean(self, now: datetime) -> int:
        return await self._run(lambda: self._clean(now))

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    def _clean(self, now: datetime) -> int:
        oldest = (now - TEMPORARY_AGE).timestamp()
        left = [path for path in self.temporary.iterdir() if path.stat().st_mtime < oldest]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _set_aside(self, sha256: str) -> None:
        """A rename: whoever looks whether these bytes are there finds them whole, or not, and then writes them."""
        aside = self.leaving / sha256
        try:
            os.rename(self._path(sha256), aside)
        except FileNotFoundError:
            return
        os.utime(aside)

    def _path(self, sha256: str) -> Path:
        return self.root / place(sha256)

    def _unfinished(self) -> Path:
        return self.temporary / clock.new_id("new")

    def _has(self, blob: Blob) -> bool:
        """Whether this blob is there and durable. A file of another size is damaged, and will be replaced."""
        path = self._path(blob.sha256)
        try:
            if path.stat().st_size != blob.size_bytes:
                return False
        except FileNotFoundError:
            return False
        self._make_durable(path.parent)
        return True

    def _name(self, file: BinaryIO, path: Path, blob: Blob) -> None:
        """Give an unfinished file its name. Where the name is taken, the bytes there are the same."""
        if self._has(blob):
            return
        file.flush()
        os.fsync(file.fileno())
        self._rename(path, blob)

    def _rename(self, path: Path, blob: Blob) -> None:
        target = self._path(blob.sha256)
        folder = self._folder(target.parent)
        os.rename(path, target)
        os.fsync(folder)

    def _make_durable(self, folder: Path) -> None:
        """Whoever wrote a name in this folder, it outlives a power cut from here on."""
        os.fsync(self._folder(folder))

    def _folder(self, folder: Path) -> int:
        """A folder's descriptor, opened once and kept."""
        if (descriptor := self.folders.get(folder)) is None:
            opened = os.open(folder, os.O_RDONLY)
            descriptor = self.folders.setdefault(folder, opened)
            if descriptor != opened:
                os.close(opened)
        return descriptor


def _size(*paths: Path) -> int | None:
    """Of the first of these files that is there."""
    for path in paths:
        try:
            return path.stat().st_size
        except FileNotFoundError:
            continue
    return None


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _discard(file: BinaryIO, path: Path) -> None:
    file.close()
    path.unlink(missing_ok=True)
