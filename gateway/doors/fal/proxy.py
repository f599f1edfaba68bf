"""The JavaScript client's `proxyUrl`: the address in its header is read as a path of this door, and never called."""

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

HEADER = "x-fal-target-url"
TARGET_CHARS = 4_000
AT = ("/fal", "/fal/", "/fal/proxy")
"""Where the proxy itself is: no target leads back to it."""
HOSTS = {
    "queue.fal.run": "/fal", "queue.falrun.com": "/fal", "fal.run": "/fal/run", "falrun.com": "/fal/run",
    "rest.fal.ai": "/fal", "rest.alpha.fal.ai": "/fal", "v3.fal.media": "/fal",
}  # fmt: skip
"""fal's hosts, and where this door serves what they serve."""


class NotForUs(Exception):
    """A target that is not served here, with the status that fal's own proxies answer: 400 for none, 412 for others."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Target(NamedTuple):
    """A path of ours and its query, as they stand in a request."""

    path: str
    query: str


def target(header: str | None) -> Target:
    """What a target address means here. Raises NotForUs."""
    if not header:
        raise NotForUs(400, f"{HEADER}: this is the proxyUrl of fal's JavaScript client, which sends it")
    try:
        parts = urlsplit(header[:TARGET_CHARS])
        root = HOSTS.get(parts.hostname or "") if parts.scheme == "https" and parts.port in (None, 443) else None
    except ValueError:
        root = None
    if root is None or parts.username is not None or not re.fullmatch(r"(/[\w.:~%-]+)+/?", parts.path):
        raise NotForUs(412, f"{HEADER} must be an address of fal: {', '.join(HOSTS)}")
    if any(part in (".", "..") for part in parts.path.split("/")) or "%" in parts.path:
        raise NotForUs(412, f"{HEADER} must be a plain path at {parts.hostname}")
    path = root + parts.path.rstrip("/")
    if path in AT:
        raise NotForUs(412, f"{HEADER} must not be the address of this proxy")
    return Target(path, parts.query)


@dataclass(frozen=True)
class Proxy:
    """Pure ASGI: the request once more, at the path that its header means, by this door's own routes."""

    router: APIRouter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            path, query = target(Request(scope).headers.get(HEADER))
        except NotForUs as error:
            said = {"detail": str(error), "error_type": "bad_request"}
            await JSONResponse(said, error.status)(scope, receive, send)
            return
        again = {"path": path, "raw_path": path.encode(), "query_string": query.encode()}
        await self.router(dict(scope) | again, receive, send)
