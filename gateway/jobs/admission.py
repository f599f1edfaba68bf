"""Whether a job may begin: its key's rate and concurrency, its budgets, its balance. All in the job's transaction.

Nothing is left behind by a refusal, save the place in the rate that it took.
"""

from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from gateway.budgets import rules as budget_rules, store as budgets
from gateway.budgets.rules import Scope, Spender
from gateway.budgets.store import Over
from gateway.jobs import notices, store
from gateway.keys import plans
from gateway.keys.rules import Caller
from gateway.ledger import book, rules as ledger
from gateway.problems import InsufficientFunds, OverBudget, Problem, RateLimited

BUSY_S = 5
"""How long a caller with too many jobs under way is told to wait: nobody knows when one of them will end."""


class TooFast(NamedTuple):
    """The key's jobs come faster than its plan allows."""

    wait_s: float


class TooMany(NamedTuple):
    """As many jobs of the key as its plan allows have not ended."""

    limit: int


Refused = TooFast | TooMany | Over | book.Short


def refused(connection: Connection, caller: Caller, job: Mapping[str, Any], now: datetime) -> Refused | None:
    """Take the job's place in every limit and hold its money, or say what is in the way."""
    if caller.plan and (slow := _slowed(connection, caller, now)):
        return slow
    spender = spender_of(caller)
    charged = budgets.charge(connection, spender, job["id"], job["task"], job["model"], job["held_nanos"], now)
    if isinstance(charged, Over):
        return charged
    answer = book.post(connection, ledger.hold(caller.id, job["id"], job["held_nanos"]), now)
    if isinstance(answer, book.Short):
        budgets.restore(connection, job["id"], {}, charged)
        return answer
    notices.crossed(connection, charged, caller.id, now)
    return None


def spender_of(caller: Caller) -> Spender:
    return Spender(caller.id, caller.project, caller.plan.id if caller.plan else None)


def _slowed(connection: Connection, caller: Caller, now: datetime) -> TooFast | TooMany | None:
    assert caller.plan is not None
    limit = caller.plan.concurrency
    if limit is not None and store.live(connection, caller.id) >= limit:
        return TooMany(limit)
    wait_s = plans.take(connection, caller.id, caller.plan, now)
    return None if wait_s is None else TooFast(wait_s)


def problem(refusal: Refused, job: Mapping[str, Any], now: datetime) -> Problem:
    """The refusal as a caller hears it."""
    needed = ledger.usd(job["held_nanos"])
    quoted = f"{job['offer']} is quoted at {needed} USD"
    match refusal:
        case TooFast(wait_s):
            wait = {"retry-after": str(max(1, ceil(wait_s)))}
            return RateLimited("this key's plan allows fewer jobs a minute: wait as Retry-After says", headers=wait)
        case TooMany(limit):
            detail = f"this key's plan allows {limit} jobs at a time: wait until one of yours has ended"
            return RateLimited(detail, headers={"retry-after": str(BUSY_S)})
        case Over(budget, short_by):
            missing = ledger.usd(short_by)
            detail = f"{quoted} and the budget {budget.name!r} is short of {missing} USD{_until(refusal, now)}"
            return OverBudget(detail, budget=budget.id, needed_usd=needed, short_by_usd=missing)
        case book.Short(_, short_by):
            missing = ledger.usd(short_by)
            detail = f"{quoted} and the key is short of {missing} USD: fund it, or choose a cheaper offer"
            return InsufficientFunds(detail, needed_usd=needed, short_by_usd=missing)


def _until(over: Over, now: datetime) -> str:
    ends = budget_rules.ends(over.budget.window, now)
    whose = "" if over.budget.scope is Scope.KEY else f" (of the {over.budget.scope.value})"
    again = f"it begins again at {ends:%Y-%m-%dT%H:%M:%SZ}" if ends else "it does not begin again"
    return f"{whose}: {again}; choose a cheaper offer, or ask an admin to raise it"
