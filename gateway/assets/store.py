"""Where blobs lie: named by their SHA-256, whole or not there at all. It knows neither owners nor types."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from gateway.assets.rules import Blob

BATCH_BYTES = 1024 * 1024
"""How much is gathered before a thread writes it, and read before a client gets it."""
TEMPORARY_AGE = timedelta(hours=24)
"""An unfinished file older than this belongs to a process that died: no upload takes so long."""


ASIDE = 100_000
"""Blobs set aside that one look returns; the next look finds the others."""


class Readable(Protocol):
    """A file open for reading, from a disk or from afar."""

    def read(self, size: int = -1, /) -> bytes: ...

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def tell(self) -> int: ...

    def close(self) -> None: ...


class Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


class Store(Protocol):
    """What a place for blobs must do. A blob is durable when `put` or `write` returns, and never changes."""

    async def put(self, chunks: AsyncIterator[bytes]) -> Blob:
        """Keep a stream, hashed on the way and never held whole."""

    def write(self, blob: Blob, data: bytes) -> None:
        """Keep bytes that are at hand under the name they have. Blocks: for a thread that works on them anyway."""

    def open(self, sha256: str) -> Readable:
        """A blob as a file. Blocks. Raises FileNotFoundError."""

    def stream(self, sha256: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to but not including `end`. Raises FileNotFoundError."""

    async def size(self, sha256: str) -> int | None:
        """A blob's size in bytes, or None where there is no such blob."""

    async def clean(self, now: datetime) -> int:
        """Remove what processes that died left unfinished; the number of files removed."""

    async def set_aside(self, sha256: str) -> None:
        """Put a blob, if it is there, where `open`, `stream` and `size` still find it, but a new `put` does not."""

    async def aside(self, before: datetime | None = None) -> list[str]:
        """Blobs that were set aside, before then if that is said; at most ASIDE of them."""

    async def put_back(self, sha256: str) -> None:
        """Undo `set_aside`. Where the same bytes were put anew meanwhile, these stay."""

    async def discard(self, sha256: str) -> None:
        """Remove a blob that was set aside, and only that one: what was put anew meanwhile stays."""


def open_store(url: str) -> Store:
    """`file://folder` (relative to the working directory), `file:///folder`, or `s3://bucket/prefix`."""
    match urlsplit(url).scheme:
        case "file":
            from gateway.assets.disk import Disk

            return Disk(Path(unquote(url.removeprefix("file://"))))
        case "s3":
            from gateway.assets.bucket import open_bucket  # here, so that a gateway on a disk never loads it

            return open_bucket(url)
        case _:
            raise ValueError(f"PODIUM_STORE_URL must begin with file:// or s3://, not {url[:40]!r}")


def place(sha256: str) -> str:
    """Where a blob lies under its root: 256 folders, few enough to keep open and enough for millions."""
    return f"{sha256[:2]}/{sha256}"


def append(file: BinaryIO, hashed: Hash, data: bytes) -> None:
    """Write a batch and hash it on the way. Blocks."""
    hashed.update(data)
    file.write(data)


async def batches(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of about BATCH_BYTES."""
    gathered: list[bytes] = []
    size_bytes = 0
    async for chunk in chunks:
        gathered.append(chunk)
        size_bytes += len(chunk)
        if size_bytes >= BATCH_BYTES:
            yield b"".join(gathered)
            gathered, size_bytes = [], 0
    if gathered:
        yield b"".join(gathered)
