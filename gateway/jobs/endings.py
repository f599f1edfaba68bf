"""What follows when an attempt moves or ends: the money is settled, the job ends, or the next offer is tried.

Everything here happens inside the transaction that ends the attempt, so a crash leaves both done or neither.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from adapters import pricing
from adapters.errors import Fault, ProviderError
from adapters.schema import MediaRequest, Price, Task, Usage
from adapters.wire import Done, Pending
from gateway import clock, telemetry
from gateway.assets import collect as collecting, rules as asset_rules, tables as assets
from gateway.assets.collect import Collected
from gateway.assets.service import Assets
from gateway.attempts import rules as attempt_rules, store as attempts
from gateway.attempts.rules import LIVE, Again, Ending, Status as AttemptStatus
from gateway.attempts.runner import Delivery, NotYet, Supplied
from gateway.attempts.store import Attempt
from gateway.budgets import store as budgets
from gateway.budgets.rules import Spender
from gateway.budgets.store import Over
from gateway.catalog.supply import Supply
from gateway.engines import rules as engines
from gateway.engines.service import slots_of
from gateway.jobs import notices, rules, settlement, store
from gateway.jobs.drafts import AttemptDraft, changes_of, draft_fallback
from gateway.jobs.rules import FINAL, GiveUp, Status, TryAgain, TryElsewhere
from gateway.jobs.settlement import Bill
from gateway.keys import service as keys
from gateway.ledger import book, rules as ledger
from gateway.routing import quotes
from gateway.usage import rules as usage_rules, store as rollups
from gateway.usage.rules import Settled, Tally
from router.policy import SELF_HOSTED, Policy


class News(NamedTuple):
    """A job changed: for those who wait for it, and for the metrics once the commit is durable.

    A job that went well at its first turn brings the columns that changed, so that nobody need read them again.
    """

    job_id: str
    is_final: bool
    task: str
    status: str
    job: Mapping[str, Any] | None = None
    attempt: Mapping[str, Any] | None = None
    costs: Mapping[str, int] = {}
    over_nanos: int = 0
    seconds: float = 0.0


class Delivered(NamedTuple):
    """A success, reckoned before its transaction begins: the columns it sets on the job, and the assets' rows."""

    bill_json: str
    outputs_json: str
    undelivered_json: str | None
    rows: list[dict[str, Any]]
    tally: Tally


@dataclass(frozen=True)
class Endings:
    """The runner's callbacks, made of what they need."""

    supply: Supply
    assets: Assets

    async def collect(self, attempt: Attempt, supplied: Supplied, done: Done) -> Delivery:
        """Bring the outputs home, measure them, and reckon what they cost. Raises NotYet."""
        ended_at = clock.now()
        try:
            collected = await collecting.collect(
                self.assets, attempt.job_id, attempt.key_id, supplied.card.base_url, done.outputs
            )
        except collecting.NotCollected as error:
            raise NotYet(str(error), error.lasting) from error
        clocked = await self._clocked(attempt, supplied, done, ended_at)
        good = [each for each in collected if each.fault is None]
        if not good:
            raise NotYet(f"nothing usable was delivered: {collected[0].fault if collected else 'no outputs'}", True)
        task = Task(attempt.task)
        request = MediaRequest.model_validate_json(attempt.fitted)
        price = Price.model_validate_json(attempt.price)
        held = settlement.within(clocked, price, request, supplied.offer, attempt.quote_nanos)
        measured = collecting.measured(tuple(good), task) | await self._given(price, request) | held
        outputs = [_output(each) for each in good]
        bill = settlement.bill(price, request, self.supply.bounded(supplied.offer, request), done, measured, outputs)
        if bill.source == "table" and any(rate.unit in clocked for rate in price.rates):
            bill = bill._replace(source="measured")
        blank = [index for index, each in enumerate(good) if each.facts and each.facts.is_blank]
        undelivered = settlement.undelivered(request, outputs, price, blank)
        rows = [each.row for each in good if each.row]
        tally = usage_rules.tally(task, bill.usage, bill.lines, bill.nanos, outputs)
        delivered = Delivered(
            _bill_json(bill, tally), json.dumps(outputs), json.dumps(undelivered) if undelivered else None, rows, tally
        )
        return Delivery(bill.nanos, bill.source, delivered, clocked)

    async def _clocked(self, attempt: Attempt, supplied: Supplied, done: Done, ended_at: datetime) -> Usage:
        """Seconds of an own machine by our clock, where its engine says nothing of them."""
        if not supplied.card.self_hosted or engines.GPU_SECOND in done.usage or attempt.started_at is None:
            return {}
        started_at, slots = attempt.started_at, slots_of(self.supply, attempt.provider)
        beside, last = await self.assets.database.read(
            lambda connection: attempts.beside(connection, attempt, started_at)
        )
        pending = attempt.next if isinstance(attempt.next, Pending) else None
        poll_s = attempt_rules.poll_wait_s(pending.wait_s, attempt.turns) if pending else 0.0
        return {engines.GPU_SECOND: engines.run_seconds(started_at, ended_at, poll_s, last, beside, slots)}

    async def _given(self, price: Price, request: MediaRequest) -> Usage:
        """Units of the media that the caller gave, where the price counts them."""
        if not request.inputs or pricing.INPUT_UNITS.isdisjoint(rate.unit for rate in price.rates):
            return {}
        rows = [await self.assets.found(item.asset) for item in request.inputs if item.asset]
        return settlement.given(rows)

    def finish(
        self, connection: Connection, attempt: Attempt, delivery: Delivery, ended: Mapping[str, Any], now: datetime
    ) -> News | None:
        """Settle a success and end its job. A job canceled meanwhile stays canceled, and pays for what was made."""
        delivered: Delivered = delivery.parts
        costs = self._costs(connection, attempt, delivery.cost_nanos)
        values = {
            "status": Status.SUCCEEDED.value, "offer": attempt.offer, "progress": 1.0,
            "cost_nanos": sum(costs.values()), "bill": delivered.bill_json, "outputs": delivered.outputs_json,
            "undelivered": delivered.undelivered_json,
            "started_at": ended["started_at"], "ended_at": now,
        }  # fmt: skip
        finished = store.finish(connection, attempt.job_id, values)
        if finished is None:
            self._late(connection, attempt, delivery.cost_nanos, now)
            assets.insert(connection, delivered.rows)
            return None
        settled = Settled(
            usage_rules.day_of(now.date()), attempt.key_id, finished.project or "", attempt.task, attempt.offer,
            delivered.tally, self._billed(connection, attempt), finished.status == Status.SUCCEEDED,
        )  # fmt: skip
        cost_nanos = self._settle(
            connection, attempt.job_id, settled, finished.held_nanos, costs, finished.margin_ppm, now
        )
        if cost_nanos != values["cost_nanos"]:
            values["cost_nanos"] = cost_nanos
            store.update(connection, attempt.job_id, cost_nanos=cost_nanos)
        assets.insert(connection, delivered.rows)
        if finished.status == Status.SUCCEEDED:  # one that was canceled has been told of already
            notices.finished(
                connection, attempt.job_id, attempt.key_id, finished.webhook_url, finished.webhook_shape, now
            )
        is_plain = finished.status == Status.SUCCEEDED and _is_first_turn(attempt)
        return News(
            attempt.job_id, True, attempt.task, finished.status,
            job=values if is_plain else None, attempt=ended if is_plain else None, costs=costs,
            over_nanos=max(0, sum(costs.values()) - finished.held_nanos),
            seconds=(now - attempt.created_at).total_seconds(),
        )  # fmt: skip

    def _late(self, connection: Connection, attempt: Attempt, cost_nanos: int, now: datetime) -> None:
        """A run of unknown fate came out after its job was settled, well or billed all the same: paid by us, once."""
        answer = book.post(connection, ledger.late(attempt.id, attempt.provider, cost_nanos), now)
        if isinstance(answer, book.Posted):
            project = store.locked(connection, attempt.job_id)["project"] or ""
            day = usage_rules.day_of(now.date())
            late = Settled(day, attempt.key_id, project, attempt.task, attempt.offer)
            rollups.add(connection, [usage_rules.corrected(late, cost_nanos)])

    def moved(self, connection: Connection, attempt: Attempt, again: Again, now: datetime) -> News | None:
        """Show progress on the job; a turn that says nothing new about it writes nothing."""
        fraction = again.progress.fraction if isinstance(again.progress, Pending) else None
        if fraction is None and attempt.turns > 0:
            return None
        store.set_running(connection, attempt.job_id, fraction or 0.0, now)
        if _is_first_turn(attempt):
            notices.started(connection, attempt.job_id, attempt.key_id, now)
        return News(attempt.job_id, False, attempt.task, Status.RUNNING)

    def ended(self, connection: Connection, attempt: Attempt, ending: Ending, now: datetime) -> News | None:
        """An attempt failed, or its fate became unknown: decide what the job does next."""
        supplied = self.supply.supplied(attempt.offer, Task(attempt.task))
        owed = _owed(attempt, ending, supplied)
        nanos, source = (owed.nanos, owed.source) if owed else (0, None)
        if not attempts.end(connection, attempt, attempts.ended_values(attempt, ending, nanos, now, source)):
            return None
        job = store.locked(connection, attempt.job_id)
        if ending.status is AttemptStatus.UNKNOWN:
            store.set_running(connection, job["id"], job["progress"], now)
        if job["cost_nanos"] is not None:
            if nanos:
                self._late(connection, attempt, nanos, now)
            return None
        if Status(job["status"]) in FINAL:
            return self._close(connection, job, attempt, ending, now)
        draft = self._next(connection, job, attempt, ending, now)
        if draft is not None:
            attempts.insert(connection, draft.row)
            store.update(
                connection, job["id"], offer=draft.row["offer"], **changes_of(draft.fitted, job["adjustments"])
            )
            return News(job["id"], False, job["task"], job["status"])
        return self._close(connection, job, attempt, ending, now)

    def _next(
        self, connection: Connection, job: Mapping[Any, Any], attempt: Attempt, ending: Ending, now: datetime
    ) -> AttemptDraft | None:
        """The attempt that follows, its money held; None if there is none.

        One of unknown fate has none when its deadline ends it: what may follow was begun when its fate became unknown.
        One that went with its engine (unreachable) has, for nothing of it can still come.
        Nor has any while another runs.
        """
        assert ending.error is not None
        if attempt.status is AttemptStatus.UNKNOWN and ending.error.fault is not Fault.UNREACHABLE:
            return None
        policy = Policy.model_validate_json(job["policy"])
        rows = attempts.of_job(connection, job["id"])
        if any(row["status"] == AttemptStatus.OPEN and row["id"] != attempt.id for row in rows):
            return None
        tried = Counter(row["offer"] for row in rows)
        ranked = json.loads(job["ranked"])
        if ending.status is AttemptStatus.UNKNOWN:
            following = rules.after_unknown(ranked, tried, policy)
        else:
            following = rules.after_failure(ending.error, attempt.offer, ranked, tried, policy)
        spent = sum(_committed(row) for row in rows)
        match following:
            case GiveUp():
                return None
            case TryAgain(wait_s):
                return self._try(connection, job, attempt.offer, len(rows) + 1, spent, policy, now, wait_s)
            case TryElsewhere(offers):
                drafts = (self._try(connection, job, offer, len(rows) + 1, spent, policy, now, 0.0) for offer in offers)
                return next((draft for draft in drafts if draft), None)

    def _try(
        self,
        connection: Connection,
        job: Mapping[Any, Any],
        offer: str,
        number: int,
        spent_nanos: int,
        policy: Policy,
        now: datetime,
        wait_s: float,
    ) -> AttemptDraft | None:
        """An attempt at an offer, if it still fits, its price is within the caller's cap, and the key can pay."""
        request = MediaRequest.model_validate_json(job["request"])
        supplied = self.supply.supplied(offer, request.task)
        if supplied is None or (SELF_HOSTED in policy.only and not supplied.card.self_hosted):
            return None
        if job["quote_id"]:
            prices = quotes.prices_of(connection, job["quote_id"])
            if offer not in prices:
                return None
            supplied = quotes.at_prices(supplied, prices)
        try:
            draft = draft_fallback(
                supplied, request, job["strict"], job["id"], job["key_id"], number, now, wait_s, self.supply.bounded,
                self.supply.loras,
            )  # fmt: skip
        except pricing.Unpriced:
            return None
        if draft is None:
            return None
        wanted = spent_nanos + draft.fitted.quote_nanos
        wanted += ledger.margin(wanted, job["margin_ppm"])
        if policy.max_cost_usd is not None and Decimal(wanted).scaleb(-9) > policy.max_cost_usd:
            return None
        return draft if self._reheld(connection, job, draft, wanted, now) else None

    def _reheld(
        self, connection: Connection, job: Mapping[Any, Any], draft: AttemptDraft, wanted_nanos: int, now: datetime
    ) -> bool:
        """Move a job's hold, and what its budgets count of it, to what it may cost now. False if they refuse."""
        spender, model = _spender(connection, job), draft.row["offer"].partition("/")[2]
        before = budgets.held(connection, job["id"])
        charged = budgets.charge(connection, spender, job["id"], job["task"], model, wanted_nanos, now)
        if isinstance(charged, Over):
            return False
        entry = ledger.rehold(job["key_id"], job["id"], draft.row["id"], job["held_nanos"], wanted_nanos)
        if entry and not isinstance(book.post(connection, entry, now), book.Posted):
            budgets.restore(connection, job["id"], before, charged)
            return False
        notices.crossed(connection, charged, job["key_id"], now)
        if entry:
            store.update(connection, job["id"], held_nanos=wanted_nanos)
        return True

    def _close(
        self, connection: Connection, job: Mapping[Any, Any], attempt: Attempt, ending: Ending, now: datetime
    ) -> News | None:
        """End a job that has nothing left to try. One whose fate is unknown keeps its hold until that is settled."""
        rows = attempts.of_job(connection, job["id"])
        if any(row["status"] in LIVE for row in rows):
            return None
        costs = _costs_of(rows)
        settled = Settled(
            usage_rules.day_of(now.date()), job["key_id"], job["project"] or "", job["task"], attempt.offer,
            billed=[(row["offer"], row["cost_nanos"]) for row in rows],
        )  # fmt: skip
        cost_nanos = self._settle(connection, job["id"], settled, job["held_nanos"], costs, job["margin_ppm"], now)
        final = Status(job["status"]) in FINAL
        error = None if final else json.dumps(_error(ending.error, attempt))
        status = Status(job["status"]) if final else Status.FAILED
        store.update(
            connection, job["id"], status=status.value, cost_nanos=cost_nanos, error=error,
            bill=_bill_of_failures(rows),
            started_at=job["started_at"] or attempt.created_at, ended_at=job["ended_at"] or now,
        )  # fmt: skip
        if not final:
            notices.finished(connection, job["id"], job["key_id"], job["webhook_url"], job["webhook_shape"], now)
        seconds = (now - job["created_at"]).total_seconds()
        return News(job["id"], True, job["task"], status, costs=costs, seconds=seconds)

    def _costs(self, connection: Connection, attempt: Attempt, cost_nanos: int) -> Counter[str]:
        """What each provider is owed for a job: this attempt's cost, and those of earlier ones that billed."""
        if _is_first_turn(attempt):
            return Counter({attempt.provider: cost_nanos})
        return _costs_of(attempts.of_job(connection, attempt.job_id))

    def _billed(self, connection: Connection, attempt: Attempt) -> list[tuple[str, int]]:
        """What the other attempts of a job cost, by offer."""
        if _is_first_turn(attempt):
            return []
        rows = attempts.of_job(connection, attempt.job_id)
        return [(row["offer"], row["cost_nanos"]) for row in rows if row["id"] != attempt.id]

    def _settle(
        self, connection: Connection, job_id: str, settled: Settled, held_nanos: int, costs: Counter[str],
        margin_ppm: int, now: datetime,
    ) -> int:  # fmt: skip
        """Post the job's one settlement, add it to the rollups, and give its budgets back what was not spent.

        Returns what it cost in all.
        """
        cost = sum(costs.values())
        margin = min(ledger.margin(cost, margin_ppm), max(0, held_nanos - cost))
        entry = ledger.settle(settled.key_id, job_id, held_nanos, list(costs.items()), margin)
        answer = book.post(connection, entry, now)
        assert isinstance(answer, book.Posted), f"{job_id} was settled before: {answer}"
        rollups.add(connection, usage_rules.rows(settled, margin, max(0, cost - held_nanos)))
        budgets.settle(connection, job_id, min(held_nanos, cost + margin))
        return cost + margin


def _is_first_turn(attempt: Attempt) -> bool:
    """Whether a job can have no attempt but this one: its fate was never unknown."""
    return attempt.number == 1 and attempt.turns == 0


def _spender(connection: Connection, job: Mapping[Any, Any]) -> Spender:
    """Who spends for a job, by the plan that its key has now."""
    key = keys.find(connection, job["key_id"])
    return Spender(job["key_id"], job["project"], key.plan if key else None)


def _costs_of(rows: Sequence[Mapping[Any, Any]]) -> Counter[str]:
    costs: Counter[str] = Counter()
    for row in rows:
        costs[row["provider"]] += row["cost_nanos"]
    return costs


def _output(collected: Collected) -> dict[str, Any]:
    """An output as the job keeps it; its address is made anew each time it is shown."""
    if collected.row is None:
        return asset_rules.view_text(collected.text or "", collected.mime)
    return asset_rules.view(collected.row, "")


def _owed(attempt: Attempt, ending: Ending, supplied: Supplied | None) -> Bill | None:
    """What a failed attempt costs all the same."""
    if supplied is None or not (ending.usage or ending.cost_usd):
        return None
    price, request = Price.model_validate_json(attempt.price), MediaRequest.model_validate_json(attempt.fitted)
    return settlement.refusal_bill(price, request, supplied.offer, ending.usage, ending.cost_usd)


def _bill_of_failures(rows: Sequence[Mapping[Any, Any]]) -> str | None:
    """How a job that brought nothing came to cost something, if it did: as sure as the least sure of its attempts."""
    sources = {row["cost_source"] for row in rows if row["cost_nanos"]}
    source = next((each for each in settlement.SOURCES if each in sources), None)
    return json.dumps({"source": source, "usage": {}, "lines": []}) if source else None


def _committed(row: Mapping[Any, Any]) -> int:
    """Nano-dollars that an earlier attempt has cost or, its fate not known yet, may cost."""
    nanos: int = row["quote_nanos"] if row["status"] in LIVE else row["cost_nanos"]
    return nanos


def _error(error: ProviderError | None, attempt: Attempt) -> dict[str, Any]:
    assert error is not None
    return {
        "code": error.fault.value,
        "message": error.message,
        "provider": attempt.provider,
        "provider_status": error.status,
        "provider_code": error.code,
    }


def _bill_json(bill: Bill, tally: Tally) -> str:
    usage = {unit: settlement.plain(Decimal(quantity)) for unit, quantity in bill.usage.items()}
    compute_units = tally.compute_millis / float(usage_rules.MILLI)
    return json.dumps({"source": bill.source, "usage": usage, "lines": bill.lines, "compute_units": compute_units})


def count(news: News) -> None:
    """The metrics of an end, once its commit is durable: inside the transaction a repeat would count twice."""
    if not news.is_final:
        return
    telemetry.JOBS.labels(news.task, news.status).inc()
    telemetry.JOB_SECONDS.labels(news.task).observe(news.seconds)
    for provider, nanos in news.costs.items():
        telemetry.SETTLED_NANOS.labels(provider).inc(nanos)
        if news.over_nanos:
            telemetry.OVERRUN_NANOS.labels(provider).inc(news.over_nanos)
