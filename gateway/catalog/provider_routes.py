"""Providers over HTTP, for admins: which can be used here, how their attempts end, and which are left alone."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from adapters.schema import ProviderCard
from gateway import clock
from gateway.catalog import providers
from gateway.catalog.routes import Own
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.keys.routes import admin_of

Everything = Annotated[bool, Query(alias="all", description="also those that cannot be used here, with the reason")]


def routes(db: Database, supply: Supply, own: Own) -> APIRouter:
    router = APIRouter(tags=["catalog"])

    @router.get("/v1/providers")
    async def listing(request: Request, all: Everything = False) -> dict[str, Any]:
        """Providers by name: attempts open, and ended in the last hour and day; breakers; an own engine's reading."""
        admin_of(request)
        now, cards = clock.now(), sorted(supply.cards.values(), key=lambda card: card.name)
        doing = await db.read(lambda connection: providers.read(connection, supply.cards, now))
        rows = [
            providers.view(card, supply, doing, obstacle_of(card, supply) or own.obstacle(card.name, now), now)
            | {"engine": own.view(card.name, now)}
            for card in cards
            if all or obstacle_of(card, supply) is None
        ]
        return {"data": rows, "next": None}

    return router


def obstacle_of(card: ProviderCard, supply: Supply) -> str | None:
    """Why none of a provider's offers can be used here, as every one of them would say it."""
    return supply.obstacle(card.offers[0], is_asked_for=True) if card.offers else "offers nothing"
