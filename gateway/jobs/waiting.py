"""Who in this process waits for which job, and who listens to its words as they come. It keeps nothing."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import contextmanager
from typing import Any

from adapters.http import Listener
from gateway.jobs.endings import News

HEARD = 10_000
"""Deltas that wait for a slow listener; beyond that it is behind for good, and is let go."""


class Waiting:
    """One for each process."""

    def __init__(self) -> None:
        self.waiters: dict[str, set[asyncio.Event]] = defaultdict(set)
        self.listeners: dict[str, set[asyncio.Queue[str | None]]] = defaultdict(set)

    def announce(self, news: News) -> None:
        for event in self.waiters.get(news.job_id, ()):
            event.set()
        if news.is_final:
            for queue in self.listeners.get(news.job_id, ()):
                queue.put_nowait(None)

    @contextmanager
    def waiter(self, job_id: str) -> Any:
        """An event that is set when something changes about a job."""
        event = asyncio.Event()
        self.waiters[job_id].add(event)
        try:
            yield event
        finally:
            self.waiters[job_id].discard(event)
            if not self.waiters[job_id]:
                del self.waiters[job_id]

    def listener(self, job_id: str) -> Listener | None:
        """Where a worker of this process puts a job's words, if anybody listens."""
        return None if job_id not in self.listeners else lambda words: self._heard(job_id, words)

    async def _heard(self, job_id: str, words: str) -> None:
        for queue in list(self.listeners.get(job_id, ())):
            if queue.qsize() < HEARD:
                queue.put_nowait(words)

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
