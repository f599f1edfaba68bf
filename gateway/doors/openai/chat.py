"""Chat completions at the OpenAI door: whole, or word by word; who hangs up stops the words where they are made."""

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from gateway.assembly import Parts
from gateway.doors import extras
from gateway.doors.openai import answering, asking, serving
from gateway.doors.openai.asking import Asked
from gateway.doors.openai.errors import JobFailed, error_of
from gateway.doors.openai.reading import read_body
from gateway.jobs.hangups import hang_up
from gateway.jobs.rules import Status
from gateway.jobs.service import Seen
from gateway.keys.routes import caller_of
from gateway.problems import Problem, Unavailable

T = TypeVar("T")


class Gone(Exception):
    """The client has closed the connection."""


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()

    @router.post("/chat/completions", response_class=Response)
    async def complete(request: Request) -> Response:
        """Words: whole, or with `stream` as they come, then with `include_usage` what they took."""
        asked = asking.chat(await read_body(request))
        seen = await serving.submit(parts, request, asked, serving.speaks_chat)
        try:
            return await while_there(request, _answer(parts, request, seen, asked))
        except Gone:
            await hang_up(parts.jobs, caller_of(request), seen.job["id"])
            return Response(status_code=499)  # nobody reads it

    return router


async def _answer(parts: Parts, request: Request, seen: Seen, asked: Asked) -> Response:
    if asked.stream:
        return await _streamed(parts, request, seen, asked)
    seen = await serving.ended(parts, request, seen)
    return JSONResponse(answering.completion(seen), headers=extras.answered(parts.jobs, seen))


async def while_there(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns. Raises Gone as soon as the client is gone; the work is then given up."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Gone
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _streamed(parts: Parts, request: Request, seen: Seen, asked: Asked) -> Response:
    """A stream that begins with its first word: what fails before is answered with the status it deserves."""
    words = parts.jobs.words(caller_of(request), seen.job["id"])
    first = await anext(words, None)
    if first is None:
        seen = await serving.ended(parts, request, seen)
    else:
        seen = await parts.jobs.see(caller_of(request), seen.job["id"])
    return Words(parts, request, _told(parts, request, seen, words, first, asked), seen)


class Words(Response):
    """A stream of events whose end comes early when its reader hangs up: then its job is stopped too."""

    def __init__(self, parts: Parts, request: Request, told: AsyncGenerator[str, None], seen: Seen) -> None:
        super().__init__(
            media_type="text/event-stream", headers=extras.answered(parts.jobs, seen) | {"cache-control": "no-store"}
        )
        del self.headers["content-length"]
        self.parts, self.request, self.told, self.seen = parts, request, told, seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await while_there(self.request, self._send(send))
        except (Gone, OSError):
            await hang_up(self.parts.jobs, caller_of(self.request), self.seen.job["id"])

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with aclosing(self.told) as told:
            async for event in told:
                await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _told(
    parts: Parts, request: Request, seen: Seen, words: AsyncGenerator[str, None], first: str | None, asked: Asked
) -> AsyncGenerator[str, None]:
    """Every event of the stream: the words as they come, what is missing of them, how it ended, what it took."""
    said = [first or ""]
    yield _event(answering.chunk(seen, {"role": "assistant", "content": first or ""}))
    before, after = _halves(seen)
    async with aclosing(words) as more:
        async for delta in more:
            said.append(delta)
            yield f"{before}{json.dumps(delta)}{after}"
    try:
        seen = await serving.settled(parts, request, seen)
        if rest := _rest(seen, "".join(said)):
            yield _event(answering.chunk(seen, {"content": rest}))
    except Problem as problem:
        yield _event({"error": error_of(problem.body())})
    else:
        yield _event(answering.chunk(seen, {}, answering.finish_reason(seen.job)))
        if asked.include_usage:
            yield _event(answering.usage_chunk(seen))
        yield f": podium {json.dumps(answering.ours(seen))}\n\n"
    yield "data: [DONE]\n\n"


def _halves(seen: Seen) -> tuple[str, str]:
    """An event with one delta, cut where its words go: they are all that differs from one to the next."""
    before, after = _event(answering.chunk(seen, {"content": _HERE})).split(json.dumps(_HERE))
    return before, after


_HERE = "\x00here\x00"


def _rest(seen: Seen, said: str) -> str:
    """What of the whole answer has not been said. Raises Problem for a job that failed, or began again elsewhere."""
    if not seen.is_final:
        raise Unavailable("the answer takes too long; its job goes on, and GET /v1/jobs has it when it is done")
    if Status(seen.job["status"]) is not Status.SUCCEEDED:
        raise JobFailed.of(seen.job)
    text = str(answering.outputs_of(seen.job)[0]["text"])
    if not text.startswith(said):
        raise Unavailable(
            "a provider broke off and another began anew: the whole answer is in the job", job=seen.job["id"]
        )
    return text[len(said) :]


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"
