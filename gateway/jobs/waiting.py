"""Who in this process waits for which job, and who listens to its words as they come. It keeps nothing."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

from adapters.http import Listener
from gateway.jobs.endings import News, count

HEARD = 10_000
"""Deltas that wait for a slow listener; beyond that it is behind for good, and is let go."""


class Watch:
    """One who waits: `changed` is set when something happened, and `news` is the last of it."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.news: News | None = None

    async def until(self, wait_s: float) -> None:
        """Wait for a change, but not longer than this."""
        try:
            async with asyncio.timeout(wait_s):
                await self.changed.wait()
        except TimeoutError:
            return
        self.changed.clear()


class Waiting:
    """One for each process."""

    def __init__(self) -> None:
        self.waiters: dict[str, set[Watch]] = defaultdict(set)
        self.listeners: dict[str, set[asyncio.Queue[str | None]]] = defaultdict(set)

    def announce(self, news: News) -> None:
        count(news)
        for watch in self.waiters.get(news.job_id, ()):
            watch.news = news
            watch.changed.set()
        if news.is_final:
            for queue in self.listeners.get(news.job_id, ()):
                queue.put_nowait(None)

    @contextmanager
    def watch(self, job_id: str) -> Iterator["Watch"]:
        """Hear what changes about a job from here on."""
        watch = Watch()
        self.waiters[job_id].add(watch)
        try:
            yield watch
        finally:
            self.waiters[job_id].discard(watch)
            if not self.waiters[job_id]:
                del self.waiters[job_id]

    def listener(self, job_id: str) -> Listener | None:
        """Where a worker of this process puts a job's words, if anybody listens."""
        return None if job_id not in self.listeners else lambda words: self._heard(job_id, words)

    async def _heard(self, job_id: str, words: str) -> None:
        for queue in list(self.listeners.get(job_id, ())):
            if queue.qsize() < HEARD:
                queue.put_nowait(words)
            else:
                self.listeners[job_id].discard(queue)
                queue.put_nowait(None)  # it hears no words with a gap between them; the whole job says all of them

    async def listen(self, job_id: str) -> AsyncGenerator[str, None]:
        """A job's words as they come, until it ends."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self.listeners[job_id].add(queue)
        try:
            while (words := await queue.get()) is not None:
                yield words
        finally:
            self.listeners[job_id].discard(queue)
            if not self.listeners[job_id]:
                del self.listeners[job_id]
