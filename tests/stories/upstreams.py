"""Providers that a story programs: real HTTP servers on 127.0.0.1 which count what they were sent."""

import base64
import contextlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

GONE = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError)
"""Whom we answer may be dead: that is what some stories are about."""
BLOCK = b" " * 65_536
TEN_GB = 10 * 1024**3 + 1


def picture(color: str = "teal") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), color).save(file, "PNG")
    return file.getvalue()


@dataclass
class Exchange:
    """One request, and the means to answer it well or badly."""

    handler: BaseHTTPRequestHandler
    provider: str
    path: str
    method: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()

    def write(self, data: bytes) -> None:
        self.handler.wfile.write(data)

    def reply(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """A whole answer: bytes as they are, all else as json."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": "application/json", "content-length": str(len(data))} | dict(headers or {})
        self.begin(status, given)
        self.write(data)

    def hang_up(self) -> None:
        """The connection ends after this, whatever was said."""
        self.handler.close_connection = True


Answer = Callable[[Exchange], None]


@dataclass
class Upstream:
    """One server for several providers: the first part of a path is the provider's name."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    seen: list[Exchange] = field(default_factory=list)
    gate: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Upstream":
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                with contextlib.suppress(*GONE):
                    upstream.take(self)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                return

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        provider = handler.path.split("/")[1]
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        exchange = Exchange(handler, provider, handler.path, handler.command, headers, body)
        self._answer_for(exchange)(exchange)

    def _answer_for(self, exchange: Exchange) -> Answer:
        """The next answer that was programmed for a provider; its last one again and again."""
        with self.gate:
            self.seen.append(exchange)
            planned = self.answers.get(exchange.provider) or [pictures]
            return planned.pop(0) if len(planned) > 1 else planned[0]

    def plan(self, provider: str, *answers: Answer) -> None:
        with self.gate:
            self.answers[provider] = list(answers)

    def posts(self, provider: str) -> list[Exchange]:
        """What was submitted to a provider."""
        with self.gate:
            return [each for each in self.seen if each.provider == provider and each.method == "POST"]

    def forget(self) -> None:
        with self.gate:
            self.answers.clear()
            self.seen.clear()


def pictures(exchange: Exchange) -> None:
    """As an OpenAI images server answers when all is well."""
    words = base64.b64encode(picture()).decode()
    exchange.reply(200, {"created": 1, "data": [{"b64_json": words}] * int(exchange.json.get("n", 1))})


def status(code: int, said: Mapping[str, Any] | None = None, **headers: str) -> Answer:
    """An error of the provider's, in OpenAI's shape."""
    error = {"message": f"the story says {code}", "code": None} | dict(said or {})
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.reply(code, {"error": error}, spelled)


def raw(body: bytes, **headers: str) -> Answer:
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.reply(200, body, spelled)


def held_until(event: threading.Event, then: Answer = pictures) -> Answer:
    """No answer before the story says so."""

    def answer(exchange: Exchange) -> None:
        event.wait(60)
        then(exchange)

    return answer


def dropped(exchange: Exchange) -> None:
    """The connection ends without an answer, after the body was read."""
    exchange.hang_up()
    exchange.handler.connection.shutdown(2)


def declared_huge(exchange: Exchange) -> None:
    exchange.begin(200, {"content-type": "application/json", "content-length": str(TEN_GB)})
    _without_end(exchange, lambda block: block)


def endless(exchange: Exchange) -> None:
    """Chunks for as long as somebody takes them."""
    exchange.begin(200, {"content-type": "application/json", "transfer-encoding": "chunked"})
    _without_end(exchange, lambda block: b"%x\r\n%b\r\n" % (len(block), block))


def _without_end(exchange: Exchange, framed: Callable[[bytes], bytes]) -> None:
    exchange.hang_up()
    block = framed(BLOCK)
    for _ in range(TEN_GB // len(BLOCK)):
        exchange.write(block)


def trickle(exchange: Exchange) -> None:
    """A byte now and then: never silent, never done."""
    exchange.hang_up()
    exchange.begin(200, {"content-type": "application/json", "content-length": "1000000"})
    for _ in range(600):
        exchange.write(b" ")
        time.sleep(0.1)


def chat(words: Iterable[str], usage: Mapping[str, int], before: threading.Event | None = None) -> Answer:
    """Chat completions as server-sent events, the counts in the last."""

    def answer(exchange: Exchange) -> None:
        exchange.hang_up()
        exchange.begin(200, {"content-type": "text/event-stream"})
        for word in words:
            _event(exchange, {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
            if before is not None:
                before.wait(60)
            time.sleep(0.02)
        _event(exchange, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        _event(exchange, {"choices": [], "usage": dict(usage)})
        exchange.write(b"data: [DONE]\n\n")

    return answer


def _event(exchange: Exchange, document: Any) -> None:
    exchange.write(b"data: " + json.dumps(document).encode() + b"\n\n")


@dataclass
class Queue:
    """A provider with a queue, as fal has: submit, status, result, file. `hooks` run before a stage is answered.

    With `keeps_keys` a submit that comes again under the same Idempotency-Key is the same request.
    """

    looks: int = 2
    hooks: dict[str, Callable[[], None]] = field(default_factory=dict)
    keeps_keys: bool = False
    media_url: str | None = None
    status_url: str | None = None
    ids: dict[str, str] = field(default_factory=dict)
    looked: int = 0
    submits: int = 0
    downloads: int = 0
    canceled: list[str] = field(default_factory=list)

    def __call__(self, exchange: Exchange) -> None:
        path = exchange.path.partition("?")[0]
        match exchange.method, path.rsplit("/", 1)[-1]:
            case "POST", _:
                self.submit(exchange)
            case "PUT", "cancel":
                self.canceled.append(path)
                exchange.reply(200, {"status": "OK"})
            case "GET", "status":
                self.status(exchange)
            case "GET", "picture.png":
                self.download(exchange)
            case _:
                self.hook("result")
                link = self.media_url or f"{self.base(exchange)}/picture.png"
                exchange.reply(200, {"images": [{"url": link, "content_type": "image/png"}]})

    def hook(self, stage: str) -> None:
        """What a story does at this point; once."""
        if hook := self.hooks.pop(stage, None):
            hook()

    def base(self, exchange: Exchange) -> str:
        return f"http://{exchange.headers['host']}/{exchange.provider}"

    def submit(self, exchange: Exchange) -> None:
        self.submits += 1
        key = exchange.headers.get("idempotency-key", "") if self.keeps_keys else f"submit {self.submits}"
        name = self.ids.setdefault(key, f"request-{len(self.ids)}")
        self.hook("submit")
        here = f"{self.base(exchange)}/requests/{name}"
        links = {"status_url": self.status_url or f"{here}/status", "response_url": here}
        exchange.reply(200, {"status": "IN_QUEUE", "request_id": name, "cancel_url": f"{here}/cancel"} | links)

    def status(self, exchange: Exchange) -> None:
        self.looked += 1
        self.hook(f"status {self.looked}")
        word = "COMPLETED" if self.looked > self.looks else "IN_PROGRESS"
        exchange.reply(200, {"status": word})

    def download(self, exchange: Exchange) -> None:
        """Half of the file, then the hook, then the rest."""
        self.downloads += 1
        data = picture()
        half = len(data) // 2
        exchange.begin(200, {"content-type": "image/png", "content-length": str(len(data))})
        exchange.write(data[:half])
        self.hook("download")
        exchange.write(data[half:])
