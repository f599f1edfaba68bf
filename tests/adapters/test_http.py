"""The one file that touches the network, against real servers on this machine that behave, misbehave and vanish."""

import asyncio
import base64
import gzip
import json
import re
import socket
import tracemalloc
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import aiohttp
import httpx
import pytest

import adapters.http as network
from adapters import bodies
from adapters.bodies import INLINE_BYTES, Media
from adapters.dialects import fal, openai_chat, openai_images
from adapters.errors import Fault
from adapters.guard import ForbiddenAddress, guarded_socket, is_public
from adapters.hosts import shortened
from adapters.http import (
    NotFetched,
    close_clients,
    fetch,
    is_accepted,
    open_clients,
    provably_not_sent,
    take_turn,
)
from adapters.schema import ProviderCard
from adapters.signing import signed
from adapters.wire import Call, Done, Failed, Output, Part, Pending, asset_ref, refusal
from tests.simulators import bedrock
from tests.simulators.server import Ask

pytestmark = pytest.mark.anyio

KEY = "sk-very-secret-key"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MIB = 1024 * 1024


class Heard(NamedTuple):
    """A request as the server heard it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


def answer(body=b"{}", status=200, **headers) -> bytes:
    named = {"content-length": len(body)} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body


class Server:
    """A server that hears whole requests and lets `act(heard, writer)` answer them as it likes."""

    def __init__(self, act):
        self.act, self.heard, self.connections = act, [], 0

    async def serve(self, reader, writer):
        self.connections += 1
        number = self.connections
        try:
            while (request := await hear(reader, number)) is not None:
                self.heard.append(request)
                if await self.act(request, writer) == "close":
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def hear(reader, number) -> Heard | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Heard(method, path, headers, body, number)


@asynccontextmanager
async def serving(act):
    """A server for `act`, or for always the same bytes."""

    async def always(_heard, writer):
        writer.write(act)
        await writer.drain()

    spoken = Server(always if isinstance(act, bytes) else act)
    server = await asyncio.start_server(spoken.serve, "127.0.0.1", 0)
    spoken.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield spoken
    finally:
        server.close()


@pytest.fixture
async def clients():
    opened = open_clients()
    yield opened
    await close_clients(opened)


class OneShelf:
    """A shelf whose every asset is the same few bytes."""

    def __init__(self, size_bytes=None, link=None):
        self.size_bytes, self.linked, self.stored = size_bytes, link, []

    async def open(self, asset, mask="white"):
        data = f"bytes of {asset}{'' if mask == 'white' else f' as {mask}'}".encode()

        async def chunks():
            yield data

        return Media("image/png", self.size_bytes or len(data), chunks())

    async def link(self, asset):
        return self.linked and f"{self.linked}/{asset}"

    async def store(self, chunks):
        self.stored.append(b"".join([chunk async for chunk in chunks]))
        return f"ast_{len(self.stored)}"


def card_at(url, **more) -> ProviderCard:
    return ProviderCard(name="p", title="P", dialect="fal", base_url=url, offers=(), **({"timeout_s": 5} | more))


class Plain:
    """A dialect that takes any JSON object for an end, so that only the transport is under test."""

    def read(self, call, reply):
        return refusal(call, reply) or Done(outputs=(Output(mime="text/plain", text=json.dumps(reply.json())),))


SUBMIT = Call(stage="submit", url="/submit", json_body={"prompt": "an onion"})
POLL = Call(stage="status", method="GET", url="/status")


async def turn(clients, url, call=SUBMIT, dialect=None, shelf=None, listener=None, key=KEY, **card):
    known = card_at(url, **card)
    return await take_turn(clients, known, dialect or Plain(), call, key, shelf or OneShelf(), listener, now=NOW)


def fault_of(progress) -> tuple[Fault, bool]:
    assert isinstance(progress, Failed), progress
    return progress.error.fault, progress.fate_unknown


# --- credentials and origins


async def test_the_key_goes_to_the_configured_origin_in_the_cards_own_header(clients):
    async with serving(answer()) as server:
        await turn(clients, server.url, auth_header="x-key", auth="Key {key}")
        await turn(clients, server.url, POLL.model_copy(update={"url": server.url + "/absolute"}))
        await turn(clients, server.url, key=None)
    assert server.heard[0].headers["x-key"] == f"Key {KEY}" and server.heard[0].path == "/submit"
    assert server.heard[1].headers["authorization"] == f"Bearer {KEY}" and server.heard[1].path == "/absolute"
    assert "authorization" not in server.heard[2].headers


async def test_a_base_url_with_a_path_keeps_it(clients):
    async with serving(answer()) as server:
        await turn(clients, server.url + "/v1/")
    assert server.heard[0].path == "/v1/submit"


async def test_a_call_to_a_named_host_of_the_card_gets_the_key_and_the_cards_headers(clients):
    async with serving(answer()) as api, serving(answer()) as rest:
        card = {"hosts": {"rest": rest.url + "/v2"}, "headers": {"x-version": "2024-11-06"}}
        await turn(clients, api.url, SUBMIT.model_copy(update={"url": "{rest}/upload?a=1"}), **card)
        await turn(clients, api.url, POLL.model_copy(update={"url": rest.url + "/absolute"}), **card)
        await turn(clients, api.url, SUBMIT, **card)
    assert [heard.path for heard in rest.heard] == ["/v2/upload?a=1", "/absolute"] and len(api.heard) == 1
    for heard in rest.heard + api.heard:
        assert heard.headers["authorization"] == f"Bearer {KEY}" and heard.headers["x-version"] == "2024-11-06"


async def test_a_calls_own_header_goes_before_the_cards(clients):
    async with serving(answer()) as server:
        await turn(clients, server.url, SUBMIT.model_copy(update={"headers": {"x-a": "call"}}), headers={"x-a": "card"})
    assert server.heard[0].headers["x-a"] == "call"


async def test_neither_key_nor_headers_of_the_card_go_to_a_strangers_host(clients, monkeypatch):
    monkeypatch.setattr("adapters.guard.is_public", lambda address: True)
    async with serving(answer()) as ours, serving(answer()) as theirs:
        call = POLL.model_copy(update={"url": theirs.url + "/file"})
        await turn(clients, ours.url, call, hosts={"rest": ours.url}, headers={"x-account": "ours"})
    assert "x-account" not in theirs.heard[0].headers and KEY not in str(theirs.heard)


@pytest.mark.parametrize("url", ["{nobody}/x", "{rest}x", "{rest}@evil.invalid/x", "{rest", "{}/x"])
async def test_a_host_that_the_card_does_not_name_is_nowhere(clients, url):
    async with serving(answer()) as server:
        call = POLL.model_copy(update={"url": url})
        assert fault_of(await turn(clients, server.url, call, hosts={"rest": server.url})) == (Fault.BAD_REPLY, False)
    assert not server.heard


async def test_links_on_named_hosts_are_kept_by_name_and_the_longest_address_counts():
    card = card_at("https://api.example", hosts={"v2": "https://api.example/v2/", "rest": "https://rest.example"})

    def kept(url):
        return shortened(card, Pending(call=Call(stage="status", url=url, memo={"result": url}))).call

    known = {
        "https://api.example/x": "/x", "https://api.example/v2/x": "{v2}/x",
        "https://rest.example/x?y=1": "{rest}/x?y=1",
        "https://rest.example.evil/x": "https://rest.example.evil/x", "https://api.example": "https://api.example",
    }  # fmt: skip
    for url, short in known.items():
        assert (kept(url).url, kept(url).memo) == (short, {"result": short})


async def test_a_key_of_two_parts_signs_the_body_as_it_goes_out(clients):
    call = SUBMIT.model_copy(update={"url": "/model/amazon.titan:2/invoke"})
    async with serving(answer()) as server:
        await turn(clients, server.url, call, key="AKIDEXAMPLE:wJalrXUtnFEMI", signing="sigv4")
    heard = server.heard[0]
    card = card_at(server.url, signing="sigv4")
    sent = {"content-type": heard.headers["content-type"]}
    wanted = signed(card, "AKIDEXAMPLE:wJalrXUtnFEMI", "POST", server.url + heard.path, sent, heard.body, NOW)
    assert heard.headers["authorization"] == wanted["authorization"] and "wJalrXUtnFEMI" not in str(heard)
    assert heard.headers["x-amz-date"] == "20261121T120000Z"


@pytest.mark.parametrize(
    "path",
    ["/model/a.b-v1:0/invoke", "/model/a.b-v1%3A0/invoke", "/model/arn%3Aaws%3Abedrock%2Fx/invoke", "/a%20b",
     "/ä/%C3%A4", "/a@b!c$d'(e)*,;=f+g", "/%7Eme/~me", "/x?b=2&a=%3A%2F%20&c", "/x?a=b+c&a-b=1"],
)  # fmt: skip
async def test_a_signature_is_that_of_the_path_as_it_arrives(clients, path):
    """Made anew by the server from what it heard, as Amazon does: escapes may be undone on the way."""
    call = SUBMIT.model_copy(update={"url": path})
    async with serving(answer()) as server:
        await turn(clients, server.url, call, key=f"{bedrock.ACCESS}:{bedrock.SECRET}", signing="sigv4")
    heard = server.heard[0]
    path, _, query = heard.path.partition("?")
    assert bedrock.unproven(Ask(heard.method, path, query, heard.headers, heard.body, server.url)) is None
    other = Ask(heard.method, path + "x", query, heard.headers, heard.body, server.url)
    assert bedrock.unproven(other).status == 403


@pytest.mark.parametrize("signing", ["sigv4", "kling_jwt"])
async def test_half_a_key_is_the_operators_fault_and_nothing_is_sent(clients, signing):
    async with serving(answer()) as server:
        assert fault_of(await turn(clients, server.url, key="onlyhalf:", signing=signing)) == (Fault.AUTH, False)
    assert not server.heard


async def test_no_part_of_a_key_is_repeated_to_the_caller(clients):
    async with serving(answer(b'{"message": "bad secret wJalrXUtnFEMI of AKIDEXAMPLE"}', 403)) as server:
        progress = await turn(clients, server.url, key="AKIDEXAMPLE:wJalrXUtnFEMI")
    assert progress.error.message == "bad secret *** of ***"


async def test_no_key_goes_to_another_origin_even_on_the_same_host(clients, monkeypatch):
    monkeypatch.setattr("adapters.guard.is_public", lambda address: True)
    async with serving(answer()) as ours, serving(answer()) as theirs:
        progress = await turn(clients, ours.url, POLL.model_copy(update={"url": theirs.url + "/status"}))
    assert isinstance(progress, Done) and not ours.heard
    assert KEY not in str(theirs.heard)


@pytest.mark.parametrize(
    "trick", ["http://{host}@127.0.0.2/x", "http://k:p@{host}/x", "http://{host}.evil.invalid/x", "https://{host}/x"]
)
async def test_a_link_that_looks_like_the_configured_origin_is_not_it(clients, trick):
    async with serving(answer()) as server:
        link = trick.format(host=server.url.removeprefix("http://"))
        progress = await turn(clients, server.url, POLL.model_copy(update={"url": link}))
    assert isinstance(progress, Failed) and not server.heard


async def test_a_redirect_is_not_followed(clients):
    async with serving(answer(b"", 307, location="/elsewhere")) as server:
        assert fault_of(await turn(clients, server.url)) == (Fault.BAD_REPLY, False)
    assert len(server.heard) == 1


async def test_a_key_that_the_provider_repeats_is_blanked(clients):
    async with serving(answer(json.dumps({"detail": f"bad key {KEY}!"}).encode(), 401)) as server:
        progress = await turn(clients, server.url)
    assert fault_of(progress) == (Fault.AUTH, False) and progress.error.message == "bad key ***!"


async def test_links_on_the_configured_host_are_kept_without_it(clients):
    async def act(heard, writer):
        base = f"http://{heard.headers['host']}/queue"
        writer.write(answer(json.dumps({"status_url": base + "/s", "response_url": base + "/r"}).encode()))

    async with serving(act) as server:
        progress = await turn(clients, server.url + "/queue", dialect=fal)
    assert isinstance(progress, Pending)
    assert progress.call.url == "/s?logs=0" and progress.call.memo["result"] == "/r"


# --- the guard

INWARD = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255",
    "224.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::",
    "2001:0:0:0:0:0:80ff:fffe", "2001:db8::1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", INWARD)
async def test_the_guard_gives_no_socket_for_an_address_that_is_not_public(address):
    assert not is_public(address)
    with pytest.raises(ForbiddenAddress):
        guarded_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 80)))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
async def test_the_guard_gives_a_socket_for_a_public_address(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    guarded_socket((family, socket.SOCK_STREAM, 0, "", (address, 80))).close()


LINKS_INWARD = [
    "http://127.0.0.1:{port}/", "http://127.1:{port}/", "http://2130706433:{port}/", "http://0x7f000001:{port}/",
    "http://0177.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
    "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://0:{port}/",
]  # fmt: skip


@pytest.mark.parametrize("link", LINKS_INWARD)
async def test_a_link_that_leads_inward_is_refused_for_good(clients, link):
    async with serving(answer(b"inner")) as server:
        with pytest.raises(NotFetched) as caught:
            await whole(fetch(clients, link.format(port=server.url.rsplit(":")[-1])))
    assert caught.value.lasting and not server.heard
    assert any(word in str(caught.value) for word in ("private", "canonical", "Invalid IPv4"))


NO_LINKS = [
    "file:///etc/passwd",
    "ftp://a.example/",
    "//x/y",
    "",
    "http://",
    "http://a:b@c.example/",
    "http://a\x00b/",
    "x" * 9999,
]


@pytest.mark.parametrize("link", NO_LINKS)
async def test_a_link_of_another_kind_is_refused_for_good(clients, link):
    with pytest.raises(NotFetched) as caught:
        await whole(fetch(clients, link))
    assert caught.value.lasting


async def whole(chunks) -> bytes:
    async with aclosing(chunks):
        return b"".join([chunk async for chunk in chunks])


async def test_a_redirect_inward_is_refused_even_from_a_host_of_the_operators(clients):
    async with serving(answer(b"inner")) as inner, serving(answer(b"", 302, location=inner.url + "/x")) as server:
        with pytest.raises(NotFetched, match="private") as caught:
            await whole(fetch(clients, server.url + "/a", configured_origin=server.url))
    assert caught.value.lasting and not inner.heard and len(server.heard) == 1


async def test_a_redirect_to_a_file_or_to_nonsense_is_refused(clients):
    for location in ("file:///etc/passwd", "http://[", "http://a b/"):
        async with serving(answer(b"", 302, location=location)) as server:
            with pytest.raises(NotFetched):
                await whole(fetch(clients, server.url, configured_origin=server.url))


async def test_a_name_that_resolves_inward_is_refused(clients, monkeypatch):
    async def resolve(self, host, port=0, family=socket.AF_INET):
        where = {"hostname": host, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
        return [where | {"host": address} for address in ("127.0.0.1", "10.0.0.7")]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    async with serving(answer(b"inner")) as server:
        with pytest.raises(NotFetched, match="private") as caught:
            await whole(fetch(clients, f"http://innocent.example:{server.url.rsplit(':')[-1]}/"))
        link = f"http://innocent.example:{server.url.rsplit(':')[-1]}/"
        progress = await turn(clients, "https://api.example.com", POLL.model_copy(update={"url": link}))
    assert caught.value.lasting and not server.heard
    assert fault_of(progress) == (Fault.BAD_REPLY, False) and "private" in progress.error.message


@pytest.mark.parametrize(
    "link", [*(link for link in NO_LINKS if link[:1] != "/"), "http://2130706433/", "http://127.1/"]
)
async def test_a_poll_that_leads_to_no_proper_link_is_a_bad_reply(clients, link):
    progress = await turn(clients, "https://api.example.com", POLL.model_copy(update={"url": link}))
    assert fault_of(progress) == (Fault.BAD_REPLY, False)


async def test_a_link_on_the_operators_own_host_passes_without_a_key(clients):
    async with serving(answer(b"media")) as server:
        assert await whole(fetch(clients, server.url + "/a.png", configured_origin=server.url)) == b"media"
    assert KEY not in str(server.heard) and "authorization" not in server.heard[0].headers


@pytest.mark.parametrize(("status", "lasting"), [(404, True), (403, True), (429, False), (500, False), (206, False)])
async def test_a_link_that_answers_badly_says_whether_asking_again_helps(clients, status, lasting):
    async with serving(answer(b"", status)) as server:
        with pytest.raises(NotFetched) as caught:
            await whole(fetch(clients, server.url, configured_origin=server.url))
    assert caught.value.lasting == lasting


async def test_redirects_end(clients, monkeypatch):
    monkeypatch.setattr("adapters.guard.is_public", lambda address: True)
    async with serving(answer(b"", 302, location="/again")) as server:
        with pytest.raises(NotFetched, match="redirects"):
            await whole(fetch(clients, server.url))
    assert len(server.heard) == network.REDIRECTS + 1


async def test_a_link_that_is_silent_is_given_up(clients, monkeypatch):
    monkeypatch.setattr(network, "IDLE_S", 0.1)

    async def act(heard, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")
        await asyncio.sleep(30)

    async with serving(act) as server:
        with pytest.raises(NotFetched) as caught:
            await whole(fetch(clients, server.url, configured_origin=server.url))
    assert not caught.value.lasting


async def test_a_link_that_drips_is_given_up(clients, monkeypatch):
    monkeypatch.setattr(network, "FETCH_S", 0.1)

    async def act(heard, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n")
        while True:
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serving(act) as server:
        with pytest.raises(NotFetched, match="took more than"):
            await whole(fetch(clients, server.url, configured_origin=server.url))


# --- size


async def endless(heard, writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    while True:
        writer.write(b"a" * 65536)
        await writer.drain()


async def test_a_reply_without_end_is_cut_off_and_its_bytes_not_kept_beyond_the_limit(clients, monkeypatch):
    monkeypatch.setattr(network, "REPLY_BYTES", 4 * MIB)
    async with serving(endless) as server:
        tracemalloc.start()
        progress = await turn(clients, server.url)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert fault_of(progress) == (Fault.BAD_REPLY, False) and "bytes came" in progress.error.message
    assert peak < 8 * MIB


async def test_an_endless_stream_of_words_without_a_line_is_cut_off_too(clients, monkeypatch):
    monkeypatch.setattr(network, "REPLY_BYTES", 16 * MIB)

    async def listener(words):
        raise AssertionError("there were no words")

    async with serving(endless) as server:
        call = SUBMIT.model_copy(update={"streams": True})
        progress = await turn(clients, server.url, call, dialect=openai_chat, listener=listener)
    assert fault_of(progress)[0] is Fault.BAD_REPLY


async def test_ten_gigabytes_announced_are_refused_at_once(clients):
    async def act(heard, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n{")
        await asyncio.sleep(30)

    async with serving(act) as server:
        async with asyncio.timeout(3):
            progress = await turn(clients, server.url)
            with pytest.raises(NotFetched) as caught:
                await whole(fetch(clients, server.url, configured_origin=server.url))
    assert fault_of(progress) == (Fault.BAD_REPLY, False) and "announced" in progress.error.message
    assert caught.value.lasting


async def test_a_gzip_bomb_is_bounded(clients, monkeypatch):
    monkeypatch.setattr(network, "REPLY_BYTES", 8 * MIB)
    bomb = gzip.compress(b"\0" * (200 * MIB), 6)
    async with serving(answer(bomb, content_encoding="gzip")) as server:
        tracemalloc.start()
        progress = await turn(clients, server.url)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert fault_of(progress)[0] is Fault.BAD_REPLY
    assert peak < 64 * MIB


async def test_a_bomb_within_a_bomb_is_not_opened(clients):
    bomb = gzip.compress(gzip.compress(b"\0" * (20 * MIB)))
    async with serving(answer(bomb, content_encoding="gzip, gzip")) as server:
        progress = await turn(clients, server.url)
    assert fault_of(progress)[0] is Fault.BAD_REPLY and "more than once" in progress.error.message


async def test_a_good_gzip_is_read_and_a_broken_one_is_a_bad_reply(clients):
    async with serving(answer(gzip.compress(b'{"a": 1}'), content_encoding="gzip")) as server:
        assert isinstance(await turn(clients, server.url), Done)
    async with serving(answer(b"not gzip at all", content_encoding="gzip")) as server:
        assert fault_of(await turn(clients, server.url)) == (Fault.BAD_REPLY, False)
        with pytest.raises(NotFetched):
            await whole(fetch(clients, server.url, configured_origin=server.url))


async def test_an_asset_too_large_to_send_inline_is_said_and_not_sent(clients):
    async with serving(answer()) as server:
        call = SUBMIT.model_copy(update={"json_body": {"image": asset_ref("ast_1")}})
        progress = await turn(clients, server.url, call, shelf=OneShelf(size_bytes=INLINE_BYTES + 1))
    assert isinstance(progress, Failed) and "inline" in progress.error.message and not server.heard


# --- nonsense, silence and broken connections


@pytest.mark.parametrize(
    "reply", [b"SSH-2.0-OpenSSH_9.9\r\n\r\n", b"\x16\x03\x01\x00\x05nonsense\r\n\r\n", b"HTTP/1.1 two\r\n\r\n"]
)
async def test_an_answer_that_is_not_http_is_a_bad_reply(clients, reply):
    async def act(heard, writer):
        writer.write(reply)
        return "close"

    async with serving(act) as server:
        assert fault_of(await turn(clients, server.url)) == (Fault.BAD_REPLY, False)


async def test_headers_without_end_are_a_bad_reply(clients):
    async with serving(b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 100_000 + b"\r\n\r\n") as server:
        assert fault_of(await turn(clients, server.url)) == (Fault.BAD_REPLY, False)


@pytest.mark.parametrize("body", [b"<html></html>", b"", b"[" * 50_000, b"\xff"])
async def test_a_body_that_is_no_json_is_a_bad_reply(clients, body):
    async with serving(answer(body)) as server:
        assert fault_of(await turn(clients, server.url)) == (Fault.BAD_REPLY, False)


async def never(heard, writer):
    await asyncio.sleep(30)


@pytest.mark.parametrize(("call", "unknown"), [(SUBMIT, True), (POLL, False)])
async def test_no_answer_is_timed_out_and_of_a_submit_the_fate_is_unknown(clients, call, unknown):
    async with serving(never) as server:
        assert fault_of(await turn(clients, server.url, call, timeout_s=0.2)) == (Fault.TIMED_OUT, unknown)


async def test_a_refused_connection_was_not_sent(clients):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    assert fault_of(await turn(clients, url)) == (Fault.UNREACHABLE, False)


async def test_a_name_that_does_not_resolve_was_not_sent(clients, monkeypatch):
    async def resolve(self, host, port=0, family=socket.AF_INET):
        raise OSError(None, "no such name")

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    assert fault_of(await turn(clients, "http://nowhere.invalid")) == (Fault.UNREACHABLE, False)


async def test_a_failed_tls_handshake_was_not_sent(clients):
    async def greet(reader, writer):
        await reader.read(100)
        writer.write(b"this is not TLS")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    assert fault_of(await turn(clients, url)) == (Fault.UNREACHABLE, False)
    server.close()


async def drop(heard, writer):
    return "close"


@pytest.mark.parametrize(("call", "unknown"), [(SUBMIT, True), (POLL, False)])
async def test_a_connection_dropped_after_the_body_was_read_leaves_a_submit_of_unknown_fate(clients, call, unknown):
    async with serving(drop) as server:
        assert fault_of(await turn(clients, server.url, call)) == (Fault.UNREACHABLE, unknown)
    assert server.heard[0].body == (b'{"prompt":"an onion"}' if call is SUBMIT else b"")
    assert sum(heard.method == "POST" for heard in server.heard) <= 1


async def test_httpx_calls_a_dropped_connection_a_connect_timeout_but_the_cause_tells_the_truth(clients):
    async with serving(drop) as server:
        with pytest.raises(httpx.TransportError) as caught:
            await clients.configured.handle_async_request(httpx.Request("POST", server.url, json={}))
    assert isinstance(caught.value, httpx.ConnectTimeout), "httpx-aiohttp no longer misnames this; simplify"
    assert not provably_not_sent(caught.value)


@pytest.mark.parametrize("framing", [b"content-length: 100\r\n\r\n{", b"transfer-encoding: chunked\r\n\r\n5\r\nab"])
async def test_a_connection_dropped_within_the_body_leaves_a_submit_of_unknown_fate(clients, framing):
    async def act(heard, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n" + framing)
        return "close"

    async with serving(act) as server:
        assert fault_of(await turn(clients, server.url)) == (Fault.UNREACHABLE, True)


async def test_a_connection_that_was_closed_while_idle_is_not_used_for_the_next_submit(clients):
    async def once(heard, writer):
        writer.write(answer())
        await writer.drain()
        return "close"

    async with serving(once) as server:
        for _ in range(5):
            assert isinstance(await turn(clients, server.url), Done)
            await asyncio.sleep(0.02)
    assert server.connections == 5 and len(server.heard) == 5


async def test_a_connection_that_dies_as_it_is_used_again_gets_the_submit_once_only(clients):
    async def second_dies(heard, writer):
        if len(server.heard) > 1:
            return "close"
        writer.write(answer())

    async with serving(second_dies) as server:
        assert isinstance(await turn(clients, server.url), Done)
        assert fault_of(await turn(clients, server.url)) == (Fault.UNREACHABLE, True)
    assert len(server.heard) == 2 and server.connections == 1


async def test_connections_are_kept_and_used_again(clients):
    async with serving(answer()) as server:
        for _ in range(3):
            await turn(clients, server.url)
    assert server.connections == 1


async def test_the_pause_a_provider_asks_for_is_heard(clients):
    async with serving(answer(b'{"detail": "slow down"}', 429, retry_after="7")) as server:
        progress = await turn(clients, server.url)
    assert fault_of(progress)[0] is Fault.RATE_LIMITED and progress.error.retry_after_s == 7


# --- bodies


async def test_assets_are_filled_in_as_data_uri_base64_or_link(clients):
    body = {"a": asset_ref("ast_1"), "b": [asset_ref("ast_1", "base64")], "c": {"d": asset_ref("ast_1", "url")}}
    call = SUBMIT.model_copy(update={"json_body": body})
    async with serving(answer()) as server:
        await turn(clients, server.url, call, shelf=OneShelf(link="https://podium.example"))
        await turn(clients, server.url, call)
    words = base64.b64encode(b"bytes of ast_1").decode()
    uri = f"data:image/png;base64,{words}"
    assert json.loads(server.heard[0].body) == {"a": uri, "b": [words], "c": {"d": "https://podium.example/ast_1"}}
    assert json.loads(server.heard[1].body)["c"] == {"d": uri}, "without a public address the bytes go instead"


async def test_an_asset_can_be_the_whole_body_and_its_length_is_known(clients):
    async with serving(answer()) as server:
        call = Call(stage="upload", method="PUT", url="/store/1", asset="ast_1")
        await turn(clients, server.url, call)
        await turn(clients, server.url, call.model_copy(update={"headers": {"content-type": "image/jpeg"}}))
    for heard, mime in zip(server.heard, ["image/png", "image/jpeg"], strict=True):
        assert (heard.method, heard.path, heard.body) == ("PUT", "/store/1", b"bytes of ast_1")
        assert heard.headers["content-length"] == "14" and "transfer-encoding" not in heard.headers
        assert heard.headers["content-type"] == mime and heard.headers["authorization"] == f"Bearer {KEY}"


async def test_a_large_asset_goes_out_in_pieces_beyond_what_may_go_inline(clients):
    class Long(OneShelf):
        async def open(self, asset, mask="white"):
            async def chunks():
                for _ in range(65):
                    yield b"a" * MIB

            return Media("video/mp4", 65 * MIB, chunks())

    async with serving(answer()) as server:
        call = Call(stage="upload", method="PUT", url="/store/1", asset="ast_1")
        progress = await turn(clients, server.url, call, shelf=Long(), timeout_s=30)
    assert isinstance(progress, Done) and len(server.heard[0].body) == 65 * MIB


async def test_facts_of_an_asset_are_filled_in(clients):
    body = {name: asset_ref("ast_1", name) for name in ("mime", "subtype", "name", "size_bytes")}
    async with serving(answer()) as server:
        await turn(clients, server.url, SUBMIT.model_copy(update={"json_body": body}))
    facts = {"mime": "image/png", "subtype": "png", "name": "ast_1.png", "size_bytes": 14}
    assert json.loads(server.heard[0].body) == facts


@pytest.mark.parametrize(
    ("mime", "name"),
    [("image/jpeg", "a.jpg"), ("audio/mpeg", "a.mp3"), ("video/quicktime", "a.mov"), ("image/svg+xml", "a.svg"),
     ("video/mp4", "a.mp4"), ("model/gltf-binary+x", "a.gltf-binary")],
)  # fmt: skip
def test_a_file_has_the_ending_of_its_type(mime, name):
    assert bodies._file_name("a", mime) == name


async def test_what_must_be_a_link_is_one_or_nothing_is_sent(clients):
    call = SUBMIT.model_copy(update={"json_body": {"image": asset_ref("ast_1", "link")}})
    async with serving(answer()) as server:
        await turn(clients, server.url, call, shelf=OneShelf(link="https://podium.example"))
        progress = await turn(clients, server.url, call)
    assert json.loads(server.heard[0].body) == {"image": "https://podium.example/ast_1"} and len(server.heard) == 1
    assert fault_of(progress) == (Fault.INVALID_REQUEST, False) and "PODIUM_PUBLIC_URL" in progress.error.message


async def test_a_mask_goes_as_the_provider_paints_it_and_then_has_no_link(clients):
    body = {paint: asset_ref("ast_1", "url", paint) for paint in ("white", "black", "alpha")}
    async with serving(answer()) as server:
        call = SUBMIT.model_copy(update={"json_body": body})
        await turn(clients, server.url, call, shelf=OneShelf(link="https://podium.example"))
    sent = json.loads(server.heard[0].body)
    assert sent["white"] == "https://podium.example/ast_1"
    for paint in ("black", "alpha"):
        assert base64.b64decode(sent[paint].partition(",")[2]) == f"bytes of ast_1 as {paint}".encode()


async def test_a_place_that_waits_for_an_upload_is_never_sent(clients):
    call = SUBMIT.model_copy(update={"json_body": {"image": asset_ref("ast_1", "uploaded")}})
    async with serving(answer()) as server:
        with pytest.raises(AssertionError, match="upload"):
            await turn(clients, server.url, call)
    assert not server.heard


async def test_a_form_carries_values_and_files(clients):
    form = (
        Part(name="prompt", value="ein Hütchen"),
        Part(name="image[]", asset="ast_1"),
        Part(name="mask", asset="ast_2", mask="alpha"),
    )
    async with serving(answer()) as server:
        await turn(clients, server.url, SUBMIT.model_copy(update={"form": form, "json_body": None}))
    heard = server.heard[0]
    boundary = re.search("boundary=(.+)", heard.headers["content-type"])[1].encode()
    _, *parts, end = heard.body.split(b"--" + boundary)
    assert end == b"--\r\n" and len(parts) == 3 and int(heard.headers["content-length"]) == len(heard.body)
    assert b'name="prompt"\r\n\r\nein H\xc3\xbctchen\r\n' in parts[0] and b"filename" not in parts[0]
    assert b'name="image[]"; filename="ast_1.png"\r\nContent-Type: image/png\r\n\r\nbytes of ast_1\r\n' in parts[1]
    assert b"bytes of ast_2 as alpha" in parts[2]


async def test_media_in_the_reply_goes_to_the_shelf(clients):
    shelf = OneShelf()

    class Stored(Plain):
        def read(self, call, reply):
            return Done(outputs=(Output(mime="video/mp4", stored=reply.stored),))

    async with serving(answer(b"movie" * 100_000, content_type="video/mp4")) as server:
        call = POLL.model_copy(update={"stores": True})
        progress = await turn(clients, server.url, call, dialect=Stored(), shelf=shelf)
    assert progress.outputs[0].stored == "ast_1" and shelf.stored == [b"movie" * 100_000]


@pytest.mark.parametrize(
    ("status", "content_type", "goes_to_the_store"),
    [
        (200, "video/mp4", True), (200, "Image/PNG; q=1", True), (206, "application/octet-stream", True),
        (200, "audio/mpeg", True), (200, "model/gltf-binary", True), (202, "application/json", False),
        (200, "text/plain", False), (200, "", False), (404, "image/png", False), (500, "video/mp4", False),
    ],
)  # fmt: skip
async def test_only_a_good_reply_that_is_media_goes_to_the_shelf(clients, status, content_type, goes_to_the_store):
    shelf, replies = OneShelf(), []

    class Kept(Plain):
        def read(self, call, reply):
            replies.append(reply)
            return Done(outputs=())

    async with serving(answer(b'{"status": "running"}', status, content_type=content_type)) as server:
        await turn(clients, server.url, POLL.model_copy(update={"stores": True}), dialect=Kept(), shelf=shelf)
    assert (replies[0].stored is not None) == goes_to_the_store == bool(shelf.stored)
    assert replies[0].body == (b"" if goes_to_the_store else b'{"status": "running"}')


async def test_the_words_of_a_stream_are_heard_in_order_as_they_come_and_the_bytes_are_kept(clients):
    heard_words, go_on = [], asyncio.Event()

    async def listener(words):
        heard_words.append(words)
        go_on.set()

    def chunk(delta, finish=None):
        event = {"choices": [{"index": 0, "delta": {"content": delta}, "finish_reason": finish}]}
        return b"data: " + json.dumps(event).encode() + b"\r\n\r\n"

    async def act(heard, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        writer.write(chunk("one"))
        await go_on.wait()  # the first word is heard before the second is sent
        rest = b": comment\n\ndata: nonsense\n\n" + chunk(" two") + chunk(" thr\u00e9e", "stop") + b"data: [DONE]\n\n"
        rest = rest.replace(b"data: nonsense\n\n", b"")
        for byte in range(0, len(rest), 7):
            writer.write(rest[byte : byte + 7])
            await writer.drain()
        return "close"

    async with serving(act) as server:
        call = Call(stage="submit", url="/chat/completions", json_body={}, streams=True)
        progress = await turn(clients, server.url, call, dialect=openai_chat, listener=listener)
    assert heard_words == ["one", " two", " thr\u00e9e"]
    assert isinstance(progress, Done) and progress.outputs[0].text == "one two thr\u00e9e"


async def test_a_stream_of_an_error_is_not_heard_as_words(clients):
    async def listener(words):
        raise AssertionError("an error is no word")

    async with serving(answer(b'{"error": {"message": "no", "code": "x"}}', 500)) as server:
        call = Call(stage="submit", url="/chat/completions", json_body={}, streams=True)
        progress = await turn(clients, server.url, call, dialect=openai_chat, listener=listener)
    assert fault_of(progress) == (Fault.PROVIDER_FAULT, False)


@pytest.mark.parametrize(
    ("act", "accepted"),
    [(answer(b"", 202), True), (answer(b"{}", 400), False), (b"SSH-2.0\r\n\r\n", False), (drop, False)],
)
async def test_a_cancel_is_accepted_only_by_an_answer_that_says_so(clients, act, accepted):
    async with serving(act) as server:
        call = Call(stage="cancel", method="PUT", url=server.url + "/cancel")
        assert await is_accepted(clients, card_at(server.url), Plain(), call, KEY, OneShelf(), now=NOW) is accepted
        assert server.heard[0].headers["authorization"] == f"Bearer {KEY}"
    inward = call.model_copy(update={"url": "http://169.254.169.254/"})
    assert not await is_accepted(clients, card_at("https://api.example.com"), Plain(), inward, KEY, OneShelf(), now=NOW)


def shown(words: str, index: int = 0) -> bytes:
    event = {"type": "image_generation.partial_image", "partial_image_index": index, "b64_json": words}
    return b"event: image_generation.partial_image\ndata: " + json.dumps(event).encode() + b"\n\n"


async def test_partial_pictures_are_heard_as_they_come_and_none_of_their_bytes_are_kept(clients, monkeypatch):
    heard_partials, go_on, bodies = [], asyncio.Event(), []
    monkeypatch.setattr(network, "HEARD_BYTES", 400)

    class Kept:
        FIELDS, submit, partial = openai_images.FIELDS, openai_images.submit, staticmethod(openai_images.partial)

        @staticmethod
        def read(call, reply):
            bodies.append(reply.body)
            return openai_images.read(call, reply)

    async def listener(partial):
        heard_partials.append(partial)
        go_on.set()

    done = {"type": "image_generation.completed", "b64_json": "aGk=", "output_format": "webp"}

    async def act(_heard, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + shown("aGVsbG8="))
        await go_on.wait()  # the first is heard before the second is sent
        broken = [shown("not base64", 1), shown("A" * 400, 1), b"data: [1]\n\n", b"data: {]\n\n", b"data: \xff\n\n"]
        for piece in [*broken, shown("d29ybGQ=", 1), b"data: " + json.dumps(done).encode() + b"\n\n"]:
            for byte in range(0, len(piece), 100):
                writer.write(piece[byte : byte + 100])
                await writer.drain()
        return "close"

    async with serving(act) as server:
        call = Call(stage="submit", url="/images/generations", json_body={}, streams=True)
        await turn(clients, server.url, call, dialect=Kept(), listener=listener)
    assert [(each.index, each.mime, each.base64) for each in heard_partials] == [
        (0, "image/png", "aGVsbG8="),
        (1, "image/png", "d29ybGQ="),
    ]
    [body] = bodies
    assert b"aGVsbG8=" not in body and b"d29ybGQ=" not in body
    assert b"aGk=" in body and b"A" * 400 in body, "what is not heard is kept, for it may be the picture"
