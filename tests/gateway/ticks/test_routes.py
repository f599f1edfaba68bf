"""Admins see how the ticks go; nobody else does."""

import httpx
import pytest
from fastapi import FastAPI

from gateway import problems
from gateway.keys.rules import Caller, Role
from gateway.ticks import routes
from gateway.ticks.runner import Ticks
from tests.gateway.ticks.test_ticks import DAILY, counted


@pytest.mark.anyio
@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 200), (Role.CALLER, 403)])
async def test_the_last_run_of_each_tick_is_for_admins(database, role, status):
    await Ticks(database, {DAILY: counted([], "here")}).look()
    app = FastAPI()
    app.include_router(routes.routes(database))
    app.add_exception_handler(problems.Problem, problems.on_problem)

    async def called(scope, receive, send):
        await app({**scope, "podium.caller": Caller("key_1", "somebody", role)}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(called), base_url="http://test") as client:
        answer = await client.get("/v1/ticks")
    assert answer.status_code == status
    if status == 200:
        [row] = answer.json()["data"]
        assert (row["name"], row["said"], row["runs"], row["failures"]) == ("boards", "3 boards read", 1, 0)
        assert row["due_at"].endswith("Z") and row["ended_at"] >= row["started_at"]
