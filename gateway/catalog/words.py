"""The operator's words on offers, kept: that one is over, or is not. What follows from them is router.retirement's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.catalog.tables import OFFER_WORD
from gateway.db import insert_once
from router.retirement import Verdict, Word

MOST = 10_000
"""Words that are read: more than any catalog has offers."""


def say(connection: Connection, offer: str, verdict: Verdict, why: str, by: str, now: datetime) -> None:
    """The last word on an offer; a later one takes its place."""
    row = {"offer": offer, "word": verdict.value, "why": why, "said_at": now, "said_by": by}
    if not insert_once(connection, OFFER_WORD, row, ["offer"]):
        connection.execute(sa.update(OFFER_WORD).where(OFFER_WORD.c.offer == offer).values(**row))


def take_back(connection: Connection, offer: str) -> bool:
    """Whether there was a word to take back."""
    return connection.execute(sa.delete(OFFER_WORD).where(OFFER_WORD.c.offer == offer)).rowcount == 1


def listing(connection: Connection) -> list[Mapping[Any, Any]]:
    """Newest first."""
    wanted = sa.select(OFFER_WORD).order_by(OFFER_WORD.c.said_at.desc(), OFFER_WORD.c.offer).limit(MOST)
    return list(connection.execute(wanted).mappings())


def said(connection: Connection) -> dict[str, Word]:
    """By offer, as the judgement takes them."""
    return {row["offer"]: Word(Verdict(row["word"]), row["said_at"].date(), row["why"]) for row in listing(connection)}
