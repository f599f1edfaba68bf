"""What every feed does first with a reply: its status, its JSON, its dates. It knows no source."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from adapters.wire import Reply
from router.feeds.readings import Unreadable

DOCUMENT_BYTES = 64 * 1024 * 1024
"""LiteLLM's list, the longest document that is read whole, had 5 MB as it is written."""

_DAY = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")

EPOCH_LAST_S = 4_102_444_800
"""2100-01-01: a number past it is no date in seconds."""


def body_of(reply: Reply) -> bytes:
    """The bytes of an answer that is one. Raises Unreadable with the sentence to show."""
    if not 200 <= reply.status < 300:
        raise Unreadable(f"it answered with status {reply.status}")
    if not reply.body.strip():
        raise Unreadable("the answer is empty")
    if len(reply.body) > DOCUMENT_BYTES:
        raise Unreadable(f"{len(reply.body)} bytes; {DOCUMENT_BYTES} are read")
    return reply.body


def document_of(reply: Reply) -> Any:
    """The JSON of an answer. A document cut short does not parse, and so is refused here."""
    body = body_of(reply)
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not whole JSON ({len(body)} bytes): {error}") from error


def listed(document: Any, key: str) -> list[Any]:
    """The list under a key. Raises Unreadable if there is none or it is empty."""
    rows = document.get(key) if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise Unreadable(f"there is no list {key!r} in it")
    return filled(rows)


def filled(rows: list[Any]) -> list[Any]:
    if not rows:
        raise Unreadable("it arrived without a single row")
    return rows


def counted(rows: list[Any], said: Any) -> list[Any]:
    """The rows, if there are as many as the source says. Raises Unreadable otherwise."""
    if isinstance(said, int) and said != len(rows):
        raise Unreadable(f"it was cut short: {len(rows)} rows of the {said} that it says it has")
    return rows


def moment_of(text: str) -> datetime:
    """A moment as ISO 8601 writes it; without a zone it is UTC. Raises ValueError."""
    parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def day_of(written: object) -> date | None:
    """The day in a date, a moment or seconds since 1970; None for anything else, words and zero included."""
    if isinstance(written, bool):
        return None
    if isinstance(written, int | float):
        return datetime.fromtimestamp(written, UTC).date() if 0 < written < EPOCH_LAST_S else None
    found = _DAY.match(str(written))
    try:
        return date.fromisoformat(found[0]) if found else None
    except ValueError:
        return None


def usd_of(amount: object) -> Decimal | None:
    """A price, exactly. None for what is no price: nothing, zero (sources write it for "unknown"), less than zero."""
    if isinstance(amount, bool) or not isinstance(amount, int | float | str):
        return None
    try:
        usd = Decimal(str(amount))
    except ArithmeticError:
        return None
    return usd if usd.is_finite() and usd > 0 else None


def only(rows: Iterable[Any]) -> list[Mapping[str, Any]]:
    """Those rows that are objects."""
    return [row for row in rows if isinstance(row, dict)]
