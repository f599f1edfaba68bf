"""The list of feeds, and which of them a file belongs to: told by what is in it. It fetches nothing."""

import csv
import re
from datetime import datetime
from typing import Any, NamedTuple

from adapters.wire import Call, Reply
from router.feeds import (
    arena,
    arena_pages,
    artificial_analysis,
    deprecations,
    fal,
    litellm,
    modelsdev,
    openrouter,
    portkey,
    vercel,
)
from router.feeds.readings import Feed, Page, Unreadable
from router.feeds.replies import document_of, moment_of

BOARDS: tuple[Feed, ...] = (arena, artificial_analysis)
PRICES: tuple[Feed, ...] = (litellm, modelsdev, openrouter, vercel, fal, portkey)
NOTICES: tuple[Feed, ...] = (deprecations,)

KINDS: dict[str, tuple[Feed, ...]] = {"boards": BOARDS, "prices": PRICES, "notices": NOTICES}
"""What is read together. A price list may hold listings and notices too: all that it says is kept."""

FEEDS: dict[str, Feed] = {feed.SOURCE.name: feed for feed in (*BOARDS, *PRICES, *NOTICES)}
"""Every feed that is asked over the network, by its source's name."""

APART: frozenset[str] = frozenset({"arena/vision"})
"""Boards that rank something else than their task as we mean it: chat about pictures is shown and followed, but says
nothing of how well a model writes, so it is not merged into the quality of text."""

_DAY = re.compile(r"20\d\d-\d\d-\d\d")


class Opened(NamedTuple):
    """A file's feed, and the call whose reply it could have been."""

    feed: Feed
    call: Call


def read_file(path: str, body: bytes, now: datetime, taken_at: datetime | None = None) -> Page:
    """Read a kept copy of any feed's format. What says no date itself is of `taken_at` where that is given, else of the
    last day in its name, else of `now`.

    Raises Unreadable, or what `trust.understood` catches.
    """
    opened = open_file(path, body)
    return opened.feed.read(opened.call, Reply(200, {}, body), taken_at or day_in(path) or now)


def day_in(path: str) -> datetime | None:
    days = _DAY.findall(path.rpartition("/")[2])
    return moment_of(days[-1]) if days else None


def open_file(path: str, body: bytes) -> Opened:
    """Raises Unreadable if no feed writes such a file."""
    if not body.strip():
        raise Unreadable("the file is empty")
    if body.startswith(b"PAR1"):
        return Opened(arena, arena.request(_board_in(path)))
    if body[:1] not in (b"{", b"["):
        return _table(path, body)
    document = document_of(Reply(200, {}, body))
    feed = _feed(document)
    if feed is None:
        raise Unreadable(f"no feed writes such a file: {path.rpartition('/')[2]}")
    return Opened(feed, _call(feed, path))


def _table(path: str, body: bytes) -> Opened:
    header = next(csv.reader([body[:1_000].decode(errors="replace").partition("\n")[0].strip()]), [])
    if header[:2] != ["board", "date"]:
        raise Unreadable(f"no feed writes such a file: {path.rpartition('/')[2]}")
    return Opened(arena_pages, Call(stage="read", method="GET", url=path))


def _feed(document: Any) -> Feed | None:
    """Told by the first rows. Each format has a word that no other has."""
    if isinstance(document, list):
        return deprecations if _has(document[:1], "shutdown_date") else None
    match document:
        case {"meta": {"leaderboard": _}}:
            return arena_pages
        case {"meta": {"subset": _}}:
            return arena
        case {"meta": {"endpoint": _}}:
            return artificial_analysis
        case {"prices": _} | {"models": _}:
            return fal
        case {"data": [dict(first), *_]}:
            return _gateway(first)
        case _:
            return _by_model(list(document.values())[:5]) if isinstance(document, dict) else None


def _gateway(first: dict[str, Any]) -> Feed | None:
    if "elo" in first:
        return artificial_analysis
    return (
        openrouter if "canonical_slug" in first or "pricing_skus" in first else vercel if "owned_by" in first else None
    )


def _by_model(entries: list[Any]) -> Feed | None:
    if _has(entries, "litellm_provider"):
        return litellm
    if _has(entries, "models"):
        return modelsdev
    return portkey if _has(entries, "pricing_config") else None


def _has(entries: list[Any], word: str) -> bool:
    return any(isinstance(entry, dict) and word in entry for entry in entries)


def _call(feed: Feed, path: str) -> Call:
    name = path.rpartition("/")[2].rpartition(".")[0]
    told = {"board": _board_in(path), "provider": _DAY.sub("", name).strip("_- ")}
    return Call(stage="read", method="GET", url=path, memo=dict(told))


def _board_in(path: str) -> str:
    """The longest board whose name is in a path, however its words are separated; none: an empty name."""
    written = path.casefold().replace("_", "-")
    found = [board for board in {*arena.BOARDS, *artificial_analysis.BOARDS} if board in written]
    return max(found, key=len, default="")
