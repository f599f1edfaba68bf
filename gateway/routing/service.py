"""From a body to a decision: candidates out of the catalog, fitted and quoted, then the router decides.

It spends nothing and sends nothing. Decisions are kept, so that every choice can be explained and made again.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters import loras, pricing
from adapters.acceptance import Adjustment
from adapters.schema import Lora, MediaRequest, Offer, Price
from gateway.catalog import own
from gateway.catalog.evidence import Belief
from gateway.catalog.lives import Lives
from gateway.catalog.supply import NOT_SET_UP, Supply
from gateway.db import insert_once
from gateway.engines import rules
from gateway.engines.service import Engines
from gateway.keys.rules import Caller
from gateway.prepared import Prepared
from gateway.problems import Invalid, ModelRetired, NoOffer, Problem, Unavailable, Unpriced
from gateway.routing import body as bodies, succession
from gateway.routing.body import JobBody, Minded
from gateway.routing.fitting import OWN, Fitted, fit as fit_request, fit_of, fit_offer, lengthened
from gateway.routing.tables import DecisionRecordRow, DecisionRow
from router import breakers, decide as deciding
from router.decide import NOT_SELF_HOSTED, Candidate, Decision, Rejected
from router.evidence import Evidence, facing, queued, quoted
from router.names import Auto, Named, OneModel, OneOffer, Unknown
from router.policy import SELF_HOSTED, Policy
from router.retirement import Life, Stage

PLANS = 1_024
"""Plans kept for bodies of the same shape, some 200 kB each; they go with the evidence they were made by."""

RETRY_S = 30
"""When to ask again where an own engine is away: after its next readings."""

DECISION: sa.Table = DecisionRow.__table__  # type: ignore[attr-defined]
RECORD: sa.Table = DecisionRecordRow.__table__  # type: ignore[attr-defined]


class Terms(NamedTuple):
    """What a caller's plan allows (models, providers or offers; empty: all), and what it asks beyond the cost."""

    models: tuple[str, ...] = ()
    margin_ppm: int = 0


NO_TERMS = Terms()


def terms_of(caller: Caller) -> Terms:
    return Terms(caller.plan.models, caller.plan.margin_ppm) if caller.plan else NO_TERMS


@dataclass
class Plan:
    """A decision ready to be kept: its record as text, and the offers to try in order.

    It serves every body of one shape; `fitted` is how the first offer fits them, made when the first of them comes.
    """

    decision: Decision
    record: str
    sha256: str
    offers: tuple[str, ...]
    unpriced: frozenset[str]
    policy_json: str
    offers_json: str
    replaced: tuple[Adjustment, ...] = ()
    fitted: Fitted | None = None


@dataclass
class Routing:
    """Makes plans. `belief` and `lives` are replaced as a whole when newer evidence is gathered."""

    supply: Supply
    belief: Belief
    lives: Lives = field(default_factory=Lives)
    engines: Engines | None = None
    plans: dict[tuple[object, ...], Plan] = field(default_factory=dict)
    recorded: set[str] = field(default_factory=set)
    endings: dict[tuple[str, date], dict[str, str]] = field(default_factory=dict)
    minded: Minded = field(init=False)

    def __post_init__(self) -> None:
        self.minded = {name: self.supply.limits(name) for name in OWN}
        self.supply.measured = self.belief.measured(self.supply.own)

    async def look(self) -> None:
        """See what the operator's own engines have to do just now, before a decision."""
        if self.engines is not None:
            await self.engines.look()

    def given(self, plan: Plan | None) -> AbstractContextManager[None]:
        """While the run is written down that a plan chose."""
        is_counted = self.engines is not None and plan is not None and plan.decision.ranked
        if not is_counted or self.engines is None or plan is None:
            return nullcontext()
        return self.engines.given(plan.decision.ranked[0].candidate.provider)

    def believe(self, belief: Belief, lives: Lives | None = None) -> None:
        self.belief, self.plans, self.recorded, self.endings = belief, {}, set(), {}
        self.lives = lives or self.lives
        self.supply.measured = belief.measured(self.supply.own)

    def plan(self, body: JobBody, now: datetime, terms: Terms = NO_TERMS) -> Plan:
        """Decide. Raises Invalid for a model that nobody knows, and ModelRetired for one that is no more and may not be
        replaced; a plan without offers is the caller's to refuse."""
        state = self.engines.state(now) if self.engines and self.supply.own else ()
        key = (now.date(), terms, state, *bodies.shape_of(body, self.minded))
        found = self.plans.get(key)
        if found is None:
            if len(self.plans) >= PLANS:
                self.plans.clear()
            found = self.plans[key] = self._make(body, now, terms)
        return found

    def fitted(self, plan: Plan, body: JobBody, day: date) -> Fitted:
        """How a plan's first offer fits the bodies of its shape. Raises pricing.Unpriced."""
        if plan.fitted is None:
            offer = self.supply.offer(plan.offers[0], body.task)
            assert offer is not None, "a plan names only offers of the catalog"
            fitted = fit_offer(body.media(), offer, body.strict, day, self.supply.bounded, self.supply.loras)
            plan.fitted = noted(fitted, plan.replaced)
        return fit_of(body, plan.fitted)

    def prices(self, plan: Plan, body: JobBody, day: date) -> dict[str, Price]:
        """Offer → the price that holds for it today, for every offer of a plan."""
        offers = [self.supply.offer(name, body.task) for name in plan.offers]
        return {offer.id: pricing.price_on(offer, day) for offer in offers if offer}

    def meant(self, body: JobBody, day: date) -> tuple[Named, tuple[Adjustment, ...]]:
        """What the body's model stands for today, and how it was replaced if it was. Raises ModelRetired."""
        named = self.supply.names.resolve(body.model)
        life = self._life(named, day)
        if life is None or life.stage is not Stage.RETIRED or isinstance(named, Auto | Unknown):
            return named, ()
        heir = self._heir(body.model, named, day)
        is_pinned = succession.is_pinned(body.model, named, self.supply.names)
        if (is_pinned and not body.routing.replace) or not succession.can_do(heir, body.task, self.supply.models):
            raise _retired(named, life, heir)
        return OneModel(str(heir)), (Adjustment(parameter="model", asked=body.model, sent=heir),)

    def ending(self, name: str, day: date) -> dict[str, str]:
        """Headers for answers about a pinned model or offer that ends; none for others."""
        found = self.endings.get((name, day))
        if found is None:
            if len(self.endings) >= PLANS:
                self.endings.clear()
            named = self.supply.names.resolve(name)
            life = self._life(named, day) if succession.is_pinned(name, named, self.supply.names) else None
            found = succession.headers(life, self._heir(name, named, day)) if life else {}
            self.endings[name, day] = found
        return found

    def _life(self, named: Named, day: date) -> Life | None:
        match named:
            case OneModel(model):
                return self.lives.models.get(model)
            case OneOffer(offer_id, _):
                offers = self.supply.catalog.offers()
                return next((self.lives.of(offer, day) for offer in offers if offer.id == offer_id), None)
            case _:
                return None

    def _heir(self, name: str, named: Named, day: date) -> str | None:
        """For an offer first the same model elsewhere; for a pointer its family's newest; else the successor."""
        if isinstance(named, Auto | Unknown):
            return None
        life = self.lives.models.get(named.model)
        if isinstance(named, OneOffer) and life and life.stage not in succession.ENDING:
            return named.model
        pointed = self.supply.models[named.model] if name.strip().casefold() in self.supply.names.pointers else None
        newest = pointed and succession.newest_member(pointed, self.supply.models.values(), self.lives.models, day)
        return newest or self.lives.successors.get(named.model)

    def _make(self, body: JobBody, now: datetime, terms: Terms) -> Plan:
        named, replaced = self.meant(body, now.date())
        policy = bodies.policy_of(body, named)
        request, offers_meant = lengthened(body.media()), self._offers(body, named)
        self._check_loras(body, offers_meant)
        found = [self._candidate(offer, request, body, named, now, terms) for offer in offers_meant]
        decision = deciding.decide([candidate for candidate, _ in found], policy, self.belief.id)
        noted: dict[str, Any] = {"adjustments": [each.model_dump() for each in replaced]} if replaced else {}
        noted |= {"loras": [_lora(lora, self.supply) for lora in body.loras]} if body.loras else {}
        record = json.dumps(deciding.record(decision) | noted, separators=(",", ":"))
        offers = tuple(ranked.offer for ranked in decision.ranked)
        return Plan(
            decision=decision,
            record=record,
            sha256=hashlib.sha256(record.encode()).hexdigest(),
            offers=offers,
            policy_json=policy.model_dump_json(exclude_none=True),
            offers_json=json.dumps(offers),
            replaced=replaced,
            unpriced=frozenset(candidate.offer for candidate, is_unpriced in found if is_unpriced),
        )

    def _offers(self, body: JobBody, named: Named) -> list[Offer]:
        """The offers that the name leaves open, for this task."""
        offers = self.supply.by_task[body.task]
        match named:
            case Auto():
                return list(offers)
            case OneModel(model):
                self._check_task(model, body)
                return [offer for offer in offers if offer.model == model]
            case OneOffer(offer_id, model):
                self._check_task(model, body)
                return [offer for offer in offers if offer.id == offer_id]
            case Unknown(near):
                raise _unknown(body.model, near)

    def _check_task(self, model: str, body: JobBody) -> None:
        tasks = self.supply.models[model].tasks
        if body.task not in tasks:
            known = ", ".join(sorted(tasks))
            raise Invalid(f"model: {model} does not do {body.task}; it does {known}", errors=[_fault("task")])

    def _check_loras(self, body: JobBody, offers: Sequence[Offer]) -> None:
        """Raises Invalid for a LoRA of a name that nobody here knows, where no offer takes names of its provider's."""
        book, able = self.supply.loras, [offer for offer in offers if "loras" in offer.accepts]
        if not able or any(offer.loras.names == "any" for offer in able):
            return
        for index, lora in enumerate(body.loras):
            if lora.id not in book.named:
                near = loras.near_names(lora.id, book.named)
                hint = f"; did you mean {' or '.join(near)}?" if near else "; GET /v1/loras lists them"
                fault = _fault(f"loras.{index}.id")
                raise Invalid(f"loras: no LoRA is named {lora.id!r}{hint}", errors=[fault], near=list(near))

    def _candidate(
        self, offer: Offer, request: MediaRequest, body: JobBody, named: Named, now: datetime, terms: Terms
    ) -> tuple[Candidate, bool]:
        """An offer with its evidence and its quote, or the reason against it; and whether that reason is the price."""
        day, is_own = now.date(), self.supply.cards[offer.provider].self_hosted
        evidence = facing(self.belief.of(offer, request.task), self.lives.hazard(offer))
        is_named = not isinstance(named, Auto) or not {offer.provider, offer.id, offer.model}.isdisjoint(
            body.routing.only
        )
        stage = self.lives.of(offer, day).stage.value
        obstacle = self.lives.obstacle(offer, day) or self.supply.obstacle(offer, is_named)
        if terms.models and {offer.provider, offer.id, offer.model}.isdisjoint(terms.models):
            obstacle = "is not among the models of this key's plan"
        if not is_own and SELF_HOSTED in body.routing.only:
            obstacle = NOT_SELF_HOSTED
        elif is_own and self.engines:
            obstacle = obstacle or self.engines.obstacle(offer.provider, now)
        fit = fit_request(request, offer, body.strict, self.supply.loras)
        evidence = self._own(offer, fit.request, evidence, now) if is_own else evidence
        obstacle = obstacle or "; ".join(fit.reasons) or self.supply.distance(offer, request)
        if obstacle:
            return Candidate(offer.id, offer.provider, offer.model, evidence, obstacle, is_own, stage), False
        try:
            quote = pricing.quote(fit.request, self.supply.bounded(offer, fit.request), day)
        except pricing.Unpriced as error:
            return Candidate(offer.id, offer.provider, offer.model, evidence, str(error), is_own, stage), True
        evidence = quoted(evidence, asked(quote.usd, terms))
        resting = self._resting(offer, now)
        return Candidate(offer.id, offer.provider, offer.model, evidence, None, is_own, stage, resting), False

    def _resting(self, offer: Offer, now: datetime) -> str | None:
        """Why an offer is left alone for a while, if failures in a row say so."""
        if not self.belief.breakers:
            return None
        found = breakers.open_for(self.belief.breakers, offer.provider, offer.id, now)
        return breakers.words(found) if found else None

    def _own(self, offer: Offer, request: MediaRequest, evidence: Evidence, now: datetime) -> Evidence:
        """What is known of an offer of our own, with this request's seconds and what is before it there."""
        if (known := self.supply.rooflines.get(offer.id)) is not None:
            estimated_s = own.expected_s(known, request)
            expected = self.belief.expecting(offer, request.task, estimated_s)
            evidence = facing(expected, evidence.hazard_per_day)
        if self.engines is None or offer.provider not in self.supply.own:
            return evidence
        return queued(evidence, self.engines.load(offer.provider, evidence.latency_p50_s, now))

    def keep(self, connection: Connection, plan: Plan, decision_id: str, key_id: str, now: datetime) -> None:
        """Store a decision, and its record unless an equal one is known to be stored."""
        if plan.sha256 not in self.recorded:
            insert_once(connection, RECORD, {"sha256": plan.sha256, "record": plan.record}, ["sha256"])
        row = {"id": decision_id, "key_id": key_id, "record_sha256": plan.sha256, "created_at": now}
        _KEEP.run(connection, row)

    def kept(self, plan: Plan) -> None:
        """Remember, after the commit, that this record is stored."""
        self.recorded.add(plan.sha256)


def _lora(lora: Lora, supply: Supply) -> dict[str, Any]:
    """A LoRA as a decision explains it: its scale if one holds everywhere, and what it is for, where it has a name."""
    named = supply.loras.named.get(lora.id)
    scale = lora.scale if lora.scale is not None else named.scale if named else 1.0
    return {"id": lora.id, "scale": scale, "models": list(named.models) if named else None}


def noted(fitted: Fitted, replaced: tuple[Adjustment, ...]) -> Fitted:
    """How an offer fits, with the word that another model was asked for."""
    if not replaced:
        return fitted
    said = [*(each.model_dump() for each in replaced), *json.loads(fitted.adjustments_json)]
    return fitted._replace(adjustments_json=json.dumps(said))


def asked(usd: Decimal, terms: Terms) -> Decimal:
    """What a caller pays for what costs so much."""
    return usd + usd * terms.margin_ppm / 1_000_000 if terms.margin_ppm else usd


_KEEP = Prepared(sa.insert(DECISION).values({each.name: sa.bindparam(each.name) for each in DECISION.c}))
_FIND = sa.select(DECISION, RECORD.c.record).join(RECORD).where(DECISION.c.id == sa.bindparam("decision"))


def find(connection: Connection, decision_id: str) -> Mapping[Any, Any] | None:
    """A kept decision, its record as text."""
    return connection.execute(_FIND, {"decision": decision_id}).mappings().first()


def view(decision_id: str, record: str, key_id: str, created_at: datetime) -> dict[str, Any]:
    """A decision as the API shows it."""
    stored: dict[str, Any] = json.loads(record)
    return {"id": decision_id, "created_at": created_at.isoformat(), "key": key_id} | stored


def refusal(plan: Plan) -> Problem:
    """Why nothing can be run, with every candidate's reason: unpriced if the price is all that is missing."""
    rejected = plan.decision.rejected
    reasons = [{"offer": each.offer, "reason": each.reason} for each in rejected]
    asked = [each for each in rejected if _is_asked_for(each.candidate, plan.decision.policy)] or list(rejected)
    able = [each for each in asked if not each.candidate.obstacle or each.offer in plan.unpriced]
    if able and all(each.offer in plan.unpriced for each in able):
        detail = f"{able[0].reason}: choose another model, or add a dated price to the provider's card"
        return Unpriced(detail, rejected=reasons)
    if silent := _silent(plan, asked):
        return silent
    if not rejected:
        return NoOffer("no provider in the catalog offers this; see GET /v1/offers", rejected=reasons)
    telling = min(asked, key=_telling)
    first = f"{telling.offer} {telling.reason}"
    more = f", and {len(rejected) - 1} more are listed under `rejected`" if len(rejected) > 1 else ""
    return NoOffer(f"every candidate was rejected: {first}{more}", rejected=reasons)


def _telling(each: Rejected) -> int:
    """The reason that helps most comes first: a wish, then what may pass, then what the operator did not set up."""
    if not each.candidate.obstacle:
        return 0
    if each.reason.startswith(rules.SILENT_WORDS):
        return 1
    return 3 if each.reason.startswith(NOT_SET_UP) else 2


def _silent(plan: Plan, asked: Sequence[Rejected]) -> Problem | None:
    """Where all that stands in the way of what was asked for is that engines of our own do not answer."""
    there = [each for each in asked if not each.reason.startswith(NOT_SET_UP)]
    if not there or not all(each.reason.startswith(rules.SILENT_WORDS) for each in there):
        return None
    said = "; ".join(sorted({f"{each.candidate.provider} {each.reason}" for each in there}))
    reasons = [{"offer": each.offer, "reason": each.reason} for each in plan.decision.rejected]
    wait = {"retry-after": str(RETRY_S)}
    return Unavailable(f"no engine that could do this is there: {said}", headers=wait, rejected=reasons)


def _is_asked_for(candidate: Candidate, policy: Policy) -> bool:
    """Whether the caller's `only` and `ignore` leave a candidate in."""
    names = {*candidate[:3], SELF_HOSTED} if candidate.is_local else set(candidate[:3])
    if SELF_HOSTED in policy.only and not candidate.is_local:
        return False
    named = [entry for entry in policy.only if entry != SELF_HOSTED]
    return not (named and names.isdisjoint(named)) and names.isdisjoint(policy.ignore)


def _retired(named: OneModel | OneOffer, life: Life, heir: str | None) -> ModelRetired:
    what = named.offer if isinstance(named, OneOffer) else named.model
    hint = f"use {heir}, or set routing.replace to have it replaced" if heir else "GET /v1/models lists what there is"
    return ModelRetired(f"{what} is retired since {life.since}, for {life.evidence}: {hint}", successor=heir)


def _unknown(model: str, near: tuple[str, ...]) -> Invalid:
    hint = f"; did you mean {' or '.join(near)}?" if near else "; GET /v1/models lists them"
    return Invalid(f"model: nothing is named {model!r}{hint}", errors=[_fault("model")], near=list(near))


def _fault(path: str) -> dict[str, str]:
    return {"path": path, "message": "see detail"}
