"""Charges jobs to budgets, inside the transaction that holds or settles their money. A refusal is a returned value.

A budget's tally for a window moves by a guarded update, so two jobs cannot both have what is left. What a job charges
is written down with it, so that settling gives back exactly what was not spent, in the window it was taken from.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.budgets.rules import Budget, Scope, Spender, Window, began, counted_for, covers, crossed
from gateway.budgets.tables import ALERT, BUDGET, CHARGE, SPEND
from gateway.db import insert_once
from gateway.prepared import Prepared

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Over(NamedTuple):
    """A hard budget refused: it lacks `short_by` nano-dollars in its window. Nothing was charged anywhere."""

    budget: Budget
    short_by: int


class Tally(NamedTuple):
    """One counter: a budget's, for one key or for all, in the window that began then."""

    budget_id: str
    counted_for: str
    began_at: datetime


class Alert(NamedTuple):
    """A threshold of a budget that was crossed now."""

    budget: Budget
    tally: Tally
    percent: int
    nanos: int


Answer = Over | tuple[Alert, ...]


class Charge(NamedTuple):
    """What a job holds of one counter, or has cost it."""

    tally: Tally
    nanos: int


class _Move(NamedTuple):
    """What was done to one budget's window, and its tally afterwards."""

    budget: Budget
    tally: Tally
    change: int
    after: int


def charge(
    connection: Connection, spender: Spender, job_id: str, task: str, model: str, nanos: int, now: datetime
) -> Answer:
    """Let a job hold so much of every budget that covers it, and nothing of any other.

    Called again (for a fallback) it moves what the job holds to the new amount and the new model's budgets.
    """
    budgets = _applying(connection, spender)
    if not budgets:
        return ()
    charged = held(connection, job_id)
    wanted = {budget.id: nanos for budget in budgets if covers(budget, task, model)}
    moves: list[_Move] = []
    for budget in budgets:
        before = charged.get(budget.id)
        tally = before.tally if before else _tally(budget, spender, now)
        change = wanted.get(budget.id, 0) - (before.nanos if before else 0)
        if change == 0:
            continue
        after = _move(connection, tally, change, budget.limit_nanos if budget.is_hard else None)
        if after is None:
            for move in moves:
                _move(connection, move.tally, -move.change, None)
            return Over(budget, change - (budget.limit_nanos - _spent(connection, tally)))
        moves.append(_Move(budget, tally, change, after))
    for move in moves:
        _write(connection, job_id, move.tally, wanted.get(move.budget.id, 0))
    return tuple(alert for move in moves for alert in _alerts(connection, move, now))


def _tally(budget: Budget, spender: Spender, now: datetime) -> Tally:
    return Tally(budget.id, counted_for(budget, spender.key_id), began(budget.window, now))


def settle(connection: Connection, job_id: str, nanos: int) -> None:
    """A job has cost so much in the end: what it held beyond that is free again."""
    for tally, before in held(connection, job_id).values():
        if before != nanos:
            _move(connection, tally, nanos - before, None)
            _write(connection, job_id, tally, nanos)


def restore(connection: Connection, job_id: str, before: Mapping[str, Charge], alerts: Sequence[Alert]) -> None:
    """Put back what a job held `before` it charged in this transaction, whatever the limits say by now, and take back
    its alerts: it is refused for another reason."""
    after = held(connection, job_id)
    for budget_id in sorted(before.keys() | after.keys()):
        tally = (before.get(budget_id) or after[budget_id]).tally
        was, now = (charges[budget_id].nanos if budget_id in charges else 0 for charges in (before, after))
        if was != now:
            _move(connection, tally, was - now, None)
            _write(connection, job_id, tally, was)
    for alert in alerts:
        connection.execute(sa.delete(ALERT).where(*_here(ALERT, alert.tally), ALERT.c.percent == alert.percent))


_JOB = sa.bindparam("job", type_=sa.String)


def _is(scope: Scope) -> sa.ColumnElement[bool]:
    """The budget is of this scope, and of the subject that is given under the scope's name."""
    here = BUDGET.c.scope == sa.literal_column(f"'{scope.value}'")
    return sa.and_(here, BUDGET.c.subject == sa.bindparam(scope.value, type_=sa.String))


_COVERING = sa.or_(
    BUDGET.c.scope == sa.literal_column(f"'{Scope.ORGANISATION.value}'"),
    *map(_is, (Scope.KEY, Scope.PLAN, Scope.PROJECT)),
)
_APPLYING = Prepared(sa.select(BUDGET).where(BUDGET.c.ended_at.is_(None), _COVERING).order_by(BUDGET.c.id))
"""key, plan, project: the budgets in force that may cover them, in one order for all, so that no two wait in a ring."""
_HELD = Prepared(sa.select(*[CHARGE.c[name] for name in (*Tally._fields, "nanos")]).where(CHARGE.c.job_id == _JOB))
_NAMES = tuple(BUDGET.c.keys())


def _applying(connection: Connection, spender: Spender) -> list[Budget]:
    subjects = {"key": spender.key_id, "plan": spender.plan or "", "project": spender.project or ""}
    return [budget_of(dict(zip(_NAMES, row, strict=True))) for row in _APPLYING.rows(connection, subjects)]


def held(connection: Connection, job_id: str) -> dict[str, Charge]:
    """What a job holds, by budget; nothing of those that it left."""
    rows = _HELD.rows(connection, {"job": job_id})
    return {id: Charge(Tally(id, whose, clock.from_micros(start)), nanos) for id, whose, start, nanos in rows}


def _here(table: sa.Table, tally: Tally) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in tally._asdict().items()]


def _move(connection: Connection, tally: Tally, change: int, limit: int | None) -> int | None:
    """Change a counter, within the limit if there is one; what it is afterwards, or None if it refused."""
    insert_once(connection, SPEND, tally._asdict() | {"nanos": 0}, list(Tally._fields))
    here = _here(SPEND, tally)
    if limit is not None and change > 0:
        here.append(SPEND.c.nanos + change <= limit)
    moved = sa.update(SPEND).where(*here).values(nanos=SPEND.c.nanos + change).returning(SPEND.c.nanos)
    after: int | None = connection.execute(moved).scalar()
    return after


def _spent(connection: Connection, tally: Tally) -> int:
    return connection.execute(sa.select(SPEND.c.nanos).where(*_here(SPEND, tally))).scalar() or 0


def _write(connection: Connection, job_id: str, tally: Tally, nanos: int) -> None:
    """A charge of nothing goes, so that a settlement does not charge a budget that a fallback left."""
    if not nanos:
        here = CHARGE.c.job_id == job_id, CHARGE.c.budget_id == tally.budget_id
        connection.execute(sa.delete(CHARGE).where(*here))
        return
    values = {"job_id": job_id, "nanos": nanos} | tally._asdict()
    insert = _INSERTS[connection.dialect.name](CHARGE).values(**values)
    connection.execute(insert.on_conflict_do_update(index_elements=["job_id", "budget_id"], set_={"nanos": nanos}))


def _alerts(connection: Connection, move: _Move, now: datetime) -> list[Alert]:
    found = []
    for percent in crossed(move.budget, move.after - move.change, move.after):
        row = move.tally._asdict() | {"percent": percent, "nanos": move.after, "crossed_at": now}
        if insert_once(connection, ALERT, row, [*Tally._fields, "percent"]):
            found.append(Alert(move.budget, move.tally, percent, move.after))
    return found


def budget_of(row: Mapping[str, Any]) -> Budget:
    return Budget(
        row["id"], row["name"], Scope(row["scope"]), row["subject"], Window(row["window"]), row["limit_nanos"],
        bool(row["is_hard"]), *(tuple(json.loads(row[name])) for name in ("tasks", "models", "thresholds")),
    )  # fmt: skip


class Stand(NamedTuple):
    """A budget and what is charged to it in the window that is now, by all for whom it counts."""

    budget: Budget
    nanos: int
    created_at: datetime
    ended_at: datetime | None


def insert(connection: Connection, budget: Budget, now: datetime) -> None:
    lists = {name: json.dumps(getattr(budget, name)) for name in ("tasks", "models", "thresholds")}
    row = budget._asdict() | lists | {"scope": budget.scope.value, "window": budget.window.value, "created_at": now}
    connection.execute(sa.insert(BUDGET), row)


def change(connection: Connection, budget_id: str, values: Mapping[str, Any]) -> bool:
    """Change a budget's name, limit, hardness or end."""
    return connection.execute(sa.update(BUDGET).where(BUDGET.c.id == budget_id).values(**values)).rowcount == 1


def listing(
    connection: Connection, now: datetime, limit: int, after: str | None = None, spender: Spender | None = None
) -> list[Stand]:
    """Newest first. Where a spender is named: those of its key, plan and project, and of a plan's only its own count;
    what the whole organisation spends is no key's business."""
    wanted = sa.select(BUDGET).order_by(BUDGET.c.id.desc()).limit(limit)
    if after is not None:
        wanted = wanted.where(BUDGET.c.id < after)
    if spender is not None:
        wanted = wanted.where(BUDGET.c.subject.in_([each for each in spender if each]))
    return [_stand(connection, row, now, spender) for row in connection.execute(wanted).mappings()]


def find(connection: Connection, budget_id: str, now: datetime) -> Stand | None:
    row = connection.execute(sa.select(BUDGET).where(BUDGET.c.id == budget_id)).mappings().one_or_none()
    return _stand(connection, row, now) if row else None


def _stand(connection: Connection, row: Mapping[Any, Any], now: datetime, spender: Spender | None = None) -> Stand:
    budget = budget_of(row)
    here = [SPEND.c.budget_id == budget.id, SPEND.c.began_at == began(budget.window, now)]
    if spender is not None:
        here.append(SPEND.c.counted_for == counted_for(budget, spender.key_id))
    nanos = connection.execute(sa.select(sa.func.coalesce(sa.func.sum(SPEND.c.nanos), 0)).where(*here)).scalar_one()
    return Stand(budget, int(nanos), row["created_at"], row["ended_at"])
