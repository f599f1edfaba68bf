"""`podium dashboard`: becomes the dashboard's own process, and tells it where the gateway is; never imports it."""

import asyncio
import contextlib
import os
import socket
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from importlib.util import find_spec
from urllib.parse import urlsplit, urlunsplit

from gateway.commands.terminal import Refused
from gateway.settings import Settings, settings

ADDRESS = "127.0.0.1"
"""Who signs in types a key, so what listens further belongs behind a proxy that speaks TLS."""
MODULE = "dashboard.server"
STOP_S = 3
"""How long it is left to itself before it is killed: it keeps nothing that would be lost."""


def dashboard() -> None:
    """Serve the dashboard in this process until Ctrl-C. Raises Refused where its port is taken."""
    command = words(settings(), settings().gateway_url)
    check_free(settings().dashboard_port)
    os.execv(sys.executable, [sys.executable, *command])


@contextlib.asynccontextmanager
async def beside(config: Settings, gateway_url: str) -> AsyncIterator[str | None]:
    """The dashboard as a child while the block runs, and its address; None where another one has its port, which is no
    reason for a gateway not to run. In a session of its own, so that Ctrl-C reaches the gateway first."""
    try:
        check_free(config.dashboard_port)
    except Refused:
        yield None
        return
    command = [sys.executable, *words(config, gateway_url), "--parent-pid", str(os.getpid())]
    child = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=DEVNULL, start_new_session=True)
    try:
        yield url(config)
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()


def is_installed() -> bool:
    return find_spec("dashboard") is not None


def words(config: Settings, gateway_url: str) -> list[str]:
    """The interpreter's arguments."""
    if not is_installed():
        raise Refused("the dashboard is not installed beside the gateway")
    place = ["--port", str(config.dashboard_port), "--path", config.dashboard_path]
    return ["-m", MODULE, "--url", _without_credentials(gateway_url), *place]


def url(config: Settings) -> str:
    """Where a browser on this machine finds it."""
    return f"http://{ADDRESS}:{config.dashboard_port}/{config.dashboard_path.strip('/')}".rstrip("/")


def _without_credentials(gateway_url: str) -> str:
    """Arguments of a process can be read by others on the machine."""
    parts = urlsplit(gateway_url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def check_free(port: int) -> None:
    """Raises Refused where somebody listens there already."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((ADDRESS, port))
        except OSError as error:
            taken = f"port {port} of {ADDRESS} is taken: is a dashboard running already?"
            raise Refused(f"{taken} PODIUM_DASHBOARD_PORT sets another") from error
