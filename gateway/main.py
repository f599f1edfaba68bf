"""Composition root of the API: one ASGI application, with or without a worker beside it in the same process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from gateway import api, migrations
from gateway.assembly import Parts, assembled
from gateway.doors.shapes import shapes
from gateway.jobs.routes import create_job
from gateway.settings import Settings, settings as read_settings

VERSION = "0.2.0"


def create_app(
    settings: Settings | None = None, with_worker: bool = True, on_start: Callable[[Parts], None] | None = None
) -> FastAPI:
    """The gateway as an ASGI application. `on_start` is told the parts once they are together."""
    chosen = settings or read_settings()
    held: list[Parts] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            parts = await stack.enter_async_context(assembled(chosen, with_worker, shapes))
            held.append(parts)
            api.mount(app, parts)
            if on_start:
                on_start(parts)
            yield
            held.clear()

    async def ready() -> str | None:
        if not held:
            return "the gateway is starting or stopping"
        return await migrations.mismatch(held[0].db)

    app = FastAPI(title="Podium", version=VERSION, description=api.DESCRIPTION, lifespan=lifespan)
    api.add_probes(app, ready)
    api.add_problems(app)
    app.add_middleware(
        api.Lane,
        method="POST",
        path="/v1/jobs",
        serve=lambda request: create_job(held[0].jobs, held[0].assets, request),
    )
    app.add_middleware(api.Doorkeeper, keyring=lambda: held[0].keyring)
    return app
