"""Proposals of changed prices over HTTP, for admins: listed, accepted, refused."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from adapters.schema import Price
from gateway import clock
from gateway.catalog import prices
from gateway.catalog.prices import NotOpen, Status
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.keys.routes import admin_of
from gateway.paging import After, Limit, page
from gateway.problems import Conflict, NotFound

ProposalId = Annotated[str, Path(max_length=100, pattern=r"^[\w-]+$")]


def routes(db: Database, supply: Supply, repriced: Callable[[], Awaitable[None]]) -> APIRouter:
    """`repriced` is called after a price was accepted, so that this process quotes it at once."""
    router = APIRouter(prefix="/v1/prices/proposals", tags=["catalog"])

    @router.get("")
    async def listing(
        request: Request,
        status: Annotated[Status | None, Query(description="only those that stand so")] = None,
        limit: Limit = 100,
        after: After = None,
    ) -> dict[str, Any]:
        """Prices that sources say and the cards do not, newest first."""
        admin_of(request)
        wanted = status.value if status else None
        rows = await db.read(lambda connection: prices.listing(connection, limit + 1, after, wanted))
        return page([prices.view(row) for row in rows], limit)

    @router.post("/{proposal_id}/accept")
    async def accept(request: Request, proposal_id: ProposalId) -> dict[str, Any]:
        """A new dated price, for every quote from now on. Jobs that were made before keep theirs."""
        who, now = admin_of(request).id, clock.now()
        done = await db.together(lambda connection: prices.accept(connection, proposal_id, supply, who, now))
        await repriced()
        return _shown(done, await db.read(lambda connection: prices.find(connection, proposal_id)), proposal_id)

    @router.post("/{proposal_id}/refuse")
    async def refuse(request: Request, proposal_id: ProposalId) -> dict[str, Any]:
        """Leave the price as it is; the same change is not proposed again."""
        who, now = admin_of(request).id, clock.now()
        done = await db.together(lambda connection: prices.refuse(connection, proposal_id, who, now))
        return _shown(done, await db.read(lambda connection: prices.find(connection, proposal_id)), proposal_id)

    return router


def _shown(done: Price | NotOpen | None, row: Mapping[Any, Any] | None, proposal_id: str) -> dict[str, Any]:
    """The proposal as it stands now. Raises NotFound and Conflict."""
    if row is None:
        raise NotFound(f"there is no proposal {proposal_id}; GET /v1/prices/proposals lists them")
    if isinstance(done, NotOpen):
        raise Conflict(f"this proposal is not open any more: it is {row['status']}", proposal=prices.view(row)["id"])
    return prices.view(row)
