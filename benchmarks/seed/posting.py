"""Stories into the database: rows in bulk, and every movement of money through the product's own book."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from benchmarks.seed import callers
from benchmarks.seed.chance import Chance
from benchmarks.seed.jobs import Story
from gateway.assets.tables import ASSET
from gateway.attempts.store import ATTEMPT
from gateway.budgets import store as budgets
from gateway.budgets.rules import Spender
from gateway.db import insert_once
from gateway.jobs.store import JOB
from gateway.ledger import book, rules as ledger
from gateway.routing.service import DECISION, RECORD, Plan
from gateway.usage import rules as usage, store as rollups
from gateway.usage.rules import Settled

AT_ONCE = 1_000
"""Stories in one transaction: few enough that a gateway beside it would not wait for long."""
TOP_UP_USD = 1_000
"""What comes in when an account is empty."""
BUDGETS_SINCE = timedelta(days=32)
"""Older jobs lie in no window that is still open, so budgets count none of them."""


def batches(stories: Iterable[Story]) -> Iterator[list[Story]]:
    found = iter(stories)
    while batch := list(islice(found, AT_ONCE)):
        yield batch


def _margin(job: dict[str, Any], cost: int, held: int) -> int:
    return min(ledger.margin(cost, job["margin_ppm"]), max(0, held - cost))


def store_all(connection: Connection, chance: Chance, stories: Sequence[Story], now: datetime) -> None:
    for story in stories:
        if story.provider_cost:
            cost = story.provider_cost[1]
            story.job["cost_nanos"] = cost + _margin(story.job, cost, story.job["held_nanos"])
    for table, rows in (
        (DECISION, [story.decision for story in stories]),
        (JOB, [story.job for story in stories]),
        (ATTEMPT, [row for story in stories for row in story.attempts]),
        (ASSET, [row for story in stories for row in story.assets]),
    ):
        if rows:
            connection.execute(sa.insert(table), rows)
    for story in stories:
        _booked(connection, chance, story, now)


def keep_record(connection: Connection, plan: Plan) -> None:
    """Equal records are kept once, as in the product."""
    insert_once(connection, RECORD, {"sha256": plan.sha256, "record": plan.record}, ["sha256"])


def _booked(connection: Connection, chance: Chance, story: Story, now: datetime) -> None:
    """Hold, hold otherwise for each fallback, and settle what has ended; topped up where the account is empty."""
    job = story.job
    held, at = job["quote_nanos"], job["created_at"]
    _post(connection, chance, story, ledger.hold(job["key_id"], job["id"], held), at)
    for move in story.moves:
        entry = ledger.rehold(job["key_id"], job["id"], move.attempt_id, held, move.held_nanos)
        if entry:
            _post(connection, chance, story, entry, at)
        held = move.held_nanos
    spent = _settle(connection, chance, story, held) if story.provider_cost else held
    if now - at < BUDGETS_SINCE and spent:
        spender = Spender(job["key_id"], job["project"], story.person.caller.plan and story.person.caller.plan.id)
        budgets.charge(connection, spender, job["id"], job["task"], job["model"], spent, at)


def _settle(connection: Connection, chance: Chance, story: Story, held: int) -> int:
    """As `gateway.jobs.endings` settles: the provider, the margin, the rest back; then the rollups. What it cost in
    all: budgets are charged that at once, where the product charges the hold first and gives back the rest."""
    assert story.provider_cost is not None
    job, (provider, cost) = story.job, story.provider_cost
    margin = _margin(job, cost, held)
    job_id, key_id, at = job["id"], job["key_id"], job["ended_at"]
    _post(connection, chance, story, ledger.settle(key_id, job_id, held, [(provider, cost)], margin), at)
    settled = Settled(
        usage.day_of(at.date()), key_id, job["project"] or "", job["task"], job["offer"], story.tally, (),
        job["status"] == "succeeded",
    )  # fmt: skip
    rollups.add(connection, usage.rows(settled, margin, max(0, cost - held)))
    return min(held, cost + margin)


def _post(connection: Connection, chance: Chance, story: Story, entry: ledger.Entry, at: datetime) -> None:
    answer = book.post(connection, entry, at)
    if isinstance(answer, book.Short):
        callers.fund(connection, chance, story.person.caller.id, TOP_UP_USD, at)
        answer = book.post(connection, entry, at)
    assert isinstance(answer, book.Posted), f"{entry.key}: {answer}"
