"""The HTTP face: mounts every noun's routes, finds who calls, and turns problems into problem+json; no logic."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import problems, telemetry
from gateway.arena import routes as arena
from gateway.assembly import Parts, relive, reprice
from gateway.assets import routes as assets
from gateway.budgets import routes as budgets
from gateway.callbacks import routes as callbacks
from gateway.callbacks.rules import PATH as CALLBACKS
from gateway.catalog import (
    board_routes as boards,
    estimate_routes as estimates,
    lora_routes as loras,
    name_routes as names,
    price_routes as price_proposals,
    provider_routes as providers,
    routes as catalog,
    word_routes as offer_words,
)
from gateway.changes import routes as changes
from gateway.doors.door import Door
from gateway.doors.fal.routes import DOOR as FAL
from gateway.doors.openai.routes import DOOR as OPENAI
from gateway.doors.replicate.routes import DOOR as REPLICATE
from gateway.engines import routes as engines
from gateway.jobs import routes as jobs
from gateway.keys import routes as keys
from gateway.keys.service import Keyring
from gateway.ledger import routes as ledger
from gateway.problems import NotFound, Problem, TooSlow, Unavailable
from gateway.routing import routes as routing
from gateway.ticks import routes as ticks
from gateway.usage import audit as usage_audit, routes as usage
from gateway.webhooks import routes as webhooks
from gateway.workflows import routes as workflows

DESCRIPTION = """
One endpoint over many image, video, speech and text models. `POST /v1/jobs` with a prompt and a task makes something;
`POST /v1/route` says which offer would be chosen and why, and spends nothing.

Authenticate with `Authorization: Bearer pk_…` or `x-api-key: pk_…`. Money is a decimal string in US dollars, times are
RFC 3339 in UTC, errors are RFC 9457 with a `code` and a sentence on what to do.
"""

DOORS: tuple[Door, ...] = (OPENAI, FAL, REPLICATE)
"""Other people's APIs, each under a prefix of its own."""

SCHEMES = (b"bearer ", b"key ", b"token ")
"""Words before a key in `Authorization`; fal's clients say Key, and those of Replicate once said Token."""


LONG = ("/v1/assets", "/v1/jobs", "/v1/route", "/v1/quotes", CALLBACKS)
"""Paths of ours that read long bodies, each within a limit of its own; so do all doors."""
SHORT_BYTES = 1024 * 1024
"""Any other body: FastAPI reads it whole before it is looked at."""
IDLE_S = 30.0
"""The longest pause within a body. Slow lines send something in that time; who sends nothing only holds a place."""
CLOSED = {"connection": "close"}
"""What is left of a body that is no longer waited for would stand in the way of the next request."""
BODILESS = ("GET", "HEAD", "OPTIONS")
"""Methods of which nobody reads a body, so nobody waits for one."""


def mount(app: FastAPI, parts: Parts) -> None:
    """Give an application every route."""
    app.include_router(jobs.routes(parts.jobs, parts.assets))
    app.include_router(workflows.routes(parts.workflows, parts.assets))
    app.include_router(routing.routes(parts.db, parts.routing))
    app.include_router(
        catalog.routes(
            parts.supply,
            lambda: parts.routing.belief,
            lambda: parts.routing.lives,
            lambda name, day: parts.routing.ending(name, day),
            parts.engines,
        )
    )
    app.include_router(loras.routes(parts.supply))
    app.include_router(price_proposals.routes(parts.db, parts.supply, lambda: reprice(parts)))
    app.include_router(names.routes(parts.db, parts.supply))
    app.include_router(offer_words.routes(parts.db, parts.supply, lambda: parts.routing.lives, lambda: relive(parts)))
    app.include_router(providers.routes(parts.db, parts.supply, parts.engines))
    app.include_router(changes.routes(parts.db))
    app.include_router(boards.routes(parts.db, parts.supply, lambda: parts.routing.belief))
    app.include_router(estimates.routes(parts.supply, lambda: parts.routing.belief, lambda: parts.settings.catalog_dir))
    app.include_router(arena.routes(parts.arena))
    app.include_router(engines.routes(parts.db, parts.supply))
    app.include_router(ticks.routes(parts.db))
    app.include_router(assets.routes(parts.assets))
    app.include_router(callbacks.routes(parts.callbacks))
    app.include_router(ledger.routes(parts.db, usage_audit.verify))
    app.include_router(usage.routes(parts.db))
    app.include_router(budgets.routes(parts.db))
    app.include_router(keys.routes(parts.keyring))
    app.include_router(keys.plan_routes(parts.keyring))
    app.include_router(webhooks.routes(parts.db, lambda: parts.jobs.is_private_allowed))
    for door in DOORS:
        app.include_router(door.routes(parts))


def add_probes(app: FastAPI, ready: Callable[[], Awaitable[str | None]]) -> None:
    """Whether we live, whether we can serve, and the metrics. `ready` gives the reason against, or None."""

    @app.get("/healthz", tags=["operations"])
    async def healthz() -> dict[str, str]:
        """This process answers."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["operations"])
    async def readyz() -> dict[str, str]:
        """The database answers and has the schema that this version needs."""
        if reason := await ready():
            raise Unavailable(reason)
        return {"status": "ready"}

    @app.get("/metrics", tags=["operations"], response_class=Response)
    async def metrics() -> Response:
        """Prometheus' text format."""
        return Response(telemetry.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


def add_problems(app: FastAPI) -> None:
    """Every refusal as problem+json, or in the shape of the door at which it is made."""
    app.add_exception_handler(Problem, _spoken(problems.on_problem))
    app.add_exception_handler(RequestValidationError, _spoken(problems.on_validation))
    app.add_exception_handler(HTTPException, _spoken(problems.on_http))
    app.add_exception_handler(Exception, _spoken(problems.on_crash))


def door_of(path: str) -> Door | None:
    return next((door for door in DOORS if path.startswith(door.prefix)), None)


OnError = Callable[[Request, Exception], Awaitable[Response]]


def _spoken(handler: OnError) -> OnError:
    async def handle(request: Request, error: Exception) -> Response:
        return _said(request.url.path, await handler(request, error))

    return handle


def _said(path: str, answer: Response) -> Response:
    """A problem as the door behind this path would say it."""
    door = door_of(path)
    return door.refusal(json.loads(bytes(answer.body)), answer.headers) if door else answer


class Doorkeeper:
    """Pure ASGI: finds who calls, once for each request under /v1 and at a door, and counts what was answered.

    An asset's content may be had without a key, by a signed link; its route decides that. Providers have no keys: whose
    a webhook is, its own route finds out.
    """

    def __init__(self, app: ASGIApp, keyring: Callable[[], Keyring]) -> None:
        self.app, self.keyring = app, keyring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                telemetry.REQUESTS.labels(_route(scope), message["status"]).inc()
            await send(message)

        try:
            await self._let_in(scope)
        except Problem as problem:
            await _said(scope["path"], problems.answer(problem))(scope, receive, counted)
            return
        try:
            await self.app(scope, _bounded(scope["path"], _patient(scope["method"], receive)), counted)
        except Exception:  # the server's error page is outside of us: count it here, and let it through
            telemetry.REQUESTS.labels(_route(scope), 500).inc()
            raise

    async def _let_in(self, scope: Scope) -> None:
        path: str = scope["path"]
        if "\x00" in path:
            raise NotFound("there is nothing under a path with a NUL in it")
        door = door_of(path)
        if door is None and (not path.startswith("/v1/") or path.startswith(CALLBACKS)):
            return
        secret = _secret(scope)
        if secret is None and door is not None and door.is_open(scope["method"], path):
            return
        if secret is None and path.startswith("/v1/assets/") and path.endswith("/content"):
            return
        scope["podium.caller"] = await self.keyring().authenticate(secret)


class Lane:
    """Pure ASGI around an application: one path that is served without it, because every microsecond counts there.

    A FastAPI route of the same path documents it, and would serve it just as well, with more work for each request.
    """

    def __init__(self, app: ASGIApp, method: str, path: str, serve: Callable[[Request], Awaitable[Response]]) -> None:
        self.app, self.method, self.path, self.serve = app, method, path, serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self.path or scope["method"] != self.method:
            await self.app(scope, receive, send)
            return
        scope["route"] = self
        try:
            response = await self.serve(Request(scope, receive))
        except Problem as problem:
            response = problems.answer(problem)
        await response(scope, receive, send)


def _patient(method: str, receive: Receive) -> Receive:
    """The same body, if no pause in it is longer than IDLE_S. It raises TooSlow then; what comes later is not read."""
    if method in BODILESS:
        return receive
    is_whole = False

    async def timed() -> Message:
        nonlocal is_whole
        if is_whole:  # what is waited for now is that the caller goes away
            return await receive()
        try:
            async with asyncio.timeout(IDLE_S):
                message = await receive()
        except TimeoutError as error:
            raise TooSlow(f"nothing came of the body for {IDLE_S:g} s: send it without such pauses", CLOSED) from error
        is_whole = not message.get("more_body", False)
        return message

    return timed


def _bounded(path: str, receive: Receive) -> Receive:
    """The same body, at most SHORT_BYTES of it where nothing longer is expected. It raises 413 then."""
    if path.startswith(LONG) or door_of(path) is not None:
        return receive
    size_bytes = 0

    async def counted() -> Message:
        nonlocal size_bytes
        message = await receive()
        size_bytes += len(message.get("body", b""))
        if size_bytes > SHORT_BYTES:
            raise HTTPException(413, f"a body is at most {SHORT_BYTES} bytes here")
        return message

    return counted


def _secret(scope: Scope) -> str | None:
    """The key that a request carries, in either of the two headers."""
    for name, value in scope["headers"]:
        if name == b"authorization" and value.lower().startswith(SCHEMES):
            return str(value.partition(b" ")[2].decode("latin-1").strip())
        if name == b"x-api-key":
            return str(value.decode("latin-1").strip())
    return None


def _route(scope: Scope) -> str:
    """The path's template, so that ids do not become metrics."""
    route: Any = scope.get("route")
    return getattr(route, "path", None) or "none"
