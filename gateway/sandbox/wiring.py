"""The one place that reaches under ASGI: gives an application the means to close a connection without an answer."""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.sandbox.mishaps import ABORT


def with_abort(app: ASGIApp) -> ASGIApp:
    """The application, with scope[ABORT] set. ASGI has no such means; uvicorn's `send` belongs to an object that
    holds the transport (uvicorn 0.54, seen 2026-11-21)."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[ABORT] = _aborter(send)
        await app(scope, receive, send)

    return wrapped


def _aborter(send: Send) -> Callable[[], None]:
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("this server's connections cannot be closed without an answer; serve with uvicorn")
    abort: Callable[[], None] = transport.abort
    return abort
