"""The only clock and the only source of ids; everything pure takes `now` as an argument instead."""

import secrets
from datetime import UTC, datetime, timedelta

import uuid_utils


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def new_id(kind: str) -> str:
    """An id that carries its kind, sorts by time, and cannot be guessed: `job_` and 32 hex digits (UUIDv7)."""
    return f"{kind}_{uuid_utils.uuid7().hex}"


def first_id(kind: str, moment: datetime) -> str:
    """Where the ids of a kind begin that were made from a moment on, to the millisecond: for ranges of rows by time."""
    return f"{kind}_{to_micros(moment) // 1_000:012x}"


def new_secret() -> str:
    """256 random bits for a key or a signature, URL-safe."""
    return secrets.token_urlsafe(32)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)
