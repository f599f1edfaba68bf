"""The measure: the least that a gateway written with FastAPI and httpx can do, which is to hand a body on and back.

Run as `python -m benchmarks.pass_through UPSTREAM_URL`; it prints its port. It keeps no books, decides nothing and
knows no one.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import httpx
from fastapi import FastAPI, Request, Response
from httpx_aiohttp import AiohttpTransport

from benchmarks.serving import serve

CONNECTIONS = 512
"""As many as the gateway opens."""


def create_app(upstream_url: str) -> FastAPI:
    """One route, over the transport that the gateway uses."""
    clients: list[httpx.AsyncClient] = []

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient(transport=AiohttpTransport(client=session), timeout=None) as client:
            clients.append(client)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/v1/images/generations")
    async def generations(request: Request) -> Response:
        headers = {"content-type": "application/json", "authorization": "Bearer x"}
        content = await request.body()
        reply = await clients[0].post(f"{upstream_url}/images/generations", content=content, headers=headers)
        return Response(reply.content, reply.status_code, media_type="application/json")

    return app


if __name__ == "__main__":
    serve(create_app(sys.argv[1]))
