"""What a snapshot is: what one source said of one subject at one moment. Pure, and never changed afterwards."""

import hashlib
from datetime import UTC, datetime
from typing import NamedTuple

PAYLOAD_BYTES = 32 * 1024 * 1024
"""The largest reading kept: the longest price feed known is a tenth of it."""


class Snapshot(NamedTuple):
    """`taken_at` is when the source was so; `read_at` is when we learned it; `payload` is its text, JSON as a rule."""

    id: str
    source: str
    subject: str
    taken_at: datetime
    read_at: datetime
    sha256: str
    payload: str


def text_of(payload: bytes) -> str:
    """The payload as text. Raises ValueError if it is too large, not UTF-8, or holds a NUL, which no database keeps."""
    if len(payload) > PAYLOAD_BYTES:
        raise ValueError(f"a snapshot of {len(payload)} bytes; {PAYLOAD_BYTES} are allowed")
    text = payload.decode()
    if "\x00" in text:
        raise ValueError("a snapshot with a NUL character")
    return text


def digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()


def moment(written: str) -> datetime:
    """A moment as ISO 8601 writes it; a date alone is its midnight, and no zone is UTC. Raises ValueError."""
    parsed = datetime.fromisoformat(written)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
