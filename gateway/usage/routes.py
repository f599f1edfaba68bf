"""Usage and statements over HTTP, as JSON or CSV; sums and averages are made elsewhere."""

import base64
import json
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import Field
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.db import Database
from gateway.keys import service as keys
from gateway.keys.routes import KeyId, caller_of
from gateway.keys.rules import Caller, Role
from gateway.paging import After, Limit
from gateway.problems import Invalid, NotFound
from gateway.usage import statement as statements, store, views
from gateway.usage.rules import date_of, day_of
from gateway.usage.store import DIMENSIONS, Asked

DAYS = 30
"""How far back a report goes that says no first day."""
DAYS_MOST = 3_700
"""Ten years: as far as anybody asks, and a bound on what one report reads."""
CSV_PAGE = 500
"""Groups read at a time where all of them go out as CSV."""

Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(3000, 1, 1))]
Filter = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
Format = Annotated[Literal["json", "csv"] | None, Query(description="else as Accept says")]


def routes(db: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["usage"])

    @router.get("/usage", response_model=None)
    async def usage(
        request: Request,
        first: Annotated[Day | None, Query(alias="from", description="first day; else 30 days back")] = None,
        last: Annotated[Day | None, Query(alias="to", description="last day, included; else today")] = None,
        by: Annotated[str, Query(max_length=100, description=f"of {', '.join(DIMENSIONS)}; several by commas")] = "",
        key: Filter = None, project: Filter = None, model: Filter = None, offer: Filter = None,
        provider: Filter = None, task: Filter = None, unit: Filter = None, limit: Limit = 100, after: After = None,
        format: Format = None,
    ) -> dict[str, Any] | Response:  # fmt: skip
        """What was spent, by any dimensions, from sums that are kept by day. A caller sees its own, an admin all."""
        given = {"key": key, "project": project, "model": model, "offer": offer, "provider": provider, "task": task}
        only = {name: value for name, value in (given | {"unit": unit}).items() if value is not None}
        asked = _asked(caller_of(request), first, last, by, only)
        if _is_csv(request, format):
            return StreamingResponse(_csv(db, asked), media_type="text/csv; charset=utf-8")
        return await _page(db, asked, limit, after)

    @router.get("/statements/{key_id}/{month}", response_model=None)
    async def statement(
        request: Request,
        key_id: KeyId,
        month: Annotated[str, Path(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="2026-11")],
        format: Format = None,
    ) -> dict[str, Any] | Response:
        """A key's month: opening balance, funds, costs by model and unit, closing balance."""
        caller = caller_of(request)
        if caller.role is not Role.ADMIN and caller.id != key_id:
            raise NotFound(f"there is no key {key_id} of yours")
        begins = _first_of(month)

        def unit(connection: Connection) -> statements.Statement | None:
            return statements.statement(connection, key_id, begins) if keys.find(connection, key_id) else None

        made = await db.read(unit)
        if made is None:
            raise NotFound(f"there is no key {key_id}; GET /v1/keys lists them")
        if _is_csv(request, format):
            return Response(views.statement_csv(made), media_type="text/csv; charset=utf-8")
        return views.statement(made)

    return router


def _asked(caller: Caller, first: date | None, last: date | None, by: str, only: dict[str, str]) -> Asked:
    until = last or clock.now().date()
    since = first or until - timedelta(days=DAYS - 1)
    if not 0 <= (until - since).days < DAYS_MOST:
        raise Invalid(f"from: must not be after `to`, nor {DAYS_MOST} days or more before it")
    if caller.role is not Role.ADMIN:
        if only.get("key", caller.id) != caller.id:
            raise NotFound(f"there is no key {only['key']} of yours")
        only["key"] = caller.id
    return Asked(day_of(since), day_of(until), _by(by), only)


def _by(words: str) -> tuple[str, ...]:
    by = tuple(word.strip() for word in words.split(",") if word.strip())
    unknown = [name for name in by if name not in DIMENSIONS]
    if unknown or len(set(by)) < len(by):
        raise Invalid(f"by: is some of {', '.join(DIMENSIONS)}, each once")
    return by


def has_one_unit(asked: Asked) -> bool:
    return "unit" in asked.by or "unit" in asked.only


async def _page(db: Database, asked: Asked, limit: int, after: str | None) -> dict[str, Any]:
    since = None if after is None else _place(after, asked.by)

    def unit(connection: Connection) -> tuple[list[store.Group], list[store.Group]]:
        total = store.report(connection, asked._replace(by=()), 1)
        return total, store.report(connection, asked, limit + 1, since) if asked.by else []

    total, groups = await db.read(unit)
    one = has_one_unit(asked)
    return {
        "from": date_of(asked.first).isoformat(),
        "to": date_of(asked.last).isoformat(),
        "by": list(asked.by),
        "total": views.sums(total[0], "unit" in asked.only),
        "data": [views.group(each, asked.by, one) for each in groups[:limit]],
        "next": _cursor(groups[limit - 1].at) if len(groups) > limit else None,
    }


async def _csv(db: Database, asked: Asked) -> AsyncIterator[str]:
    """All groups, page after page; without dimensions the one line of the total."""
    yield views.csv_head(asked.by)
    after: Sequence[Any] | None = None
    while True:
        since = after
        groups = await db.read(lambda connection: store.report(connection, asked, CSV_PAGE, since))  # noqa: B023
        yield views.csv_groups(groups, asked.by, has_one_unit(asked))
        if len(groups) < CSV_PAGE or not asked.by:
            return
        after = groups[-1].at


def _cursor(at: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(at)).encode()).decode().rstrip("=")


def _place(after: str, by: Sequence[str]) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except ValueError:
        values = None
    kinds = [int if name == "day" else str for name in by]
    if not isinstance(values, list) or [type(value) for value in values] != kinds or not _fit(values):
        raise Invalid("after: is not the `next` of a page of this report")
    return values


def _fit(values: Sequence[Any]) -> bool:
    """Whether a database takes them: days within 32 bits, words without NUL."""
    return all(abs(each) < 2**31 if isinstance(each, int) else "\x00" not in each for each in values)


def _is_csv(request: Request, format: str | None) -> bool:
    return format == "csv" if format else "text/csv" in request.headers.get("accept", "")


def _first_of(month: str) -> date:
    year, number = map(int, month.split("-"))
    if not 2000 <= year < 3000:
        raise Invalid("month: is a year and a month, such as 2026-11")
    return date(year, number, 1)
