"""Labels that no rule resolves over HTTP, for admins: listed, and settled."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway import clock
from gateway.catalog import naming
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.keys.routes import admin_of
from gateway.problems import Invalid, NotFound


class SettleBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: str = Field(min_length=1, max_length=300, description="as its source writes it")
    model: str = Field(
        min_length=1, max_length=200, description="a model's id or any name of it; `none`: none of ours; `undo`"
    )


def routes(db: Database, supply: Supply) -> APIRouter:
    """The paths under /v1/names."""
    router = APIRouter(prefix="/v1/names", tags=["catalog"])

    @router.get("/unresolved")
    async def unresolved(
        request: Request,
        everything: Annotated[bool, Query(alias="all", description="also labels of price lists and listings")] = False,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 500,
    ) -> dict[str, Any]:
        """Labels of the newest readings that mean no model of ours, with ids that resemble them; `total` of all."""
        admin_of(request)
        rows = await naming.open_labels(db, supply.names, everything)
        return {"data": rows[:limit], "total": len(rows)}

    @router.post("/settle")
    async def settle(request: Request, body: SettleBody) -> dict[str, Any]:
        """Say what a label means; used when evidence is gathered next, within half a minute."""
        admin_of(request)
        try:
            done = await naming.settle(db, supply.names, body.label, body.model, clock.now())
        except LookupError:
            raise Invalid(
                f"nothing here is named {body.model}: GET /v1/models?all=true lists what there is",
                errors=[{"path": "model", "message": "is no name of one of our models"}],
            ) from None
        if done is None:
            raise NotFound(f"nothing was settled of {body.label[:100]!r}")
        return {"label": done.label, "model": done.model, "settled": done.is_settled}

    return router
