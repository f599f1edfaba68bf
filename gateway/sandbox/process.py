"""Start the sandbox as a child process, wait until it listens, and stop it. Imports nothing of what it runs."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path

READY_S = 20
"""The longest that the child may take to listen; it includes the wait for a port that is still taken."""

STOP_S = 3
"""How long a stopping child is left to itself before it is killed."""

ANNOUNCEMENT = "sandbox listening on "
ROOT = Path(__file__).resolve().parents[2]


class NotStarted(RuntimeError):
    """The sandbox ended, or did not listen in time; its own message is on standard error."""


@dataclass(frozen=True)
class Running:
    """A sandbox that listens."""

    base_url: str
    process: Process

    @property
    def pid(self) -> int:
        return self.process.pid

    async def stop(self) -> None:
        """Ask it to end, and after STOP_S seconds make it."""
        if self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


async def start(host: str, port: int, data_dir: Path) -> Running:
    """Start the sandbox and return once it listens; port 0 takes a free one. It ends when this process does.

    In a session of its own, so that Ctrl-C reaches the gateway first, which then stops it.
    """
    command = _command(host, port, data_dir)
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=PIPE, cwd=ROOT, start_new_session=True
    )
    try:
        base_url = await asyncio.wait_for(_announced(process), READY_S)
    except (TimeoutError, NotStarted) as error:
        await Running("", process).stop()
        raise NotStarted(f"the sandbox did not start on {host}:{port}") from error
    return Running(base_url, process)


def _command(host: str, port: int, data_dir: Path) -> tuple[str, ...]:
    """The warning that is silenced is multiprocessing's own, about semaphores that a kill -9 leaves for it to clean."""
    quiet = "ignore:resource_tracker:UserWarning"
    place = ("--host", host, "--port", str(port), "--data-dir", str(data_dir.resolve()))
    return (sys.executable, "-W", quiet, "-m", "gateway.sandbox", *place, "--parent-pid", str(os.getpid()))


async def _announced(process: Process) -> str:
    """The address in the child's one line."""
    if process.stdout is None:
        raise NotStarted("the sandbox has no standard output")
    async for line in process.stdout:
        text = line.decode(errors="replace").strip()
        if text.startswith(ANNOUNCEMENT):
            return text.removeprefix(ANNOUNCEMENT)
    raise NotStarted("the sandbox ended before it listened")
