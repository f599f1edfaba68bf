"""The worker's side of workflows: finds those in which something is to be done, and has it done. It decides nothing.

Any number of workers may look: what each does is guarded where it is written, so none starts a step twice.
"""

import asyncio
from dataclasses import dataclass, field

import structlog

from gateway import clock, telemetry
from gateway.workflows import store
from gateway.workflows.service import Workflows

log = structlog.get_logger()

IDLE_S = 0.4
"""How often a worker looks: what a step waits at most after the one before it has ended."""
MOST = 32
"""Workflows that one worker carries on at the same moment."""
DRAIN_S = 3.0
"""How long a polite stop waits for starts under way; one that is cut off is made again, under the same key."""


@dataclass
class Conductor:
    """One for each worker."""

    workflows: Workflows
    running: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    async def loop(self) -> None:
        """Look until canceled; what is under way is then ended by `drain`."""
        while True:
            await self.look()
            self.workflows.awake.clear()
            try:
                async with asyncio.timeout(IDLE_S):
                    await self.workflows.awake.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Take up the workflows in which something is to be done, and that are not in hand."""
        now = clock.now()
        try:
            found = await self.workflows.jobs.db.read(lambda connection: store.claimable(connection, now))
        except Exception:  # the worker's edge: whatever it is, the worker lives on and looks again
            telemetry.WORKER_ERRORS.inc()
            log.exception("could not look for workflows")
            return
        for workflow_id in found:
            if workflow_id not in self.running and len(self.running) < MOST:
                task = asyncio.create_task(self._carry_on(workflow_id))
                self.running[workflow_id] = task
                task.add_done_callback(lambda _, done=workflow_id: self.running.pop(done))  # type: ignore[misc]

    async def _carry_on(self, workflow_id: str) -> None:
        try:
            await self.workflows.carry_on(workflow_id)
        except Exception:  # the worker's edge: it is taken up again when a step's lease is over, or at the next look
            telemetry.WORKER_ERRORS.inc()
            log.exception("a workflow broke", workflow=workflow_id)

    async def drain(self) -> None:
        """Let what is under way end, but not for long."""
        if self.running:
            await asyncio.wait(self.running.values(), timeout=DRAIN_S)
        left = list(self.running.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
