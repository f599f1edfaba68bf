"""Deprecation notices that deprecations-rss gathers daily from the pages of makers and clouds.

It writes dates it does not know as an empty string or a word; such a date is none. A notice that says neither when a
model was deprecated nor when it ends says nothing, and is left out.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.wire import Call, Reply
from router.feeds.readings import Notice, NoticeReading, Page, Source, Unreadable
from router.feeds.replies import day_of, document_of, filled, only

SOURCE = Source(
    "deprecations-rss",
    "https://raw.githubusercontent.com",
    "deprecations-rss, https://github.com/deprecations/deprecations-rss",
    "licence of that repository",
    every_h=12,
)

URL = f"{SOURCE.origin}/deprecations/deprecations-rss/main/data.json"

_NEXT_NAME = re.compile(r"\s*[,;]\s*|\s+(?:or|and)\s+|(?<=[\w*])or(?=gpt-|o\d|claude|gemini)")
"""Between the names of replacements; the oldest readings run them together ("gpt-image-1orgpt-image-1-mini")."""

_NAME = re.compile(r"[\w][\w.:/@ -]{1,99}")
"""What a replacement's name can look like; a sentence with markup is none."""


def requests(wanted: tuple[str, ...] = ()) -> tuple[Call, ...]:
    return (Call(stage="read", method="GET", url=URL),)


def read(call: Call, reply: Reply, now: datetime) -> Page:
    """The file says when each notice was seen, not when all were: it is of now."""
    document = document_of(reply)
    if not isinstance(document, list):
        raise Unreadable("it is not a list of notices")
    notices = {(row.label, row.channel): row for each in only(filled(document)) if (row := _notice(each))}
    return Page((NoticeReading(source=SOURCE.name, taken_at=now, rows=tuple(filled(list(notices.values())))),))


def _notice(row: Mapping[str, Any]) -> Notice | None:
    ends = day_of(row.get("shutdown_date"))
    announced = day_of(row.get("deprecation_date")) or day_of(row.get("announcement_date"))
    if ends is None and announced is None:
        return None
    return Notice(
        label=row["model_id"],
        channel=_channel(row["provider"]),
        stage="shutdown" if ends else "deprecated",
        announced=announced,
        ends=ends,
        replacement=_replacements(row),
        url=row.get("url") or None,
    )


def _channel(provider: str) -> str:
    """ "AWS Bedrock" → "aws-bedrock"."""
    return "-".join(provider.casefold().split())


def _replacements(row: Mapping[str, Any]) -> tuple[str, ...]:
    said = row.get("replacement_models") or [row.get("replacement_model") or ""]
    names = [name.strip(" *`") for each in said for name in _NEXT_NAME.split(str(each))]
    return tuple(name for name in dict.fromkeys(names) if _NAME.fullmatch(name))
