"""Assets as the rest of the gateway uses them: keep bytes, open them, link to them. It decides nothing about money."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import TypeVar

from PIL import Image

from adapters.http import Clients, Media
from adapters.schema import MaskPaint
from gateway import clock
from gateway.assets import tables
from gateway.assets.measure import measure
from gateway.assets.rules import Facts, Kept, blob_of, signed_path, stored_name
from gateway.assets.store import Store
from gateway.assets.tables import Row
from gateway.db import Database
from gateway.problems import NotFound

T = TypeVar("T")

MEASURERS = 8
"""Threads that decode, hash and write at the same time; each may hold one decoded picture."""
KNOWN = 4_000
"""Facts remembered by hash: the same bytes come again (a retry, an edit's source), and need no second decoding."""


@dataclass(frozen=True)
class Assets:
    """The shelf on which all media lie; the real `adapters.http.Shelf`. Made once, where the process is put together.

    `secret` signs links; `public_url` is where the world reaches this gateway, if it does.
    """

    database: Database
    blobs: Store
    clients: Clients
    secret: str
    public_url: str | None = None
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(MEASURERS, "measure"))
    known: dict[str, Facts] = field(default_factory=dict)

    async def open(self, asset: str, mask: MaskPaint = "white") -> Media:
        """An asset's type, size and bytes. `mask`: a PNG, transparent or black where our mask is white.

        Raises NotFound.
        """
        row = await self.found(asset)
        if mask == "white":
            return Media(row["mime"], row["size_bytes"], self.blobs.stream(row["sha256"], 0, row["size_bytes"]))
        data = await self.in_thread(partial(self._painted, row["sha256"], MASKS[mask]))
        return Media("image/png", len(data), _once(data))

    async def link(self, asset: str) -> str | None:
        """A signed link that anybody can follow, or None while this gateway has no public address."""
        return self.url(asset, self.public_url) if self.public_url else None

    async def store(self, chunks: AsyncIterator[bytes]) -> str:
        """Keep a stream and name it in one word, for `Reply.stored`; `collect` finds it again by that name."""
        return stored_name(await self.blobs.put(chunks))

    def url(self, asset: str, address: str) -> str:
        """A signed link under the public address, or else under the address at which the caller reached us."""
        return (self.public_url or address).rstrip("/") + signed_path(asset, self.secret, clock.now())

    async def found(self, asset: str, key_id: str | None = None) -> Row:
        """An asset; of this owner, and not expired, if one is named. Raises NotFound, also for another's.

        Without an owner it is asked for by a job that has it, or by a signed link, which has an end of its own.
        """
        row = await self.database.glance(lambda connection: tables.find(connection, asset))
        if row is None or (key_id is not None and (row["key_id"] != key_id or tables.has_expired(row))):
            raise NotFound(f"there is no asset {asset[:40]!r}: see GET /v1/assets for those of your key")
        return row

    async def keep(self, load: Callable[[], bytes]) -> Kept:
        """Keep bytes that are in memory, in one hop to a thread: load (decode, say), hash, measure, write.

        Bytes with a fault are not kept. What `load` raises is raised.
        """
        return await self.in_thread(partial(self._keep, load))

    async def keep_stream(self, chunks: AsyncIterator[bytes]) -> Kept:
        """Keep a stream of any length. Its bytes are kept even if they have a fault, which is known only afterwards."""
        blob = await self.blobs.put(chunks)
        return Kept(blob, await self.facts(blob.sha256))

    async def facts(self, sha256: str) -> Facts:
        """What is known of a blob. Raises FileNotFoundError."""
        known = self.known.get(sha256)
        return known if known is not None else await self.in_thread(lambda: self._measure(sha256))

    async def in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    def _keep(self, load: Callable[[], bytes]) -> Kept:
        data = load()
        blob = blob_of(data)
        facts = self.known.get(blob.sha256) or self._remember(blob.sha256, measure(BytesIO(data)))
        if facts.fault is None:
            self.blobs.write(blob, data)
        return Kept(blob, facts)

    def _measure(self, sha256: str) -> Facts:
        with closing(self.blobs.open(sha256)) as file:
            return self._remember(sha256, measure(file))

    def _remember(self, sha256: str, facts: Facts) -> Facts:
        if len(self.known) >= KNOWN:
            self.known.clear()
        self.known[sha256] = facts
        return facts

    def _painted(self, sha256: str, paint: Callable[[bytes], bytes]) -> bytes:
        with closing(self.blobs.open(sha256)) as file:
            return paint(file.read())


def mask_to_alpha(mask: bytes) -> bytes:
    """Our mask (white: change; black, transparent: keep) as the PNG some providers want (transparent: change)."""
    kept = _kept(mask)
    picture = Image.new("RGBA", kept.size, "black")
    picture.putalpha(kept)
    return _png(picture)


def mask_to_black(mask: bytes) -> bytes:
    """Our mask as the PNG, without transparency, that others want (black: change; white: keep)."""
    return _png(_kept(mask))


MASKS: dict[MaskPaint, Callable[[bytes], bytes]] = {"alpha": mask_to_alpha, "black": mask_to_black}


def _kept(mask: bytes) -> Image.Image:
    """How much of each pixel is to be kept, from 0 to 255."""
    with Image.open(BytesIO(mask)) as image:
        drawn = image.convert("RGBA")
    white = Image.alpha_composite(Image.new("RGBA", drawn.size, "black"), drawn).convert("L")
    return white.point(lambda level: 255 - level)


def _png(picture: Image.Image) -> bytes:
    written = BytesIO()
    picture.save(written, "PNG", compress_level=1)
    return written.getvalue()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
