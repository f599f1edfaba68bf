"""One made-up job after another: what became of it, attempt by attempt, as rows and as what its books must say."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from adapters.errors import Fault, ProviderError
from adapters.schema import Modality
from adapters.wire import Call, Pending
from benchmarks.seed import media
from benchmarks.seed.asks import BODIES, Kitchen, Recipe, Run, tally_of
from benchmarks.seed.callers import Person
from benchmarks.seed.chance import Chance
from benchmarks.seed.media import PROMPTS, Media
from gateway.assets.rules import view, view_text
from gateway.attempts.store import usage_json
from gateway.jobs.drafts import draft_job
from gateway.jobs.settlement import plain
from gateway.ledger import rules as ledger
from gateway.usage.rules import MILLI, NOTHING, Tally

FLAKY = {"replicate": 0.07, "fal": 0.03, "together": 0.05, "openai": 0.02, "google": 0.03}
FLAKY_ELSE = 0.04
"""Share of a provider's runs that fail."""
OUTAGE = ("together", 9, 0.7)
"""A provider that had a bad day so many days ago, and the share of its runs that failed on it."""
CANCELED_SHARE, REFUSED_SHARE = 0.008, 0.012
FAULTS: tuple[tuple[float, Fault, int, str], ...] = (
    (0.40, Fault.RATE_LIMITED, 429, "too many requests in flight, slow down"),
    (0.25, Fault.PROVIDER_FAULT, 503, "no machine was free"),
    (0.15, Fault.TIMED_OUT, 504, "the run took longer than it may"),
    (0.10, Fault.BAD_REPLY, 200, "the reply is not JSON"),
    (0.10, Fault.UNREACHABLE, 502, "the connection was closed"),
)
ANSWER = (
    "Warm, light and made for long days outside. The jacket keeps the rain out, packs into its own pocket and "
    "comes in four colours."
)
RUNNING_FOR = timedelta(days=7)
"""How long the few jobs that still run are left alone: they are at the sandbox, which will not know them then."""


class Move(NamedTuple):
    """A fallback's hold: which attempt, and what the job then holds."""

    attempt_id: str
    held_nanos: int


class Story(NamedTuple):
    """One job whole: its rows, and what is to be booked for it. `costs` is by provider; none while it runs."""

    person: Person
    job: dict[str, Any]
    attempts: list[dict[str, Any]]
    assets: list[dict[str, Any]]
    decision: dict[str, Any]
    moves: list[Move]
    tally: Tally
    provider_cost: tuple[str, int] | None


@dataclass
class Teller:
    """Tells stories, given a moment each."""

    chance: Chance
    kitchen: Kitchen
    media: Media
    people: tuple[Person, ...]
    now: datetime

    def tell(self, at: datetime) -> Story | None:
        """None where the catalog of this machine cannot do what was asked."""
        person = self.chance.choices(self.people, [each.share for each in self.people])[0]
        kind = self.chance.choices(range(len(BODIES)), [each[0] for each in BODIES])[0]
        recipe = self.kitchen.recipe(kind, person.terms, at)
        return self._told(person, recipe, at) if recipe else None

    def _told(self, person: Person, recipe: Recipe, at: datetime) -> Story:
        job = self._job(person, recipe, at)
        attempts: list[dict[str, Any]] = []
        moves: list[Move] = []
        began = at + timedelta(seconds=self.chance.about(0.05))
        for number, run in enumerate(recipe.runs, 1):
            row = self._attempt(job, run, number, began)
            if number > 1:
                moves.append(Move(row["id"], self._asked(person, row["quote_nanos"])))
            attempts.append(row)
            error = self._error(run, at)
            took_s = self.chance.about(run.median_s * (0.4 if error else 1.0), 0.35)
            began = row["ended_at"] = row["due_at"] = row["started_at"] + timedelta(seconds=took_s)
            if error is None:
                return self._good(person, recipe, job, attempts, moves, run)
            row |= {"status": "failed", "fault": error.fault.value, "error": error.model_dump_json()}
            if not error.consequence.try_elsewhere:
                break
        return self._bad(person, recipe, job, attempts, moves)

    def _job(self, person: Person, recipe: Recipe, at: datetime) -> dict[str, Any]:
        """A job's row at its beginning, under ids of its own moment."""
        draft = recipe.runs[0].draft
        job_id, decision_id = self.chance.id("job", at), self.chance.id("dec", at)
        request = recipe.body.media().model_copy(update={"prompt": self.chance.choice(PROMPTS)})
        first = draft.row | {"job_id": job_id, "key_id": person.caller.id, "created_at": at}
        choice = replace(recipe.choice, decision_id=decision_id)
        return draft_job(recipe.body, request, choice, draft._replace(row=first), None, person.caller)

    def _attempt(self, job: dict[str, Any], run: Run, number: int, at: datetime) -> dict[str, Any]:
        """One that goes well, until its end says otherwise."""
        offer = run.draft.row["offer"]
        return run.draft.row | {
            "id": self.chance.id("att", at), "job_id": job["id"], "key_id": job["key_id"], "number": number,
            "status": "succeeded", "next": None, "sends": 1, "turns": 2 + int(run.median_s // 3), "fraction": 1.0,
            "provider_ref": f"{self.chance.getrandbits(64):016x}", "deadline_at": at + timedelta(hours=1),
            "created_at": at, "started_at": at, "offer": offer,
        }  # fmt: skip

    def _error(self, run: Run, at: datetime) -> ProviderError | None:
        provider = run.draft.row["provider"]
        if self.chance.random() < REFUSED_SHARE:
            return ProviderError(fault=Fault.CONTENT_REJECTED, message="the prompt was refused", status=422)
        name, days_ago, share = OUTAGE
        is_bad_day = provider == name and (self.now - at).days == days_ago
        if self.chance.random() >= (share if is_bad_day else FLAKY.get(provider, FLAKY_ELSE)):
            return None
        _, fault, status, message = self.chance.choices(FAULTS, [each[0] for each in FAULTS])[0]
        return ProviderError(fault=fault, message=message, status=status)

    def _asked(self, person: Person, quote_nanos: int) -> int:
        return quote_nanos + ledger.margin(quote_nanos, person.terms.margin_ppm)

    def _good(
        self, person: Person, recipe: Recipe, job: dict[str, Any], attempts: list[dict[str, Any]], moves: list[Move],
        run: Run,
    ) -> Story:  # fmt: skip
        last = attempts[-1]
        last |= {"cost_nanos": run.bill.nanos, "cost_source": run.bill.source, "usage": usage_json(run.bill.usage)}
        outputs, rows = self._outputs(recipe, job, last["ended_at"])
        tally = tally_of(run, recipe.task, outputs)
        is_canceled = self.chance.random() < CANCELED_SHARE
        held = moves[-1].held_nanos if moves else job["held_nanos"]
        usage = {unit: plain(quantity) for unit, quantity in run.bill.usage.items()}
        bill = {"source": run.bill.source, "usage": usage, "lines": run.bill.lines}
        job |= {
            "status": "canceled" if is_canceled else "succeeded", "offer": last["offer"], "progress": 1.0,
            "canceled_by": "local" if is_canceled else None, "held_nanos": held,
            "bill": json.dumps(bill | {"compute_units": tally.compute_millis / float(MILLI)}),
            "outputs": json.dumps(outputs), "started_at": attempts[0]["started_at"], "ended_at": last["ended_at"],
            "resolved": run.draft.fitted.resolved_json, "adjustments": run.draft.fitted.adjustments_json,
        }  # fmt: skip
        decision = self._decision(recipe, job)
        return Story(person, job, attempts, rows, decision, moves, tally, (last["provider"], run.bill.nanos))

    def _bad(
        self, person: Person, recipe: Recipe, job: dict[str, Any], attempts: list[dict[str, Any]], moves: list[Move]
    ) -> Story:
        last = attempts[-1]
        error = json.loads(last["error"])
        told = {
            "code": error["fault"], "message": error["message"], "provider": last["provider"],
            "provider_status": error["status"], "provider_code": None,
        }  # fmt: skip
        job |= {
            "status": "failed", "offer": last["offer"], "error": json.dumps(told), "ended_at": last["ended_at"],
            "started_at": attempts[0]["started_at"], "held_nanos": moves[-1].held_nanos if moves else job["held_nanos"],
        }  # fmt: skip
        return Story(person, job, attempts, [], self._decision(recipe, job), moves, NOTHING, (last["provider"], 0))

    def _decision(self, recipe: Recipe, job: dict[str, Any]) -> dict[str, Any]:
        assert recipe.choice.plan is not None
        made = {"key_id": job["key_id"], "created_at": job["created_at"]}
        return made | {"id": job["decision_id"], "record_sha256": recipe.choice.plan.sha256}

    def _outputs(
        self, recipe: Recipe, job: dict[str, Any], at: datetime
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """As the job shows them, and the rows of those that are files."""
        match recipe.task.modality:
            case Modality.TEXT:
                return [view_text(ANSWER)], []
            case Modality.VIDEO:
                drawn = self.media.clips
            case _:
                drawn = self.media.pictures
        rows = [
            media.row(self.chance, self.chance.choice(drawn), job["key_id"], job["id"], at)
            for _ in range(recipe.body.count)
        ]
        return [view(row, "") for row in rows], rows

    def running(self, recipe: Recipe, person: Person, at: datetime) -> Story:
        """A job in the sandbox's hands, whose next look is far away: nothing is sent for it, and nothing is owed."""
        job = self._job(person, recipe, at)
        run = recipe.runs[0]
        fraction = round(self.chance.uniform(0.1, 0.9), 2)
        look = Call(stage="status", method="GET", url="/sandbox/clips/requests/made-up/status", memo={"poll_s": 3.0})
        row = self._attempt(job, run, 1, at) | {
            "status": "open", "next": Pending(call=look, wait_s=3.0, fraction=fraction).model_dump_json(),
            "stage": "status", "fraction": fraction, "due_at": self.now + RUNNING_FOR,
            "deadline_at": self.now + RUNNING_FOR,
        }  # fmt: skip
        job |= {"status": "running", "progress": fraction, "started_at": at}
        return Story(person, job, [row], [], self._decision(recipe, job), [], NOTHING, None)
