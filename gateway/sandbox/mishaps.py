"""Answers that no client hopes for: a closed connection, a page instead of json, a body without end."""

import asyncio
from collections.abc import AsyncIterator

from fastapi.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

ABORT = "sandbox.abort"
"""Where the server leaves, in the scope, the function that closes the connection under a request."""

ENDLESS_BYTES = 10 * 2**30 + 1
"""What the endless result declares: just above 10 GiB."""

CHUNK = b" " * 2**18
"""White space is valid before any json, so a parser that reads as it goes never finds the fault."""

CLOSING_S = 0.05
"""Long enough for the event loop to notice that the connection is gone, so that nothing is sent after it."""


class Dropped(Response):
    """No answer at all: the connection ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ABORT]()
        await asyncio.sleep(CLOSING_S)


def nonsense() -> Response:
    """A proxy's idea of success."""
    return HTMLResponse("<!doctype html><html><body><h1>It works!</h1></body></html>")


def endless() -> Response:
    """A result that declares more than 10 GB and means it, until the client has had enough."""
    headers = {"content-length": str(ENDLESS_BYTES)}
    return StreamingResponse(_spaces(), media_type="application/json", headers=headers)


async def _spaces() -> AsyncIterator[bytes]:
    for _ in range(ENDLESS_BYTES // len(CHUNK)):
        yield CHUNK
        await asyncio.sleep(0)
