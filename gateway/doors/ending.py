"""A job waited for on behalf of a caller whose own API has no limit of a minute. It starts and stops nothing."""

import asyncio

from gateway.jobs.service import Jobs, Seen
from gateway.keys.rules import Caller


async def ended(jobs: Jobs, caller: Caller, seen: Seen, wait_s: float) -> Seen:
    """The job once it has ended, or as it is after that time."""
    now = asyncio.get_running_loop().time
    deadline = now() + wait_s
    while not seen.is_final and (left_s := deadline - now()) > 0:
        seen = await jobs.wait(caller, seen, left_s)
    return seen
