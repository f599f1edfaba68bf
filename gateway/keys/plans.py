"""Plans and projects: made, changed and found; and the token bucket that all replicas share. It judges no money."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.db import insert_once
from gateway.keys.rules import Plan
from gateway.keys.tables import PLAN, PROJECT, RATE


def plan_of(row: Mapping[Any, Any]) -> Plan:
    return Plan(**{**{name: row[name] for name in Plan._fields}, "models": tuple(json.loads(row["models"]))})


def insert(connection: Connection, plan: Plan, now: datetime) -> None:
    connection.execute(sa.insert(PLAN), plan._asdict() | {"models": json.dumps(plan.models), "created_at": now})


def change(connection: Connection, plan_id: str, values: Mapping[str, Any]) -> Plan | None:
    """Change some of a plan, or end it: keys that are on it keep its limits."""
    if values:
        said = {name: json.dumps(value) if name == "models" else value for name, value in values.items()}
        connection.execute(sa.update(PLAN).where(PLAN.c.id == plan_id).values(**said))
    return find(connection, plan_id)


def find(connection: Connection, plan_id: str) -> Plan | None:
    row = connection.execute(sa.select(PLAN).where(PLAN.c.id == plan_id)).mappings().one_or_none()
    return plan_of(row) if row else None


def listing(connection: Connection, limit: int, after: str | None = None) -> list[Plan]:
    """Plans in force, newest first."""
    wanted = sa.select(PLAN).where(PLAN.c.ended_at.is_(None)).order_by(PLAN.c.id.desc()).limit(limit)
    rows = connection.execute(wanted if after is None else wanted.where(PLAN.c.id < after)).mappings()
    return [plan_of(row) for row in rows]


def new_project(connection: Connection, name: str, now: datetime) -> dict[str, Any]:
    row = {"id": clock.new_id("prj"), "name": name, "created_at": now, "ended_at": None}
    connection.execute(sa.insert(PROJECT), row)
    return row


def projects(connection: Connection, limit: int, after: str | None = None) -> list[dict[str, Any]]:
    """Newest first."""
    wanted = sa.select(PROJECT).order_by(PROJECT.c.id.desc()).limit(limit)
    rows = connection.execute(wanted if after is None else wanted.where(PROJECT.c.id < after)).mappings()
    return [dict(row) for row in rows]


def find_project(connection: Connection, project_id: str) -> dict[str, Any] | None:
    row = connection.execute(sa.select(PROJECT).where(PROJECT.c.id == project_id)).mappings().one_or_none()
    return dict(row) if row else None


def take(connection: Connection, key_id: str, plan: Plan, now: datetime) -> float | None:
    """Take one job out of a key's bucket: None if it was there, else the seconds until it will be.

    The bucket is one time: when the next job would come if all came evenly. A job may come `burst` - 1 of those
    periods before that. The row is locked (and on SQLite all writing is), so no two replicas take the same one.
    """
    if not plan.jobs_per_minute:
        return None
    even = timedelta(seconds=plan.even_s)
    slack = even * (plan.burst - 1)
    insert_once(connection, RATE, {"key_id": key_id, "even_at": now}, ["key_id"])
    here = RATE.c.key_id == key_id
    late = connection.execute(sa.update(RATE).where(here, RATE.c.even_at <= now).values(even_at=now + even)).rowcount
    if late:
        return None
    due = connection.execute(sa.select(RATE.c.even_at).where(here)).scalar_one()
    if due - slack > now:
        return float((due - slack - now).total_seconds())
    connection.execute(sa.update(RATE).where(here, RATE.c.even_at == due).values(even_at=due + even))
    return None
