"""What an asset's links, ranges, names and inline forms mean. Pure: no clock, no file, no network."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

LINK_S = 24 * 3600
"""How long a signed link works: a day, so that a provider's queue and a reader's page both outlive their wait."""
RANGE_CHARS = 100
"""A longer Range header is not one range, and only one is served."""


class Blob(NamedTuple):
    """Bytes in the store, named by what they are: `sha256` is 64 lower-case hex digits."""

    sha256: str
    size_bytes: int


def blob_of(data: bytes) -> Blob:
    return Blob(hashlib.sha256(data).hexdigest(), len(data))


class Facts(NamedTuple):
    """What was measured. `fault` says why these bytes are not what they seem; None means that they decode.

    A still picture has no frames; a clip without sound has `has_audio` False; what does not apply is None. `is_blank`:
    a picture or clip of one colour all over, as far as was looked.
    """

    mime: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    fps: float | None = None
    frames: int | None = None
    has_audio: bool | None = None
    is_blank: bool = False
    fault: str | None = None


class Kept(NamedTuple):
    """Bytes that lie in the store, with their facts."""

    blob: Blob
    facts: Facts


class Span(NamedTuple):
    """Bytes from `start` up to but not including `end`."""

    start: int
    end: int


def sign(asset: str, expires: int, secret: str) -> str:
    """The signature that opens one asset's content until `expires` (seconds since 1970)."""
    return hmac.new(secret.encode(), f"podium asset {asset} {expires}".encode(), hashlib.sha256).hexdigest()


def opens(asset: str, expires: str, signature: str, secret: str, now: datetime) -> bool:
    """Whether a link's two parameters still open this asset."""
    if not re.fullmatch(r"[1-9]\d{0,11}", expires, re.ASCII) or int(expires) <= now.timestamp():
        return False
    return hmac.compare_digest(sign(asset, int(expires), secret).encode(), signature.encode())


def signed_path(asset: str, secret: str, now: datetime) -> str:
    """A path that opens this asset for LINK_S, whoever follows it."""
    expires = int(now.timestamp()) + LINK_S
    return f"/v1/assets/{asset}/content?expires={expires}&signature={sign(asset, expires, secret)}"


def span(header: str | None, size_bytes: int) -> Span | None:
    """The one range that a Range header asks for (RFC 9110, 14.1.2), or None for the whole.

    Several ranges, another unit and nonsense are answered with the whole, as that standard allows.
    Raises ValueError for a range that lies outside (416).
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", (header or "")[:RANGE_CHARS].strip(), re.ASCII)
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        start, end = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < start:
            return None
    if start >= end:
        raise ValueError(f"the asset has {size_bytes} bytes")
    return Span(start, end)


def stored_name(blob: Blob) -> str:
    """A blob in one word, as `Reply.stored` and `Output.stored` carry it."""
    return f"sha256:{blob.sha256}:{blob.size_bytes}"


def read_stored_name(name: str) -> Blob:
    """Raises ValueError."""
    match = re.fullmatch(r"sha256:([0-9a-f]{64}):(\d{1,15})", name, re.ASCII)
    if not match:
        raise ValueError("not the name of stored bytes")
    return Blob(match[1], int(match[2]))


def from_base64(words: str) -> bytes:
    """Raises ValueError for anything but whole, padded base64 of the standard alphabet."""
    return base64.b64decode(words, validate=True)


def from_data_uri(uri: str) -> bytes:
    """The bytes inside a data URI (RFC 2397), base64 or percent-encoded. Raises ValueError."""
    head, comma, data = uri.partition(",")
    if not comma or not head.lower().startswith("data:"):
        raise ValueError("not a data URI")
    return from_base64(data) if head.lower().endswith(";base64") else unquote_to_bytes(data)


def claimed_by(uri: str) -> str:
    """The content type that a data URI claims, "" where it claims none."""
    return uri[len("data:") :].partition(",")[0].partition(";")[0]


def is_data_uri(url: str) -> bool:
    return url[: len("data:")].lower() == "data:"


def view(row: Mapping[str, Any], url: str) -> dict[str, Any]:
    """An asset as callers see it among a job's outputs."""
    facts = ("mime", "width", "height", "duration_s", "fps", "frames", "size_bytes", "sha256")
    return {"asset": row["id"], "url": url} | {name: row[name] for name in facts} | {"text": None}


def view_text(text: str, mime: str = "text/plain") -> dict[str, Any]:
    """Words as callers see them among a job's outputs: no asset, no link."""
    nothing = ("asset", "url", "width", "height", "duration_s", "fps", "frames", "sha256")
    return dict.fromkeys(nothing) | {"mime": mime, "size_bytes": len(text.encode()), "text": text}
