"""The API as the dashboard asks it: one call, one JSON document, or the gateway's own words; it remembers nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from dashboard.events import DONE, Event, read

Document = dict[str, Any]
"""A JSON object as the API's reference describes it."""

ANSWER_S = 75.0
"""The longest silence: the gateway holds a connection for a minute at most."""
CONNECT_S = 5.0
PAGE_ROWS = 500
"""Rows in one question: the most that the API gives."""
PAGES_MOST = 4
"""Questions for one list: a page of the dashboard shows two thousand rows at most, and says so."""
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


class Refused(Exception):
    """The gateway refused, or nobody answered. `status` is HTTP's, or 0; `detail` says what to do."""

    def __init__(self, status: int, code: str, detail: str, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.problem = status, code, detail, dict(problem or {})


@dataclass(frozen=True)
class Podium:
    """One key at one gateway. Every method raises Refused."""

    url: str
    secret: str = field(repr=False)

    def get(self, path: str, **params: Any) -> Document:
        return self._asked("GET", path, params={name: each for name, each in params.items() if each is not None})

    def rows(self, path: str, **params: Any) -> list[Document]:
        """A list, page after page, up to `PAGE_ROWS` × `PAGES_MOST` rows."""
        return [row for page in self._pages(path, params) for row in page["data"]]

    def post(self, path: str, body: Document, **headers: str) -> Document:
        return self._asked("POST", path, json=body, headers=headers)

    def patch(self, path: str, body: Document) -> Document:
        return self._asked("PATCH", path, json=body)

    def delete(self, path: str) -> Document:
        return self._asked("DELETE", path)

    def content(self, asset: str) -> bytes:
        """The bytes of an asset. Ask for its size first: they are held whole."""
        return self._sent("GET", f"/v1/assets/{quote(asset, safe='')}/content").content

    def upload(self, data: bytes, mime: str) -> Document:
        """Keep a file with the gateway, for the inputs of a job."""
        return self._asked("POST", "/v1/assets", content=data, headers={"content-type": mime})

    def events(self, path: str, after: str, within_s: float) -> list[Event]:
        """What happened since the event `after` (all, if that is empty) and what happens in the next `within_s`
        seconds: enough to look again and again, where no connection can be held."""
        ends_s = monotonic() + within_s
        headers = {"authorization": f"Bearer {self.secret}"} | ({"last-event-id": after} if after else {})
        timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S, read=within_s)
        found: list[Event] = []
        try:
            with self._connected(timeout) as client, client.stream("GET", path, headers=headers) as reply:
                if reply.is_error:
                    reply.read()
                    raise _refusal(self.url, reply)
                for event in read(reply.iter_lines()):
                    found.append(event)
                    if event.name == DONE or monotonic() >= ends_s:
                        break
        except httpx.ReadTimeout:
            return found
        except httpx.TransportError as error:
            raise self._unreachable() from error
        return found

    def text(self, path: str, **params: Any) -> str:
        """An answer that is not JSON, such as a statement in CSV."""
        return self._sent("GET", path, params=params).text

    def is_admin(self) -> bool:
        """Whether this key may do what only admins may. Raises Refused where the key is not good at all."""
        try:
            self.get("/v1/ticks")
        except Refused as refused:
            if refused.status == 403:
                return False
            raise
        return True

    def _pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Document]:
        after: str | None = None
        for _ in range(PAGES_MOST):
            page = self.get(path, **{"limit": PAGE_ROWS} | dict(params), after=after)
            yield page
            after = page.get("next")
            if after is None:
                return

    def _asked(self, method: str, path: str, **more: Any) -> Document:
        reply = self._sent(method, path, **more)
        try:
            document = reply.json()
        except ValueError:
            raise _stranger(self.url, reply.status_code) from None
        if not isinstance(document, dict):
            raise _stranger(self.url, reply.status_code)
        return document

    def _sent(self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        signed = {"authorization": f"Bearer {self.secret}"} | dict(headers or {})
        try:
            with self._connected(httpx.Timeout(ANSWER_S, connect=CONNECT_S)) as client:
                reply = client.request(method, path, headers=signed, **more)
        except httpx.TransportError as error:
            raise self._unreachable() from error
        if reply.is_error:
            raise _refusal(self.url, reply)
        return reply

    def _connected(self, timeout: httpx.Timeout) -> httpx.Client:
        is_local = urlsplit(self.url).hostname in LOCAL  # a proxy is not asked for what is on this machine
        return httpx.Client(base_url=self.url, timeout=timeout, trust_env=not is_local)

    def _unreachable(self) -> Refused:
        told = f"No gateway answers at {self.url}: start one with `podium up`, or say where it is with PODIUM_URL."
        return Refused(0, "unreachable", told)


def _refusal(url: str, reply: httpx.Response) -> Refused:
    try:
        problem = reply.json()
    except ValueError:
        return _stranger(url, reply.status_code)
    if not isinstance(problem, dict):
        return _stranger(url, reply.status_code)
    return Refused(reply.status_code, str(problem.get("code", "unknown")), str(problem.get("detail", "")), problem)


def _stranger(url: str, status: int) -> Refused:
    return Refused(status, "stranger", f"{url} answers {status}, but not as a Podium gateway does: check PODIUM_URL.")
