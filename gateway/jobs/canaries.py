"""Small jobs of our own on offers that nobody has used lately, so that their life stage rests on more than a listing.

Off unless the operator gives them money for a day. They are jobs like any other, under a key of their own whose balance
is that money: it is topped up once a day, so no more than a day's money can be spent in a day.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy.engine import Connection

from adapters.schema import Offer, Task
from gateway import clock
from gateway.attempts import store as attempts
from gateway.db import insert_once
from gateway.jobs.service import Jobs
from gateway.keys.rules import Caller, Role, hash_secret
from gateway.keys.tables import KEY
from gateway.ledger import book, rules as ledger
from gateway.problems import Problem
from gateway.routing.body import JobBody
from gateway.ticks.rules import Tick

TICK = Tick("canaries", 6 * 3_600, 120)
CALLER = Caller("key_canary", "canaries", Role.CALLER)
UNUSED_DAYS = 7
"""An offer that an attempt has met since then needs no canary."""
ROWS = 20_000
"""Attempts that are looked through for that; the newest."""
MOST = 3
"""Canaries of one run: four runs a day, a dozen offers."""
BODIES: dict[Task, dict[str, object]] = {
    Task.TEXT: {"prompt": "Say yes.", "max_tokens": 16},
    Task.TEXT_TO_IMAGE: {"prompt": "a grey pebble on white paper"},
    Task.TEXT_TO_SPEECH: {"prompt": "Yes."},
}
"""The tasks that need no input and cost little. Clips are not among them: one costs as much as a day of pictures."""


class Chosen(NamedTuple):
    """A canary to be sent, and what it is quoted at."""

    usd: Decimal
    offer: str
    body: JobBody


async def send(jobs: Jobs, usd_per_day: Decimal) -> str:
    """Send a few, the cheapest first; says which."""
    now = clock.now()

    def purse(connection: Connection) -> tuple[int, set[str]]:
        _top_up(connection, ledger.nanos(usd_per_day), now)
        met = attempts.ended_since(connection, now - timedelta(days=UNUSED_DAYS), ROWS)
        return book.balance(connection, ledger.available(CALLER.id)), {row["offer"] for row in met}

    nanos, met = await jobs.db.together(purse)
    sent: list[str] = []
    for canary in chosen(jobs, met, nanos, now):
        try:
            await jobs.submit(CALLER, canary.body, f"{canary.offer} {now:%Y-%m-%d}")
        except Problem:
            continue  # another spent the money, or the offer went, in this moment
        sent.append(canary.offer)
    return f"sent {len(sent)}: {', '.join(sent)}" if sent else "sent none: all offers are in use, or too dear"


def chosen(jobs: Jobs, met: set[str], nanos: int, now: datetime) -> list[Chosen]:
    """The cheapest canaries that the money covers, on offers that no attempt has met."""
    found = sorted(canary for offer in _usable(jobs, met) if (canary := _canary(jobs, offer, now)))
    fitting: list[Chosen] = []
    for canary in found:
        cost = ledger.nanos(canary.usd)
        if len(fitting) < MOST and cost <= nanos:
            fitting.append(canary)
            nanos -= cost
    return fitting


def _usable(jobs: Jobs, met: set[str]) -> Sequence[Offer]:
    real = set(jobs.supply.real_providers)
    return [offer for offer in jobs.supply.catalog.offers() if offer.provider in real and offer.id not in met]


def _canary(jobs: Jobs, offer: Offer, now: datetime) -> Chosen | None:
    """An offer's canary at its quote; None if none of its tasks is cheap, or it cannot be used or priced."""
    task = next((task for task in BODIES if task in offer.tasks), None)
    if task is None:
        return None
    said: dict[str, object] = {"task": task, "model": offer.id, "routing": {"fallbacks": 0}} | BODIES[task]
    body = JobBody.model_validate_json(json.dumps(said))
    plan = jobs.routing.plan(body, now)
    cost = plan.decision.ranked[0].candidate.evidence.cost_usd if plan.offers else None
    return None if cost is None else Chosen(cost, offer.id, body)


def _top_up(connection: Connection, nanos: int, now: datetime) -> None:
    """Bring the canaries' balance to a day's money, once a day. The key's secret is nowhere: nobody else can use it."""
    row = {
        "id": CALLER.id, "name": CALLER.name, "role": CALLER.role.value, "hint": "", "created_at": now,
        "secret_hash": hash_secret(clock.new_secret()),
    }  # fmt: skip
    insert_once(connection, KEY, row, ["id"])
    missing = nanos - book.balance(connection, ledger.available(CALLER.id))
    if missing > 0:
        book.post(connection, ledger.fund(CALLER.id, missing, f"canaries {now:%Y-%m-%d}"), now)
