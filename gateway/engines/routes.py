"""Engines that were found on own machines over HTTP, for admins: where, what they have, and whether they are used."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.engines import findings
from gateway.keys.routes import admin_of

SHOWN = ("address", "host", "engine", "title", "version", "models", "loras", "offers", "variables")


def routes(db: Database, supply: Supply) -> APIRouter:
    router = APIRouter(tags=["engines"])

    @router.get("/v1/engines")
    async def engines(request: Request) -> dict[str, Any]:
        """What the last look at each host of PODIUM_DISCOVER found. `enabled_as` is the provider that is there now."""
        admin_of(request)
        rows = await db.read(findings.newest)
        return {"data": [_view(row, supply) for row in rows], "next": None}

    return router


def _view(row: Mapping[str, Any], supply: Supply) -> dict[str, Any]:
    """Whether it is used is told by what is configured now, not by what was when it was found."""
    used = (card for card in supply.cards.values() if not card.needs_base_url)
    name = next((card.name for card in used if f"{card.base_url}/".startswith(f"{row['address']}/")), None)
    shown = {each: row.get(each) for each in SHOWN}
    return shown | {"enabled_as": name, "found_at": row["found_at"].isoformat().replace("+00:00", "Z")}
