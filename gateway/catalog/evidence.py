"""The evidence that decisions use: folded from the logs every half minute, and named, so that it can be told apart.

Snapshots never change, so what one of them says is read once: a belief hands its standings on to the next by the ids of
the snapshots, and while these are the same on the same day, the fold of them too.
"""

import asyncio
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy.engine import Connection

from adapters.errors import CONSEQUENCES, Fault
from adapters.schema import MediaRequest, Offer, Task
from gateway import clock, telemetry
from gateway.attempts import store as attempts
from gateway.catalog import own, settlements
from gateway.catalog.own import GPU_SECOND, Measured
from gateway.catalog.settlements import Settled
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.snapshots import store as snapshots
from gateway.snapshots.rules import moment
from router import breakers, evidence as router_evidence, latency, quality
from router.breakers import Breakers, Outcome
from router.evidence import Evidence
from router.feeds.readings import is_board
from router.feeds.sources import APART
from router.latency import Attempted, Latencies
from router.names import Names
from router.quality import UNMEASURED, Hazards, Qualities, Standing

log = structlog.get_logger()

HISTORY_DAYS = 30
"""How far back attempts still say something of an offer."""
HISTORY_ROWS = 20_000
"""Attempts that one fold reads at most; the newest."""
RUNS_LEAST = 3.0
"""Fresh runs on an own machine before their time says how long the next may take: the first one loads the weights."""
ROOFLINE = "roofline"
"""The source of seconds that were estimated from the machine and the model."""


@dataclass(frozen=True)
class Boards:
    """The newest reading of each board as of a day: its standings by the snapshot's id, how fast places there were
    measured to change, and their fold."""

    day: date
    names: Names
    standings: Mapping[str, tuple[Standing, ...]]
    hazards: Hazards
    qualities: Qualities


@dataclass
class Belief:
    """What is believed at one moment. `id` names it in every decision made by it."""

    id: str
    taken_at: datetime
    qualities: Qualities
    latencies: Latencies
    known: dict[tuple[str, Task], Evidence] = field(default_factory=dict)
    boards: Boards | None = None
    breakers: Breakers = field(default_factory=lambda: breakers.NONE)
    usual: Callable[[Offer, Task], float | None] = lambda offer, task: None
    """Median seconds of an offer's usual output on an own machine, where they can be estimated."""

    def of(self, offer: Offer, task: Task) -> Evidence:
        """An offer's evidence without a quote."""
        found = self.known.get((offer.id, task))
        if found is None:
            found = self.known[offer.id, task] = self.expecting(offer, task, self.usual(offer, task))
        return found

    def expecting(self, offer: Offer, task: Task, estimated_s: float | None) -> Evidence:
        """The same where this request's seconds were estimated: an estimate goes before the card's word, and yields to
        what is measured."""
        said_s, source = (estimated_s, ROOFLINE) if estimated_s else (offer.eta_s.get(task), "card")
        history = self.latencies.of(offer.id, task, said_s, source)
        return router_evidence.gather(self.qualities.of(offer.model, task), history, None)

    def measured(self, providers: Collection[str]) -> Measured:
        """What runs at these providers took, 19 of 20 of them."""
        return {
            key: history.p95_s
            for key, history in self.latencies.histories.items()
            if key[0].partition("/")[0] in providers and history.succeeded >= RUNS_LEAST
        }


class _Logs(NamedTuple):
    """What is read for one belief: the ids of the newest readings, the payloads of those not read before."""

    ids: tuple[str, ...]
    payloads: Mapping[str, str]
    settled: Settled
    attempts: Sequence[Mapping[Any, Any]]


async def gather(
    db: Database, supply: Supply, now: datetime, before: Belief | None = None, hazards: Hazards = UNMEASURED
) -> Belief:
    """Read the logs and fold them. `before` is the belief that this one follows, if there is one; `hazards` are
    those of boards where they were measured."""
    boards = before.boards if before else None
    logs = await db.read(lambda connection: _read(connection, boards, now))
    belief = await asyncio.to_thread(
        _believe, supply, logs, boards, now, hazards
    )  # milliseconds, which nobody waits for
    telemetry.EVIDENCE_AGE_S.set_function(lambda: (clock.now() - belief.taken_at).total_seconds())
    return belief


def _read(connection: Connection, boards: Boards | None, now: datetime) -> _Logs:
    ids = tuple(id for id, subject in snapshots.heads(connection) if is_board(subject))
    said = settlements.settled(connection)
    is_same = boards is not None and boards.names.settled == said
    unread = [id for id in ids if not is_same or boards is None or id not in boards.standings]
    since = now - timedelta(days=HISTORY_DAYS)
    rows = attempts.ended_since(connection, since, HISTORY_ROWS)
    return _Logs(ids, snapshots.payloads(connection, unread), said, rows)


def believe(
    supply: Supply, payloads: Iterable[str | bytes], rows: Sequence[Mapping[Any, Any]], now: datetime
) -> Belief:
    """What standings and ended attempts say together, where there is no database to read them from."""
    said = {str(number): each if isinstance(each, str) else each.decode() for number, each in enumerate(payloads)}
    return _believe(supply, _Logs(tuple(said), said, {}, rows), None, now)


def _believe(
    supply: Supply, logs: _Logs, before: Boards | None, now: datetime, hazards: Hazards = UNMEASURED
) -> Belief:
    boards = _boards(supply, logs, before, now.date(), hazards)
    latencies = latency.fold_attempts((attempted(row, supply.own) for row in logs.attempts), now)

    def usual(offer: Offer, task: Task) -> float | None:
        known = supply.rooflines.get(offer.id)
        return own.expected_s(known, MediaRequest(task=task)) if known else None

    return Belief(
        f"ev_{now:%Y-%m-%dT%H:%M:%SZ}",
        now,
        boards.qualities,
        latencies,
        boards=boards,
        breakers=breakers.fold(_outcomes(logs.attempts, now), now),
        usual=usual,
    )


def _outcomes(rows: Iterable[Mapping[Any, Any]], now: datetime) -> Iterator[Outcome]:
    """How the attempts of the last hour ended, newest first. What was canceled tells nothing of who was to do it."""
    for row in rows:
        if now - row["ended_at"] > breakers.FORGET:
            return
        if row["status"] == "succeeded" or row["fault"]:
            fault = Fault(row["fault"]) if row["fault"] else None
            yield Outcome(row["provider"], row["offer"], row["ended_at"], fault)


def _boards(supply: Supply, logs: _Logs, before: Boards | None, day: date, hazards: Hazards) -> Boards:
    """The same boards as before where nothing has changed; a settled name changes what every label means."""
    names = settlements.names_with(before.names if before else supply.names, logs.settled)
    held = before.standings if before and before.names is names else {}
    fresh = {id: standings_of(payload, names) for id, payload in logs.payloads.items()}
    standings = {id: fresh[id] if id in fresh else held.get(id, ()) for id in logs.ids}
    is_same = before is not None and not fresh and before.names is names
    if before and is_same and (before.day, before.hazards, before.standings) == (day, hazards, standings):
        return before
    merged = [each for standings_there in standings.values() for each in standings_there]
    return Boards(day, names, standings, hazards, quality.fold(merged, supply.models.values(), day, hazards))


def standings_of(payload: str | bytes, names: Names) -> tuple[Standing, ...]:
    """What one stored reading says of quality: nothing, where it is no whole board or ranks something else than its
    task. One that cannot be read is left out, and said in the log.

    What is stored was checked when it came; checking it once more would take three times as long as reading it.
    """
    try:
        said = json.loads(payload)
        if "kind" in said or said["board"] in APART:
            return ()
        board, task, day = said["board"], Task(said["task"]), moment(said["taken_at"]).date()
        resolve, middle = names.resolve_label, said.get("middle")
        return tuple(
            Standing(
                board,
                task,
                day,
                row["label"],
                resolve(row["label"]),
                row["rating"],
                row["low"],
                row["high"],
                row["votes"],
                middle,
            )
            for row in said["rows"]
        )
    except (LookupError, TypeError, ValueError) as error:
        log.error("a snapshot cannot be read", error=repr(error)[:200])
        return ()


def attempted(row: Mapping[Any, Any], own_providers: Collection[str] = ()) -> Attempted:
    """The plain row that the router wants of an ended attempt. On an own machine only the time that it was worked on
    counts, where that is known: what was before it there is told by readings."""
    seconds = (row["ended_at"] - row["started_at"]).total_seconds()
    if own_providers and row["provider"] in own_providers:
        seconds = _worked_s(row["usage"], seconds)
    fault = Fault(row["fault"]) if row["fault"] else None
    return Attempted(
        offer=row["offer"],
        task=Task(row["task"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        seconds=seconds,
        succeeded=row["status"] == "succeeded",
        hurts_reliability=fault is not None and CONSEQUENCES[fault].hurts_reliability,
    )


def _worked_s(usage: str | None, whole_s: float) -> float:
    said = json.loads(usage).get(GPU_SECOND) if usage else None
    return whole_s if said is None else min(float(said), whole_s)
