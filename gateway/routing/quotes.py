"""Quotes: a decision whose prices hold for its caller until a moment, whatever the catalog says by then.

A quote is a promise of price, not of capacity: the money is held when a job is made by it, and an offer that has gone
from the catalog by then is an offer that has gone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.schema import Price
from gateway import clock
from gateway.attempts.runner import Supplied
from gateway.keys.rules import Caller
from gateway.problems import Conflict, NoOffer, NotFound
from gateway.routing.body import JobBody, asked_digest
from gateway.routing.service import Plan, Terms
from gateway.routing.tables import QuoteRow

HOLDS_S = 900
"""Long enough for a person to say yes; short enough that a price which has changed costs us little."""

QUOTE: sa.Table = QuoteRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Choice:
    """What a job is to run, in order, and on which terms. `plan` is there if it was decided now, `prices` if quoted."""

    offers: tuple[str, ...]
    offers_json: str
    policy_json: str
    decision_id: str
    margin_ppm: int
    plan: Plan | None = None
    prices: Mapping[str, Price] | None = None


def chosen(plan: Plan, terms: Terms, decision_id: str) -> Choice:
    return Choice(plan.offers, plan.offers_json, plan.policy_json, decision_id, terms.margin_ppm, plan)


def draft(
    plan: Plan, terms: Terms, caller: Caller, body: JobBody, prices: Mapping[str, Price], decision_id: str,
    quote_nanos: int, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """A quote's row: the prices of every offer of the plan, frozen as they are now."""
    frozen = {offer: price.model_dump(mode="json") for offer, price in prices.items()}
    return {
        "id": clock.new_id("quo"), "key_id": caller.id, "digest": asked_digest(body), "decision_id": decision_id,
        "ranked": plan.offers_json, "policy": plan.policy_json, "prices": json.dumps(frozen),
        "margin_ppm": terms.margin_ppm, "quote_nanos": quote_nanos,
        "created_at": now, "expires_at": now + timedelta(seconds=HOLDS_S),
    }  # fmt: skip


def insert(connection: Connection, row: Mapping[str, Any]) -> None:
    connection.execute(sa.insert(QUOTE), dict(row))


def find(connection: Connection, quote_id: str) -> Mapping[Any, Any] | None:
    return connection.execute(sa.select(QUOTE).where(QUOTE.c.id == quote_id)).mappings().one_or_none()


def prices_of(connection: Connection, quote_id: str) -> dict[str, Price]:
    """Offer → the price that the quote promised."""
    row = find(connection, quote_id)
    return _prices(row) if row else {}


def _prices(row: Mapping[Any, Any]) -> dict[str, Price]:
    return {offer: Price.model_validate(price) for offer, price in json.loads(row["prices"]).items()}


def choice_of(row: Mapping[Any, Any] | None, caller: Caller, body: JobBody, now: datetime) -> Choice:
    """What a quote chose. Raises NotFound, and Conflict if it has expired or was given for something else."""
    if row is None or row["key_id"] != caller.id:
        raise NotFound(f"there is no quote {body.quote} of this key; POST /v1/quotes gives one")
    if row["digest"] != asked_digest(body):
        raise Conflict("this quote was given for another request: send the body that it was asked with")
    if now >= row["expires_at"]:
        raise Conflict(f"this quote has expired at {row['expires_at']:%Y-%m-%dT%H:%M:%SZ}: ask for a new one")
    return Choice(
        tuple(json.loads(row["ranked"])), row["ranked"], row["policy"], row["decision_id"], row["margin_ppm"],
        prices=_prices(row),
    )  # fmt: skip


def at_prices(supplied: Supplied, prices: Mapping[str, Price] | None) -> Supplied:
    """An offer at its quoted price, which is the only one it has then."""
    price = (prices or {}).get(supplied.offer.id)
    return supplied._replace(offer=supplied.offer.model_copy(update={"prices": (price,)})) if price else supplied


def unfit(choice: Choice, reasons: Sequence[str]) -> NoOffer:
    said = "; ".join(reasons)
    return NoOffer(f"{choice.offers[0]} {said}, since it was quoted: ask for a new quote")


def gone(choice: Choice) -> NoOffer:
    return NoOffer(f"{choice.offers[0]} has left the catalog since it was quoted: ask for a new quote")
