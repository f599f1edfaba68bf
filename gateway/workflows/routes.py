"""Workflows over HTTP: `POST/GET /v1/workflows`, one workflow, its events, and its cancel."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from gateway.assets.service import Assets
from gateway.jobs.routes import LastEvent, Prefer, links, repeat_key, wait_s
from gateway.keys.routes import caller_of
from gateway.paging import After, page
from gateway.workflows.body import WorkflowBody
from gateway.workflows.happenings import DONE, told_by
from gateway.workflows.rules import Status
from gateway.workflows.service import Workflows
from gateway.workflows.store import Seen
from gateway.workflows.telling import told_events
from gateway.workflows.views import asked, view

PAGE = 20
"""Workflows on a page, unless it is asked for otherwise: each has up to fifty steps."""
Limit = Annotated[int, Query(ge=1, le=100, description="rows on a page")]


def answer(seen: Seen, status: int, assets: Assets, request: Request) -> Response:
    document = view(seen, links(assets, request)) | {"request": asked(seen)}
    headers = {"location": f"/v1/workflows/{seen.workflow['id']}", "content-type": "application/json"}
    return Response(json.dumps(document), status, headers)


def routes(workflows: Workflows, assets: Assets) -> APIRouter:
    router = APIRouter(tags=["workflows"])

    @router.post("/v1/workflows", status_code=202, response_class=Response)
    async def create(request: Request, body: WorkflowBody, prefer: Prefer = None) -> Response:
        """Run jobs that need one another: each step starts when those before it have brought what it takes.

        Headers as for a job: `Idempotency-Key`; `Prefer: wait=30`. 201 when it has ended, 202 while it has not.
        """
        caller = caller_of(request)
        seen = await workflows.submit(caller, body, repeat_key(request))
        if seconds := wait_s(prefer):
            seen = await workflows.wait(caller, seen, seconds)
        return answer(seen, 201 if seen.is_final else 202, assets, request)

    @router.get("/v1/workflows", response_class=Response)
    async def listing(
        request: Request, limit: Limit = PAGE, after: After = None, status: Annotated[Status | None, Query()] = None
    ) -> Response:
        """The caller's workflows, newest first; an admin sees everyone's."""
        found = await workflows.listing(caller_of(request), limit, after, status)
        rows = [view(seen, links(assets, request)) for seen in found]
        return Response(json.dumps(page(rows, limit)), media_type="application/json")

    @router.get("/v1/workflows/{workflow_id}", response_class=Response)
    async def one(request: Request, workflow_id: str, prefer: Prefer = None) -> Response:
        """One workflow, as it is now."""
        caller = caller_of(request)
        seen = await workflows.see(caller, workflow_id)
        if seconds := wait_s(prefer):
            seen = await workflows.wait(caller, seen, seconds)
        return answer(seen, 200, assets, request)

    @router.post("/v1/workflows/{workflow_id}/cancel", response_class=Response)
    async def cancel(request: Request, workflow_id: str) -> Response:
        """Start nothing more of a workflow, and cancel the jobs that run."""
        return answer(await workflows.cancel(caller_of(request), workflow_id), 200, assets, request)

    @router.get("/v1/workflows/{workflow_id}/events", response_class=StreamingResponse)
    async def events(request: Request, workflow_id: str, last_event_id: LastEvent = None) -> Response:
        """Server-sent events: `step` with each that has changed, and at the end `done` with the whole workflow. With
        `Last-Event-ID` it goes on after that event; 204 after the last.
        """
        caller, told = caller_of(request), told_by(last_event_id)
        seen = await workflows.see(caller, workflow_id)
        if told == DONE:
            return Response(status_code=204)
        happening = told_events(workflows, caller, seen, told, links(assets, request))
        return StreamingResponse(happening, media_type="text/event-stream", headers={"cache-control": "no-store"})

    return router
