"""Pages by key: put together they are the whole, and a question with a fault is refused."""

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, strategies as st

from gateway.paging import After, Limit, page

ROWS = [{"id": f"{number:03}", "place": number} for number in range(250)]


def rows_after(after, limit, key="id"):
    """As a store gives them: one more than asked for."""
    return [row for row in ROWS if str(row[key]) > (after or "")][: limit + 1]


@given(limit=st.integers(1, 300))
def test_pages_put_together_are_the_whole(limit):
    found, after = [], None
    while True:
        shown = page(rows_after(after, limit), limit)
        found += shown["data"]
        after = shown["next"]
        if after is None:
            break
        assert len(shown["data"]) == limit and after == shown["data"][-1]["id"]
    assert found == ROWS


def test_a_page_that_is_just_full_is_the_last():
    assert page(ROWS[:10], 10) == {"data": ROWS[:10], "next": None}
    assert page([], 10) == {"data": [], "next": None}


def test_another_key_can_lead_to_the_next_page():
    assert page(ROWS[:11], 10, key="place")["next"] == "9"


app = FastAPI()


@app.get("/rows")
async def listing(limit: Limit = 50, after: After = None):
    return {"limit": limit, "after": after}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200), ("limit=1", 200), ("limit=500", 200), ("after=job_1", 200), ("after=fal/a/b%20c", 200),
        ("limit=0", 422), ("limit=501", 422), ("limit=-1", 422), ("limit=x", 422), ("limit=1.5", 422),
        ("after=%00", 422), ("after=job%00", 422), ("after=a%0A%00", 422), ("after=", 422), ("after=" + "a" * 201, 422),
    ],
)  # fmt: skip
async def test_what_may_be_asked_is_bounded(query, status):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get(f"/rows?{query}")).status_code == status
