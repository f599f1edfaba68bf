"""Writes events down, in the transaction of what made them happen, once for each receiver; it sends nothing.

Where nobody asked to be told, nothing is written.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.db import insert_once
from gateway.keys.tables import KEY
from gateway.prepared import Prepared
from gateway.webhooks.rules import PODIUM, Kind, Status, origin
from gateway.webhooks.tables import DELIVERY, EVENT, WEBHOOK

EVERYONE = "*"
"""What an endpoint of the organisation watches."""


class Target(NamedTuple):
    """A receiver: an endpoint's id, or the address that a job named for itself, told in a shape of its own."""

    name: str
    lane: str
    key_id: str
    shape: str = PODIUM


def address(url: str, key_id: str, shape: str = PODIUM) -> Target:
    """The receiver that is named by its address alone."""
    return Target(url, origin(url), key_id, shape)


_IS_REVOKED = sa.exists().where(KEY.c.id == WEBHOOK.c.key_id, KEY.c.revoked_at.is_not(None))
_ON = sa.and_(WEBHOOK.c.ended_at.is_(None), WEBHOOK.c.disabled_at.is_(None), ~_IS_REVOKED)
"""Whoever lost their key, an admin above all, hears nothing any more."""
_COLUMNS = (WEBHOOK.c.id, WEBHOOK.c.key_id, WEBHOOK.c.events)
_WATCHING = Prepared(
    sa.select(*_COLUMNS).where(
        _ON, WEBHOOK.c.watches.in_([sa.bindparam("key", type_=sa.String), sa.literal_column(f"'{EVERYONE}'")])
    )
)
_ALL = Prepared(sa.select(*_COLUMNS).where(_ON))
_INSERT = Prepared(sa.insert(DELIVERY).values({each.name: sa.bindparam(each.name) for each in DELIVERY.c}))


def emit(
    connection: Connection,
    kind: Kind,
    subject: str,
    data: Mapping[str, Any] | None,
    now: datetime,
    *,
    keys: Sequence[str] | None = None,
    callback: Target | None = None,
    identity: str | None = None,
) -> int:
    """Queue an event for all who want it, in the caller's transaction. Returns for how many.

    `subject` is the id of what it happened to: events of one subject reach a receiver in their order. `data` is JSON;
    None has it read from the subject when it is sent. `keys` are those whose event it is (the organisation's endpoints
    are told too); None: anybody's. `callback` is a receiver named for this event alone. The same
    `identity` (kind and subject, if not given) is queued once, however often it is emitted.
    """
    targets = {target.name: target for target in _endpoints(connection, kind, keys)}
    if callback:
        targets[callback.name] = callback
    if not targets:
        return 0
    return queue(connection, kind, subject, data, identity or f"{kind}/{subject}", list(targets.values()), now)


def queue(
    connection: Connection, kind: Kind, subject: str, data: Mapping[str, Any] | None, identity: str,
    targets: Sequence[Target], now: datetime,
) -> int:  # fmt: skip
    """Write an event and its deliveries, if it was not written before. Returns how many."""
    event = {
        "id": clock.new_id("evt"), "identity": identity, "kind": kind.value, "subject": subject,
        "data": None if data is None else json.dumps(data), "created_at": now,
    }  # fmt: skip
    if not insert_once(connection, EVENT, event, ["identity"]):
        return 0
    for target in targets:
        _INSERT.run(connection, {
            "id": clock.new_id("dlv"), "event_id": event["id"], "target": target.name, "lane": target.lane,
            "key_id": target.key_id, "subject": subject, "shape": target.shape, "status": Status.PENDING.value,
            "tries": 0, "step": 0, "due_at": now, "lease_until": None, "leased_by": None, "created_at": now,
            "ended_at": None,
        })  # fmt: skip
    return len(targets)


def _endpoints(connection: Connection, kind: Kind, keys: Sequence[str] | None) -> list[Target]:
    if keys is None:
        rows = _ALL.rows(connection, {})
    else:
        rows = [row for key in (keys or ("",)) for row in _WATCHING.rows(connection, {"key": key})]
    return [Target(id, id, key_id) for id, key_id, events in rows if kind in json.loads(events)]
