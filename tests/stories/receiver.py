"""A receiver of webhooks, as a customer would run one: it verifies what comes by the standard's own library."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.stories.house import eventually


@dataclass
class Post:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said

    def verified(self, secret: str) -> dict[str, Any]:
        """The event, if it is signed with this secret."""
        event: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return event

    def is_signed_with(self, secret: str) -> bool:
        try:
            self.verified(secret)
        except WebhookVerificationError:
            return False
        return True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    """Connections that come at once are not turned away."""


@dataclass
class Receiver:
    """Answers with the planned statuses first, then with 204. `hook` is called before an answer."""

    plan: list[int] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    said: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    slow_s: float = 0.0
    hook: Callable[[], None] | None = None
    server: Server | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def __enter__(self) -> "Receiver":
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> None:
        """Listen, at the port of before if there was one."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver.take(self)

            def log_message(self, *_: object) -> None:
                return

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def end(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.posts.append(Post(handler.path, headers, body))
        time.sleep(self.slow_s)
        if self.hook is not None:
            hook, self.hook = self.hook, None
            hook()
        status = self.plan.pop(0) if self.plan else 204
        try:
            handler.send_response(status)
            for name, value in (self.headers | {"connection": "close"}).items():
                handler.send_header(name, value)
            said = b"" if status == 204 else self.said
            handler.send_header("content-length", str(len(said)))
            handler.end_headers()
            handler.wfile.write(said)
        except OSError:
            return  # who asked is gone

    def of(self, kind: str) -> list[Post]:
        return [post for post in list(self.posts) if post.event["type"] == kind]

    def heard(self, count: int, kind: str = "job.finished", within_s: float = 30) -> list[Post]:
        """So many events of a kind, once they are there."""
        eventually(lambda: len(self.of(kind)) >= count, f"{count} {kind} arrive", within_s)
        return self.of(kind)
