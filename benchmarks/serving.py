"""Serves one application by uvicorn as the gateway is served, on a port of the system's choosing, which it prints."""

import socket

import uvicorn
from fastapi import FastAPI

BACKLOG = 512


def serve(app: FastAPI) -> None:
    """Until a SIGTERM. The same loop and parser for both sides of a comparison."""
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listening:
        print(listening.getsockname()[1], flush=True)
        config = uvicorn.Config(app, loop="asyncio", http="httptools", access_log=False, log_level="warning")
        uvicorn.Server(config).run(sockets=[listening])
