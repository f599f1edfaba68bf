"""The ticks over HTTP, for admins: when each is due, who runs it, and how its last run went."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request

from gateway.db import Database
from gateway.keys.routes import admin_of
from gateway.ticks import store


def routes(db: Database) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/v1/ticks")
    async def ticks(request: Request) -> dict[str, Any]:
        """Every tick that ever ran here, by name. `said` is what its last run did, or why it failed."""
        admin_of(request)
        return {"data": [_view(row) for row in await db.read(store.listing)], "next": None}

    return router


def _view(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: _written(value) for name, value in row.items()}


def _written(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
