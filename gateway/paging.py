"""Keyset paging: `?limit=&after=` in, `{"data", "next"}` out; never an offset."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query

Limit = Annotated[int, Query(ge=1, le=500, description="rows on a page")]
After = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$", description="`next` of the page before")]


def page(rows: Sequence[dict[str, Any]], limit: int, key: str = "id") -> dict[str, Any]:
    """One page of rows, of which one more than `limit` was read to learn whether there is a next."""
    shown = rows[:limit]
    return {"data": shown, "next": str(shown[-1][key]) if len(rows) > limit else None}
