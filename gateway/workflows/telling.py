"""Tells a listener of a workflow as its steps go on. Nothing depends on who listens; who comes back hears the rest."""

import asyncio
from collections.abc import AsyncGenerator

from gateway.jobs.telling import KEEPALIVE, KEEPALIVE_S
from gateway.jobs.views import Link
from gateway.keys.rules import Caller
from gateway.workflows import happenings
from gateway.workflows.service import LOOK_S, Workflows
from gateway.workflows.store import Seen


async def told_events(
    workflows: Workflows, caller: Caller, seen: Seen, told: str, link: Link
) -> AsyncGenerator[str, None]:
    """Server-sent events of a workflow from where its listener stopped, until it ends."""
    timer = asyncio.get_running_loop().time
    spoke = timer()
    while True:
        for each in happenings.after(told, seen, link):
            told, spoke = each.told, timer()
            yield str(each)
        if seen.is_final:
            return
        if timer() - spoke >= KEEPALIVE_S:
            spoke = timer()
            yield KEEPALIVE
        await asyncio.sleep(LOOK_S)
        seen = await workflows.look(caller, seen.workflow["id"])
