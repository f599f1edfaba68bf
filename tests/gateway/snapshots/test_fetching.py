"""A source is asked where the operator says, with its key and no other, page by page, and never for ever."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from adapters.http import close_clients, open_clients
from adapters.wire import Call
from gateway.commands.listings import NoShelf
from gateway.snapshots import fetching
from gateway.snapshots.fetching import Place, pages_of
from router.feeds import arena, artificial_analysis, fal, litellm
from router.feeds.readings import Page
from router.feeds.trust import Refused

pytestmark = pytest.mark.anyio

LITELLM = {"a": {"litellm_provider": "x", "mode": "chat", "input_cost_per_token": 1e-6}}


@asynccontextmanager
async def serving(answer):
    """A small HTTP server: `answer(path, headers)` gives (status, headers, body). Yields its origin and what it saw."""
    seen = []

    async def handle(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        path = first.split()[1]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        seen.append((path, headers))
        status, extra, body = answer(path, headers)
        more = "".join(f"{name}: {value}\r\n" for name, value in extra.items())
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{more}\r\n".encode() + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def clients():
    opened = open_clients()
    yield opened
    await close_clients(opened)


async def asked(feed, place, clients, wanted=()):
    return await pages_of(feed, wanted, place, clients, NoShelf())


async def test_a_source_is_asked_at_the_place_that_the_operator_set(clients):
    async with serving(lambda path, headers: (200, {}, json.dumps(LITELLM).encode())) as (origin, seen):
        [page] = await asked(litellm, Place(f"{origin}/mirror/"), clients)
    assert isinstance(page, Page) and page.readings[0].rows[0].label == "a"
    assert [path for path, _ in seen] == ["/mirror/BerriAI/litellm/main/model_prices_and_context_window.json"]
    assert "authorization" not in seen[0][1]


async def test_the_key_goes_to_its_own_origin_and_nowhere_else(clients):
    def away(path, headers):
        return 302, {"location": "http://127.0.0.1:9/elsewhere"}, b""

    board = {"data": [{"name": "a", "elo": 1, "ci95": "-5/+5"}]}
    async with serving(lambda path, headers: (200, {}, json.dumps(board).encode())) as (origin, seen):
        pages = await asked(artificial_analysis, Place(origin, "secret"), clients)
    assert all(isinstance(page, Page) for page in pages) and len(pages) == len(artificial_analysis.BOARDS)
    assert {headers["x-api-key"] for _, headers in seen} == {"secret"}
    async with serving(away) as (origin, seen):
        pages = await asked(arena, Place(origin), clients)
    # A reply that leads to a private address stops at the guard.
    assert {type(page) for page in pages} == {Page, Refused} and len(seen) == len(arena.BOARDS)


async def test_a_list_is_read_page_by_page(clients):
    def index(path, headers):
        number = int(path.partition("cursor=")[2] or 0)
        body = {"models": [{"endpoint_id": f"m{number}"}], "has_more": number < 3, "next_cursor": str(number + 1)}
        return 200, {}, json.dumps(body).encode()

    async with serving(index) as (origin, seen):
        pages = await asked(fal, Place(origin, "k"), clients)
    assert [page.readings[0].rows[0].label for page in pages] == ["m0", "m1", "m2", "m3"]
    assert {headers["authorization"] for _, headers in seen} == {"Key k"}


async def test_a_list_without_end_is_given_up(clients, monkeypatch):
    monkeypatch.setattr(fetching, "PAGES", 5)
    body = json.dumps({"models": [{"endpoint_id": "m"}], "has_more": True, "next_cursor": "on"}).encode()
    async with serving(lambda path, headers: (200, {}, body)) as (origin, seen):
        *pages, last = await asked(fal, Place(origin, "k"), clients)
    assert len(seen) == 5 == len(pages) and isinstance(last, Refused) and "more to say" in last.sentence


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [(500, b"oops", "status 500"), (200, b"", "empty"), (200, b'{"a"', "not whole JSON"), (403, b"{}", "status 403")],
)
async def test_an_answer_that_is_none_is_a_sentence(clients, status, body, said):
    async with serving(lambda path, headers: (status, {}, body)) as (origin, _):
        [page] = await asked(litellm, Place(origin), clients)
    assert isinstance(page, Refused) and said in page.sentence


async def test_a_source_that_is_away_is_a_sentence_too(clients):
    [page] = await asked(litellm, Place("http://127.0.0.1:9"), clients)
    assert isinstance(page, Refused) and "cannot be reached" in page.sentence


async def test_a_source_that_takes_too_long_is_given_up(clients, monkeypatch):
    monkeypatch.setattr(fetching, "SOURCE_S", 0.05)

    class Slow:
        SOURCE = litellm.SOURCE

        def requests(self, wanted=()):
            return litellm.requests() * 50

        def read(self, call: Call, reply, now: datetime) -> Page:
            assert now.tzinfo is UTC
            time.sleep(0.02)
            return litellm.read(call, reply, now)

    async with serving(lambda path, headers: (200, {}, json.dumps(LITELLM).encode())) as (origin, seen):
        pages = await asked(Slow(), Place(origin), clients)
    assert isinstance(pages[-1], Refused) and len(seen) < 50
