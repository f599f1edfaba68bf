"""Asks one source over the network, page by page, within limits. It judges nothing and keeps nothing.

A source's key goes to its own origin and nowhere else; wherever a reply leads, the guard stands before it.
"""

import asyncio
from typing import NamedTuple

from adapters.http import Clients, Shelf, answered
from adapters.registry import DIALECTS
from adapters.schema import ProviderCard
from adapters.wire import Call
from gateway import clock
from router.feeds.readings import Feed, Page, Source
from router.feeds.trust import Refused, understood

CALL_S = 60.0
"""The longest that one reply may take: price lists of five megabytes over a slow line."""
SOURCE_S = 300.0
"""The longest that a source may take with all its pages."""
PAGES = 300
"""Replies of one source: fal's index, the longest, has some twelve pages and as many of prices."""
SOURCE_BYTES = 256 * 1024 * 1024
"""Bytes of all replies of one source together; one reply is bounded where it is read."""

_UNHEARD = DIALECTS["fal"]
"""A dialect is asked only to hear a streamed reply, and no feed's reply is one."""


class Place(NamedTuple):
    """Where a source is asked (its own origin, or another that the operator set), and with which key."""

    origin: str
    key: str | None = None


async def pages_of(
    feed: Feed, wanted: tuple[str, ...], place: Place, clients: Clients, shelf: Shelf
) -> tuple[Page | Refused, ...]:
    """What the source answers to all of a feed's calls, or why one of them is refused. Never an exception of its."""
    card = _card(feed.SOURCE, place.origin)
    pages: list[Page | Refused] = []
    size_bytes = 0
    try:
        async with asyncio.timeout(SOURCE_S):
            waiting = [_placed(call, feed.SOURCE) for call in feed.requests(wanted)]
            while waiting:
                if len(pages) >= PAGES or size_bytes > SOURCE_BYTES:
                    raise TimeoutError
                page, more_bytes = await _asked(feed, waiting.pop(0), card, place.key, clients, shelf)
                pages.append(page)
                size_bytes += more_bytes
                if isinstance(page, Page) and page.next is not None:
                    waiting.insert(0, _placed(page.next, feed.SOURCE))
    except TimeoutError:
        limits = f"{SOURCE_S:g} s, {PAGES} pages or {SOURCE_BYTES} bytes"
        pages.append(Refused(feed.SOURCE.name, "reply", f"it had more to say after {limits}"))
    return tuple(pages)


async def _asked(
    feed: Feed, call: Call, card: ProviderCard, key: str | None, clients: Clients, shelf: Shelf
) -> tuple[Page | Refused, int]:
    now, name = clock.now(), feed.SOURCE.name
    reply = await answered(clients, card, _UNHEARD, call, key, shelf, now=now)
    if reply is None:
        return Refused(name, "reply", f"{card.base_url} cannot be reached, or did not answer within {CALL_S:g} s"), 0
    page = await asyncio.to_thread(understood, name, lambda: feed.read(call, reply, now))
    return page, len(reply.body)


def _placed(call: Call, source: Source) -> Call:
    """A call on the source's own origin is one on the place where it is asked."""
    inside = call.url.startswith(source.origin + "/")
    return call.model_copy(update={"url": call.url.removeprefix(source.origin)}) if inside else call


def _card(source: Source, origin: str) -> ProviderCard:
    """The source in the words in which calls are sent."""
    return ProviderCard(
        name=source.name.replace(".", "-"), title=source.name, dialect="fal", base_url=origin.rstrip("/"),
        auth_header=source.auth_header, auth=source.auth, timeout_s=CALL_S, offers=(),
    )  # fmt: skip
