"""A call's body as httpx wants it: the places of assets filled with their bytes or links. It sends nothing."""

import base64
from collections.abc import AsyncIterator
from typing import Any, NamedTuple, Protocol

from pydantic import JsonValue

from adapters.wire import ASSET_KEY, Call, Part

INLINE_BYTES = 64 * 1024 * 1024
"""An asset that is put into a call's body."""


class TooLarge(ValueError):
    """More bytes than are allowed, in or out."""


class Media(NamedTuple):
    """An asset about to be sent: its type, its size, and its bytes as a stream."""

    mime: str
    size_bytes: int
    chunks: AsyncIterator[bytes]


class Shelf(Protocol):
    """Where assets lie. The gateway gives the real one; adapters know only this much of it."""

    async def open(self, asset: str, mask_as_alpha: bool = False) -> Media: ...

    async def link(self, asset: str) -> str | None: ...

    async def store(self, chunks: AsyncIterator[bytes]) -> str: ...


async def body_of(call: Call, shelf: Shelf) -> dict[str, Any]:
    """The keyword arguments that give httpx the call's body, assets filled in. Raises TooLarge."""
    if call.form:
        return {"files": [await _field(part, shelf) for part in call.form]}
    if call.json_body is None:
        return {}
    return {"json": await _filled(call.json_body, shelf)}


async def _field(part: Part, shelf: Shelf) -> tuple[str, Any]:
    if part.asset is None:
        return part.name, (None, part.value or "")
    media = await shelf.open(part.asset, part.mask_as_alpha)
    ending = media.mime.split("/")[-1].split("+")[0]
    return part.name, (f"{part.asset}.{ending}", await _inline(media), media.mime)


async def _filled(value: JsonValue, shelf: Shelf) -> JsonValue:
    """A json body with each asset's place taken by its bytes, or by a link where one exists and is wanted."""
    if isinstance(value, list):
        return [await _filled(each, shelf) for each in value]
    if not isinstance(value, dict):
        return value
    if ASSET_KEY not in value:
        return {name: await _filled(each, shelf) for name, each in value.items()}
    asset, form = str(value[ASSET_KEY]), value.get("form")
    if form == "url" and (link := await shelf.link(asset)):
        return link
    media = await shelf.open(asset)
    words = base64.b64encode(await _inline(media)).decode()
    return words if form == "base64" else f"data:{media.mime};base64,{words}"


async def _inline(media: Media) -> bytes:
    if media.size_bytes > INLINE_BYTES:
        raise TooLarge(f"an input of {media.size_bytes} bytes cannot be sent inline; {INLINE_BYTES} are allowed")
    return b"".join([chunk async for chunk in media.chunks])
