"""`podium up`, `serve`, `work` and `migrate`: start the processes of a gateway, and stop them in the right order."""

import asyncio
import errno
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import uvicorn
from rich.console import Console
from sqlalchemy.engine import make_url

from gateway import migrations, worker
from gateway.assembly import Parts
from gateway.catalog.supply import Supply, read_supply
from gateway.commands import dashboard
from gateway.commands.database import on_database
from gateway.commands.terminal import Refused, as_document, screen, show
from gateway.db import connect
from gateway.main import VERSION, create_app
from gateway.sandbox import process
from gateway.sandbox.process import Running
from gateway.settings import SANDBOX, Settings, moved_base_url, settings

BACKLOG = 2_048
"""Connections that wait to be accepted: uvicorn's own number."""
GRACE_S = 5
"""How long open answers may take once it is time to stop."""
LOOK_S = 0.01
STOPS = (signal.SIGINT, signal.SIGTERM)


class Admin(NamedTuple):
    """The first admin's key, on the start that made it."""

    id: str
    secret: str


class Started(NamedTuple):
    """A gateway that answers."""

    url: str
    sandbox_url: str | None
    admin: Admin | None
    dashboard_url: str | None = None


def up(as_json: bool, with_dashboard: bool = True) -> None:
    """Migrate, then serve and work in this process until Ctrl-C, with the dashboard in another beside it."""
    with bound(settings()) as listener:
        migrations.upgrade(settings().database_url)
        asyncio.run(_run(settings(), listener, with_worker=True, tell=_teller(as_json), with_dashboard=with_dashboard))


def serve(as_json: bool) -> None:
    """The API alone, on a schema that is already there."""
    with bound(settings()) as listener:
        on_database(_nothing)
        asyncio.run(_run(settings(), listener, with_worker=False, tell=_teller(as_json)))


def work() -> None:
    """A worker alone, until Ctrl-C."""
    asyncio.run(worker.work(settings()))


def migrate(as_json: bool) -> None:
    url = settings().database_url
    before = asyncio.run(_revision(url))
    migrations.upgrade(url)
    document = {"database": make_url(url).render_as_string(), "from": before, "to": migrations.head()}

    def draw(console: Console) -> None:
        already = before == document["to"]
        console.print(f"{document['database']} is at {document['to']}" + (" already" if already else ""))

    show(document, as_json, draw)


async def _nothing(_: Any) -> None:
    return None


async def _revision(url: str) -> str | None:
    db = connect(url)
    try:
        return await migrations.current(db)
    finally:
        await db.close()


def _listening(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    """A listening TCP socket that says so: asyncio turns Nagle's delay off only where the protocol is named, and with
    it on each small answer waits 40 ms for the other side."""
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


@contextmanager
def bound(config: Settings) -> Iterator[socket.socket]:
    """The gateway's listening socket: taken first, so that a second gateway stops before it touches anything."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        listener = _listening(family, config.host, config.port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            taken = f"port {config.port} of {config.host} is taken: is a gateway running already?"
            raise Refused(f"{taken} PODIUM_PORT sets another") from error
        raise Refused(f"cannot listen at {config.host}:{config.port}: {error.strerror or error}") from error
    with listener:
        yield listener


async def _run(
    config: Settings,
    listener: socket.socket,
    with_worker: bool,
    tell: Callable[[Started], None],
    with_dashboard: bool = False,
) -> None:
    """Serve until a signal comes. The sandbox starts beside the gateway and stops after it, as the dashboard does."""
    starting = asyncio.create_task(_start_sandbox(config, read_supply(config)))
    try:
        await _serve(config, listener, with_worker, starting, tell, with_dashboard)
    finally:
        if sandbox := await starting:
            await sandbox.stop()


async def _start_sandbox(config: Settings, supply: Supply) -> Running | None:
    """Our own provider as a child, unless it is switched off or the operator says that it is elsewhere."""
    card = supply.cards.get(SANDBOX)
    if card is None or not supply.stand_ins_run or moved_base_url(card):
        return None
    try:
        return await process.start("127.0.0.1", config.sandbox_port, config.sandbox_dir)
    except process.NotStarted as error:
        raise Refused(f"{error}: PODIUM_SANDBOX_PORT sets another port, PODIUM_SANDBOX=off does without") from error


async def _serve(
    config: Settings,
    listener: socket.socket,
    with_worker: bool,
    sandbox: asyncio.Task[Running | None],
    tell: Callable[[Started], None],
    with_dashboard: bool,
) -> None:
    assembled: list[Parts] = []
    app = create_app(config, with_worker, assembled.append)
    server = uvicorn.Server(
        uvicorn.Config(
            app, loop="asyncio", http="httptools", log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )  # fmt: skip
    with _outlived_signals():
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not (server.started or serving.done()):
            await asyncio.wait({serving}, timeout=LOOK_S)
        try:
            if server.started:
                started = await _started(listener, await sandbox, assembled[0])
                async with dashboard.beside(config, started.url) if with_dashboard else nullcontext() as pages:
                    tell(started._replace(dashboard_url=pages))
                    await serving
        except Refused:
            server.should_exit = True
            await serving
            raise
        await serving
    if not server.started:
        raise Refused("the gateway did not start; the reason is above")


async def _started(listener: socket.socket, sandbox: Running | None, parts: Parts) -> Started:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    secret = parts.new_admin_secret
    admin = Admin((await parts.keyring.authenticate(secret)).id, secret) if secret else None
    return Started(url, sandbox.base_url if sandbox else None, admin)


@contextmanager
def _outlived_signals() -> Iterator[None]:
    """uvicorn raises the signal that stopped it once more when it is done; by then we only want to stop in order."""
    before = {number: signal.signal(number, lambda *_: None) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _teller(as_json: bool) -> Callable[[Started], None]:
    return _tell_script if as_json else _tell_person


def _tell_script(started: Started) -> None:
    admin = started.admin._asdict() if started.admin else None
    print(as_document(started._asdict() | {"admin": admin, "version": VERSION}), flush=True)  # noqa: T201 - to be flushed


def _tell_person(started: Started) -> None:
    console = screen()
    console.print(f"\n[bold]Podium {VERSION}[/] answers at [bold cyan]{started.url}[/]   [dim]{started.url}/docs[/]")
    if started.sandbox_url:
        console.print(
            f"The sandbox draws at {started.sandbox_url}   [dim]a provider of our own, without real models[/]"
        )
    if started.dashboard_url:
        console.print(f"The dashboard opens at [bold cyan]{started.dashboard_url}[/]   [dim]sign in with a key[/]")
    if started.admin:
        _tell_first_steps(console, started.admin)
    console.print("\n[dim]Ctrl-C stops it.[/]")


def _tell_first_steps(console: Console, admin: Admin) -> None:
    console.print(f"\nYour admin key, shown this once ([bold]{admin.id}[/]):\n")
    console.print(f"  export PODIUM_KEY={admin.secret}", soft_wrap=True)
    console.print("\nThen, in the same shell:\n")
    console.print(f"  podium fund {admin.id} 5", soft_wrap=True)
    console.print('  podium generate "a red fox in fresh snow" --task text-to-image', soft_wrap=True)
