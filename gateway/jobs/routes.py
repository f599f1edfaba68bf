"""Jobs over HTTP: `POST/GET /v1/jobs`, one job, its events, and its cancel."""

import json
import re
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from adapters.schema import Task
from gateway.assets.service import Assets
from gateway.jobs.hangups import stop
from gateway.jobs.happenings import DONE, told_by
from gateway.jobs.rules import Status
from gateway.jobs.service import WAIT_S, Jobs, Seen
from gateway.jobs.telling import told_events
from gateway.jobs.views import Link, view
from gateway.keys.routes import caller_of
from gateway.paging import After, Limit, page
from gateway.problems import Invalid
from gateway.routing.routes import BODY, read_body

KEY_CHARS = 255

LastEvent = Annotated[str | None, Header(max_length=200, description="id of the last event that was heard")]
Prefer = Annotated[str | None, Header(description="wait=30: answer when the job has ended, or after that time")]

_WAIT = re.compile(r"\bwait(?:=(\d{1,4}))?\b")


def wait_s(prefer: str | None) -> float:
    """Seconds that a `Prefer` header asks to wait; 0 if it does not."""
    found = _WAIT.search(prefer or "")
    if found is None:
        return 0.0
    return min(float(found[1]), WAIT_S) if found[1] else WAIT_S


def repeat_key(request: Request) -> str | None:
    """The key under which a request may be repeated without a second job. Raises Invalid."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= KEY_CHARS:
        raise Invalid(f"Idempotency-Key: from 1 to {KEY_CHARS} characters")
    return key


def answer(jobs: Jobs, seen: Seen, status: int, assets: Assets, request: Request) -> Response:
    document = view(seen, links(assets, request))
    headers = {"location": f"/v1/jobs/{seen.job['id']}", "content-type": "application/json"}
    return Response(json.dumps(document), status, headers | jobs.ending(seen))


async def create_job(jobs: Jobs, assets: Assets, request: Request) -> Response:
    """What `POST /v1/jobs` does; also called without FastAPI in between, where every microsecond counts."""
    caller, idempotency_key = caller_of(request), repeat_key(request)
    body = await read_body(request)
    seen = await jobs.submit(caller, body, idempotency_key)
    if seconds := wait_s(request.headers.get("prefer")):
        seen = await jobs.wait(caller, seen, seconds)
    return answer(jobs, seen, 201 if seen.is_final else 202, assets, request)


def links(assets: Assets, request: Request) -> Link:
    """How the outputs of this answer are linked to."""
    address = str(request.base_url)
    return lambda asset: assets.url(asset, address)


def routes(jobs: Jobs, assets: Assets) -> APIRouter:
    router = APIRouter(tags=["jobs"])

    @router.post("/v1/jobs", status_code=202, openapi_extra=BODY, response_class=Response)
    async def create(request: Request) -> Response:
        """Make something. 201 when it has ended (with `Prefer: wait`), 202 while it has not.

        Headers: `Idempotency-Key`, the same key and body give the same job; `Prefer: wait=30`, answer when it has
        ended or after that time.
        """
        return await create_job(jobs, assets, request)

    @router.get("/v1/jobs", response_class=Response)
    async def listing(
        request: Request,
        limit: Limit = 50,
        after: After = None,
        status: Annotated[Status | None, Query()] = None,
        task: Annotated[Task | None, Query()] = None,
        model: Annotated[str | None, Query(max_length=200, description="one of our ids")] = None,
        key: Annotated[str | None, Query(max_length=40, description="for admins: of one key")] = None,
    ) -> Response:
        """The caller's jobs, newest first; an admin sees everyone's."""
        found = await jobs.listing(caller_of(request), limit, after, status, task, model, key)
        rows = [view(seen, links(assets, request)) for seen in found]
        return Response(json.dumps(page(rows, limit)), media_type="application/json")

    @router.get("/v1/jobs/{job_id}", response_class=Response)
    async def one(request: Request, job_id: str, prefer: Prefer = None) -> Response:
        """One job, as it is now."""
        caller = caller_of(request)
        seen = await jobs.see(caller, job_id)
        if seconds := wait_s(prefer):
            seen = await jobs.wait(caller, seen, seconds)
        return answer(jobs, seen, 200, assets, request)

    @router.post("/v1/jobs/{job_id}/cancel", response_class=Response)
    async def cancel(request: Request, job_id: str) -> Response:
        """Stop a job. `effective` says whether the provider stopped, or only we stopped waiting."""
        seen = await stop(jobs, caller_of(request), job_id)
        document = view(seen, links(assets, request)) | {"effective": seen.job["canceled_by"]}
        return Response(json.dumps(document), media_type="application/json")

    @router.get("/v1/jobs/{job_id}/events", response_class=StreamingResponse)
    async def events(request: Request, job_id: str, last_event_id: LastEvent = None) -> Response:
        """Server-sent events: `status`, `progress`, `attempt`, `delta` for the words of a text as they come, `partial`
        for a picture that is not done, and at the end `done` with the whole job. With `Last-Event-ID` it goes on after
        that event; 204 after the last.
        """
        caller, told = caller_of(request), told_by(last_event_id)
        seen = await jobs.see(caller, job_id)
        if told.status == DONE:
            return Response(status_code=204)
        events = told_events(jobs, caller, seen, told, links(assets, request))
        return StreamingResponse(events, media_type="text/event-stream", headers={"cache-control": "no-store"})

    return router
