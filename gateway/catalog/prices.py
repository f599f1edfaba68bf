"""Prices that change: what feeds say becomes a proposal, which the rule or an operator accepts; nothing is re-priced.

An accepted price is a new dated entry, in force for all quotes made after it; jobs keep the price of their submit.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters import pricing
from adapters.schema import Offer, Price
from gateway import clock
from gateway.catalog import rules
from gateway.catalog.matching import Matcher, matcher
from gateway.catalog.rules import Difference, Said
from gateway.catalog.supply import Supply
from gateway.catalog.tables import ACCEPTED, PROPOSAL
from gateway.changes import store as changes
from gateway.changes.rules import Change, Kind, Subject
from gateway.db import Database
from gateway.snapshots.tables import SNAPSHOT
from router.feeds.readings import PriceReading

THE_RULE = "the rule"

PRICES_MOST = 50_000
"""Accepted prices that are read: ten changes of every offer in ten years."""


class Status(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


class NotOpen(NamedTuple):
    """A proposal that cannot be decided any more, or again; "unknown" where there is none."""

    status: str


@dataclass
class Prices:
    """Compares the newest price lists with the prices in force. `read` are the snapshots compared last."""

    db: Database
    supply: Supply
    read: frozenset[str] = field(default_factory=frozenset)
    said: tuple[Said, ...] = ()

    async def propose(self, now: datetime) -> str:
        """Open, renew and supersede proposals by the newest price lists, and accept those that the rule accepts."""
        await reprice(self.db, self.supply)
        ids = await self.db.read(_newest)
        if ids != self.read:
            match = matcher(self.supply.catalog.offers(), self.supply.names)
            payloads = [await self.db.read(lambda connection, id=id: _payload(connection, id)) for id in sorted(ids)]  # type: ignore[misc]
            self.said = await asyncio.to_thread(_said, payloads, match)
            self.read = ids
        in_force = {offer.id: price for offer in self.supply.catalog.offers() if (price := _on(offer, now.date()))}
        found = rules.differences(in_force, self.said)
        opened, accepted = await self.db.together(lambda connection: reconcile(connection, found, self.supply, now))
        await reprice(self.db, self.supply)
        return (
            f"{len(found)} prices differ in {len(ids)} lists; {opened} proposals are new, the rule accepted {accepted}"
        )


async def reprice(db: Database, supply: Supply) -> bool:
    """Lay all accepted prices over the cards'; whether any is new here."""
    return supply.reprice(await db.read(accepted))


def _said(payloads: Iterable[tuple[str, datetime, str]], match: Matcher) -> tuple[Said, ...]:
    return tuple(
        Said(offer, source, taken_at.date(), row)
        for source, taken_at, payload in payloads
        for row in PriceReading.model_validate_json(payload).rows
        for offer in sorted(match.offers(row.provider, row.label))
    )


def _on(offer: Offer, day: date) -> Price | None:
    try:
        return pricing.price_on(offer, day)
    except pricing.Unpriced:
        return None


def reconcile(connection: Connection, found: Sequence[Difference], supply: Supply, now: datetime) -> tuple[int, int]:
    """Make the open proposals those that sources say now. Returns how many are new, and how many the rule accepted."""
    held = {_key(row): row for row in connection.execute(_standing).mappings()}
    wanted = {difference.key: difference for difference in found}
    for key, standing in held.items():
        if standing["status"] == Status.OPEN and key not in wanted:
            _decide(connection, standing["id"], Status.SUPERSEDED, "its sources", now)
    opened = accepted_count = 0
    for key, difference in wanted.items():
        row = held.get(key)
        if row and row["status"] == Status.REFUSED:
            continue
        opened += row is None
        proposal_id = _renew(connection, row["id"], difference, now) if row else _open(connection, difference, now)
        if difference.may_pass:
            accepted_count += isinstance(accept(connection, proposal_id, supply, THE_RULE, now), Price)
    return opened, accepted_count


_standing = sa.select(PROPOSAL).where(PROPOSAL.c.status.in_([Status.OPEN.value, Status.REFUSED.value]))


def _key(row: Mapping[Any, Any]) -> tuple[str, str, str, str]:
    return row["offer"], row["unit"], row["conditions"], row["after"]


def _open(connection: Connection, difference: Difference, now: datetime) -> str:
    row = {
        "id": clock.new_id("prc"), "offer": difference.offer, "unit": difference.unit,
        "conditions": difference.conditions, "before": rules.plain(difference.before),
        "after": rules.plain(difference.after), "sources": json.dumps(difference.sources),
        "status": Status.OPEN.value, "first_seen_at": now, "seen_at": now,
    }  # fmt: skip
    connection.execute(sa.insert(PROPOSAL), row)
    return str(row["id"])


def _renew(connection: Connection, proposal_id: str, difference: Difference, now: datetime) -> str:
    values = {"sources": json.dumps(difference.sources), "before": rules.plain(difference.before), "seen_at": now}
    connection.execute(sa.update(PROPOSAL).where(PROPOSAL.c.id == proposal_id).values(**values))
    return proposal_id


def _decide(connection: Connection, proposal_id: str, status: Status, who: str, now: datetime) -> bool:
    """Decide an open proposal. False if somebody did before."""
    is_open = sa.and_(PROPOSAL.c.id == proposal_id, PROPOSAL.c.status == Status.OPEN.value)
    values = {"status": status.value, "decided_at": now, "decided_by": who}
    return connection.execute(sa.update(PROPOSAL).where(is_open).values(**values)).rowcount == 1


def refuse(connection: Connection, proposal_id: str, who: str, now: datetime) -> NotOpen | None:
    """Refuse a proposal: the same price is not proposed again. None if it is done, and else how it stands."""
    row = find(connection, proposal_id)
    if row is None:
        return NotOpen("unknown")
    return None if _decide(connection, proposal_id, Status.REFUSED, who, now) else NotOpen(row["status"])


def accept(connection: Connection, proposal_id: str, supply: Supply, who: str, now: datetime) -> Price | NotOpen | None:
    """The new price, in force from today on for all quotes to come. None if there is no such proposal.

    One whose price has changed meanwhile is superseded, for it was proposed against another.
    """
    row = find(connection, proposal_id)
    if row is None:
        return NotOpen("unknown")
    offer = next((offer for offer in supply.catalog.offers() if offer.id == row["offer"]), None)
    today = now.date()
    held = _on(_repriced(offer, accepted(connection, offer.id).get(offer.id, ())), today) if offer else None
    usd = rules.usd_of(held, row["unit"], row["conditions"]) if held else None
    if held is None or usd is None or not rules.is_same(usd, Decimal(row["before"])):
        _decide(connection, proposal_id, Status.SUPERSEDED, "another price", now)
        return NotOpen(Status.SUPERSEDED)
    if not _decide(connection, proposal_id, Status.ACCEPTED, who, now):
        return NotOpen(row["status"])
    sources = json.loads(row["sources"])
    price = rules.changed(held, row["unit"], row["conditions"], Decimal(row["after"]), today, sources)
    _keep(connection, row, price, now)
    changes.add(connection, _change(row, sources, who, today), now)
    return price


def _repriced(offer: Offer, prices: tuple[Price, ...]) -> Offer:
    """The offer with these accepted prices before all others, whatever this process had laid over its card before."""
    return offer.model_copy(update={"prices": prices + tuple(each for each in offer.prices if each not in prices)})


def _keep(connection: Connection, row: Mapping[Any, Any], price: Price, now: datetime) -> None:
    entry = {
        "id": clock.new_id("apr"), "offer": row["offer"], "price": price.model_dump_json(), "since": price.since,
        "accepted_at": now, "proposal_id": row["id"],
    }  # fmt: skip
    connection.execute(sa.insert(ACCEPTED), entry)
    others = sa.and_(
        PROPOSAL.c.offer == row["offer"], PROPOSAL.c.unit == row["unit"], PROPOSAL.c.conditions == row["conditions"],
        PROPOSAL.c.status == Status.OPEN.value,
    )  # fmt: skip
    values = {"status": Status.SUPERSEDED.value, "decided_at": now, "decided_by": "another price"}
    connection.execute(sa.update(PROPOSAL).where(others).values(**values))


def _change(row: Mapping[Any, Any], sources: Sequence[str], who: str, today: date) -> Change:
    conditions = json.loads(row["conditions"])
    what = f"{row['unit']} {conditions}" if conditions else row["unit"]
    said = f"{', '.join(sources)} say so; accepted by {who}"
    subject = Subject(row["offer"], row["offer"].partition("/")[2], row["offer"])
    before, after = f"{row['before']} USD for one {what}", f"{row['after']} USD for one {what}"
    return Change(Kind.PRICE, subject, before, after, said, ", ".join(sources), today)


def find(connection: Connection, proposal_id: str) -> Mapping[Any, Any] | None:
    return connection.execute(sa.select(PROPOSAL).where(PROPOSAL.c.id == proposal_id)).mappings().one_or_none()


def listing(
    connection: Connection, limit: int, after: str | None = None, status: str | None = Status.OPEN
) -> list[Mapping[Any, Any]]:
    """Newest first; of one status, or all."""
    wanted = sa.select(PROPOSAL).order_by(PROPOSAL.c.id.desc()).limit(limit)
    if after is not None:
        wanted = wanted.where(PROPOSAL.c.id < after)
    if status is not None:
        wanted = wanted.where(PROPOSAL.c.status == status)
    return list(connection.execute(wanted).mappings())


def accepted(connection: Connection, offer: str | None = None) -> dict[str, tuple[Price, ...]]:
    """Offer → its accepted prices, the newest first: of those since the same day, the last word counts."""
    wanted = sa.select(ACCEPTED.c.offer, ACCEPTED.c.price).order_by(ACCEPTED.c.since.desc(), ACCEPTED.c.id.desc())
    wanted = wanted.limit(PRICES_MOST)
    found: dict[str, tuple[Price, ...]] = {}
    for name, price in connection.execute(
        wanted.where(ACCEPTED.c.offer == offer) if offer else wanted.limit(PRICES_MOST)
    ):
        found[name] = (*found.get(name, ()), Price.model_validate_json(price))
    return found


_RANKED = (
    sa.select(
        SNAPSHOT.c.id,
        sa.func.row_number()
        .over(
            partition_by=(SNAPSHOT.c.source, SNAPSHOT.c.subject),
            order_by=(SNAPSHOT.c.taken_at.desc(), SNAPSHOT.c.read_at.desc(), SNAPSHOT.c.id.desc()),
        )
        .label("place"),
    )
    .where(SNAPSHOT.c.subject.like("prices%"))
    .subquery()
)


def _newest(connection: Connection) -> frozenset[str]:
    """Ids of the newest price list of each source, and of each part of one."""
    return frozenset(connection.execute(sa.select(_RANKED.c.id).where(_RANKED.c.place == 1)).scalars())


def _payload(connection: Connection, snapshot_id: str) -> tuple[str, datetime, str]:
    columns = [SNAPSHOT.c[name] for name in ("source", "taken_at", "payload")]
    row = connection.execute(sa.select(*columns).where(SNAPSHOT.c.id == snapshot_id)).one()
    return row[0], row[1], row[2]


def view(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A proposal as the API shows it."""
    said = {name: row[name] for name in ("id", "offer", "unit", "status", "decided_by")}
    return said | {
        "when": json.loads(row["conditions"]),
        "before_usd": row["before"],
        "after_usd": row["after"],
        "sources": json.loads(row["sources"]),
        "first_seen_at": row["first_seen_at"],
        "seen_at": row["seen_at"],
        "decided_at": row["decided_at"],
    }
