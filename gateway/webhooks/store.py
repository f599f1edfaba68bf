"""Deliveries in the database: claimed under a lease, tried, ended, and shown. All units of `together` or `read`."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.webhooks import outbox, signing
from gateway.webhooks.rules import LEASE_S, SAID_CHARS, Again, Heard, Kind, Status, is_hopeless
from gateway.webhooks.tables import DELIVERY, EVENT, TRY, WEBHOOK

PER_LANE = 8
"""Deliveries of one lane in one claim: a slow receiver keeps so many workers busy, and no more."""
PRUNED = 2_000
"""Rows removed by one run of the clean-up: a bound on its transaction."""


class Delivery(NamedTuple):
    """A delivery as the runner holds it, with all that a try needs."""

    id: str
    event_id: str
    kind: str
    subject: str
    data: str | None
    happened_at: datetime
    target: str
    url: str
    lane: str
    key_id: str
    shape: str
    tries: int
    step: int
    secrets: tuple[str, ...]

    @property
    def is_callback(self) -> bool:
        """Whether it goes to an address that was named for this event alone."""
        return self.target == self.url


class Outcome(NamedTuple):
    """What a try made of a delivery, and whether its endpoint was turned off by it."""

    after: Again | Status
    is_disabled: bool = False


_FREE = sa.and_(
    DELIVERY.c.status == Status.PENDING.value,
    DELIVERY.c.due_at <= sa.bindparam("at", type_=DELIVERY.c.due_at.type),
    sa.or_(
        DELIVERY.c.lease_until.is_(None),
        DELIVERY.c.lease_until < sa.bindparam("at", type_=DELIVERY.c.due_at.type),
    ),
)
_EARLIER = DELIVERY.alias("earlier")
_IS_FIRST = ~sa.exists().where(
    _EARLIER.c.target == DELIVERY.c.target,
    _EARLIER.c.subject == DELIVERY.c.subject,
    _EARLIER.c.status == Status.PENDING.value,
    sa.or_(
        _EARLIER.c.created_at < DELIVERY.c.created_at,
        sa.and_(_EARLIER.c.created_at == DELIVERY.c.created_at, _EARLIER.c.id < DELIVERY.c.id),
    ),
)
"""Nothing of the same subject waits before it at the same receiver: it hears of a job in the order of its events."""


def claim(connection: Connection, worker: str, most: int, busy: Collection[str], now: datetime) -> list[Delivery]:
    """Lease up to `most` due deliveries, at most PER_LANE of each lane and none of those that are `busy`.

    Groups of writes take turns among all replicas, so no row is claimed twice and none need be skipped.
    """
    place = sa.func.row_number().over(partition_by=DELIVERY.c.lane, order_by=(DELIVERY.c.due_at, DELIVERY.c.id))
    due = sa.select(DELIVERY.c.id, DELIVERY.c.due_at, place.label("place")).where(_FREE, _IS_FIRST)
    due = due.where(DELIVERY.c.lane.not_in(list(busy))) if busy else due
    fair = due.subquery()
    ids = sa.select(fair.c.id).where(fair.c.place <= PER_LANE).order_by(fair.c.due_at).limit(most)
    taken = (
        sa.update(DELIVERY)
        .where(DELIVERY.c.id.in_(ids.scalar_subquery()))
        .values(lease_until=now + timedelta(seconds=LEASE_S), leased_by=worker)
        .returning(DELIVERY.c.id)
    )
    claimed = connection.execute(taken, {"at": now}).scalars().all()
    return [_delivery(connection, row, now) for row in _rows(connection, claimed)] if claimed else []


def _rows(connection: Connection, ids: Collection[str]) -> list[Mapping[Any, Any]]:
    wanted = (
        sa.select(
            DELIVERY.c.id, DELIVERY.c.event_id, DELIVERY.c.target, DELIVERY.c.lane, DELIVERY.c.key_id,
            DELIVERY.c.shape, DELIVERY.c.tries, DELIVERY.c.step, EVENT.c.kind, EVENT.c.subject, EVENT.c.data,
            EVENT.c.created_at.label("happened_at"), WEBHOOK.c.url,
        )
        .select_from(
            DELIVERY.join(EVENT, EVENT.c.id == DELIVERY.c.event_id).outerjoin(
                WEBHOOK, WEBHOOK.c.id == DELIVERY.c.target
            )
        )
        .where(DELIVERY.c.id.in_(list(ids)))
        .order_by(DELIVERY.c.due_at, DELIVERY.c.id)
    )  # fmt: skip
    return list(connection.execute(wanted).mappings())


def _delivery(connection: Connection, row: Mapping[Any, Any], now: datetime) -> Delivery:
    """With the secrets of its endpoint, or of the key whose job named the address."""
    owner = row["target"] if row["url"] else row["key_id"]
    own = {name: row[name] for name in Delivery._fields if name not in ("url", "secrets")}
    return Delivery(**own, url=row["url"] or row["target"], secrets=tuple(signing.ensure(connection, owner, now)))


def next_due(connection: Connection, now: datetime) -> datetime | None:
    """When the earliest free delivery is due, or None if nothing waits."""
    free = sa.or_(DELIVERY.c.lease_until.is_(None), DELIVERY.c.lease_until < now)
    wanted = sa.select(sa.func.min(DELIVERY.c.due_at)).where(DELIVERY.c.status == Status.PENDING.value, free)
    due: datetime | None = connection.execute(wanted).scalar()
    return due


def told(
    connection: Connection, delivery: Delivery, worker: str, heard: Heard, after: Again | Status, off_after_days: int,
    began_at: datetime, now: datetime,
) -> Outcome | None:  # fmt: skip
    """Write a try down and what follows. None if the delivery is another worker's by now: that one's try counts."""
    number = delivery.tries + 1
    values: dict[str, Any] = {"tries": number, "lease_until": None, "leased_by": None}
    match after:
        case Again(wait_s):
            values |= {"due_at": now + timedelta(seconds=wait_s), "step": delivery.step + 1}
        case Status():
            values |= {"status": after.value, "ended_at": now}
    mine = DELIVERY.c.id == delivery.id, DELIVERY.c.leased_by == worker, DELIVERY.c.tries == delivery.tries
    if connection.execute(sa.update(DELIVERY).where(*mine).values(**values)).rowcount != 1:
        return None
    connection.execute(sa.insert(TRY), {
        "delivery_id": delivery.id, "number": number, "began_at": began_at, "seconds": heard.seconds,
        "status": heard.status, "said": heard.said[:SAID_CHARS], "error": heard.error,
    })  # fmt: skip
    if delivery.is_callback:
        return Outcome(after)
    return Outcome(after, _judged(connection, delivery.target, heard, off_after_days, now))


def _judged(connection: Connection, webhook_id: str, heard: Heard, off_after_days: int, now: datetime) -> bool:
    """Remember since when an endpoint fails, and turn it off when that is for good. True if it was turned off now."""
    here = WEBHOOK.c.id == webhook_id
    if heard.is_delivered:
        connection.execute(
            sa.update(WEBHOOK).where(here, WEBHOOK.c.failing_since.is_not(None)).values(failing_since=None)
        )
        return False
    since = sa.func.coalesce(WEBHOOK.c.failing_since, sa.bindparam("since", now, WEBHOOK.c.failing_since.type))
    failing = sa.update(WEBHOOK).where(here).values(failing_since=since).returning(WEBHOOK.c.failing_since)
    failing_since = connection.execute(failing).scalar()
    if heard.is_gone:
        return disable(connection, webhook_id, "it answered 410: nobody is there any more", now)
    if is_hopeless(failing_since, now, off_after_days):
        return disable(connection, webhook_id, f"every delivery failed for {off_after_days} days", now)
    return False


def disable(connection: Connection, webhook_id: str, reason: str, now: datetime) -> bool:
    """Turn an endpoint off, tell its owner's other endpoints, and give up what waits for it: redeliver by hand."""
    on = WEBHOOK.c.id == webhook_id, WEBHOOK.c.disabled_at.is_(None), WEBHOOK.c.ended_at.is_(None)
    off = sa.update(WEBHOOK).where(*on).values(disabled_at=now, disabled_for=reason)
    row = connection.execute(off.returning(WEBHOOK.c.key_id, WEBHOOK.c.url, WEBHOOK.c.failing_since)).first()
    if row is None:
        return False
    give_up(connection, webhook_id, now)
    since = row.failing_since.isoformat().replace("+00:00", "Z") if row.failing_since else None
    data = {"id": webhook_id, "url": row.url, "reason": reason, "failing_since": since}
    identity = f"{Kind.ENDPOINT_DISABLED}/{webhook_id}/{now.isoformat()}"
    outbox.emit(connection, Kind.ENDPOINT_DISABLED, webhook_id, data, now, keys=(row.key_id,), identity=identity)
    return True


def give_up(connection: Connection, target: str, now: datetime) -> None:
    """What waits for a receiver is not tried any more; it stays in the log."""
    waiting = DELIVERY.c.target == target, DELIVERY.c.status == Status.PENDING.value
    ended = {"status": Status.FAILED.value, "ended_at": now, "lease_until": None, "leased_by": None}
    connection.execute(sa.update(DELIVERY).where(*waiting).values(**ended))


def requeue(connection: Connection, delivery_id: str, now: datetime) -> None:
    """Send a delivery again, with the whole schedule before it. One that is being tried now keeps its lease."""
    anew = {"status": Status.PENDING.value, "due_at": now, "step": 0, "ended_at": None}
    connection.execute(sa.update(DELIVERY).where(DELIVERY.c.id == delivery_id).values(**anew))


def release(connection: Connection, worker: str | None) -> None:
    """Free what a worker that stops still holds; without a name, what anybody holds."""
    held = DELIVERY.c.leased_by.is_not(None) if worker is None else DELIVERY.c.leased_by == worker
    connection.execute(sa.update(DELIVERY).where(held).values(lease_until=None, leased_by=None))


def find(connection: Connection, delivery_id: str) -> Mapping[Any, Any] | None:
    return connection.execute(sa.select(DELIVERY).where(DELIVERY.c.id == delivery_id)).mappings().first()


def listing(
    connection: Connection, limit: int, after: str | None = None, *, key_id: str | None = None,
    target: str | None = None, subject: str | None = None, status: str | None = None, delivery_id: str | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Newest first, each with its event and all its tries."""
    wanted = (
        sa.select(DELIVERY, EVENT.c.kind, EVENT.c.data)
        .join(EVENT, EVENT.c.id == DELIVERY.c.event_id)
        .order_by(DELIVERY.c.id.desc())
        .limit(limit)
    )
    wishes = {"key_id": key_id, "target": target, "subject": subject, "status": status, "id": delivery_id}
    for name, value in wishes.items():
        wanted = wanted.where(DELIVERY.c[name] == value) if value is not None else wanted
    wanted = wanted.where(DELIVERY.c.id < after) if after else wanted
    rows = connection.execute(wanted).mappings().all()
    tries = connection.execute(
        sa.select(TRY).where(TRY.c.delivery_id.in_([row["id"] for row in rows])).order_by(TRY.c.number)
    ).mappings()
    found: dict[str, list[Mapping[Any, Any]]] = {row["id"]: [] for row in rows}
    for each in tries:
        found[each["delivery_id"]].append(each)
    return [
        dict(row) | {"data": json.loads(row["data"]) if row["data"] else None, "log": found[row["id"]]} for row in rows
    ]


def waiting(connection: Connection) -> int:
    """Deliveries that are not ended."""
    counted = sa.select(sa.func.count()).select_from(DELIVERY).where(DELIVERY.c.status == Status.PENDING.value)
    return int(connection.execute(counted).scalar_one())


def prune(connection: Connection, before: datetime) -> int:
    """Remove deliveries that ended before this, the oldest first, and events that nothing is left of."""
    old = (DELIVERY.c.ended_at < before) & (DELIVERY.c.status != Status.PENDING.value)
    rows = connection.execute(
        sa.select(DELIVERY.c.id, DELIVERY.c.event_id).where(old).order_by(DELIVERY.c.ended_at).limit(PRUNED)
    ).all()
    ids, events = [row.id for row in rows], {row.event_id for row in rows}
    connection.execute(sa.delete(TRY).where(TRY.c.delivery_id.in_(ids)))
    connection.execute(sa.delete(DELIVERY).where(DELIVERY.c.id.in_(ids)))
    left = sa.exists().where(DELIVERY.c.event_id == EVENT.c.id)
    connection.execute(sa.delete(EVENT).where(EVENT.c.id.in_(events), ~left))
    return len(rows)
