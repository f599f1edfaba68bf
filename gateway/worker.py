"""Composition root of a worker without an API: takes turns until it is told to stop."""

import asyncio
import signal

import structlog

from gateway.assembly import assembled
from gateway.doors.shapes import shapes
from gateway.settings import Settings

log = structlog.get_logger()


async def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then finish the turns under way."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with assembled(settings, with_worker=True, shapes=shapes) as parts:
        assert parts.jobs.runner is not None
        log.info("worker started", worker=parts.jobs.runner.name)
        await stop.wait()
        log.info("worker stopping", turns=len(parts.jobs.runner.running))
