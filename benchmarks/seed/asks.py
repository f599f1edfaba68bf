"""What callers ask for, and what each would get: bodies by share, each decided, fitted, priced and billed once a week.

Decisions, fits, prices and bills are the product's own; only what a provider would have said is made up.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from adapters import pricing
from adapters.schema import MediaRequest, Modality, Task
from adapters.wire import Done
from gateway.catalog.supply import Supply
from gateway.jobs import settlement
from gateway.jobs.drafts import AttemptDraft, draft_attempt
from gateway.jobs.settlement import Bill
from gateway.routing import quotes
from gateway.routing.body import JobBody
from gateway.routing.fitting import fit_offer
from gateway.routing.quotes import Choice
from gateway.routing.service import Routing, Terms
from gateway.usage import rules as usage

TRIED = 3
"""Offers of a decision that a job may come to: the first and two fallbacks."""
WORDS_SHARE = Decimal("0.6")
"""Of the tokens allowed, how many an answer takes."""
SQUARE: dict[str, Any] = {"width": 1024, "height": 1024}
CLIP: dict[str, Any] = {"duration_s": 5, "strict": False}
BODIES: tuple[tuple[float, str, str, dict[str, Any]], ...] = (
    (0.16, "text-to-image", "auto", SQUARE),
    (0.10, "text-to-image", "auto:cheapest", SQUARE),
    (0.06, "text-to-image", "auto:best", SQUARE),
    (0.05, "text-to-image", "auto:fastest", {}),
    (0.05, "text-to-image", "black-forest-labs/flux-1-schnell", SQUARE),
    (0.04, "text-to-image", "auto", {"count": 2, "strict": False}),
    (0.10, "text", "auto", {"max_tokens": 400}),
    (0.08, "text", "auto:cheapest", {"max_tokens": 1200}),
    (0.05, "text", "auto:best", {"max_tokens": 2000}),
    (0.06, "text", "auto:fastest", {"max_tokens": 200}),
    (0.06, "text-to-video", "auto", CLIP),
    (0.04, "text-to-video", "auto:cheapest", CLIP),
    (0.02, "text-to-video", "auto:best", CLIP | {"resolution": "1080p"}),
    (0.08, "image-edit", "auto", {}),
    (0.05, "image-to-video", "auto:cheapest", CLIP),
)
"""Share, task, model and parameters. What the catalog here cannot do is left out, and said."""


class Run(NamedTuple):
    """One offer's part in a kind of job: its first call, what it costs where it goes well, and how long it takes."""

    draft: AttemptDraft
    bill: Bill
    median_s: float


class Recipe(NamedTuple):
    """All that jobs of one kind have in common in one week."""

    body: JobBody
    choice: Choice
    runs: tuple[Run, ...]

    @property
    def task(self) -> Task:
        return self.body.task


@dataclass
class Kitchen:
    """Recipes by kind, week and plan: deciding anew for each of a hundred thousand jobs would take an hour."""

    routing: Routing
    supply: Supply
    source: str
    made: dict[tuple[int, str, Terms], Recipe | None] = field(default_factory=dict)

    def recipe(self, kind: int, terms: Terms, at: datetime) -> Recipe | None:
        """None where no offer can do it. `at` is the day of the decision."""
        key = (kind, f"{at:%G-%V}", terms)
        if key not in self.made:
            self.made[key] = self._make(kind, terms, at)
        return self.made[key]

    def _make(self, kind: int, terms: Terms, at: datetime) -> Recipe | None:
        _, task, model, parameters = BODIES[kind]
        inputs = {"image-edit": "source", "image-to-video": "first_frame"}
        given = {"inputs": [{"role": inputs[task], "asset": self.source}]} if task in inputs else {}
        body = JobBody.model_validate({"task": task, "model": model, "prompt": "a" * 60} | parameters | given)
        return self.cook(body, terms, at)

    def cook(self, body: JobBody, terms: Terms, at: datetime) -> Recipe | None:
        """Decide once, and see what each of the first offers would be."""
        plan = self.routing.plan(body, at, terms)
        runs = tuple(run for name in plan.offers[:TRIED] if (run := self._run(name, body, at, plan.record)))
        return Recipe(body, quotes.chosen(plan, terms, ""), runs) if runs else None

    def _run(self, offer_id: str, body: JobBody, at: datetime, record: str) -> Run | None:
        supplied = self.supply.supplied(offer_id, body.task)
        assert supplied is not None, "a plan names only offers of the catalog"
        request = body.media()
        try:
            fitted = fit_offer(request, supplied.offer, body.strict, at.date())
        except pricing.Unpriced:
            return None
        if fitted.reasons:
            return None
        draft = draft_attempt(supplied, fitted, request, "", "", 1, at)
        sent = MediaRequest.model_validate_json(draft.row["fitted"])
        bill = settlement.bill(fitted.price, sent, supplied.offer, Done(outputs=()), _made(sent, supplied.offer))
        ranked = next(each for each in json.loads(record)["ranked"] if each["offer"] == offer_id)
        return Run(draft, bill, float(ranked["eta_s"]["p50"]))


def _made(request: MediaRequest, offer: Any) -> dict[str, Decimal]:
    """What a provider would have made and counted: all that was asked, but of words only some."""
    counted = dict(pricing.expected_usage(request, offer))
    if request.task.modality is Modality.TEXT and "output_token" in counted:
        counted["output_token"] = (counted["output_token"] * WORDS_SHARE).to_integral_value()
    return counted


def tally_of(run: Run, task: Task, outputs: list[dict[str, Any]]) -> usage.Tally:
    return usage.tally(task, run.bill.usage, run.bill.lines, run.bill.nanos, outputs)
