"""Estimates over HTTP: what an output costs to compute on a machine, and from when that is less than an offer asks."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from adapters.registry import BadCatalog
from gateway import clock
from gateway.catalog.estimates import Ask, Estimator
from gateway.catalog.evidence import Belief
from gateway.catalog.machines import load_tables
from gateway.catalog.supply import Supply
from gateway.problems import Unavailable


def routes(supply: Supply, belief: Callable[[], Belief], overlay: Callable[[], Path | None]) -> APIRouter:
    """`overlay` is the operator's folder of catalog files, and `belief` what is believed at the moment."""
    router = APIRouter(tags=["catalog"])

    def answer(ask: Ask) -> dict[str, Any]:
        try:
            tables = load_tables(overlay())
        except BadCatalog as error:
            raise Unavailable(f"the tables of machines cannot be read: {error}") from error
        return Estimator(tables, lambda: supply, belief).answer(ask, clock.now().date())

    @router.post("/v1/estimates")
    async def estimate(ask: Ask) -> dict[str, Any]:
        """Seconds and dollars of one output of a model on a machine, everything loaded and nobody before it. With
        `against`, also from how many outputs a month the machine costs less than offers of equal quality."""
        return await asyncio.to_thread(answer, ask)

    return router
