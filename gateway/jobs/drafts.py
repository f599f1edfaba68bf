"""Rows of jobs and attempts before they are stored: fitted, priced, and with their first call. No I/O."""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from adapters import capabilities, pricing
from adapters.capabilities import Fit
from adapters.registry import DIALECTS
from adapters.schema import PARAMETERS, MediaRequest
from adapters.wire import Pending
from gateway import clock
from gateway.attempts.rules import Status as AttemptStatus
from gateway.attempts.runner import Supplied
from gateway.jobs.rules import Status
from gateway.ledger import rules as ledger
from gateway.routing.body import JobBody
from gateway.routing.service import Plan


class AttemptDraft(NamedTuple):
    """An attempt's row, and what its fit changed."""

    row: dict[str, Any]
    quote_nanos: int
    fit: Fit


def draft_attempt(
    supplied: Supplied,
    request: MediaRequest,
    strict: bool,
    job_id: str,
    key_id: str,
    number: int,
    now: datetime,
    wait_s: float = 0.0,
) -> AttemptDraft:
    """The first turn of a run on an offer, with the price frozen as it is now. Raises pricing.Unpriced."""
    offer = supplied.offer
    fit = capabilities.fit(request, offer, strict)
    price = pricing.price_on(offer, now.date())
    quote_nanos = ledger.nanos(pricing.quote(fit.request, offer, now.date()).usd)
    call = DIALECTS[offer.dialect].submit(fit.request, offer)
    row = {
        "id": clock.new_id("att"), "job_id": job_id, "key_id": key_id, "number": number,
        "offer": offer.id, "provider": offer.provider, "task": request.task.value, "status": AttemptStatus.OPEN.value,
        "next": Pending(call=call).model_dump_json(), "stage": call.stage, "sends": 0, "turns": 0, "failures": 0,
        "fitted": fit.request.model_dump_json(exclude_none=True), "price": price.model_dump_json(),
        "quote_nanos": quote_nanos, "due_at": now + timedelta(seconds=wait_s),
        "deadline_at": now + timedelta(seconds=wait_s + supplied.card.deadline_s),
        "created_at": now, "cost_nanos": 0, "lease_until": None, "leased_by": None, "started_at": None,
        "ended_at": None, "fault": None, "error": None, "usage": None, "fraction": None, "provider_status": None,
    }  # fmt: skip
    return AttemptDraft(row, quote_nanos, fit)


def draft_job(
    body: JobBody,
    request: MediaRequest,
    plan: Plan,
    attempt: AttemptDraft,
    decision_id: str,
    idempotency_key: str | None,
) -> dict[str, Any]:
    """A job's row, with its first attempt already drafted."""
    row = attempt.row
    return {
        "id": row["job_id"], "key_id": row["key_id"], "status": Status.QUEUED.value, "task": row["task"],
        "asked_model": body.model, "model": plan.decision.ranked[0].candidate.model, "offer": row["offer"],
        "idempotency_key": idempotency_key, "digest": body.digest() if idempotency_key else "",
        "request": request.model_dump_json(exclude_none=True), "strict": body.strict,
        "policy": plan.decision.policy.model_dump_json(exclude_none=True), "ranked": json.dumps(plan.offers),
        "decision_id": decision_id, "extras": json.dumps(body.metadata), "progress": 0.0,
        "quote_nanos": attempt.quote_nanos, "held_nanos": attempt.quote_nanos, "cost_nanos": None, "bill": None,
        "outputs": None, "error": None, "canceled_by": None, "created_at": row["created_at"], "started_at": None,
        "ended_at": None, **changes_of(attempt.fit),
    }  # fmt: skip


def changes_of(fit: Fit) -> dict[str, str]:
    """The columns of a job that say how its request was fitted to the offer at hand."""
    sent = {name: getattr(fit.request, name, None) for name in PARAMETERS if name != "loras"}
    return {
        "resolved": json.dumps({name: value for name, value in sent.items() if value is not None}),
        "adjustments": json.dumps([each.model_dump() for each in fit.adjustments]),
    }
