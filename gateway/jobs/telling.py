"""Tells a listener of a job as it happens: its words at once, all else as its rows say. Nothing depends on who listens:
one that goes away stops nothing, and may come back.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from gateway.jobs import happenings
from gateway.jobs.happenings import Told
from gateway.jobs.service import Jobs, Seen
from gateway.jobs.views import Link
from gateway.keys.rules import Caller

KEEPALIVE_S = 15.0
"""The longest silence: proxies close a connection after thirty seconds or more of it."""
KEEPALIVE = ": still here\n\n"


async def told_events(jobs: Jobs, caller: Caller, seen: Seen, told: Told, link: Link) -> AsyncGenerator[str, None]:
    """Server-sent events of a job from where its listener stopped, until it ends."""
    timer = asyncio.get_running_loop().time
    spoke, job_id = timer(), seen.job["id"]
    for each in happenings.after(told, seen, link):
        told = each.told
        yield str(each)
    async with aclosing(jobs.waiting.listen(job_id, skip_chars=told.chars)) as heard:
        while not seen.is_final:
            words = await anext(heard, None)
            if words is None:
                break  # it ended, or its words are too many to be kept: what is left is in its rows
            if words:
                spoken = happenings.delta(told, words)
                told, spoke = spoken.told, timer()
                yield str(spoken)
                continue
            seen = await jobs.see(caller, job_id)
            for each in happenings.after(told, seen, link):
                told, spoke = each.told, timer()
                yield str(each)
            if timer() - spoke >= KEEPALIVE_S:
                spoke = timer()
                yield KEEPALIVE
    while not seen.is_final:
        seen = await jobs.wait(caller, seen, KEEPALIVE_S)
        news = happenings.after(told, seen, link)
        for each in news:
            told = each.told
            yield str(each)
        if not news:
            yield KEEPALIVE
