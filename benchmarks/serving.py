"""Serves one application by uvicorn as the gateway is served, on a port of the system's choosing, which it prints."""

import socket

import uvicorn
from fastapi import FastAPI


def serve(app: FastAPI) -> None:
    """Until a SIGTERM. The same loop and parser for both sides of a comparison.

    The socket names its protocol: asyncio switches Nagle's algorithm off only on sockets that do, and with it on every
    answer of two packets would wait 40 ms for the other side's delayed acknowledgement.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        print(listening.getsockname()[1], flush=True)
        config = uvicorn.Config(app, loop="asyncio", http="httptools", access_log=False, log_level="warning")
        uvicorn.Server(config).run(sockets=[listening])
