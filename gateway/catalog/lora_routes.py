"""LoRAs that have names here, over HTTP: what each is for, how it is woken, and which offers can take it."""

from typing import Any

from fastapi import APIRouter

from adapters import loras
from adapters.schema import NamedLora, Offer
from gateway.catalog.supply import Supply
from gateway.problems import NotFound


def routes(supply: Supply) -> APIRouter:
    router = APIRouter(tags=["catalog"])

    @router.get("/v1/loras")
    async def all_loras() -> dict[str, Any]:
        """The LoRAs of loras.yaml, by name. What a provider calls one is told to nobody: it may be a private link."""
        return {"data": [lora_view(each, supply) for _, each in sorted(supply.loras.named.items())], "next": None}

    @router.get("/v1/loras/{name}")
    async def one_lora(name: str) -> dict[str, Any]:
        """One LoRA by its name."""
        if (found := supply.loras.named.get(name)) is None:
            hint = loras.did_you_mean(name, supply.loras.named) or "; GET /v1/loras lists what there is"
            raise NotFound(f"no LoRA is named {name!r}{hint}")
        return lora_view(found, supply)

    return router


def lora_view(lora: NamedLora, supply: Supply) -> dict[str, Any]:
    """`available`: whether some offer that can be used here takes it."""
    offers = [offer for offer in supply.catalog.offers() if lora.id in loras.usable(_widest(offer), supply.loras)]
    usable = [offer.id for offer in offers if supply.obstacle(offer, True) is None]
    return {
        "id": lora.id,
        "title": lora.title,
        "models": list(lora.models),
        "scale": lora.scale,
        "triggers": list(lora.triggers),
        "offers": [offer.id for offer in offers],
        "available": bool(usable),
        "unsure": lora.unsure,
    }


def _widest(offer: Offer) -> Offer:
    """The offer for that task for which it takes LoRAs, if there is one."""
    tasks = (offer.for_task(task) for task in sorted(offer.tasks))
    return next((each for each in tasks if "loras" in each.accepts), offer)
