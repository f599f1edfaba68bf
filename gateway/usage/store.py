"""Rollups in the database: added to inside the transaction that settles a job, and summed for reports.

A report reads days, keys and models, of which there are few; never postings, of which there are many.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from adapters.schema import Modality, Task
from gateway.prepared import Prepared
from gateway.usage.rules import Row
from gateway.usage.tables import USAGE

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_KEY = tuple(column.name for column in USAGE.primary_key)
_SUMS = tuple(name for name in Row._fields if name not in _KEY)

DIMENSIONS: Mapping[str, sa.ColumnElement[Any]] = {
    "day": USAGE.c.day,
    "key": USAGE.c.key_id,
    "project": USAGE.c.project,
    "provider": USAGE.c.provider,
    "model": USAGE.c.model,
    "offer": sa.type_coerce(USAGE.c.provider + sa.literal_column("'/'") + USAGE.c.model, sa.String),
    "task": USAGE.c.task,
    "unit": USAGE.c.unit,
}
"""What a report may be grouped and narrowed by."""

_VIDEO = [task.value for task in Task if task.modality is Modality.VIDEO]


def _add(dialect_name: str) -> Any:
    opened = _INSERTS[dialect_name](USAGE).values({name: sa.bindparam(name) for name in Row._fields})
    sums = {name: USAGE.c[name] + opened.excluded[name] for name in _SUMS}
    return opened.on_conflict_do_update(index_elements=list(_KEY), set_=sums)


_ADD = Prepared(_add)


def add(connection: Connection, rows: Sequence[Row]) -> None:
    """Add what a settlement brought, in the settlement's own transaction."""
    for row in rows:
        _ADD.run(connection, row._asdict())


class Asked(NamedTuple):
    """A report: first and last day, the dimensions to group by in this order, and the values to narrow it to."""

    first: int
    last: int
    by: tuple[str, ...] = ()
    only: Mapping[str, str] = {}


class Group(NamedTuple):
    """The sums of one group. `video_nanos` is what its video jobs were charged; `micros` may be of several units."""

    at: tuple[Any, ...]
    micros: int
    cost_nanos: int
    margin_nanos: int
    over_nanos: int
    compute_millis: int
    video_ms: int
    outputs: int
    bills: int
    jobs: int
    succeeded: int
    keys: int
    video_nanos: int

    @property
    def spend_nanos(self) -> int:
        """What left the keys: cost and margin, less what the gateway paid itself."""
        return self.cost_nanos + self.margin_nanos - self.over_nanos


def report(connection: Connection, asked: Asked, limit: int, after: Sequence[Any] | None = None) -> list[Group]:
    """At most so many groups, in the order of their dimensions, from the one that follows `after`."""
    by = [DIMENSIONS[name] for name in asked.by]
    wanted = sa.select(*by, *_sums()).where(*_where(asked)).limit(limit)
    if by:
        wanted = wanted.group_by(*by).order_by(*by)
    if after is not None and by:
        values = [sa.literal(value, column.type) for value, column in zip(after, by, strict=True)]
        wanted = wanted.where(sa.tuple_(*by) > sa.tuple_(*values))
    width = len(by)
    rows = connection.execute(wanted).all()
    return [Group(tuple(row[:width]), *[int(each or 0) for each in row[width:]]) for row in rows]


def _sums() -> list[sa.ColumnElement[Any]]:
    spend = USAGE.c.cost_nanos + USAGE.c.margin_nanos - USAGE.c.over_nanos
    sums = [sa.func.sum(USAGE.c[name]) for name in Group._fields[1:-2]]
    return [
        *sums,
        sa.func.count(sa.distinct(sa.func.nullif(USAGE.c.key_id, ""))),
        sa.func.sum(sa.case((USAGE.c.task.in_(_VIDEO), spend), else_=0)),
    ]


def _where(asked: Asked) -> list[sa.ColumnElement[bool]]:
    narrowed = [DIMENSIONS[name] == value for name, value in asked.only.items()]
    return [USAGE.c.day >= asked.first, USAGE.c.day <= asked.last, *narrowed]


def page(connection: Connection, asked: Asked, limit: int, after: Sequence[Any] | None) -> Sequence[Mapping[Any, Any]]:
    """Rows as they stand, by their whole key: for exports."""
    key = [USAGE.c[name] for name in _KEY]
    wanted = sa.select(USAGE).where(*_where(asked)).order_by(*key).limit(limit)
    if after is not None:
        values = [sa.literal(value, column.type) for value, column in zip(after, key, strict=True)]
        wanted = wanted.where(sa.tuple_(*key) > sa.tuple_(*values))
    return connection.execute(wanted).mappings().all()


def key_of(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    """Where the page that ended with this row ended."""
    return tuple(row[name] for name in _KEY)
