"""Replicate's files at this door: uploads that are assets of the caller, listed and forgotten again."""

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.assets import tables
from gateway.assets.service import Assets
from gateway.assets.tables import ASSET, Row
from gateway.doors import storage
from gateway.doors.replicate import views
from gateway.keys.routes import caller_of
from gateway.problems import NotFound

FIELD = "content"
"""The part of the form that is the file."""
LISTED = 100


def routes(assets: Assets) -> APIRouter:
    router = APIRouter(prefix="/replicate/v1/files", tags=["the Replicate door"])

    def root(request: Request) -> str:
        return f"{(assets.public_url or str(request.base_url)).rstrip('/')}/replicate"

    @router.post("", status_code=201)
    async def upload(request: Request) -> dict[str, Any]:
        """Upload a file, the part `content` of a form; its `urls.get` is used as an input."""
        row = await storage.keep(assets, request, caller_of(request).id, clock.new_id("ast"), FIELD)
        return views.file(row, root(request))

    @router.get("")
    async def listing(request: Request) -> dict[str, Any]:
        """The newest files of this key."""
        key_id = caller_of(request).id
        rows = await assets.database.read(lambda connection: tables.uploads_of_key(connection, key_id, LISTED))
        return views.page([views.file(row, root(request)) for row in rows], None)

    @router.get("/{file_id}")
    async def one(request: Request, file_id: str) -> dict[str, Any]:
        """What is known of a file."""
        return views.file(await found(request, file_id), root(request))

    @router.get("/{file_id}/download", response_class=RedirectResponse)
    async def download(request: Request, file_id: str) -> Response:
        """The bytes: on to a signed link."""
        row = await found(request, file_id)
        return RedirectResponse(assets.url(row["id"], str(request.base_url)), 302)

    @router.delete("/{file_id}", status_code=204)
    async def forget(request: Request, file_id: str) -> Response:
        """Forget a file: it has ended, and is no longer found here; a job that has it keeps it."""
        row, now = await found(request, file_id), clock.now()

        def unit(connection: Connection) -> None:
            connection.execute(sa.update(ASSET).where(ASSET.c.id == row["id"]).values(expires_at=now))

        await assets.database.together(unit)
        return Response(status_code=204)

    async def found(request: Request, file_id: str) -> Row:
        row = await assets.found(file_id, caller_of(request).id)
        if row["source"] != "upload":  # what jobs made, or fetched, is no file of Replicate's
            raise NotFound("The requested resource could not be found.")
        return row

    return router
