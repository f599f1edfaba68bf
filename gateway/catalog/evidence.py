"""The evidence that decisions use: folded from the logs every half minute, and named, so that it can be told apart."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from adapters.errors import CONSEQUENCES, Fault
from adapters.schema import Offer, Task
from gateway import clock, telemetry
from gateway.attempts import store as attempts
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.snapshots import store as snapshots
from gateway.snapshots.rules import Snapshot
from router import evidence as router_evidence, latency, quality
from router.evidence import Evidence
from router.latency import Attempted, Latencies
from router.quality import Qualities

HISTORY_DAYS = 30
"""How far back attempts still say something of an offer."""
HISTORY_ROWS = 20_000
"""Attempts that one fold reads at most; the newest."""


@dataclass
class Belief:
    """What is believed at one moment. `id` names it in every decision made by it."""

    id: str
    taken_at: datetime
    qualities: Qualities
    latencies: Latencies
    known: dict[tuple[str, Task], Evidence] = field(default_factory=dict)

    def of(self, offer: Offer, task: Task) -> Evidence:
        """An offer's evidence without a quote."""
        found = self.known.get((offer.id, task))
        if found is None:
            history = self.latencies.of(offer.id, task, offer.eta_s.get(task))
            found = router_evidence.gather(self.qualities.of(offer.model, task), history, None)
            self.known[offer.id, task] = found
        return found


async def gather(db: Database, supply: Supply, now: datetime) -> Belief:
    """Read the logs and fold them."""
    since = now - timedelta(days=HISTORY_DAYS)

    def read(connection: Connection) -> tuple[tuple[Snapshot, ...], Sequence[Mapping[Any, Any]]]:
        return snapshots.latest(connection), attempts.ended_since(connection, since, HISTORY_ROWS)

    readings, rows = await db.read(read)
    payloads = [reading.payload for reading in readings]
    belief = await asyncio.to_thread(
        believe, supply, payloads, rows, now
    )  # tens of milliseconds, which nobody waits for
    telemetry.EVIDENCE_AGE_S.set_function(lambda: (clock.now() - belief.taken_at).total_seconds())
    return belief


def believe(
    supply: Supply, payloads: Iterable[str | bytes], rows: Iterable[Mapping[Any, Any]], now: datetime
) -> Belief:
    """What standings and ended attempts say together."""
    standings = tuple(
        standing
        for payload in payloads
        for standing in quality.read_standings(json.loads(payload), supply.names.resolve_label)
    )
    return Belief(
        id=f"ev_{now:%Y-%m-%dT%H:%M:%SZ}",
        taken_at=now,
        qualities=quality.fold(standings, supply.models.values(), now.date()),
        latencies=latency.fold_attempts(map(attempted, rows), now),
    )


def attempted(row: Mapping[Any, Any]) -> Attempted:
    """The plain row that the router wants of an ended attempt."""
    fault = Fault(row["fault"]) if row["fault"] else None
    return Attempted(
        offer=row["offer"],
        task=Task(row["task"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        seconds=(row["ended_at"] - row["started_at"]).total_seconds(),
        succeeded=row["status"] == "succeeded",
        hurts_reliability=fault is not None and CONSEQUENCES[fault].hurts_reliability,
    )
