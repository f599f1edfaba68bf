"""The Replicate door over HTTP: under /replicate/v1 predictions and models; it reads requests and writes answers."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from adapters.schema import Modality, Task
from gateway import clock
from gateway.assembly import Parts
from gateway.assets.ingest import bounded
from gateway.db import Database
from gateway.doors import extras, translate
from gateway.doors.bodies import read_object
from gateway.doors.door import Door
from gateway.doors.ending import ended
from gateway.doors.links import asset_of
from gateway.doors.replicate import errors, files, views
from gateway.doors.replicate.catalog import Listed, Models, version_view
from gateway.doors.replicate.predictions import Predictions
from gateway.doors.replicate.table import TONGUE
from gateway.doors.replicate.webhooks import notice
from gateway.jobs.hangups import stop
from gateway.jobs.routes import repeat_key, wait_s
from gateway.jobs.service import Seen
from gateway.jobs.views import view
from gateway.keys.routes import caller_of
from gateway.problems import Invalid, NotFound, Problem
from gateway.webhooks import signing

PAGE = 100
STREAM_S = 1_800.0
"""The longest that a stream is held open: Replicate's own limit for a run."""
SEARCH_BYTES = 1_000
"""Words to search for: more is no search."""
BESIDES = frozenset({"input", "version", "webhook", "webhook_events_filter", "stream", "webhook_completed"})
"""What may stand beside the input."""
GONE = "The requested resource could not be found."

Cursor = Annotated[
    str | None, Query(max_length=200, pattern=r"^[^\x00]+$", description="from `next` of the page before")
]


class Counter:
    """What happens at this door, once it is asked what was said."""

    def __init__(self, parts: Parts) -> None:
        self.jobs, self.assets, self.models = parts.jobs, parts.assets, Models(parts.supply)
        self.predictions = Predictions(parts.assets, self.models)

    def root(self, request: Request) -> str:
        return self.predictions.root(str(request.base_url))

    def shown(self, request: Request, seen: Seen) -> dict[str, Any]:
        return self.predictions.shown(str(request.base_url), seen)

    async def create(self, request: Request, listed: Listed, document: dict[str, Any]) -> Response:
        """Make a prediction, and wait for it as long as `Prefer` asks."""
        caller, waits_s = caller_of(request), wait_s(request.headers.get("prefer"))
        _check(request, document)
        addresses = (str(request.base_url), self.assets.public_url or str(request.base_url))
        given = document["input"] | {name: document[name] for name in (extras.FIELD,) if name in document}
        try:
            asked = translate.asked(TONGUE, listed.meant, given, lambda link: asset_of(link, addresses))
        except Invalid as problem:
            raise translate.under(problem, "input") from problem
        webhook = document.get("webhook") or document.get("webhook_completed")
        body, told = translate.with_webhook(asked.body, webhook, "webhook"), notice(document)
        try:
            seen = await self.jobs.submit(caller, body, repeat_key(request), told)
        except Problem as problem:
            said = translate.moved(problem, {**asked.places, "webhook_url": "webhook"})
            raise translate.under(said, "input", beside=("webhook",)) from problem
        if waits_s:
            seen = await self.jobs.wait(caller, seen, waits_s)
        return self.created(request, seen, bool(waits_s))

    def created(self, request: Request, seen: Seen, has_waited: bool) -> Response:
        """201, or 202 for one that was waited for in vain: its status then is `starting`, or clients stop asking."""
        said, headers = self.shown(request, seen), extras.answered(self.jobs, seen)
        if not has_waited:
            return JSONResponse(said, 201, headers)
        if seen.is_final:
            return JSONResponse(said, 201, headers | {"preference-applied": "wait"})
        return JSONResponse(said | {"status": "starting"}, 202, headers)

    async def events(self, request: Request, seen: Seen) -> AsyncIterator[str]:
        """A prediction's stream: the words of a text as they come, then what else there is, and that it is done."""
        caller, number = caller_of(request), 0
        is_text = Task(seen.job["task"]).modality is Modality.TEXT
        if is_text:
            async for words in self.jobs.words(caller, seen.job["id"]):
                yield views.event("output", number, words)
                number += 1
        seen = await ended(self.jobs, caller, await self.jobs.see(caller, seen.job["id"]), STREAM_S)
        job = view(seen, lambda asset: self.assets.url(asset, str(request.base_url)))
        if is_text and not number:  # it had ended before anybody listened, or runs elsewhere
            for output in job["outputs"]:
                yield views.event("output", number, output["text"] or "")
                number += 1
        yield views.last_events(job, number, is_text)


def _check(request: Request, document: dict[str, Any]) -> None:
    """Refuse what stands beside the input and cannot be honoured. Raises Invalid."""
    if strange := sorted(document.keys() - BESIDES - {extras.FIELD}):
        raise extras.refused(strange[0], "there is no such field")
    if not isinstance(document.get("input"), dict):
        raise extras.refused("input", "an object is required")
    if request.headers.get("cancel-after"):
        raise Invalid("Cancel-After: a job here has no deadline of the caller's: cancel it by its `urls.cancel`")
    if (prefer := request.headers.get("prefer")) and not re.search(r"\bwait\b|respond-async", prefer):
        raise Invalid("Prefer: wait, wait=n, or respond-async")


def _found(listed: Listed | None) -> Listed:
    if listed is None:
        raise NotFound(GONE)
    return listed


INPUT = {"type": "object", "properties": {"input": {"type": "object"}}, "required": ["input"]}
BODY = {"requestBody": {"content": {"application/json": {"schema": INPUT}}}}


def routes(parts: Parts) -> APIRouter:
    router, counter = APIRouter(prefix="/replicate/v1", tags=["the Replicate door"]), Counter(parts)
    _add_predictions(router, counter)
    _add_models(router, counter)
    _add_secret(router, parts.db)
    whole = APIRouter()
    whole.include_router(files.routes(parts.assets))
    whole.include_router(router)
    return whole


def _add_predictions(router: APIRouter, counter: Counter) -> None:
    @router.post("/predictions", status_code=201, response_class=Response, openapi_extra=BODY)
    async def create(request: Request) -> Response:
        """Make a prediction by `version`: 64 hex digits, `owner/name`, or `owner/name:version`."""
        document = await read_object(request)
        version = document.get("version")
        if not isinstance(version, str) or not version:
            raise extras.refused("version", "is required")
        listed = counter.models.by_version(version)
        if listed is None:
            raise extras.refused("version", "does not exist here; GET /v1/models lists what does")
        return await counter.create(request, listed, document)

    @router.post("/models/{owner}/{name}/predictions", status_code=201, response_class=Response, openapi_extra=BODY)
    async def create_by_model(request: Request, owner: str, name: str) -> Response:
        """Make a prediction with a model."""
        listed, document = _found(counter.models.find(f"{owner}/{name}")), await read_object(request)
        if "version" in document:
            raise extras.refused("version", "is not allowed: the model is named in the path")
        return await counter.create(request, listed, document)

    @router.get("/predictions")
    async def listing(request: Request, cursor: Cursor = None) -> dict[str, Any]:
        """Predictions, newest first."""
        found = await counter.jobs.listing(caller_of(request), PAGE, cursor, None, None)
        shown = [counter.shown(request, seen) for seen in found[:PAGE]]
        last = found[PAGE - 1].job["id"] if len(found) > PAGE else None
        return views.page(shown, f"{counter.root(request)}/v1/predictions?cursor={last}" if last else None)

    @router.get("/predictions/{prediction_id}", response_class=Response)
    async def one(request: Request, prediction_id: str) -> Response:
        """One prediction, as it is now."""
        seen = await counter.jobs.see(caller_of(request), prediction_id)
        return JSONResponse(counter.shown(request, seen), 200, extras.answered(counter.jobs, seen))

    @router.post("/predictions/{prediction_id}/cancel", response_class=Response)
    async def cancel(request: Request, prediction_id: str) -> Response:
        """Stop a prediction; one that has ended stays as it is."""
        seen = await stop(counter.jobs, caller_of(request), prediction_id)
        return JSONResponse(counter.shown(request, seen), 200, extras.answered(counter.jobs, seen))

    @router.get("/predictions/{prediction_id}/stream", response_class=StreamingResponse)
    async def stream(request: Request, prediction_id: str) -> StreamingResponse:
        """Server-sent events: `output`, `error`, `done`."""
        seen = await counter.jobs.see(caller_of(request), prediction_id)
        told = counter.events(request, seen)
        return StreamingResponse(told, media_type="text/event-stream", headers={"cache-control": "no-store"})


def _add_secret(router: APIRouter, db: Database) -> None:
    @router.get("/webhooks/default/secret")
    async def secret(request: Request) -> dict[str, str]:
        """What webhooks of this key's predictions are signed with."""
        caller, now = caller_of(request), clock.now()
        found = await db.together(lambda connection: signing.ensure(connection, caller.id, now))
        return {"key": found[0]}


def _add_models(router: APIRouter, counter: Counter) -> None:
    models = counter.models

    @router.get("/models")
    async def listing(request: Request, cursor: Cursor = None) -> dict[str, Any]:
        """Models by name, each with its latest version."""
        caller_of(request)
        shown, last = models.page(cursor)
        return views.page(shown, f"{counter.root(request)}/v1/models?cursor={last}" if last else None)

    @router.api_route("/models", methods=["QUERY"], include_in_schema=False)
    async def search(request: Request) -> dict[str, Any]:
        """Models whose name holds the words in the body."""
        caller_of(request)
        said = b"".join([chunk async for chunk in bounded(request.stream(), SEARCH_BYTES, "body")])
        words = said.decode("utf-8", "replace").strip().lower()
        return views.page(models.page(None, words.replace(" ", "-"))[0], None)

    @router.get("/models/{owner}/{name}")
    async def one(request: Request, owner: str, name: str) -> dict[str, Any]:
        """One model, with the schema of its inputs."""
        caller_of(request)
        return models.view(_found(models.find(f"{owner}/{name}")))

    @router.get("/models/{owner}/{name}/versions")
    async def versions(request: Request, owner: str, name: str) -> dict[str, Any]:
        """The one version that a model has here."""
        caller_of(request)
        return views.page([version_view(_found(models.find(f"{owner}/{name}")))], None)

    @router.get("/models/{owner}/{name}/versions/{version}")
    async def version(request: Request, owner: str, name: str, version: str) -> dict[str, Any]:
        """A version of a model."""
        caller_of(request)
        return version_view(_found(models.by_version(f"{owner}/{name}:{version}")))


DOOR = Door("/replicate", routes, errors.refusal)
