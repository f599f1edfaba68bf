"""Clips at the OpenAI door: made, asked for, listed, fetched, remade, and taken off the list."""

import base64
from contextlib import closing
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from adapters.schema import Role, Task
from gateway import clock
from gateway.assembly import Parts
from gateway.assets.routes import ranged
from gateway.assets.sniff import HEAD_BYTES, kind, sniff
from gateway.doors import extras
from gateway.doors.extras import refused
from gateway.doors.openai import answering, asking, clips, serving
from gateway.doors.openai.asking import File
from gateway.doors.openai.reading import read_body
from gateway.doors.openai.thumbnails import thumbnail
from gateway.jobs.rules import Status
from gateway.jobs.service import Seen
from gateway.keys.routes import caller_of
from gateway.paging import After
from gateway.problems import NotFound

PAGE, PAGES_MOST = 20, 100
POLL_HEADER = "openai-poll-after-ms"

VIDEO_ID = "/videos/{video_id}"

Variant = Annotated[str, Query(description="video, or thumbnail: its first frame")]
Size = Annotated[int, Query(alias="limit", ge=1, le=PAGES_MOST)]


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()

    @router.post("/videos", response_class=Response)
    async def create(request: Request) -> Response:
        """A clip from words, or with `input_reference` from a first frame or another clip. Answered at once."""
        body = await read_body(request)
        task, inputs = await _given(parts, request, body)
        return _told(parts, await serving.submit(parts, request, asking.video(body, task, inputs)))

    @router.get("/videos")
    async def listing(request: Request, limit: Size = PAGE, after: After = None, order: clips.Order = "desc") -> Any:
        """This key's clips."""
        key_id = caller_of(request).id
        found = await parts.db.read(lambda connection: clips.listing(connection, key_id, limit, after, order))
        return answering.page([answering.video(seen) for seen in found], limit)

    @router.get(VIDEO_ID, response_class=Response)
    async def one(request: Request, video_id: str) -> Response:
        """A clip as it is now; while it is made, a header says when to ask again."""
        return _told(parts, await _found(parts, request, video_id))

    @router.delete(VIDEO_ID)
    async def delete(request: Request, video_id: str) -> dict[str, Any]:
        """Stop a clip that is being made, and show it here no more. The job and its books stay under /v1/jobs."""
        seen = await _found(parts, request, video_id)
        await parts.jobs.cancel(caller_of(request), video_id)
        await parts.db.together(lambda connection: clips.take_off(connection, seen.job["id"], clock.now()))
        return {"id": video_id, "object": "video.deleted", "deleted": True}

    @router.get(f"{VIDEO_ID}/content", response_class=Response)
    async def content(request: Request, video_id: str, variant: Variant = "video") -> Response:
        """The clip's bytes, or a range of them."""
        seen = await _found(parts, request, video_id)
        return await _content(parts, request, seen, variant)

    @router.post(f"{VIDEO_ID}/remix", response_class=Response)
    async def remix(request: Request, video_id: str) -> Response:
        """Another clip out of this one, by the same model if it can, else by one that can."""
        body = await read_body(request)
        seen = await _found(parts, request, video_id)
        source = {"role": Role.SOURCE, "asset": _made(seen)["asset"]}
        asked = asking.video(body, Task.VIDEO_TO_VIDEO, [source])
        model = body.get("model") or _remixer(parts, seen)
        labels = asked.fields.get("metadata", {}) | {answering.REMIXED: seen.job["id"]}
        asked = asked._replace(fields=asked.fields | {"model": model, "metadata": labels})
        return _told(parts, await serving.submit(parts, request, asked))

    return router


async def _given(parts: Parts, request: Request, body: dict[str, Any]) -> tuple[Task, list[dict[str, Any]]]:
    """What a reference makes of the task: a picture is the first frame, a clip is changed."""
    value = body.get("input_reference")
    if value is None:
        return Task.TEXT_TO_VIDEO, []
    given = asking.given(value, "input_reference")
    if await _is_clip(parts, request, value, given):
        return Task.VIDEO_TO_VIDEO, [{"role": Role.SOURCE} | given]
    return Task.IMAGE_TO_VIDEO, [{"role": Role.FIRST_FRAME} | given]


async def _is_clip(parts: Parts, request: Request, value: object, given: dict[str, str]) -> bool:
    if isinstance(value, File):
        return kind(sniff(base64.b64decode(value.base64[: HEAD_BYTES // 3 * 4]))) == "video"
    if asset := given.get("asset"):
        return kind((await parts.assets.found(asset, caller_of(request).id))["mime"]) == "video"
    return False


def _told(parts: Parts, seen: Seen) -> Response:
    headers = extras.answered(parts.jobs, seen)
    if not seen.is_final:
        offer = parts.supply.offer(seen.job["offer"], Task(seen.job["task"]))
        eta_s = parts.routing.belief.of(offer, Task(seen.job["task"])).latency_p50_s if offer else None
        headers[POLL_HEADER] = str(answering.poll_after_ms(eta_s))
    return JSONResponse(answering.video(seen), headers=headers)


async def _found(parts: Parts, request: Request, video_id: str) -> Seen:
    """A clip of this key's. Raises NotFound, also for what is no clip, and for one that was deleted here."""
    seen = await parts.jobs.see(caller_of(request), video_id)
    if not clips.is_here(seen.job):
        raise NotFound(f"there is no video {video_id} of this key")
    return seen


def _made(seen: Seen) -> dict[str, Any]:
    """The clip that was made. Raises NotFound while there is none."""
    if Status(seen.job["status"]) is not Status.SUCCEEDED:
        raise NotFound(f"this video is {answering.CLIP[Status(seen.job['status'])]}, so there is nothing to fetch yet")
    return answering.outputs_of(seen.job)[0]


async def _content(parts: Parts, request: Request, seen: Seen, variant: str) -> Response:
    made = _made(seen)
    headers = extras.answered(parts.jobs, seen)
    match variant:
        case "video":
            headers["content-type"] = made["mime"]
            return ranged(parts.assets, request, made["sha256"], int(made["size_bytes"]), headers)
        case "thumbnail":
            return Response(await parts.assets.in_thread(lambda: _thumbnail(parts, made)), 200, headers, "image/webp")
        case _:
            raise refused("variant", "must be video or thumbnail; no sprite sheets are made here")


def _thumbnail(parts: Parts, made: dict[str, Any]) -> bytes:
    with closing(parts.assets.blobs.open(made["sha256"])) as file:
        return thumbnail(file, made["mime"])


def _remixer(parts: Parts, seen: Seen) -> str:
    model: str = seen.job["offer"].partition("/")[2]
    return model if Task.VIDEO_TO_VIDEO in parts.supply.models[model].tasks else asking.AUTO
