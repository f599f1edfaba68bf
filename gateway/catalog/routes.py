"""Models and offers over HTTP: what there is, at what price, how good, how quick, and how long it may last."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query, Response

from adapters import pricing
from adapters.schema import Model, Offer, Price, Task
from gateway import clock
from gateway.catalog.evidence import Belief
from gateway.catalog.lives import Lives
from gateway.catalog.supply import Supply
from gateway.paging import After, Limit, page
from gateway.problems import NotFound
from router.names import OneModel, OneOffer
from router.retirement import Life

ForTask = Annotated[Task | None, Query(description="only those that do this")]
Everything = Annotated[bool, Query(alias="all", description="also those that cannot be used here")]


EndsBefore = Annotated[date | None, Query(description="only those whose end is announced for a day before this one")]

Ending = Callable[[str, date], dict[str, str]]
"""The headers of an answer about a model that ends, by the name it was asked for."""


class Own(Protocol):
    """What is known of the operator's own engines at the moment."""

    def view(self, provider: str, now: datetime) -> dict[str, Any] | None: ...
    def obstacle(self, provider: str, now: datetime) -> str | None: ...


def routes(
    supply: Supply, belief: Callable[[], Belief], lives: Callable[[], Lives] = Lives, ending: Ending = lambda *_: {},
    own: Own | None = None,
) -> APIRouter:  # fmt: skip
    """`belief` and `lives` give what is believed at the moment."""
    router = APIRouter(tags=["catalog"])

    @router.get("/v1/models")
    async def models(task: ForTask = None, all: Everything = False, limit: Limit = 200, after: After = None) -> Any:
        """Models by id. Without `all`, those that some offer here can run."""
        today = clock.now().date()
        shown = [
            model_view(model, supply, belief(), lives(), today)
            for model in sorted(supply.models.values(), key=lambda model: model.id)
            if (task is None or task in model.tasks) and model.id > (after or "")
        ]
        return page([each for each in shown if all or each["available"]], limit)

    @router.get("/v1/models/{name:path}")
    async def model(name: str, response: Response) -> dict[str, Any]:
        """One model, by its id or by any name it goes by. One that ends says so in its headers, too."""
        today = clock.now().date()
        match supply.names.resolve(name):
            case OneModel(found) | OneOffer(_, found):
                response.headers.update(ending(name, today))
                return model_view(supply.models[found], supply, belief(), lives(), today)
            case _:
                raise NotFound(f"nothing is named {name!r}; GET /v1/models lists what there is")

    @router.get("/v1/offers")
    async def offers(
        task: ForTask = None, all: Everything = True, ends_before: EndsBefore = None, limit: Limit = 500,
        after: After = None,
    ) -> Any:  # fmt: skip
        """Offers by id, each with its prices, limits and what is known of it."""
        today = clock.now().date()
        shown = [
            offer_view(offer, supply, belief(), lives(), today) | _engine(own, offer.provider)
            for offer in sorted(supply.catalog.offers(), key=lambda offer: offer.id)
            if (task is None or task in offer.tasks) and offer.id > (after or "")
            and (ends_before is None or today <= (lives().of(offer, today).ends or date.max) < ends_before)
        ]  # fmt: skip
        return page([each for each in shown if all or each["available"]], limit)

    return router


def _engine(own: Own | None, provider: str) -> dict[str, Any]:
    """An engine of the operator's own, as it last told of itself; and that it is away, if it is."""
    now = clock.now()
    if own is None or (engine := own.view(provider, now)) is None:
        return {"engine": None}
    away = own.obstacle(provider, now)
    return {"engine": engine} | ({"available": False, "obstacle": away} if away else {})


def life_view(life: Life) -> dict[str, Any]:
    """Where something is in its life: since when, by what evidence, until when, and what comes after it."""
    return {
        "stage": life.stage.value,
        "stage_since": life.since.isoformat(),
        "stage_evidence": life.evidence,
        "ends": life.ends.isoformat() if life.ends else None,
        "successor": life.successor,
    }


def model_view(model: Model, supply: Supply, belief: Belief, lives: Lives, today: date) -> dict[str, Any]:
    offers = [offer for offer in supply.catalog.offers() if offer.model == model.id]
    usable = [offer for offer in offers if not _obstacle(offer, supply, lives, today)]
    life = lives.of_model(model.id, offers, today)
    elsewhere = lives.elsewhere.get(model.id, {})
    return {
        "id": model.id,
        "name": model.name,
        "maker": model.maker,
        "tasks": sorted(model.tasks),
        "released": model.released.isoformat() if model.released else None,
        "open_weights": model.open_weights,
        "aliases": list(model.aliases),
        "available": bool(usable),
        **life_view(life),
        "elsewhere": [{"at": name} | life_view(each) for name, each in elsewhere.items()],
        "offers": [offer.id for offer in offers],
        "quality": {task: _quality(belief, model.id, task) for task in sorted(model.tasks)},
        "unsure": model.unsure,
    }


def _obstacle(offer: Offer, supply: Supply, lives: Lives, today: date) -> str | None:
    return lives.obstacle(offer, today) or supply.obstacle(offer, True)


def _quality(belief: Belief, model: str, task: Task) -> dict[str, Any]:
    quality = belief.qualities.of(model, task)
    boards = [
        {"board": each.board, "taken_on": each.taken_on.isoformat(), "label": each.label, **each.interval._asdict()}
        for each in quality.boards
    ]
    return quality.interval._asdict() | {"source": quality.source, "boards": boards}


def offer_view(offer: Offer, supply: Supply, belief: Belief, lives: Lives, today: date) -> dict[str, Any]:
    obstacle = _obstacle(offer, supply, lives, today)
    return {
        "id": offer.id,
        "provider": offer.provider,
        "model": offer.model,
        "tasks": sorted(offer.tasks),
        "prices": [_price(price) for price in offer.prices],
        "priced": any(pricing.is_priced(offer, task, today) for task in offer.tasks),
        "available": obstacle is None,
        "obstacle": obstacle,
        "self_hosted": supply.cards[offer.provider].self_hosted,
        **life_view(lives.of(offer, today)),
        "accepts": {name: accept.model_dump(exclude_none=True) for name, accept in offer.accepts.items()},
        "inputs": {role: list(count) for role, count in offer.inputs.items()},
        "evidence": {task: _evidence(belief, lives, offer.for_task(task), task) for task in sorted(offer.tasks)},
        "unsure": offer.unsure,
    }


def _evidence(belief: Belief, lives: Lives, offer: Offer, task: Task) -> dict[str, Any]:
    known = belief.of(offer, task)
    return {
        "quality": known.quality._asdict(),
        "eta_s": {"p50": known.latency_p50_s, "p95": known.latency_p95_s, "source": known.eta_source},
        "reliability": known.reliability,
        "hazard_per_day": lives.hazard(offer),
    }


def _price(price: Price) -> dict[str, Any]:
    rates = [
        {"unit": rate.unit, "usd": format(rate.usd, "f"), "per": format(rate.per, "f"), "when": rate.when}
        for rate in price.rates
    ]
    return {
        "since": price.since.isoformat(),
        "checked": price.checked.isoformat(),
        "source": price.source,
        "rates": rates,
        "unsure": price.unsure,
    }
