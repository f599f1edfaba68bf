"""Attempts in the database: claimed under a lease, saved after each turn, ended once. All units of `together`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.holding import STAGES
from adapters.wire import Done, Pending
from gateway.attempts import lora_sets
from gateway.attempts.rules import LEASE_S, LIVE, Again, Ending, Status, provider_ref
from gateway.attempts.tables import AttemptRow
from gateway.prepared import Prepared

ATTEMPT: sa.Table = AttemptRow.__table__  # type: ignore[attr-defined]


class Attempt(NamedTuple):
    """An attempt as the runner holds it."""

    id: str
    job_id: str
    key_id: str
    number: int
    offer: str
    provider: str
    task: str
    status: Status
    next: Pending | Done
    sends: int
    turns: int
    failures: int
    fitted: str
    price: str
    quote_nanos: int
    deadline_at: datetime
    created_at: datetime
    started_at: datetime | None
    lora_set: str | None = None
    let_in_at: datetime | None = None

    @property
    def sees_to_loras(self) -> bool:
        """Whether it is in a turn before its submit, or waits for the first of them."""
        return isinstance(self.next, Pending) and self.next.call.stage in STAGES


def parse_next(text: str) -> Pending | Done:
    return Pending.model_validate_json(text) if '"state":"pending"' in text[:32] else Done.model_validate_json(text)


def attempt_of(row: Mapping[Any, Any], following: Pending | Done | None = None) -> Attempt:
    """An attempt from its row; `following` is what its column `next` says, where that is at hand."""
    plain = {name: row[name] for name in Attempt._fields if name not in ("status", "next")}
    return Attempt(status=Status(row["status"]), next=following or parse_next(row["next"]), **plain)


def insert(connection: Connection, row: Mapping[str, Any]) -> None:
    _INSERT.run(connection, row)


_INSERT = Prepared(sa.insert(ATTEMPT).values({each.name: sa.bindparam(each.name) for each in ATTEMPT.c}))


@cache
def _claim(dialect: str) -> sa.UpdateBase:
    """One statement takes what is due and free. Postgres lets replicas pass each other's locked rows."""
    free = sa.or_(ATTEMPT.c.lease_until.is_(None), ATTEMPT.c.lease_until < sa.bindparam("at"))
    due = (
        sa.select(ATTEMPT.c.id)
        .where(ATTEMPT.c.status.in_([status.value for status in LIVE]), ATTEMPT.c.due_at <= sa.bindparam("at"), free)
        .where(lora_sets.FREE)
        .order_by(ATTEMPT.c.due_at)
        .limit(sa.bindparam("most"))
    )
    due = due.with_for_update(skip_locked=True) if dialect == "postgresql" else due
    begun = sa.case((ATTEMPT.c.stage == "submit", ATTEMPT.c.sends + 1), else_=ATTEMPT.c.sends)
    return (
        sa.update(ATTEMPT)
        .where(ATTEMPT.c.id.in_(due.scalar_subquery()))
        .values(lease_until=sa.bindparam("until"), leased_by=sa.bindparam("worker"), sends=begun)
        .returning(*ATTEMPT.c)
    )


def claim(connection: Connection, worker: str, most: int, now: datetime) -> list[Attempt]:
    """Lease up to `most` due attempts to a worker, the earliest first.

    One that wants an engine to hold its LoRAs is claimed once it is let in there: here, in the same transaction.
    """
    lora_sets.let_in(connection, now)
    values = {"at": now, "until": now + timedelta(seconds=LEASE_S), "worker": worker, "most": most}
    rows = connection.execute(_claim(connection.dialect.name), values).mappings().all()
    return [attempt_of(row) for row in sorted(rows, key=lambda row: (row["due_at"], row["id"]))]


_NEXT_DUE = sa.select(sa.func.min(ATTEMPT.c.due_at)).where(
    ATTEMPT.c.status.in_([status.value for status in LIVE]),
    sa.or_(ATTEMPT.c.lease_until.is_(None), ATTEMPT.c.lease_until < sa.bindparam("at")),
)


def next_due(connection: Connection, now: datetime) -> datetime | None:
    """When the earliest free attempt is due, or None if nothing waits."""
    due: datetime | None = connection.execute(_NEXT_DUE, {"at": now}).scalar()
    return due


def renew(connection: Connection, worker: str, ids: Sequence[str], now: datetime) -> None:
    """Keep the leases of turns that are still running."""
    values = {"lease_until": now + timedelta(seconds=LEASE_S)}
    connection.execute(sa.update(ATTEMPT).where(ATTEMPT.c.id.in_(ids), ATTEMPT.c.leased_by == worker).values(values))


def release(connection: Connection, holders: Iterable[str]) -> int:
    """Free what dead workers held. Returns how many attempts."""
    update = sa.update(ATTEMPT).where(ATTEMPT.c.leased_by.in_(list(holders)))
    return connection.execute(update.values(lease_until=None, leased_by=None)).rowcount


def holders(connection: Connection) -> list[str]:
    """Workers that hold a lease."""
    return list(
        connection.execute(sa.select(ATTEMPT.c.leased_by).where(ATTEMPT.c.leased_by.is_not(None)).distinct()).scalars()
    )


_FOUND = sa.select(ATTEMPT).where(ATTEMPT.c.id == sa.bindparam("attempt"))
_WAITS = sa.and_(
    ATTEMPT.c.id == sa.bindparam("attempt"),
    ATTEMPT.c.status == sa.literal_column(f"'{Status.OPEN.value}'"),
    ATTEMPT.c.stage != sa.literal_column("'submit'"),
    sa.or_(ATTEMPT.c.lease_until.is_(None), ATTEMPT.c.lease_until < sa.bindparam("at")),
)
_HURRY = Prepared(sa.update(ATTEMPT).where(_WAITS).values(due_at=sa.bindparam("at")))


def find(connection: Connection, attempt_id: str) -> Attempt | None:
    row = connection.execute(_FOUND, {"attempt": attempt_id}).mappings().first()
    return attempt_of(row) if row is not None and row["next"] else None


def hurry(connection: Connection, attempt_id: str, now: datetime) -> bool:
    """Make the next turn of an attempt due, if it only waits for that. A submit keeps its time: it is no poll."""
    return _HURRY.run(connection, {"attempt": attempt_id, "at": now}) == 1


def open_at(connection: Connection, providers: Sequence[str]) -> dict[str, int]:
    """How many attempts are open at each of these providers."""
    is_open = sa.and_(ATTEMPT.c.status == Status.OPEN.value, ATTEMPT.c.provider.in_(providers))
    query = sa.select(ATTEMPT.c.provider, sa.func.count()).where(is_open).group_by(ATTEMPT.c.provider)
    return {provider: count for provider, count in connection.execute(query)} if providers else {}


def beside(connection: Connection, attempt: Attempt, since: datetime) -> tuple[int, datetime | None]:
    """How many attempts are open that were sent to the provider of this one, itself among them; and when the last one
    there ended that was sent before this one began, if that was after `since`.

    One that was sent later was not in front of it, and one that was never sent was nowhere: what is refused or canceled
    meanwhile makes no run shorter.
    """
    there = sa.and_(ATTEMPT.c.provider == attempt.provider, ATTEMPT.c.sends > 0)
    ended = sa.and_(there, ATTEMPT.c.ended_at > since, ATTEMPT.c.started_at < since, ATTEMPT.c.id != attempt.id)
    last: datetime | None = connection.execute(sa.select(sa.func.max(ATTEMPT.c.ended_at)).where(ended)).scalar()
    count = sa.select(sa.func.count()).select_from(ATTEMPT).where(there, ATTEMPT.c.status == Status.OPEN.value)
    return int(connection.execute(count).scalar_one()), last


def hurry_at(connection: Connection, providers: Sequence[str], now: datetime) -> int:
    """Make the next turn of all that waits at these providers due, submits of unknown fate among them."""
    free = sa.or_(ATTEMPT.c.lease_until.is_(None), ATTEMPT.c.lease_until < now)
    waits = sa.or_(ATTEMPT.c.stage != "submit", ATTEMPT.c.status == Status.UNKNOWN.value)
    statuses = [status.value for status in LIVE]
    meant = sa.and_(ATTEMPT.c.provider.in_(providers), ATTEMPT.c.status.in_(statuses), ATTEMPT.c.due_at > now)
    update = sa.update(ATTEMPT).where(meant, free, waits).values(due_at=now)
    return connection.execute(update).rowcount if providers else 0


_LIVE = sa.and_(
    ATTEMPT.c.id == sa.bindparam("attempt"),
    ATTEMPT.c.status.in_([sa.literal_column(f"'{status.value}'") for status in sorted(LIVE)]),
)
_MOVED = (
    "status", "next", "stage", "sends", "turns", "failures", "fraction", "provider_status", "started_at",
    "lease_until", "leased_by",
)  # fmt: skip
_ENDED = ("status", "fault", "error", "usage", "cost_nanos", "cost_source", "ended_at", "started_at", "turns")


def _set(*names: str) -> dict[str, Any]:
    """Columns set to values of their own names, a `new_` before them."""
    return {name: sa.bindparam(f"new_{name}") for name in (*names, "due_at")}


_REF = {"provider_ref": sa.func.coalesce(ATTEMPT.c.provider_ref, sa.bindparam("new_provider_ref"))}
_GO_ON = Prepared(sa.update(ATTEMPT).where(_LIVE).values(_set(*_MOVED) | _REF))
_FREED = {"lease_until": sa.null(), "leased_by": sa.null()}
_END = Prepared(sa.update(ATTEMPT).where(_LIVE).values(_set(*_ENDED) | _FREED))


def go_on(connection: Connection, attempt: Attempt, again: Again, worker: str | None, now: datetime) -> bool:
    """Save the next call before it is made. A worker that goes straight on keeps its lease. False if it has ended.

    An attempt whose fate was unknown is open again: there is news of it.
    """
    progress = again.progress
    pending = progress if isinstance(progress, Pending) else None
    values = {
        "status": Status.OPEN.value, "next": progress.model_dump_json(),
        "stage": pending.call.stage if pending else "collect", "sends": sends_after(attempt, again, worker),
        "turns": attempt.turns + 1, "failures": again.failures, "fraction": pending.fraction if pending else None,
        "provider_status": pending.provider_status if pending else None, "due_at": again.due_at,
        "provider_ref": provider_ref(attempt.next, progress),
        "started_at": started_at(attempt, progress, now),
        "lease_until": now + timedelta(seconds=LEASE_S) if worker else None, "leased_by": worker,
    }  # fmt: skip
    return _changed(connection, _GO_ON, attempt, values)


def started_at(attempt: Attempt, following: Pending | Done, now: datetime) -> datetime | None:
    """When a run began; not yet while its engine is only brought to hold its LoRAs."""
    is_before = isinstance(following, Pending) and following.call.stage in STAGES
    return attempt.started_at if attempt.started_at or is_before else now


def sends_after(attempt: Attempt, again: Again, worker: str | None) -> int:
    """Submits begun, counted before they are sent: by a claim, or here where a worker goes straight on to one.

    So one that follows an upload is counted like any other, and a crash in it is known for what it is. Reckoned from
    what the worker holds and not added to the row, for the same unit may be stored twice.
    """
    is_submit = isinstance(again.progress, Pending) and again.progress.call.stage == "submit"
    return attempt.sends + (1 if is_submit and worker else 0)


def ended_values(
    attempt: Attempt, ending: Ending, cost_nanos: int, now: datetime, cost_source: str | None = None
) -> dict[str, Any]:
    """The columns of an attempt as its end leaves them."""
    error = ending.error
    unknown = ending.status is Status.UNKNOWN
    return {
        "status": ending.status.value, "fault": error.fault.value if error else None,
        "error": error.model_dump_json() if error else None, "usage": usage_json(ending.usage),
        "cost_nanos": cost_nanos, "cost_source": cost_source, "ended_at": None if unknown else now,
        "due_at": attempt.deadline_at if unknown else now,
        "started_at": attempt.started_at or attempt.created_at, "turns": attempt.turns + 1,
    }  # fmt: skip


def end(connection: Connection, attempt: Attempt, values: Mapping[str, Any]) -> bool:
    """End an attempt, or mark its fate unknown until its deadline. False if somebody else ended it before."""
    return _changed(connection, _END, attempt, values)


def _changed(connection: Connection, statement: Prepared, attempt: Attempt, values: Mapping[str, Any]) -> bool:
    bound = {f"new_{name}": value for name, value in values.items()}
    return statement.run(connection, bound | {"attempt": attempt.id}) == 1


def usage_json(usage: Mapping[str, Any]) -> str | None:
    return "{" + ",".join(f'"{unit}":"{quantity}"' for unit, quantity in usage.items()) + "}" if usage else None


def of_job(connection: Connection, job_id: str) -> Sequence[Mapping[Any, Any]]:
    query = sa.select(ATTEMPT).where(ATTEMPT.c.job_id == job_id).order_by(ATTEMPT.c.number)
    return connection.execute(query).mappings().all()


def of_jobs(connection: Connection, job_ids: Sequence[str]) -> dict[str, list[Mapping[Any, Any]]]:
    """Attempts of many jobs in one query, by job."""
    query = sa.select(ATTEMPT).where(ATTEMPT.c.job_id.in_(job_ids)).order_by(ATTEMPT.c.job_id, ATTEMPT.c.number)
    found: dict[str, list[Mapping[Any, Any]]] = {job_id: [] for job_id in job_ids}
    for row in connection.execute(query).mappings():
        found[row["job_id"]].append(row)
    return found


def ended_since(connection: Connection, since: datetime, most: int) -> Sequence[Mapping[Any, Any]]:
    """The newest ended attempts, for latency and reliability."""
    names = ("offer", "provider", "task", "status", "fault", "usage", "started_at", "ended_at")
    columns = [ATTEMPT.c[name] for name in names]
    query = sa.select(*columns).where(ATTEMPT.c.ended_at >= since).order_by(ATTEMPT.c.ended_at.desc()).limit(most)
    return connection.execute(query).mappings().all()


def live(connection: Connection) -> dict[str, int]:
    """How many attempts are open and of unknown fate, by status."""
    statuses = [status.value for status in LIVE]
    query = (
        sa.select(ATTEMPT.c.status, sa.func.count()).where(ATTEMPT.c.status.in_(statuses)).group_by(ATTEMPT.c.status)
    )
    return {status: count for status, count in connection.execute(query)}


class Tally(NamedTuple):
    """Attempts of one provider that ended the same way, since two moments."""

    provider: str
    status: Status
    fault: str | None
    recent: int
    """Since the later moment."""
    all: int


def tallies(connection: Connection, since: datetime, later: datetime) -> list[Tally]:
    """How attempts ended since a moment, and of them since a later one. Read from an index of ended attempts alone."""
    recent = sa.func.sum(sa.case((ATTEMPT.c.ended_at >= later, 1), else_=0))
    by = (ATTEMPT.c.provider, ATTEMPT.c.status, ATTEMPT.c.fault)
    query = sa.select(*by, recent, sa.func.count()).where(ATTEMPT.c.ended_at >= since).group_by(*by)
    return [
        Tally(provider, Status(status), fault, int(newer), count)
        for provider, status, fault, newer, count in connection.execute(query)
    ]


class Ended(NamedTuple):
    provider: str
    offer: str
    status: Status
    fault: str | None
    ended_at: datetime


def endings(connection: Connection, since: datetime, most: int) -> list[Ended]:
    """How the newest attempts ended, as breakers want it; from the same index."""
    columns = [ATTEMPT.c[name] for name in Ended._fields]
    query = sa.select(*columns).where(ATTEMPT.c.ended_at >= since).order_by(ATTEMPT.c.ended_at.desc()).limit(most)
    return [
        Ended(provider, offer, Status(status), fault, at)
        for provider, offer, status, fault, at in connection.execute(query)
    ]
