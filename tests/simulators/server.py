"""Simulated providers: real HTTP on 127.0.0.1, one module for each dialect, which behave as the vendors were recorded.

What shall go wrong with a run is said by a word in its prompt, so one server can serve many stories at once:

    [refuse]       the vendor's moderation refuses it, as that vendor does
    [fail]         the run begins and fails, as that vendor says so
    [nonsense]     the vendor answers with a page of HTML
    [slow]         the run goes on until it is canceled
    [throttle]     the first submit is answered 429 with Retry-After: 1, as that vendor does; the second is taken
    [break]        the first submit is answered 500, as that vendor does; the second is taken
    [fail late]    a stream begins well and then says that the run failed
    [drop late]    a stream begins well, and the connection ends in its middle
    [drop submit]  the connection ends after the submit was taken, before the answer
    [drop 1]       the connection ends at the first turn after the submit ([drop 2] at the second, …), once

The server sees to the last four; a simulator sees to the others (`[nonsense]` too, unless it has nothing to add).
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GONE = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError)
HTML = b"<!doctype html><html><body>Welcome</body></html>"


class Dropped(Exception):
    """The connection is to end without an answer."""


@dataclass(frozen=True)
class Streamed:
    """A body that comes piece by piece, with a pause after each; one that `breaks` ends without its end."""

    pieces: tuple[bytes, ...]
    pause_s: float = 0.05
    breaks: bool = False


@dataclass(frozen=True)
class Answer:
    """What goes back: bytes as they are, a stream as it comes, all else as json."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Ask:
    """One request as it came. `path` has no query; `base` is this server's address as the caller knows it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def part(self, name: str) -> str | None:
        """The text of one field of a multipart form."""
        found = re.search(rb'name="%s"\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--' % re.escape(name).encode(), self.body, re.S)
        return found[1].decode(errors="replace") if found else None


@dataclass
class Run:
    """One generation under way. `turns` counts how often it was asked for since its submit."""

    id: str
    prompt: str
    asked: Any = None
    turns: int = 0
    canceled: bool = False
    dropped: bool = False

    def wants(self, word: str) -> bool:
        return f"[{word}]" in self.prompt


@dataclass
class World:
    """All that one simulated provider knows: its runs, and whatever else it keeps by name."""

    runs: dict[str, Run] = field(default_factory=dict)
    asks: list[Ask] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    mishaps: set[str] = field(default_factory=set)
    gate: threading.RLock = field(default_factory=threading.RLock)

    def begin(self, prompt: str, asked: Any = None, prefix: str = "run-") -> Run:
        """A submit that is taken. Raises Dropped where the story wants the answer lost."""
        run = Run(f"{prefix}{len(self.runs) + 1:06}", prompt, asked)
        self.runs[run.id] = run
        if run.wants("drop submit"):
            raise Dropped
        return run

    def find(self, id: str) -> Run:
        """The run that a later turn asks for, or KeyError (answered 404). Raises Dropped where the story wants it."""
        run = self.runs[id]
        run.turns += 1
        if run.wants(f"drop {run.turns}") and not run.dropped:
            run.dropped = True
            raise Dropped
        return run

    def first(self, word: str, ask: Ask) -> bool:
        """Whether this is the first request with the word in its body; the same prompt is the same story."""
        found = re.search(rb'[^"\n]{0,300}\[' + word.encode() + rb"\]", ask.body)
        if found is None:
            return False
        is_first = found[0].decode(errors="replace") not in self.mishaps
        self.mishaps.add(found[0].decode(errors="replace"))
        return is_first


Respond = Callable[[Ask, World], Answer]


@dataclass(frozen=True)
class Simulated:
    """One simulated dialect, and what a story asks of it through POST /v1/jobs.

    `job` is the body without its prompt (task, model, parameters, inputs); `turns` counts the calls of a success, of
    which `uploads` come before its submit; `cost_usd` and `cost_source` are what the ledger must then say,
    `refusal_cost_usd` what a refusal costs; `own_rates` are what an operator pays whose card must name the price, since
    no vendor's page does; `throttled` and `broken` are the vendor's own answers, where a plain json
    error would not be one.
    """

    dialect: str
    provider: str
    key: str
    job: Mapping[str, Any]
    respond: Respond
    turns: int
    cost_usd: str
    cost_source: str = "table"
    refusal_cost_usd: str = "0"
    cancels: bool = False
    uploads: int = 0
    own_rates: tuple[Mapping[str, str], ...] = ()
    throttled: Answer = Answer(429, {"error": {"message": "slow down"}}, {"retry-after": "1"})
    broken: Answer = Answer(500, {"error": {"message": "internal error"}})


class Server:
    """One simulated provider on a free port, as a context. It speaks several dialects where a vendor does.

    They share one world, and each is asked in turn until one does not answer 404.
    """

    def __init__(self, *simulated: Simulated) -> None:
        self.simulated = simulated
        self.world = World()

    def __enter__(self) -> "Server":
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def take(self) -> None:
                try:
                    answer = server.answer(self)
                    self._send(answer)
                except Dropped:
                    self.close_connection = True
                except GONE:
                    self.close_connection = True

            def _send(self, answer: Answer) -> None:
                if isinstance(answer.body, Streamed):
                    _stream(self, answer, answer.body)
                    return
                is_raw = isinstance(answer.body, bytes)
                data = answer.body if is_raw else b"" if answer.body is None else json.dumps(answer.body).encode()
                headers = {"content-type": "application/json"} | {n.lower(): v for n, v in answer.headers.items()}
                self.send_response(answer.status)
                for name, value in (headers | {"content-length": str(len(data))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = take

            def log_message(self, *_: object) -> None:
                return

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                return

        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.listener.server_address[1]}"
        self.thread = threading.Thread(target=self.listener.serve_forever, args=(0.05,))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown()
        self.thread.join()
        self.listener.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> Answer:
        path, _, query = handler.path.partition("?")
        headers = {name.lower(): value for name, value in handler.headers.items()}
        body = _body_of(handler, headers)
        ask = Ask(handler.command, path, query, headers, body, f"http://{headers.get('host')}")
        with self.world.gate:
            self.world.asks.append(ask)
            if self.world.first("throttle", ask):
                return self._meant(ask).throttled
            if self.world.first("break", ask):
                return self._meant(ask).broken
            return self._responded(ask)

    def _meant(self, ask: Ask) -> Simulated:
        """Which dialect a request speaks: a story names it in its prompt, as `(dialect)`."""
        named = (each for each in self.simulated if f"({each.dialect})".encode() in ask.body)
        return next(named, self.simulated[0])

    def _responded(self, ask: Ask) -> Answer:
        answers = (self._by(simulated, ask) for simulated in self.simulated)
        first = next(answers)
        return first if first.status != 404 else next((each for each in answers if each.status != 404), first)

    def _by(self, simulated: Simulated, ask: Ask) -> Answer:
        try:
            return simulated.respond(ask, self.world)
        except KeyError as missing:
            return Answer(404, {"error": {"message": f"{missing} is not here"}})


def _stream(handler: BaseHTTPRequestHandler, answer: Answer, body: Streamed) -> None:
    """Each piece as a chunk. Raises Dropped where the connection is to end in the middle."""
    handler.send_response(answer.status)
    for name, value in (dict(answer.headers) | {"transfer-encoding": "chunked"}).items():
        handler.send_header(name, value)
    handler.end_headers()
    for piece in body.pieces:
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        time.sleep(body.pause_s)
    if body.breaks:
        raise Dropped
    handler.wfile.write(b"0\r\n\r\n")


def _body_of(handler: BaseHTTPRequestHandler, headers: Mapping[str, str]) -> bytes:
    """Vendors' clients send some bodies in chunks."""
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return handler.rfile.read(int(headers.get("content-length", 0)))
    body = b""
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body
