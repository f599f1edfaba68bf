"""The only file here that touches the network: send one Call, read one Reply, guard foreign URLs.

It never loops and never sleeps: whoever calls decides when to go on.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import aiohttp
import httpx
import yarl
from httpx_aiohttp import AiohttpTransport

from adapters.bodies import Media, NeedsLink, Shelf, TooLarge, body_of
from adapters.errors import Fault
from adapters.guard import ForbiddenAddress, guarded_socket, is_public
from adapters.hosts import BadLink, placed, shortened
from adapters.schema import ProviderCard
from adapters.signing import BadKey, signed
from adapters.wire import (
    Call,
    Dialect,
    Failed,
    Heard,
    Partial,
    Progress,
    Reply,
    ShowsPartials,
    Streams,
    event_data,
    failed,
    understand,
)

__all__ = [
    "Clients", "ForbiddenAddress", "Listener", "Media", "NotFetched", "NotSent", "Shelf", "TooLarge", "answered",
    "close_clients", "fetch", "guarded_socket", "is_public", "open_clients", "post", "provably_not_sent", "send",
    "take_turn",
]  # fmt: skip

REPLY_BYTES = 96 * 1024 * 1024
"""A reply that is read whole: ten 4K pictures as base64 are about 80 MB."""
MEDIA_BYTES = 4 * 1024**3
"""A file that is streamed to the store: a minute of 4K video is under 1 GB."""
HEARD_BYTES = 16 * 1024 * 1024
"""A longer line of a stream is not told to a listener, only read at the end: a partial picture of 1536 x 1024 as PNG is
about 4 MB of base64."""
CONNECT_S = 10.0
IDLE_S = 60.0
"""The longest silence while a foreign link is read; a call to a provider is bounded by its card instead."""
FETCH_S = 900.0
"""The longest that one foreign link may take: 4 GiB at 5 MB/s."""
KEEPALIVE_S = 4.0
"""Shorter than the 5 s after which uvicorn closes an idle connection: a POST on a connection just closed by the other
side would be of unknown fate."""
CONNECTIONS = 512
REDIRECTS = 4
PASSING = frozenset({408, 425, 429})
"""Statuses below 500 under which a link may well answer later."""
MEDIA_TYPES = ("image/", "video/", "audio/", "model/", "application/octet-stream", "binary/octet-stream")
"""Content types of a reply that is media, not words about it."""
ORIGINS = 256
"""Parsed origins that are kept: more than cards name."""
KEY_CHARS = 8
"""A key shorter than this is no secret worth blanking, and blanking it would eat words."""


class NotFetched(Exception):
    """A foreign link could not be read; `lasting` says that asking again is of no use."""

    def __init__(self, message: str, lasting: bool) -> None:
        super().__init__(message)
        self.lasting = lasting


class NotSent(Exception):
    """A message had no answer; whether it arrived nobody can say."""


Listener = Callable[[Heard], Awaitable[None]]
"""Hears the words of a streamed reply, or the pictures that are not done yet, as they come."""

Ear = Callable[[Any], Heard | None]
"""What of one event's json document a listener wants."""


class Clients(NamedTuple):
    """One transport for hosts that the operator configured, one for links that came from anywhere else.

    Transports and not clients of httpx: a client's layers for redirects, cookies and authentication, none of which may
    ever act here, cost as much again as the exchange itself.
    """

    configured: httpx.AsyncBaseTransport
    foreign: httpx.AsyncBaseTransport


def open_clients() -> Clients:
    """Both over aiohttp. Call inside a running event loop; close with `close_clients`."""
    trust = httpx.create_ssl_context()
    return Clients(_transport(trust, None), _transport(trust, guarded_socket))


def _transport(
    trust: ssl.SSLContext, dial: Callable[[tuple[Any, ...]], socket.socket] | None
) -> httpx.AsyncBaseTransport:
    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=CONNECTIONS, keepalive_timeout=KEEPALIVE_S, ttl_dns_cache=60, ssl=trust, socket_factory=dial
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return AiohttpTransport(verify=trust, client=session)


async def close_clients(clients: Clients) -> None:
    for client in clients:
        await client.aclose()


HEADERS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "podium-gateway"}


def _request(
    method: str, url: httpx.URL, headers: Mapping[str, str], idle_s: float | None = None, **body: Any
) -> httpx.Request:
    """A request whose connecting is bounded here, and whose silences are if `idle_s` says so."""
    bounds = {"connect": CONNECT_S, "pool": CONNECT_S, "read": idle_s, "write": idle_s}
    return httpx.Request(method, url, headers=HEADERS | dict(headers), extensions={"timeout": bounds}, **body)


async def take_turn(
    clients: Clients,
    card: ProviderCard,
    dialect: Dialect,
    call: Call,
    key: str | None,
    shelf: Shelf,
    listener: Listener | None = None,
    *,
    now: datetime,
) -> Progress:
    """Send one call and read one reply. Every way the provider can go wrong is a Failed, never an exception.

    `now` is for signatures, which hold for a while only. What the shelf or the listener raises is ours, and passes.
    """
    try:
        async with asyncio.timeout(card.timeout_s):
            reply = await send(clients, card, dialect, call, key, shelf, listener, now)
    except TimeoutError:
        return _lost(call, Fault.TIMED_OUT, f"no answer within {card.timeout_s:g} s")
    except NeedsLink as error:
        return failed(Fault.INVALID_REQUEST, error)
    except BadKey as error:
        return failed(Fault.AUTH, error)
    except (TooLarge, BadLink, httpx.DecodingError) as error:
        return failed(Fault.BAD_REPLY, error)
    except (httpx.RequestError, aiohttp.ClientError) as error:
        return _not_answered(call, error)
    return shortened(card, _blanked(understand(dialect, call, reply), key))


def _not_answered(call: Call, error: Exception) -> Failed:
    if _caused_by(error, ForbiddenAddress):
        return failed(Fault.BAD_REPLY, "the provider's reply leads to a private address")
    if _caused_by(error, aiohttp.ClientResponseError):
        return failed(Fault.BAD_REPLY, f"the answer is not HTTP: {error}")
    if isinstance(error, httpx.UnsupportedProtocol) and not call.url.startswith(("/", "{")):
        return failed(Fault.BAD_REPLY, f"the provider's reply leads nowhere: {error}")
    if provably_not_sent(error):
        return failed(Fault.UNREACHABLE, f"could not connect: {error}")
    return _lost(call, Fault.UNREACHABLE, f"the connection broke: {error}")


def _lost(call: Call, fault: Fault, message: str) -> Failed:
    """The request left and no answer came: a submit may have been accepted."""
    return failed(fault, message).model_copy(update={"fate_unknown": call.stage == "submit"})


def provably_not_sent(error: Exception) -> bool:
    """Whether no byte of the request can have reached the other side.

    The aiohttp transport reports a connection that broke after the body left as ConnectTimeout too (httpx-aiohttp
    0.2.0, seen 2026-11-21), so httpx's own class says nothing: only aiohttp's error underneath does.
    """
    kinds = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
    return isinstance(error, httpx.UnsupportedProtocol) or _caused_by(error, *kinds) is not None


def _caused_by(error: BaseException | None, *kinds: type[BaseException]) -> BaseException | None:
    """The first error of these kinds in a chain of causes; aiohttp keeps a socket's own error in `os_error`."""
    while error is not None:
        if isinstance(error, kinds):
            return error
        inner = getattr(error, "os_error", None)
        error = inner if isinstance(inner, kinds) else error.__cause__ or error.__context__
    return None


def _blanked(progress: Progress, key: str | None) -> Progress:
    """Some providers repeat the key in their complaint about it; callers read these messages."""
    if not isinstance(progress, Failed) or not key:
        return progress
    message = progress.error.message
    for secret in (key, *key.split(":")):
        message = message.replace(secret, "***") if len(secret) >= KEY_CHARS else message
    if message == progress.error.message:
        return progress
    return progress.model_copy(update={"error": progress.error.model_copy(update={"message": message})})


async def is_accepted(
    clients: Clients, card: ProviderCard, dialect: Dialect, call: Call, key: str | None, shelf: Shelf, *, now: datetime
) -> bool:
    """Send a call whose answer matters only as yes or no, such as a cancel: True if it was answered with success."""
    reply = await answered(clients, card, dialect, call, key, shelf, now=now)
    return reply is not None and 200 <= reply.status < 300


async def answered(
    clients: Clients, card: ProviderCard, dialect: Dialect, call: Call, key: str | None, shelf: Shelf, *, now: datetime,
    most_bytes: int | None = None,
) -> Reply | None:  # fmt: skip
    """The reply to a call that is no turn of a run (a list of models, say), or None where none came."""
    try:
        async with asyncio.timeout(card.timeout_s):
            return await send(clients, card, dialect, call, key, shelf, None, now, most_bytes)
    except (TimeoutError, httpx.RequestError, aiohttp.ClientError, TooLarge, BadLink, NeedsLink, BadKey):
        return None


async def send(
    clients: Clients,
    card: ProviderCard,
    dialect: Dialect,
    call: Call,
    key: str | None,
    shelf: Shelf,
    listener: Listener | None,
    now: datetime,
    most_bytes: int | None = None,
) -> Reply:
    """One exchange. The key and the card's headers go only to the card's own hosts; all others are reached through the
    guard.

    Raises httpx's and aiohttp's errors, TimeoutError, TooLarge, NeedsLink, BadKey and BadLink.
    """
    url, ours = _target(card, call)
    body = await body_of(call, shelf)
    headers = (card.headers if ours else {}) | body.pop("headers", {}) | call.headers
    request = _request(call.method, url, headers, **body)
    if ours and key:
        content = None if call.asset or call.form else request.content
        request.headers.update(signed(card, key, call.method, _as_sent(request.url), request.headers, content, now))
    client = clients.configured if ours else clients.foreign
    response = await client.handle_async_request(request)
    try:
        return await _reply(response, dialect, call, shelf, listener, most_bytes)
    finally:
        await response.aclose()


def _as_sent(url: httpx.URL) -> str:
    """A url as the aiohttp transport writes it: aiohttp undoes escapes that it thinks needless (%3A), and a signature
    holds for what arrives (httpx-aiohttp 0.2.0 can hand it no url that is left alone, seen 2026-11-21)."""
    return str(yarl.URL(str(url)))


def _target(card: ProviderCard, call: Call) -> tuple[httpx.URL, bool]:
    """Where a call goes, and whether that is one of the card's own hosts. Raises BadLink."""
    if (address := placed(card, call.url)) is not None:
        return _link(address), True
    url = _link(call.url)
    return url, _origin(url) in map(_origin_of, (card.base_url, *card.hosts.values()))


def _link(url: str) -> httpx.URL:
    """Raises BadLink. A name and password in a link would be sent as another Authorization than ours."""
    try:
        link = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise BadLink(f"{url[:100]!r} is no link: {error}") from error
    if link.scheme not in ("http", "https") or not link.host:
        raise BadLink(f"{url[:100]!r} is no http or https link")
    if link.userinfo:
        raise BadLink(f"a link to {link.host} holds a name and password")
    return link


Origin = tuple[str, str, int | None]


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port


@lru_cache(maxsize=ORIGINS)
def _origin_of(configured: str) -> Origin:
    return _origin(httpx.URL(configured))


async def _reply(
    response: httpx.Response, dialect: Dialect, call: Call, shelf: Shelf, listener: Listener | None, most: int | None
) -> Reply:
    lowered = {name.lower(): value for name, value in response.headers.items()}
    good = response.status_code < 300
    if call.stores and good and lowered.get("content-type", "").lower().startswith(MEDIA_TYPES):
        async with aclosing(_bounded(response, MEDIA_BYTES)) as chunks:
            return Reply(response.status_code, lowered, stored=await shelf.store(chunks))
    async with aclosing(_bounded(response, most or REPLY_BYTES)) as chunks:
        if listener and call.streams and good and (ear := _ear(dialect)):
            return Reply(response.status_code, lowered, await _heard(chunks, ear, listener))
        return Reply(response.status_code, lowered, b"".join([chunk async for chunk in chunks]))


async def _bounded(response: httpx.Response, limit: int) -> AsyncGenerator[bytes]:
    """The decoded bytes of a response, at most `limit` of them. Raises TooLarge.

    One encoding grows a chunk of 16 KiB a thousandfold at most; two would grow it a millionfold, so two are refused.
    """
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise TooLarge(f"{declared} bytes are announced, {limit} are allowed")
    if "," in response.headers.get("content-encoding", ""):
        raise TooLarge("the reply is compressed more than once")
    total = 0
    async for chunk in response.aiter_bytes():
        total += len(chunk)
        if total > limit:
            raise TooLarge(f"more than {limit} bytes came")
        yield chunk


def _ear(dialect: Dialect) -> Ear | None:
    """A protocol streams words or shows pictures, not both."""
    if isinstance(dialect, Streams):
        return dialect.delta
    return dialect.partial if isinstance(dialect, ShowsPartials) else None


async def _heard(chunks: AsyncIterator[bytes], ear: Ear, listener: Listener) -> bytes:
    """The body, what is to be heard of it given to the listener line by line on the way.

    A partial picture is heard and not kept: what a turn holds in memory is what the reply comes to.
    """
    kept: list[bytes] = []
    rest: list[bytes] = []  # of a line that has not ended: joined once, however long it grows
    async for chunk in chunks:
        *lines, last = chunk.split(b"\n")
        for line in lines:
            whole = b"".join([*rest, line])
            if heard := _said(whole, ear):
                await listener(heard)
            if not isinstance(heard, Partial):
                kept += (whole, b"\n")
            rest = []
        rest.append(last)
    return b"".join(kept + rest)


def _said(line: bytes, ear: Ear) -> Heard | None:
    """What one line says; nonsense is silent here, since `read` judges the whole reply afterwards."""
    if len(line) > HEARD_BYTES:
        return None
    try:
        document = event_data(line.decode().strip())
        return ear(document) if document is not None else None
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return None


async def fetch(clients: Clients, url: str, configured_origin: str | None = None) -> AsyncGenerator[bytes]:
    """The bytes behind a foreign link, streamed, at most MEDIA_BYTES of them; redirects followed under the same guard.

    A link on `configured_origin` (a provider that the operator put on a private host) passes the guard; its redirects
    do not. No credentials are sent. Whoever may stop early wraps it in `contextlib.aclosing`. Raises NotFetched.
    """
    ends = asyncio.get_running_loop().time() + FETCH_S
    for _ in range(REDIRECTS + 1):
        async with _opened(clients, url, configured_origin) as response:
            if (onward := _redirected(response)) is not None:
                url, configured_origin = onward, None
                continue
            if response.status_code != 200:
                lasting = 400 <= response.status_code < 500 and response.status_code not in PASSING
                raise NotFetched(f"{url} answered {response.status_code}", lasting)
            async with aclosing(_bounded(response, MEDIA_BYTES)) as chunks:
                async for chunk in chunks:
                    yield chunk
                    if asyncio.get_running_loop().time() > ends:
                        raise NotFetched(f"{url}: took more than {FETCH_S:g} s", lasting=True)
            return
    raise NotFetched(f"{url}: more than {REDIRECTS} redirects", lasting=True)


def _redirected(response: httpx.Response) -> str | None:
    if not response.is_redirect or "location" not in response.headers:
        return None
    return str(response.url.join(response.headers["location"]))


@asynccontextmanager
async def _opened(clients: Clients, url: str, configured_origin: str | None) -> AsyncIterator[httpx.Response]:
    """A streamed GET, its errors, from the first byte to the last, told apart into lasting and passing ones."""
    try:
        link = _link(url)
        ours = configured_origin is not None and _origin(link) == _origin(httpx.URL(configured_origin))
        client = clients.configured if ours else clients.foreign
        response = await client.handle_async_request(_request("GET", link, {}, IDLE_S))
        try:
            yield response
        finally:
            await response.aclose()
    except (BadLink, TooLarge, UnicodeError, httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.DecodingError) as error:
        raise NotFetched(f"{url[:200]}: {error}", lasting=True) from error
    except (httpx.RequestError, aiohttp.ClientError) as error:
        if _caused_by(error, ForbiddenAddress):
            raise NotFetched(f"{url} leads to a private address", lasting=True) from error
        raise NotFetched(f"{url} could not be read: {error}", lasting=False) from error


async def post(
    clients: Clients, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float, most_bytes: int,
    is_trusted: bool,
) -> Reply:  # fmt: skip
    """Tell a receiver something: one POST, no redirect followed, and of its answer the first bytes only.

    Without `is_trusted` it goes through the guard, to public addresses alone. Raises NotSent.
    """
    try:
        client = clients.configured if is_trusted else clients.foreign
        request = _request("POST", _link(url), {"accept-encoding": "identity"} | dict(headers), content=body)
        async with asyncio.timeout(timeout_s):
            response = await client.handle_async_request(request)
            try:
                said = await _beginning(response, most_bytes)
            finally:
                await response.aclose()
    except TimeoutError as error:
        raise NotSent(f"no answer within {timeout_s:g} s") from error
    except (BadLink, UnicodeError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise NotSent(f"the address leads nowhere: {error}") from error
    except (httpx.RequestError, aiohttp.ClientError) as error:
        if _caused_by(error, ForbiddenAddress):
            raise NotSent("the address is not public") from error
        raise NotSent(f"the connection failed: {error}") from error
    return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, said)


async def _beginning(response: httpx.Response, most_bytes: int) -> bytes:
    """The first bytes of a body as they came, undecoded; the rest is not waited for."""
    kept = b""
    async for chunk in response.aiter_raw():
        kept += chunk
        if len(kept) >= most_bytes:
            break
    return kept[:most_bytes]
