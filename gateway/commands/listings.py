"""`podium listings`: a provider's own list of models beside what its card offers; no server needed."""

import asyncio
from collections.abc import AsyncIterator

from rich.console import Console

from adapters.bodies import Media
from adapters.http import close_clients, open_clients
from adapters.schema import MaskPaint
from adapters.wire import Listing
from gateway.catalog.listings import NotListed, listings
from gateway.catalog.supply import Supply, read_supply
from gateway.commands.terminal import Refused, show, table
from gateway.settings import settings


class NoShelf:
    """For calls in which no asset has a place."""

    async def open(self, asset: str, mask: MaskPaint = "white") -> Media:
        raise AssertionError(f"{asset} in a request for a list")

    async def link(self, asset: str) -> str | None:
        return None

    async def store(self, chunks: AsyncIterator[bytes]) -> str:
        raise AssertionError("a list is no media")


def list_models(provider: str, as_json: bool) -> None:
    """Every model on the list, and which of them the card offers."""
    supply = read_supply(settings())
    try:
        found = asyncio.run(_listed(provider, supply))
    except NotListed as error:
        raise Refused(str(error)) from error
    offered = {offer.wire_id: offer.model for offer in supply.cards[provider].offers}
    rows = [model.model_dump(mode="json") | {"offered_as": offered.get(model.wire_id)} for model in found]
    show({"data": rows}, as_json, lambda console: _draw(console, rows))


async def _listed(provider: str, supply: Supply) -> tuple[Listing, ...]:
    clients = open_clients()
    try:
        return await listings(provider, supply, clients, NoShelf())
    finally:
        await close_clients(clients)


def _draw(console: Console, rows: list[dict[str, str | None]]) -> None:
    drawn = table("listed", "name", "since", "offered as", keep="listed")
    for row in rows:
        drawn.add_row(row["wire_id"], row["name"] or "", row["created"] or "", row["offered_as"] or "[dim]–[/]")
    console.print(drawn)
