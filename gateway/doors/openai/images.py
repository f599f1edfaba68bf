"""Pictures at the OpenAI door: generations and edits, whole or as a stream of events that ends with the pictures.

On the way the stream shows partial pictures, where they are asked for and the provider shows them: at best.
"""

import asyncio
import base64
import functools
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from adapters.schema import Input, Role, Task
from gateway.assembly import Parts
from gateway.assets.ingest import ingest
from gateway.doors import extras
from gateway.doors.openai import answering, asking, masks, serving
from gateway.doors.openai.asking import Asked
from gateway.doors.openai.errors import error_of
from gateway.doors.openai.reading import read_body
from gateway.jobs.service import Seen
from gateway.keys.routes import caller_of
from gateway.problems import Problem

SILENT_S = 15.0
"""A comment goes out after so long a silence, so that nobody between us takes the stream for dead."""

SILENCE = ": it goes on\n\n"

STREAM = {"cache-control": "no-store", "x-accel-buffering": "no"}


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()

    @router.post("/images/generations", response_class=Response)
    async def generations(request: Request) -> Response:
        """Pictures from words. `response_format`: url or b64_json; without it each picture has both."""
        asked = asking.image(await read_body(request), Task.TEXT_TO_IMAGE)
        return await _answer(parts, request, asked, "image_generation")

    @router.post("/images/edits", response_class=Response)
    async def edits(request: Request) -> Response:
        """Pictures changed: `image` or several, and with a `mask` only where that is transparent."""
        body = await read_body(request)
        task, inputs = await _given(parts, request, body)
        return await _answer(parts, request, asking.image(body, task, inputs), "image_edit")

    return router


async def _given(parts: Parts, request: Request, body: Mapping[str, Any]) -> tuple[Task, list[dict[str, Any]]]:
    """What is to be done with the pictures of an edit, and what each is for."""
    pictures = asking.pictures(body)
    mask = body.get("mask")
    task, model = (Task.INPAINT if mask is not None else Task.IMAGE_EDIT), body.get("model") or asking.AUTO
    offers = serving.offered(parts, model, task) if isinstance(model, str) else []
    roles = asking.roles(len(pictures), [offer.inputs for offer in offers])
    inputs: list[dict[str, Any]] = [{"role": role} | picture for role, picture in zip(roles, pictures, strict=True)]
    return task, inputs + ([await _mask(parts, request, mask)] if mask is not None else [])


async def _mask(parts: Parts, request: Request, value: object) -> dict[str, Any]:
    """Our mask out of theirs, wherever that lies."""
    given = Input(role=Role.MASK, **asking.given(value, "mask"))
    row = (await ingest(parts.assets, caller_of(request).id, given, "mask")).row
    blob = parts.assets.blobs.stream(row["sha256"], 0, row["size_bytes"])
    data = b"".join([chunk async for chunk in blob])
    mask = await parts.assets.in_thread(functools.partial(masks.from_alpha, data))
    return {"role": Role.MASK, "base64": base64.b64encode(mask).decode()}


async def _answer(parts: Parts, request: Request, asked: Asked, kind: str) -> Response:
    seen = await serving.submit(parts, request, asked)
    if asked.stream:
        told = _told(parts, request, seen, asked, kind)
        return StreamingResponse(
            told, media_type="text/event-stream", headers=STREAM | extras.answered(parts.jobs, seen)
        )
    seen = await serving.ended(parts, request, seen)
    data = await _shown(parts, request, seen, asked.response_format)
    return JSONResponse(answering.images(seen, data), headers=extras.answered(parts.jobs, seen))


async def _shown(parts: Parts, request: Request, seen: Seen, wanted: str | None) -> list[dict[str, Any]]:
    """The pictures in the form that is wanted; both forms if nothing is said."""
    address, shown = str(request.base_url), []
    for output in answering.outputs_of(seen.job):
        url = parts.assets.url(output["asset"], address) if wanted != "b64_json" else None
        words = await _words(parts, output) if wanted != "url" else None
        shown.append(answering.picture(output, url, words))
    return shown


async def _words(parts: Parts, output: Mapping[str, Any]) -> str:
    chunks = [chunk async for chunk in parts.assets.blobs.stream(output["sha256"], 0, output["size_bytes"])]
    return base64.b64encode(b"".join(chunks)).decode()


async def _partials(
    parts: Parts, request: Request, seen: Seen, kind: str, waiting: "asyncio.Future[Seen]"
) -> AsyncGenerator[str, None]:
    """Partial pictures as they come, until the job ends or is waited for no longer."""
    caller, job_id, timer = caller_of(request), seen.job["id"], asyncio.get_running_loop().time
    spoke = timer()
    async with aclosing(parts.jobs.partials(caller, job_id)) as partials:
        async for partial in partials:
            if partial is not None:
                now = await parts.jobs.see(caller, job_id)  # a fallback may have fitted it otherwise
                yield _event(answering.partial_event(now.job, kind, partial))
                spoke = timer()
            elif waiting.done():
                return
            elif timer() - spoke >= SILENT_S:
                yield SILENCE
                spoke = timer()


def _event(event: Mapping[str, Any]) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


async def _told(parts: Parts, request: Request, seen: Seen, asked: Asked, kind: str) -> AsyncIterator[str]:
    """The events of a stream: partial pictures, where there are any, then the finished ones."""
    waiting = asyncio.ensure_future(serving.ended(parts, request, seen))
    try:
        if asked.fields.get("partial_images"):
            async with aclosing(_partials(parts, request, seen, kind, waiting)) as shown_before:
                async for told in shown_before:
                    yield told
        while not (await asyncio.wait([waiting], timeout=SILENT_S))[0]:
            yield SILENCE
        seen = waiting.result()
        for shown in await _shown(parts, request, seen, asked.response_format or "b64_json"):
            event = answering.image_event(seen, kind, shown)
            yield _event(event)
    except Problem as problem:
        yield f"event: error\ndata: {json.dumps({'error': error_of(problem.body())})}\n\n"
    finally:
        waiting.cancel()
    yield "data: [DONE]\n\n"
