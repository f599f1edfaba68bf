"""Media that callers give: a link, base64, or an asset of their own. What cannot be trusted is refused here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import NamedTuple, NoReturn

from adapters.http import NotFetched, fetch
from adapters.schema import ImagePart, Input, Role
from gateway.assets import tables
from gateway.assets.rules import Kept, claimed_by, from_base64, from_data_uri, is_data_uri
from gateway.assets.service import Assets
from gateway.assets.sniff import UNKNOWN, contradicts, kind, plain
from gateway.assets.tables import Row
from gateway.problems import Invalid, TooLarge

INPUT_BYTES = 256 * 1024 * 1024
"""One input: a few minutes of video; more would be uploaded as an asset."""
FETCH_S = 60.0
"""How long a caller's link may take, while the caller waits for the answer."""


_KINDS = dict.fromkeys((Role.MASK, Role.FIRST_FRAME, Role.LAST_FRAME, Role.STYLE, Role.CHARACTER), "image")
_KINDS[Role.AUDIO] = "audio"
"""What the inputs of some roles must be; a source or a reference may be anything that its offer takes."""


class Ingested(NamedTuple):
    """An input as an asset. A new row is not in the database yet: insert it together with what needs it."""

    row: Row
    is_new: bool

    @property
    def asset(self) -> str:
        return str(self.row["id"])


async def ingest(assets: Assets, key_id: str, item: Input | ImagePart, path: str) -> Ingested:
    """Make an asset of one input. `path` is where it stands in the body ("inputs.0"), for the fault's sake.

    Raises Invalid for anything but media that decode, TooLarge, and NotFound for another caller's asset.
    """
    words = item.base64 if isinstance(item, Input) else None
    match (item.url, item.asset, words):
        case (None, str(asset), None):
            return Ingested(_fitting(await assets.found(asset, key_id), item, f"{path}.asset"), is_new=False)
        case (None, None, str()):
            kept = await _inline(assets, partial(from_base64, words), len(words or ""), "", f"{path}.base64")
        case (str(url), None, None) if is_data_uri(url):
            kept = await _inline(assets, partial(from_data_uri, url), len(url), claimed_by(url), f"{path}.url")
        case (str(url), None, None):
            kept = await _fetched(assets, url, f"{path}.url")
        case _:
            refuse(path, "give exactly one of url, asset and base64")
    return Ingested(_fitting(tables.new_row(key_id, kept, "input"), item, path), is_new=True)


def _fitting(row: Row, item: Input | ImagePart, path: str) -> Row:
    """The same row, if its media can be what it is given for."""
    wanted = _KINDS.get(item.role) if isinstance(item, Input) else "image"
    if wanted and (kind(row["mime"]) != wanted or row["mime"] == "image/svg+xml"):
        refuse(path, f"must be of the kind {wanted}, not {row['mime']}")
    return row


async def _inline(assets: Assets, load: Callable[[], bytes], length: int, claimed: str, path: str) -> Kept:
    if length * 3 // 4 > INPUT_BYTES:
        raise TooLarge(f"{path}: {INPUT_BYTES} bytes are allowed; upload larger media with POST /v1/assets")
    try:
        kept = await assets.keep(load)
    except ValueError:
        refuse(path, "is not valid base64")
    return _media(kept, claimed, path)


async def _fetched(assets: Assets, url: str, path: str) -> Kept:
    try:
        async with asyncio.timeout(FETCH_S), aclosing(fetch(assets.clients, url)) as chunks:
            kept = await assets.keep_stream(bounded(chunks, INPUT_BYTES, path))
    except NotFetched as error:
        refuse(path, str(error))
    except TimeoutError:
        refuse(path, f"the link did not deliver within {FETCH_S:g} s")
    return _media(kept, "", path)


def _media(kept: Kept, claimed: str, path: str) -> Kept:
    check(kept, claimed, path)
    if kept.facts.mime == UNKNOWN:
        refuse(path, "is no kind of image, video or audio that we know")
    return kept


def check(kept: Kept, claimed: str | None, path: str) -> None:
    """Refuse bytes that do not decode, and bytes that are not what their sender said. Raises Invalid."""
    if contradicts(claimed, kept.facts.mime):
        refuse(path, f"was sent as {plain(claimed)[:60]}, but its bytes are {kept.facts.mime}")
    if kept.facts.fault:
        refuse(path, kept.facts.fault)


def refuse(path: str, message: str) -> NoReturn:
    raise Invalid(f"{path}: {message}", errors=[{"path": path, "message": message}])


async def bounded(chunks: AsyncIterator[bytes], most_bytes: int, path: str) -> AsyncIterator[bytes]:
    """The same bytes, at most so many. Raises TooLarge."""
    size_bytes = 0
    async for chunk in chunks:
        size_bytes += len(chunk)
        if size_bytes > most_bytes:
            raise TooLarge(f"{path}: {most_bytes} bytes are allowed")
        yield chunk
