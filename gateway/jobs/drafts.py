"""Rows of jobs and attempts before they are stored: fitted, priced, and with their first call. No I/O."""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from adapters.holding import Holding
from adapters.loras import NO_LORAS, LoraBook, set_key
from adapters.registry import DIALECTS
from adapters.schema import MediaRequest
from adapters.wire import Pending
from gateway import clock
from gateway.attempts import lora_rules
from gateway.attempts.rules import Status as AttemptStatus
from gateway.attempts.runner import Supplied
from gateway.jobs.rules import Status
from gateway.keys.rules import Caller
from gateway.ledger import rules as ledger
from gateway.routing.body import JobBody
from gateway.routing.fitting import Bounded, Fitted, as_its_card, fit_offer
from gateway.routing.quotes import Choice
from gateway.webhooks.rules import OURS, Kind, Notice


class AttemptDraft(NamedTuple):
    """An attempt's row, its first call, and how its request was fitted to the offer."""

    row: dict[str, Any]
    first: Pending
    fitted: Fitted


def draft_attempt(
    supplied: Supplied,
    fitted: Fitted,
    request: MediaRequest,
    job_id: str,
    key_id: str,
    number: int,
    now: datetime,
    wait_s: float = 0.0,
) -> AttemptDraft:
    """The first turn of a run on an offer, with the price frozen as it is now."""
    offer = supplied.offer
    sent = request.model_copy(update=fitted.changes)
    is_held = supplied.card.holds_loras is not None
    dialect = Holding(DIALECTS[offer.dialect]) if is_held else DIALECTS[offer.dialect]
    call = dialect.submit(sent, offer)
    first = Pending(call=call)
    row = {
        "id": clock.new_id("att"), "job_id": job_id, "key_id": key_id, "number": number,
        "offer": offer.id, "provider": offer.provider, "task": request.task.value, "status": AttemptStatus.OPEN.value,
        "next": first.model_dump_json(), "stage": call.stage, "sends": 0, "turns": 0, "failures": 0,
        "fitted": sent.model_dump_json(exclude_none=True), "price": fitted.price_json,
        "quote_nanos": fitted.quote_nanos, "due_at": now + timedelta(seconds=wait_s),
        "deadline_at": now + timedelta(seconds=wait_s + supplied.card.deadline_s),
        "created_at": now, "cost_nanos": 0, "cost_source": None, "lease_until": None, "leased_by": None,
        "started_at": None, "ended_at": None, "fault": None, "error": None, "usage": None,
        "fraction": None, "provider_status": lora_rules.WAITING if is_held else None, "provider_ref": None,
        "lora_set": set_key(sent.loras) if is_held else None, "let_in_at": None,
    }  # fmt: skip
    return AttemptDraft(row, first, fitted)


def draft_fallback(
    supplied: Supplied,
    request: MediaRequest,
    strict: bool,
    job_id: str,
    key_id: str,
    number: int,
    now: datetime,
    wait_s: float,
    bounded: Bounded = as_its_card,
    book: LoraBook = NO_LORAS,
) -> AttemptDraft | None:
    """A further attempt, fitted anew; None if the offer can no longer serve. Raises pricing.Unpriced."""
    fitted = fit_offer(request, supplied.offer, strict, now.date(), bounded, book)
    if fitted.reasons:
        return None
    return draft_attempt(supplied, fitted, request, job_id, key_id, number, now, wait_s)


def draft_job(
    body: JobBody,
    request: MediaRequest,
    choice: Choice,
    attempt: AttemptDraft,
    idempotency_key: str | None,
    caller: Caller,
    notice: Notice = OURS,
) -> dict[str, Any]:
    """A job's row, its first attempt drafted already. It holds the quote and what the caller's plan asks beyond."""
    row, margin_ppm = attempt.row, choice.margin_ppm
    told_at = body.webhook_url if Kind.JOB_FINISHED in notice.events else None
    quote_nanos = attempt.fitted.quote_nanos + ledger.margin(attempt.fitted.quote_nanos, margin_ppm)
    return {
        "id": row["job_id"], "key_id": row["key_id"], "status": Status.QUEUED.value, "task": row["task"],
        "asked_model": body.model, "model": row["offer"].partition("/")[2], "offer": row["offer"],
        "idempotency_key": idempotency_key, "digest": body.digest() if idempotency_key else "",
        "request": request.model_dump_json(exclude_none=True), "strict": body.strict,
        "policy": choice.policy_json, "ranked": choice.offers_json, "decision_id": choice.decision_id,
        "extras": json.dumps(body.metadata) if body.metadata else "{}", "progress": 0.0,
        "project": caller.project, "margin_ppm": margin_ppm, "quote_id": body.quote, "webhook_url": told_at,
        "webhook_shape": notice.shape,
        "quote_nanos": quote_nanos, "held_nanos": quote_nanos, "cost_nanos": None, "bill": None,
        "outputs": None, "undelivered": None, "error": None, "canceled_by": None,
        "created_at": row["created_at"], "started_at": None,
        "ended_at": None, **changes_of(attempt.fitted),
    }  # fmt: skip


def changes_of(fitted: Fitted, before: str = "[]") -> dict[str, str]:
    """The columns of a job that say how its request was fitted to the offer at hand. Of the adjustments `before`, at
    another offer, it stays true that the model itself was replaced."""
    replaced = [each for each in json.loads(before) if each["parameter"] == "model"]
    adjustments = json.dumps(replaced + json.loads(fitted.adjustments_json)) if replaced else fitted.adjustments_json
    return {"resolved": fitted.resolved_json, "adjustments": adjustments}
