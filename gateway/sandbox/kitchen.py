"""From accepted to completed: each open request has one task here, and one render process does the painting."""

import asyncio
import contextlib
import multiprocessing
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from pydantic import ValidationError

from gateway.sandbox.book import Book, Record, Refusal, parsed
from gateway.sandbox.errands import Errand, Unusable, begin, run
from gateway.sandbox.inputs import Clips, ImageClips, Words, detail_of, model_error
from gateway.sandbox.words import answer

RENDERERS = 1
"""Render processes: the sandbox leaves the other cores to the gateway."""


class Kitchen:
    """Cooks what the book has open. The pool is made at the first rendering: an idle sandbox stays small."""

    def __init__(self, book: Book, now_s: Callable[[], float]) -> None:
        self.book, self.now_s = book, now_s
        self._pool: ProcessPoolExecutor | None = None
        self._free = asyncio.Semaphore(RENDERERS)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def resume(self) -> None:
        """After a restart: whatever was not finished is begun anew."""
        for record in self.book.open_records():
            self.begin(self.book.save(record.model_copy(update={"state": "IN_QUEUE", "begun_s": None})))

    def begin(self, record: Record) -> None:
        task = asyncio.get_running_loop().create_task(self._cook(record))
        self._tasks[record.request_id] = task
        task.add_done_callback(lambda ended: self._ended(record.request_id, ended))

    def _ended(self, request_id: str, task: asyncio.Task[None]) -> None:
        """A request whose task broke is answered too: nothing stays IN_PROGRESS by accident."""
        self._tasks.pop(request_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            sys.stderr.write("".join(traceback.format_exception(error)))
            broken = platform_refusal(500, "internal_error", f"Rendering failed: {error}"[:300])
            self._fail(self.book.records[request_id], broken)

    def queue_position(self, record: Record) -> int:
        """How many that came before are still open."""
        return sum(other.received_s < record.received_s for other in self.book.open_records())

    async def cancel(self, record: Record) -> None:
        """End the request here; a rendering under way is abandoned, not interrupted."""
        task = self._tasks.pop(record.request_id, None)
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if (now := self.book.records[record.request_id]).is_open:
            self._fail(now, platform_refusal(499, "client_cancelled", "Request cancelled"))

    async def _cook(self, record: Record) -> None:
        try:
            asked = parsed(self.book.input_path(record).read_bytes(), record.endpoint)
        except ValidationError as error:
            body = detail_of(error)
            kind, message = body["detail"][0]["type"], body["detail"][0]["msg"]
            self._fail(record, Refusal(status=422, kind=kind, message=message, body=body))
            return
        except OSError:
            self._fail(record, platform_refusal(500, "internal_error", "The input was lost"))
            return
        if isinstance(asked, Words):
            record = self._started(record)
            await self._wait(record)
            self._settle(record, lambda: words_result(asked, record.seed))
            return
        if record.behaviour.hang or record.behaviour.delay_s:
            record = self._started(record)
            await self._wait(record)
        async with self._free:
            record = self._started(record)
            await self._render(record, units_of(asked))

    def _started(self, record: Record) -> Record:
        if record.begun_s is not None:
            return record
        return self.book.save(record.model_copy(update={"state": "IN_PROGRESS", "begun_s": self.now_s()}))

    async def _wait(self, record: Record) -> None:
        """What the behaviour asks; the delay counts from the submit, so a restart does not begin it again."""
        if record.behaviour.hang:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(max(0.0, record.received_s + record.behaviour.delay_s - self.now_s()))

    async def _render(self, record: Record, units: str) -> None:
        if told := told_refusal(record):
            self._fail(record, told)
            return
        errand = Errand(record.endpoint, str(self.book.input_path(record)), self.book.stem(record), record.seed)
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._renderers(), run, errand)
        except Unusable as error:
            body = model_error(error.kind, error.message, error.field)
            self._fail(record, Refusal(status=422, kind=error.kind, message=error.message, body=body))
        except BrokenProcessPool:
            self._pool = None
            self._fail(record, platform_refusal(503, "runner_disconnected", "The render process ended"))
        else:
            self._finish(record, result, units)

    def _settle(self, record: Record, compose: Callable[[], tuple[dict[str, Any], str]]) -> None:
        if told := told_refusal(record):
            self._fail(record, told)
        else:
            self._finish(record, *compose())

    def _renderers(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(RENDERERS, mp_context=context, initializer=begin)
        return self._pool

    def close(self) -> None:
        """Stop at once: a rendering under way is begun anew after the next start."""
        for task in self._tasks.values():
            task.cancel()
        for child in multiprocessing.active_children():
            child.kill()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _finish(self, record: Record, result: dict[str, Any], units: str) -> None:
        done = {"state": "COMPLETED", "ended_s": self.now_s(), "result": result, "units": units}
        self.book.save(self.book.records[record.request_id].model_copy(update=done))

    def _fail(self, record: Record, refusal: Refusal) -> None:
        done = {"state": "COMPLETED", "ended_s": self.now_s(), "refusal": refusal}
        self.book.save(self.book.records[record.request_id].model_copy(update=done))


def platform_refusal(status: int, kind: str, message: str) -> Refusal:
    """An error of the platform, not of the model: `detail` is a sentence, `error_type` its name."""
    return Refusal(status=status, kind=kind, message=message, body={"detail": message, "error_type": kind})


def told_refusal(record: Record) -> Refusal | None:
    """The failure that the request's behaviour asks for, if any."""
    if record.behaviour.refuse:
        kind, message = "content_policy_violation", "The sandbox was told to refuse this content"
        return Refusal(status=422, kind=kind, message=message, body=model_error(kind, message))
    if record.behaviour.fail == "error":
        return platform_refusal(503, "runner_disconnected", "Runner disconnected")
    return None


def words_result(asked: Words, seed: int) -> tuple[dict[str, Any], str]:
    """The queue's result of a text, and its billable units: thousands of tokens."""
    said = answer(asked.prompt, asked.messages, asked.max_tokens, seed if asked.temperature else 0)
    body = {"output": said.text, "partial": False, "finish_reason": said.finish, "usage": said.usage, "sandbox": True}
    return body, f"{said.usage['total_tokens'] / 1000:g}"


def units_of(asked: Any) -> str:
    """What fal would bill in the endpoint's own unit: seconds of a clip, number of pictures."""
    if isinstance(asked, Clips | ImageClips):
        return f"{asked.duration / 2 if asked.sandbox.short else asked.duration:g}"
    return str(getattr(asked, "num_images", 1))
