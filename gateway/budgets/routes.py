"""Budgets over HTTP: made, changed and ended by admins; every key sees those that hold it. It charges nothing."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from adapters.schema import Task
from gateway import clock
from gateway.budgets import rules, store
from gateway.budgets.rules import THRESHOLDS, Budget, Scope, Spender, Window
from gateway.db import Database
from gateway.keys import plans, service as keys
from gateway.keys.routes import Name, NounId, admin_of, caller_of
from gateway.keys.rules import Role
from gateway.ledger import rules as ledger
from gateway.paging import After, Limit, page
from gateway.problems import Invalid, NotFound

BudgetId = Annotated[str, Path(max_length=100, pattern=r"^[\w-]+$")]
LimitUsd = Annotated[Decimal, Field(ge=0, lt=ledger.LARGEST_NANOS // ledger.NANOS, decimal_places=9)]


class NewBudget(BaseModel):
    """A limit for a key, for each key on a plan, for a project's keys together, or for everybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    scope: Scope
    subject: NounId | None = Field(None, description="id of the key, plan or project; none for the organisation")
    window: Window
    limit_usd: LimitUsd
    hard: bool = Field(True, description="refuse what would pass the limit; else only tell")
    tasks: tuple[Task, ...] = Field((), description="empty: all")
    models: tuple[str, ...] = Field((), max_length=1_000, description="empty: all")
    thresholds: tuple[Annotated[int, Field(ge=1, le=1_000)], ...] = Field(
        THRESHOLDS, max_length=10, description="percent of the limit at which a webhook tells, once in a window"
    )


class ChangedBudget(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name | None = None
    limit_usd: LimitUsd | None = None
    hard: bool | None = None


def routes(db: Database) -> APIRouter:
    router = APIRouter(prefix="/v1/budgets", tags=["ledger"])

    @router.get("")
    async def listing(request: Request, limit: Limit = 50, after: After = None) -> dict[str, Any]:
        """Newest first, with what is spent or held in the window that is now.

        A caller sees those of its key, its project and its plan; of its plan's, what it has spent itself.
        """
        caller, now = caller_of(request), clock.now()
        own = Spender(caller.id, caller.project, caller.plan.id if caller.plan else None)
        spender = None if caller.role is Role.ADMIN else own
        rows = await db.read(lambda connection: store.listing(connection, now, limit + 1, after, spender))
        return page([_view(row) for row in rows], limit)

    @router.post("", status_code=201)
    async def create(request: Request, body: NewBudget) -> dict[str, Any]:
        """It holds from the next job on; what runs already is counted only if it goes on at another offer."""
        admin_of(request)
        budget, now = _budget(body), clock.now()
        made = await db.together(lambda connection: _insert(connection, budget, now))
        if isinstance(made, str):
            raise NotFound(made)
        return _found(made, budget.id)

    @router.patch("/{budget_id}")
    async def change(request: Request, budget_id: BudgetId, body: ChangedBudget) -> dict[str, Any]:
        """Another name, limit or hardness, for jobs from now on."""
        admin_of(request)
        said = body.model_dump(exclude_none=True)
        values = {"name": said.get("name"), "is_hard": said.get("hard")}
        values["limit_nanos"] = ledger.nanos(said["limit_usd"]) if "limit_usd" in said else None
        return await _changed(db, budget_id, {name: value for name, value in values.items() if value is not None})

    @router.delete("/{budget_id}")
    async def end(request: Request, budget_id: BudgetId) -> dict[str, Any]:
        """It holds nobody any more. What was charged to it stays on record."""
        admin_of(request)
        return await _changed(db, budget_id, {"ended_at": clock.now()})

    return router


def _insert(connection: Connection, budget: Budget, now: datetime) -> store.Stand | str | None:
    if missing := _missing(connection, budget):
        return missing
    store.insert(connection, budget, now)
    return store.find(connection, budget.id, now)


async def _changed(db: Database, budget_id: str, values: dict[str, Any]) -> dict[str, Any]:
    def unit(connection: Connection) -> store.Stand | None:
        if values:
            store.change(connection, budget_id, values)
        return store.find(connection, budget_id, clock.now())

    return _found(await db.together(unit), budget_id)


def _budget(body: NewBudget) -> Budget:
    if (body.subject is None) != (body.scope is Scope.ORGANISATION):
        raise Invalid("subject: name the key, plan or project that the budget is for, and none for the organisation")
    nanos = ledger.nanos(body.limit_usd)
    tasks = tuple(task.value for task in body.tasks)
    return Budget(
        clock.new_id("bud"), body.name, body.scope, body.subject, body.window, nanos, body.hard, tasks, body.models,
        tuple(sorted(set(body.thresholds))),
    )  # fmt: skip


def _missing(connection: Connection, budget: Budget) -> str | None:
    find = {Scope.KEY: keys.find, Scope.PLAN: plans.find, Scope.PROJECT: plans.find_project}.get(budget.scope)
    if find is None or find(connection, str(budget.subject)):
        return None
    return f"there is no {budget.scope} {budget.subject}; GET /v1/{budget.scope}s lists them"


def _found(stand: store.Stand | None, budget_id: str) -> dict[str, Any]:
    if stand is None:
        raise NotFound(f"there is no budget {budget_id}; GET /v1/budgets lists them")
    return _view(stand)


def _view(stand: store.Stand) -> dict[str, Any]:
    budget, now = stand.budget, clock.now()
    said = budget._asdict()
    del said["limit_nanos"], said["is_hard"]
    return said | {
        "limit_usd": ledger.usd(budget.limit_nanos),
        "spent_usd": ledger.usd(stand.nanos),
        "hard": budget.is_hard,
        "began_at": rules.began(budget.window, now),
        "ends_at": rules.ends(budget.window, now),
        "created_at": stand.created_at,
        "ended_at": stand.ended_at,
    }
