"""What else a gateway has heard: an upload, and a made-up price list, of which the product makes proposals."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters import pricing
from adapters.schema import Offer
from benchmarks.seed.chance import Chance
from gateway.assets.tables import ASSET
from gateway.catalog.supply import Supply
from gateway.snapshots import store
from router.feeds.readings import PriceReading, PriceRow, payload_of

SOURCES = ("made-up", "made-up-too")
"""Two lists: what both say by little, the rule accepts; what one says waits for an operator."""
BOTH, ONE = 2, 4
"""Prices of each kind."""


def start(connection: Connection, upload: dict[str, Any]) -> None:
    """The picture that edits and clips begin with."""
    connection.execute(sa.insert(ASSET), upload)


def store_prices(connection: Connection, supply: Supply, chance: Chance, now: datetime) -> None:
    offers = [offer for offer in supply.catalog.offers() if supply.keys[offer.provider] and _plain(offer, now)]
    chosen = chance.sample(offers, min(len(offers), BOTH + ONE))
    for number, source in enumerate(SOURCES):
        listed = chosen[:BOTH] if number else chosen
        rows = tuple(_row(offer, now, Decimal("0.9") if place < BOTH else Decimal("1.4"))
                     for place, offer in enumerate(listed))  # fmt: skip
        if rows:
            reading = PriceReading(source=source, taken_at=now, rows=rows)
            store.add(connection, source, "prices", now, payload_of(reading), now)


def _plain(offer: Offer, now: datetime) -> bool:
    """Whether it has one price without conditions: what can be compared."""
    try:
        rates = pricing.price_on(offer, now.date()).rates
    except pricing.Unpriced:
        return False
    return len(rates) == 1 and not rates[0].when and rates[0].usd > 0


def _row(offer: Offer, now: datetime, factor: Decimal) -> PriceRow:
    rate = pricing.price_on(offer, now.date()).rates[0]
    said = {"counted": rate.unit, "usd": rate.usd * factor, "per": rate.per}
    return PriceRow(label=offer.wire_id, provider=offer.provider, units=(rate.unit,), **said)
