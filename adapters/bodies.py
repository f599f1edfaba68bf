"""A call's body as httpx wants it: the places of assets filled with their bytes or links. It sends nothing."""

import base64
from collections.abc import AsyncIterator
from typing import Any, NamedTuple, Protocol

from pydantic import JsonValue

from adapters.schema import MaskPaint
from adapters.wire import ASSET_KEY, Call, Part

INLINE_BYTES = 64 * 1024 * 1024
"""An asset that is put into a call's body."""

ENDINGS = {
    "image/jpeg": "jpg", "image/svg+xml": "svg", "video/quicktime": "mov", "video/x-matroska": "mkv",
    "audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/webm": "weba",
}  # fmt: skip
"""File endings that are not the second half of the type; some providers go by the name alone."""


class TooLarge(ValueError):
    """More bytes than are allowed, in or out."""


class NeedsLink(ValueError):
    """An input that the provider takes only as a link, at a gateway that the world cannot reach."""


class Media(NamedTuple):
    """An asset about to be sent: its type, its size, and its bytes as a stream."""

    mime: str
    size_bytes: int
    chunks: AsyncIterator[bytes]


class Shelf(Protocol):
    """Where assets lie. The gateway gives the real one; adapters know only this much of it."""

    async def open(self, asset: str, mask: MaskPaint = "white") -> Media: ...

    async def link(self, asset: str) -> str | None: ...

    async def store(self, chunks: AsyncIterator[bytes]) -> str: ...


async def body_of(call: Call, shelf: Shelf) -> dict[str, Any]:
    """The keyword arguments that give httpx the call's body, assets filled in. Raises TooLarge, NeedsLink.

    An asset that is the whole body is streamed; `headers` are those that tell of it.
    """
    if call.asset is not None:
        media = await shelf.open(call.asset)
        told = {"content-type": media.mime, "content-length": str(media.size_bytes)}
        return {"content": media.chunks, "headers": told}
    if call.form:
        return {"files": [await _field(part, shelf) for part in call.form]}
    if call.json_body is None:
        return {}
    return {"json": await _filled(call.json_body, shelf)}


async def _field(part: Part, shelf: Shelf) -> tuple[str, Any]:
    if part.asset is None:
        return part.name, (None, part.value or "")
    media = await shelf.open(part.asset, part.mask)
    return part.name, (_file_name(part.asset, media.mime), await _inline(media), media.mime)


async def _filled(value: JsonValue, shelf: Shelf) -> JsonValue:
    """A json body with each asset's place taken by what belongs there."""
    if isinstance(value, list):
        return [await _filled(each, shelf) for each in value]
    if not isinstance(value, dict):
        return value
    if ASSET_KEY in value:
        mask: Any = value.get("mask", "white")
        return await _placed(str(value[ASSET_KEY]), str(value.get("form")), mask, shelf)
    return {name: await _filled(each, shelf) for name, each in value.items()}


async def _placed(asset: str, form: str, mask: MaskPaint, shelf: Shelf) -> JsonValue:
    """One asset in one form. A mask that is painted anew exists only as bytes, so it has no link."""
    assert form != "uploaded", f"{asset} is to be uploaded before this call: the dialect must begin with uploads.first"
    if form in ("url", "link") and mask == "white" and (link := await shelf.link(asset)):
        return link
    if form == "link":
        raise NeedsLink("this provider takes this input only as a link: set PODIUM_PUBLIC_URL, where it can fetch it")
    media = await shelf.open(asset, mask)
    match form:
        case "mime":
            return media.mime
        case "subtype":
            return media.mime.partition("/")[2]
        case "name":
            return _file_name(asset, media.mime)
        case "size_bytes":
            return media.size_bytes
    words = base64.b64encode(await _inline(media)).decode()
    return words if form == "base64" else f"data:{media.mime};base64,{words}"


def _file_name(asset: str, mime: str) -> str:
    return f"{asset}.{ENDINGS.get(mime) or mime.split('/')[-1].split('+')[0]}"


async def _inline(media: Media) -> bytes:
    if media.size_bytes > INLINE_BYTES:
        raise TooLarge(f"an input of {media.size_bytes} bytes cannot be sent inline; {INLINE_BYTES} are allowed")
    return b"".join([chunk async for chunk in media.chunks])
