"""Who calls: made-up projects, plans, keys with funds, budgets and webhook endpoints that nobody can reach."""

import json
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.engine import Connection

from benchmarks.seed.chance import Chance
from gateway import clock
from gateway.budgets import store as budgets
from gateway.budgets.rules import Budget, Scope, Window
from gateway.keys import plans, service as keys
from gateway.keys.rules import Caller, Plan, Role
from gateway.ledger import book, rules as ledger
from gateway.ledger.rules import NANOS
from gateway.routing.service import Terms
from gateway.webhooks import endpoints
from gateway.webhooks.rules import Kind

PLANS = (("Studio", 240, 20_000), ("Team", 60, 50_000), ("Trial", 10, 100_000))
"""Name, jobs a minute, margin in millionths."""
PROJECTS = ("Storefront", "Campaigns", "Research")
PEOPLE = (
    # name, project, plan, share of all jobs, first funds in USD
    ("shop-images", 0, 0, 0.34, 4_000),
    ("shop-descriptions", 0, 1, 0.22, 500),
    ("campaign-clips", 1, 0, 0.13, 9_000),
    ("campaign-drafts", 1, 1, 0.11, 1_500),
    ("newsletter", 1, 1, 0.08, 300),
    ("notebook-mira", 2, 2, 0.07, 120),
    ("notebook-jonas", 2, 2, 0.04, 120),
    ("intern", None, 2, 0.01, 20),
)
HOOK = "https://hooks.made-up.invalid/podium"
"""No address has this ending, so what happens on a filled gateway is told to nobody."""


class Person(NamedTuple):
    caller: Caller
    secret: str
    share: float

    @property
    def terms(self) -> Terms:
        return Terms((), self.caller.plan.margin_ppm if self.caller.plan else 0)


def make(connection: Connection, chance: Chance, jobs: int, since: datetime) -> tuple[Person, ...]:
    """Everybody, as of the first day, with the first funds in their accounts."""
    made_plans = [Plan(clock.new_id("pln"), name, rate, 10, None, (), ppm) for name, rate, ppm in PLANS]
    for plan in made_plans:
        plans.insert(connection, plan, since)
    projects = [plans.new_project(connection, name, since)["id"] for name in PROJECTS]
    people = []
    for name, project, plan_at, share, usd in PEOPLE:
        project_id, plan = projects[project] if project is not None else None, made_plans[plan_at]
        view, secret = keys.create(connection, name, Role.CALLER, since, project=project_id, plan=plan.id)
        caller = Caller(view.id, name, Role.CALLER, project_id, plan)
        people.append(Person(caller, secret, share))
        fund(connection, chance, caller.id, usd, since)
    _budgets(connection, people, projects, jobs, since)
    return tuple(people)


def fund(connection: Connection, chance: Chance, key_id: str, usd: int, at: datetime) -> None:
    entry = ledger.fund(key_id, usd * NANOS, chance.id("pay", at))
    assert isinstance(book.post(connection, entry, at), book.Posted)


def _budgets(connection: Connection, people: list[Person], projects: list[str], jobs: int, since: datetime) -> None:
    """Limits in USD that so many jobs come near to."""
    made = (
        ("Everybody, each month", Scope.ORGANISATION, None, Window.MONTH, 0.09 * jobs, True),
        ("Everybody, each day", Scope.ORGANISATION, None, Window.DAY, 0.004 * jobs, False),
        ("Storefront, each month", Scope.PROJECT, projects[0], Window.MONTH, 0.05 * jobs, True),
        ("Campaigns, each week", Scope.PROJECT, projects[1], Window.WEEK, 0.012 * jobs, False),
        ("Notebook of Mira, each day", Scope.KEY, people[5].caller.id, Window.DAY, 0.0005 * jobs, True),
    )
    for name, scope, subject, window, usd, is_hard in made:
        limit = max(1, round(usd)) * NANOS
        budget = Budget(clock.new_id("bud"), name, scope, subject, window, limit, is_hard, (), (), (50, 80, 100))
        budgets.insert(connection, budget, since)


def make_hooks(connection: Connection, people: tuple[Person, ...], now: datetime) -> None:
    """Made last, so that nothing of the past is queued for them."""
    for number, person in enumerate(people[:3]):
        row = {
            "key_id": person.caller.id, "watches": person.caller.id, "url": f"{HOOK}/{person.caller.name}",
            "events": json.dumps([Kind.JOB_FINISHED, Kind.BUDGET_THRESHOLD]), "description": "made up",
            "failing_since": now if number == 2 else None, "disabled_at": now if number == 2 else None,
            "disabled_for": "nobody answered for 5 days" if number == 2 else None, "ended_at": None,
        }  # fmt: skip
        endpoints.create(connection, row, now)
