"""From a battle's body to two drafted jobs: who is drawn, and what each side asks for. It stores nothing.

The models are drawn among those that routing ranks for this very request, so a plan's models, the caller's limits and
wishes, and life stages hold here as anywhere. Each side is then a job that names its model: a fallback may go to
another offer of that model, never to another model.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from adapters.schema import ImagePart, Input, MediaRequest
from gateway import clock
from gateway.arena import rules
from gateway.arena.body import BattleBody
from gateway.arena.rules import CONTENDERS, DRAW, Contender, Pair, Side
from gateway.assets.ingest import ingest
from gateway.assets.service import Assets
from gateway.assets.tables import Row
from gateway.jobs.drafts import draft_attempt, draft_job
from gateway.jobs.service import Jobs
from gateway.keys.rules import Caller
from gateway.problems import Invalid, NoOffer
from gateway.routing import quotes, service as routing_service
from gateway.routing.body import JobBody
from gateway.routing.service import Plan, Routing
from router.names import OneModel, OneOffer, Unknown
from router.ratings import Rated, unrated

NAMED = "named by the caller"


class Drawn(NamedTuple):
    """A pair and what is asked of each side. `plan` is what it was drawn from; none if the caller named both."""

    pair: Pair
    bodies: Mapping[Side, JobBody]
    record: dict[str, Any]
    plan: Plan | None = None


class Drafted(NamedTuple):
    """One side before it is stored."""

    plan: Plan
    job: dict[str, Any]
    attempt: dict[str, Any]


def drawn(
    routing: Routing, caller: Caller, body: BattleBody, rated: Mapping[str, Rated], seed: int, now: datetime
) -> Drawn:
    """Choose both sides. Raises NoOffer where no two models can do this within the limits, and what routing raises."""
    if body.models is not None:
        return _named(routing, caller, body, rated, seed, now)
    plan = routing.plan(body.job(), now, routing_service.terms_of(caller))
    if not plan.offers:
        raise routing_service.refusal(plan)
    contenders = _contenders(plan, rated)
    pair = rules.draw(contenders, seed, body.max_cost_usd)
    if pair is None:
        raise _too_few(contenders, body)
    asked = {contender.model: contender.model for contender in contenders}
    return Drawn(pair, _bodies(body, pair, contenders, asked), _record(DRAW, seed, contenders), plan)


def _named(
    routing: Routing, caller: Caller, body: BattleBody, rated: Mapping[str, Rated], seed: int, now: datetime
) -> Drawn:
    asked: dict[str, str] = {}
    contenders: list[Contender] = []
    for index, name in enumerate(body.models or ()):
        job = body.job(name)
        if not isinstance(routing.meant(job, now.date())[0], OneModel | OneOffer | Unknown):
            fault = {"path": f"models.{index}", "message": "must name one model or offer"}
            raise Invalid(f"models.{index}: {name!r} leaves the choice open: name one model or offer", errors=[fault])
        plan = routing.plan(job, now, routing_service.terms_of(caller))
        if not plan.offers:
            raise routing_service.refusal(plan)
        contenders += _contenders(plan, rated)
        asked[contenders[-1].model] = name
    if len(asked) < 2:
        fault = {"path": "models", "message": "must be two different models"}
        raise Invalid("models: a battle is between two different models", errors=[fault])
    first, second = contenders
    if body.max_cost_usd is not None and first.quote_usd + second.quote_usd > body.max_cost_usd:
        raise _too_few(contenders, body)
    pair = rules.placed(first.model, second.model, seed)
    return Drawn(pair, _bodies(body, pair, contenders, asked), _record(NAMED, seed, contenders))


def _contenders(plan: Plan, rated: Mapping[str, Rated]) -> list[Contender]:
    """The best offer of each model that is ranked, as far as a draw looks."""
    found: dict[str, Contender] = {}
    for _, _, candidate in plan.decision.ranked:
        if candidate.model not in found and len(found) < CONTENDERS:
            known = rated.get(candidate.model) or unrated(candidate.model)
            quote = candidate.evidence.cost_usd or Decimal(0)
            found[candidate.model] = Contender(candidate.model, quote, known.low, known.high, known.votes)
    return list(found.values())


def _bodies(body: BattleBody, pair: Pair, contenders: list[Contender], asked: Mapping[str, str]) -> dict[Side, JobBody]:
    quoted = {each.model: each.quote_usd for each in contenders}
    shares = rules.limits((quoted[pair.left], quoted[pair.right]), body.max_cost_usd)
    return {
        side: body.job(asked[model], rules.least(share, body.routing.max_cost_usd))
        for side, model, share in zip(Side, pair, shares, strict=True)
    }


def _record(name: str, seed: int, contenders: list[Contender]) -> dict[str, Any]:
    """All that the draw was made of, so that it can be made again."""
    among = [each._asdict() | {"quote_usd": format(each.quote_usd, "f")} for each in contenders]
    return {"name": name, "seed": seed, "decision": None, "among": among}


def _too_few(contenders: list[Contender], body: BattleBody) -> NoOffer:
    names = [each.model for each in contenders]
    if len(names) < 2:
        return NoOffer(
            f"a battle needs two models, and only {names[0]} can do this; POST /v1/route says why", models=names
        )
    cheapest = sum(sorted(each.quote_usd for each in contenders)[:2])
    said = f"two models together are quoted at {cheapest:f} USD at least, over the limit of {body.max_cost_usd:f} USD"
    return NoOffer(said, models=names)


def drafted(jobs: Jobs, caller: Caller, body: JobBody, request: MediaRequest, key: str, now: datetime) -> Drafted:
    """A side as the rows of an ordinary job and its first attempt. Raises what a job's submit raises."""
    terms = routing_service.terms_of(caller)
    plan = jobs.routing.plan(body, now, terms)
    if not plan.offers:
        raise routing_service.refusal(plan)
    choice = quotes.chosen(plan, terms, clock.new_id("dec"))
    supplied = jobs.supply.supplied(choice.offers[0], body.task)
    if supplied is None:
        raise quotes.gone(choice)
    fitted = jobs.routing.fitted(plan, body, now.date())
    attempt = draft_attempt(supplied, fitted, request, clock.new_id("job"), caller.id, 1, now)
    return Drafted(plan, draft_job(body, request, choice, attempt, key, caller), attempt.row)


async def ingested(assets: Assets, caller: Caller, request: MediaRequest) -> tuple[MediaRequest, list[Row]]:
    """The request with its inputs as assets of ours, brought once for both sides, and the rows of new ones."""
    rows: list[Row] = []

    async def brought(item: Input | ImagePart, path: str) -> str:
        found = await ingest(assets, caller.id, item, path)
        rows.extend([found.row] if found.is_new else [])
        return found.asset

    inputs = [
        Input(role=item.role, asset=await brought(item, f"inputs.{index}")) for index, item in enumerate(request.inputs)
    ]
    messages = []
    for index, message in enumerate(request.messages):
        if not isinstance(message.content, str):
            parts = [
                ImagePart(asset=await brought(part, f"messages.{index}.content.{place}"))
                if isinstance(part, ImagePart)
                else part
                for place, part in enumerate(message.content)
            ]
            message = message.model_copy(update={"content": tuple(parts)})
        messages.append(message)
    return request.model_copy(update={"inputs": tuple(inputs), "messages": tuple(messages)}), rows
