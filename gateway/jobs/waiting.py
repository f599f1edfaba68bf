"""Who in this process waits for which job, and who listens to its words, or sees its pictures, as they come. It keeps
nothing for long, and stores nothing."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

from adapters.http import Listener
from adapters.wire import Heard, Partial
from gateway.jobs.endings import News, count

LOOK_S = 0.5
"""How often one who waits looks at a job that another process runs."""
HEARD = 10_000
"""Deltas that wait for a slow listener; beyond that it is behind for good, and is let go."""
SAID_CHARS = 1_000_000
"""Words kept for those who listen late: what the longest outputs of today's models come to, and some."""
PARTIALS = 3
"""Partial pictures of one turn: as many as can be asked for. Each is bounded by adapters.http.HEARD_BYTES, and only the
latest is kept for those who come late."""


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


class Said:
    """What one turn has said so far: whoever asks for a job's words was answered with the job first, and comes late."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.chars = 0
        self.partials = 0
        self.latest: Partial | None = None

    def show(self, partial: Partial) -> bool:
        """Whether a partial picture is one to show: not more than a caller can have asked for."""
        self.partials += 1
        if self.partials > PARTIALS:
            return False
        self.latest = partial
        return True

    def add(self, words: str) -> None:
        self.chars += len(words)
        if self.is_whole:
            self.words.append(words)
        else:
            self.words.clear()

    @property
    def is_whole(self) -> bool:
        return self.chars <= SAID_CHARS


class Waiting:
    """One for each process."""

    def __init__(self) -> None:
        self.waiters: dict[str, set[Watch]] = defaultdict(set)
        self.listeners: dict[str, set[asyncio.Queue[Heard | None]]] = defaultdict(set)
        self.said: dict[str, Said] = {}

    def announce(self, news: News) -> None:
        count(news)
        self.said.pop(news.job_id, None)  # the turn is over: its words are in the job, or void
        for watch in self.waiters.get(news.job_id, ()):
            watch.news = news
            watch.changed.set()
        for queue in self.listeners.get(news.job_id, ()):
            queue.put_nowait(None if news.is_final else "")

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

    def listener(self, job_id: str) -> Listener:
        """Where a worker of this process puts the words, or the partial pictures, of a job's next turn."""
        self.said.pop(job_id, None)
        return lambda heard: self._heard(job_id, heard)

    async def _heard(self, job_id: str, heard: Heard) -> None:
        said = self.said.setdefault(job_id, Said())
        if isinstance(heard, str):
            said.add(heard)
        elif not said.show(heard):
            return
        for queue in list(self.listeners.get(job_id, ())):
            if queue.qsize() < HEARD:
                queue.put_nowait(heard)
            else:
                self.listeners[job_id].discard(queue)
                queue.put_nowait(None)  # it hears no words with a gap between them; the whole job says all of them

    async def listen(self, job_id: str, look_s: float = LOOK_S, skip_chars: int = 0) -> AsyncGenerator[Heard, None]:
        """A job's words, those it has said already first, then as they come, until it ends; and its partial pictures,
        of those that came before only the latest.

        No words when the job has changed, and after so long a silence: time to look what became of it. The first
        `skip_chars` characters are left out: who comes back knows them.
        """
        queue: asyncio.Queue[Heard | None] = asyncio.Queue()
        if said := self.said.get(job_id):
            if not said.is_whole:
                return  # no words with a gap before them
            queue.put_nowait("".join(said.words) if said.latest is None else said.latest)
        self.listeners[job_id].add(queue)
        try:
            while (words := await _next(queue, look_s)) is not None:
                if isinstance(words, Partial):
                    yield words
                    continue
                known = words[:skip_chars]
                skip_chars -= len(known)
                if not known or len(known) < len(words):
                    yield words[len(known) :]
        finally:
            self.listeners[job_id].discard(queue)
            if not self.listeners[job_id]:
                del self.listeners[job_id]


async def _next(queue: "asyncio.Queue[Heard | None]", look_s: float) -> Heard | None:
    try:
        async with asyncio.timeout(look_s):
            return await queue.get()
    except TimeoutError:
        return ""
