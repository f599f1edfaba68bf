"""Models at the OpenAI door: as its clients list them, with all that we know of each besides."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter

from gateway import clock
from gateway.assembly import Parts
from gateway.catalog.routes import model_view
from gateway.problems import NotFound
from router.names import AUTO, Auto, OneModel, OneOffer
from router.policy import PRESETS


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()

    @router.get("/models")
    async def models() -> dict[str, Any]:
        """`auto` and its policies, then the models that some offer here can run, by id."""
        found = [shown for name in sorted(parts.supply.models) if (shown := _model(parts, name))["available"]]
        return {"object": "list", "data": [*map(_auto, [AUTO, *(f"{AUTO}:{name}" for name in PRESETS)]), *found]}

    @router.get("/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        """One model, by any name it goes by."""
        match parts.supply.names.resolve(name):
            case Auto():
                return _auto(name)
            case OneModel(found) | OneOffer(_, found):
                return _model(parts, found)
            case _:
                raise NotFound(f"nothing is named {name!r}: list the models to see what there is")

    return router


def _auto(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "podium"}


def _model(parts: Parts, name: str) -> dict[str, Any]:
    model, routing = parts.supply.models[name], parts.routing
    view = model_view(model, parts.supply, routing.belief, routing.lives, clock.now().date())
    released = (
        datetime(model.released.year, model.released.month, model.released.day, tzinfo=UTC) if model.released else None
    )
    created = int(released.timestamp()) if released else 0
    return view | {"id": model.id, "object": "model", "created": created, "owned_by": model.maker}
