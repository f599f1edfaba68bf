"""`python -m gateway.sandbox`: serve the sandbox until told to stop, or until the parent process is gone."""

import argparse
import asyncio
import contextlib
import errno
import os
import socket
import sys
from pathlib import Path
from uuid import UUID

BIND_TRIES = 40
BIND_PAUSE_S = 0.25
"""Ten seconds in all: after a kill -9 the sandbox of the parent before may still hold the port."""

PARENT_LOOK_S = 0.5
START_PAUSE_S, START_LOOKS = 0.01, 1_500
GRACE_S = 1
"""How long open answers may take once it is time to stop."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gateway.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8702, help="0 takes a free one")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--parent-pid", type=int, help="stop when this process is gone")
    asked = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(serve(asked.host, asked.port, asked.data_dir, asked.parent_pid))
        except OSError as error:
            sys.stderr.write(f"the sandbox cannot listen on {asked.host}:{asked.port}: {error.strerror}\n")
            os._exit(1)
    sys.stdout.flush()
    # Not sys.exit: it would wait for a rendering under way. The render process leaves when this one does.
    os._exit(0)


async def serve(host: str, port: int, data_dir: Path, parent_pid: int | None) -> None:
    """Listen, say where, and serve. The imports are here: a spawned render process runs this file's top again."""
    import uvicorn

    from gateway.clock import new_id, now
    from gateway.sandbox.server import create_app
    from gateway.sandbox.wiring import with_abort

    def new_request_id() -> str:
        return str(UUID(hex=new_id("req").removeprefix("req_")))

    app = with_abort(create_app(data_dir, lambda: now().timestamp(), new_request_id))
    listener = await bind(host, port)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S)
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    for _ in range(START_LOOKS):
        if server.started or serving.done():
            break
        await asyncio.sleep(START_PAUSE_S)
    if server.started:
        sys.stdout.write(f"sandbox listening on http://{host}:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
    while not serving.done():
        if parent_pid is not None and not is_alive(parent_pid):
            server.should_exit = True
        await asyncio.wait({serving}, timeout=PARENT_LOOK_S)
    await serving


async def bind(host: str, port: int) -> socket.socket:
    """A listening socket; waits a little for a port that is still taken."""
    for attempt in range(BIND_TRIES):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # The protocol is named, because asyncio turns Nagle's delay off only then.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or attempt == BIND_TRIES - 1:
                raise
            await asyncio.sleep(BIND_PAUSE_S)
        else:
            return listener
    raise OSError(errno.EADDRINUSE, f"port {port} is taken")


def is_alive(pid: int) -> bool:
    """Whether the process exists; a dead parent may linger as a zombie, but then it is no longer ours."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main()
