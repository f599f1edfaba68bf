"""The fal door over HTTP: under /fal the queue, under /fal/run the runs; it reads requests and writes answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.background import BackgroundTask
from starlette.routing import Route

from adapters.schema import MediaRequest, Modality, Task
from gateway.assembly import Parts
from gateway.doors import extras, translate
from gateway.doors.bodies import read_object
from gateway.doors.door import Door
from gateway.doors.ending import ended
from gateway.doors.fal import errors, signing, storage, views
from gateway.doors.fal.proxy import AT, Proxy
from gateway.doors.fal.table import TONGUE
from gateway.doors.fal.webhooks import NOTICE
from gateway.doors.links import asset_of
from gateway.doors.naming import meant
from gateway.jobs.hangups import hang_up, stop
from gateway.jobs.routes import repeat_key
from gateway.jobs.service import Jobs, Seen
from gateway.jobs.views import view
from gateway.keys.routes import caller_of
from gateway.problems import Invalid, NotFound, Problem

RUN_S = 900.0
"""The longest that a run or a stream holds its connection: what takes longer is for the queue."""
LOOK_S = 1.0
"""How often a stream of statuses looks for a new one."""
QUIET_S = 10.0
"""A stream says that it lives after so long a silence."""
PRIORITIES = ("normal", "low")
"""Both are known and neither matters: no job of ours waits for another."""
TRUE = ("1", "true", "yes")
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


class Counter:
    """What happens at this door, once it is asked what was said."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.jobs, self.assets = parts, parts.jobs, parts.assets

    def address(self, request: Request) -> str:
        return (self.assets.public_url or str(request.base_url)).rstrip("/")

    def shown(self, request: Request, seen: Seen) -> dict[str, Any]:
        return view(seen, lambda asset: self.assets.url(asset, str(request.base_url)))

    def links(self, request: Request, app: str, job_id: str) -> dict[str, str]:
        """Where to ask on, under the public address if there is one: clients send their key there."""
        return views.addresses(f"{self.address(request)}/fal", app, job_id)

    async def submit(self, request: Request, endpoint: str) -> Seen:
        """Accept a job. Raises NotFound for an endpoint that means nothing here, and every Problem of a job."""
        caller, given = caller_of(request), await read_object(request)
        found = meant(self.parts.supply, TONGUE.provider, endpoint)
        if found is None:
            raise NotFound(f"Application {endpoint[:100]!r} not found: GET /v1/models lists what there is")
        addresses = (str(request.base_url), self.assets.public_url or str(request.base_url))
        asked = translate.asked(TONGUE, found, given, lambda link: asset_of(link, addresses))
        body = asked.body
        if request.headers.get("x-fal-no-retry", "").lower() in TRUE:
            body = body.model_copy(update={"routing": body.routing.model_copy(update={"fallbacks": 0})})
        try:
            body = translate.with_webhook(body, request.query_params.get("fal_webhook"), "fal_webhook")
            return await self.jobs.submit(caller, body, repeat_key(request), NOTICE)
        except Problem as problem:
            raise translate.moved(problem, {**asked.places, "webhook_url": "fal_webhook"}) from problem

    async def seen(self, request: Request, job_id: str) -> Seen:
        return await self.jobs.see(caller_of(request), job_id)

    def result(self, request: Request, seen: Seen) -> Response:
        """What a job made, or the error that it ended in, or that it has not ended."""
        job = self.shown(request, seen)
        headers = extras.answered(self.jobs, seen) | {"x-fal-request-id": job["id"]}
        if not seen.is_final:
            said = {"detail": "Request is still in progress", "error_type": "bad_request"}
            return JSONResponse(said, 400, headers)
        if refused := views.refusal(job):
            return JSONResponse(refused.body, refused.status, headers | refused.headers)
        prompt = MediaRequest.model_validate_json(seen.job["request"]).prompt
        return JSONResponse(views.result(job, prompt), 200, headers | views.billable_units(job))

    async def run(self, request: Request, endpoint: str) -> Response:
        """Submit and wait. A caller's own limit is kept: the job is canceled when it has passed."""
        limit_s = _limit_s(request)
        caller, seen = caller_of(request), await self.submit(request, endpoint)
        seen = await ended(self.jobs, caller, seen, min(limit_s or RUN_S, RUN_S))
        if seen.is_final:
            return self.result(request, seen)
        seen = await self.jobs.cancel(caller, seen.job["id"])
        kind = {"x-fal-request-timeout-type": "user"} if limit_s else {}
        headers = extras.answered(self.jobs, seen) | {
            "x-fal-request-id": seen.job["id"],
            "x-fal-error-type": "request_timeout",
        }
        return JSONResponse({"detail": "Request timed out", "error_type": "request_timeout"}, 504, headers | kind)

    async def told(self, request: Request, seen: Seen) -> AsyncIterator[str]:
        """A run as events: the words of a text as they come, then the whole result, or the error."""
        caller, words = caller_of(request), ""
        if Task(seen.job["task"]).modality is Modality.TEXT:
            async for more in self.jobs.words(caller, seen.job["id"]):
                words += more
                yield _event(views.spoken(words, partial=True))
        seen = await self.jobs.see(caller, seen.job["id"])
        deadline = asyncio.get_running_loop().time() + RUN_S
        while not seen.is_final and asyncio.get_running_loop().time() < deadline:
            seen = await ended(self.jobs, caller, seen, QUIET_S)
            yield ": still at it\n\n"
        yield _event(json.loads(bytes(self.result(request, seen).body)))

    async def statuses(self, request: Request, app: str, seen: Seen) -> AsyncIterator[str]:
        """A request's status whenever it is another, until it is COMPLETED."""
        caller, links = caller_of(request), self.links(request, app, seen.job["id"])
        with_logs, before = _with_logs(request), ""
        deadline = asyncio.get_running_loop().time() + RUN_S
        while True:
            now = _event(views.status(self.shown(request, seen), links, with_logs))
            if now != before:
                yield now
                before = now
            if seen.is_final or asyncio.get_running_loop().time() > deadline:
                return
            seen = await self.jobs.wait(caller, await self.jobs.see(caller, seen.job["id"]), LOOK_S)


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


def _with_logs(request: Request) -> bool:
    return request.query_params.get("logs", "").lower() in TRUE


def _limit_s(request: Request) -> float | None:
    """Seconds that the caller wants to wait at most. Raises Invalid."""
    said = request.headers.get("x-fal-request-start-timeout") or request.headers.get("x-fal-request-timeout")
    if said is None:
        return None
    try:
        limit_s = float(said)
    except ValueError:
        limit_s = 0.0
    if not 0.1 <= limit_s <= 86_400:
        raise Invalid("x-fal-request-timeout: seconds, from 0.1 on")
    return limit_s


def _check_priority(request: Request) -> None:
    if request.headers.get("x-fal-queue-priority", "normal") not in PRIORITIES:
        raise Invalid(f"x-fal-queue-priority: {' or '.join(PRIORITIES)}")


def _app(endpoint: str) -> str:
    """The part of an endpoint's id under which its requests are asked for: `owner/app`, with the namespaces of fal."""
    parts = endpoint.strip("/").split("/")
    return "/".join(parts[: 3 if parts[0] in ("workflows", "comfy") else 2])


def _streamed(
    jobs: Jobs, events: AsyncIterator[str], seen: Seen, after: BackgroundTask | None = None
) -> StreamingResponse:
    """Events as they come. `after` is done at the end, also when the reader has gone before it."""
    headers = extras.answered(jobs, seen) | {"x-fal-request-id": seen.job["id"], "cache-control": "no-store"}
    return StreamingResponse(events, 200, headers, media_type="text/event-stream", background=after)


INPUT = {"type": "object", "description": "the model's input, in fal's words"}
BODY = {"requestBody": {"content": {"application/json": {"schema": INPUT}}}}


def routes(parts: Parts) -> APIRouter:
    router, counter = APIRouter(tags=["the fal door"]), Counter(parts)
    router.include_router(storage.routes(parts.assets))
    router.include_router(signing.routes(signing.Signer(parts.db)))
    _add_runs(router, counter)
    _add_queue(router, counter)
    proxy = Proxy(router)
    for path in AT:
        router.routes.insert(0, Route(path, proxy, methods=METHODS, include_in_schema=False))
    return router


def _add_runs(router: APIRouter, counter: Counter) -> None:
    @router.post("/fal/run/{endpoint:path}/stream", response_class=StreamingResponse, openapi_extra=BODY)
    async def stream(request: Request, endpoint: str) -> StreamingResponse:
        """Run and tell: server-sent events, the last of them the result."""
        seen = await counter.submit(request, endpoint)
        reader_gone = BackgroundTask(hang_up, counter.jobs, caller_of(request), seen.job["id"])
        return _streamed(counter.jobs, counter.told(request, seen), seen, reader_gone)

    @router.post("/fal/run/{endpoint:path}", response_class=Response, openapi_extra=BODY)
    async def run(request: Request, endpoint: str) -> Response:
        """Run and wait: the result itself."""
        return await counter.run(request, endpoint)


def _add_queue(router: APIRouter, counter: Counter) -> None:
    @router.get("/fal/{app:path}/requests/{request_id}/status/stream", response_class=StreamingResponse)
    async def status_stream(request: Request, app: str, request_id: str) -> StreamingResponse:
        """The status as server-sent events, until the request has ended."""
        seen = await counter.seen(request, request_id)
        return _streamed(counter.jobs, counter.statuses(request, app, seen), seen)

    @router.get("/fal/{app:path}/requests/{request_id}/status", response_class=Response)
    async def status(request: Request, app: str, request_id: str) -> Response:
        """The status: 202 while it waits or runs, 200 once it has ended. `logs=1` for its logs."""
        seen = await counter.seen(request, request_id)
        said = views.status(counter.shown(request, seen), counter.links(request, app, request_id), _with_logs(request))
        return JSONResponse(said, 200 if seen.is_final else 202, extras.answered(counter.jobs, seen))

    @router.get("/fal/{app:path}/requests/{request_id}/response", response_class=Response)
    @router.get("/fal/{app:path}/requests/{request_id}", response_class=Response)
    async def result(request: Request, app: str, request_id: str) -> Response:
        """The result, or the error in its place; 400 while there is neither."""
        return counter.result(request, await counter.seen(request, request_id))

    @router.put("/fal/{app:path}/requests/{request_id}/cancel", response_class=Response)
    async def cancel(request: Request, app: str, request_id: str) -> Response:
        """Stop a request: 202 if it was stopped, 400 if it had ended before."""
        before = await counter.seen(request, request_id)
        seen = before if before.is_final else await stop(counter.jobs, caller_of(request), request_id)
        stopped = not before.is_final and seen.job["status"] == "canceled"
        said = "CANCELLATION_REQUESTED" if stopped else "ALREADY_COMPLETED"
        return JSONResponse({"status": said}, 202 if stopped else 400, extras.answered(counter.jobs, seen))

    @router.post("/fal/{endpoint:path}", response_class=Response, openapi_extra=BODY)
    async def submit(request: Request, endpoint: str) -> Response:
        """Submit to the queue."""
        _check_priority(request)
        seen = await counter.submit(request, endpoint)
        job = counter.shown(request, seen)
        said = views.submitted(job, counter.links(request, _app(endpoint), job["id"]))
        return JSONResponse(said, 200, extras.answered(counter.jobs, seen) | {"x-fal-request-id": job["id"]})


def is_open(method: str, path: str) -> bool:
    return storage.is_open(method, path) or signing.is_open(method, path)


DOOR = Door("/fal", routes, errors.refusal, is_open)
