"""Labels that mean no model of ours, over HTTP: who may see them, and what settling one does."""

import httpx
import pytest
from fastapi import FastAPI

from gateway import problems
from gateway.catalog import evidence, name_routes
from gateway.keys.rules import Caller, Role
from gateway.snapshots.intake import take_in
from router.feeds.readings import Page
from tests.readings import NOW, board
from tests.supplies import make_supply

pytestmark = pytest.mark.anyio

CALLERS = {"admin": Caller("key_0", "admin", Role.ADMIN), "one": Caller("key_1", "one", Role.CALLER)}
RATINGS = {"veo-3.1-audio": 1300.0, "nobody-knows-1": 1200.0}


@pytest.fixture
async def client(database, monkeypatch, tmp_path):
    supply = make_supply(monkeypatch, tmp_path)
    await take_in(database, "boards", "arena", [Page((board(0, **RATINGS),))], NOW)
    app = FastAPI()
    app.include_router(name_routes.routes(database, supply))
    app.add_exception_handler(problems.Problem, problems.on_problem)
    app.add_exception_handler(problems.RequestValidationError, problems.on_validation)

    async def door(scope, receive, send):
        if scope["type"] == "http":
            scope["podium.caller"] = CALLERS[dict(scope["headers"])[b"x-caller"].decode()]
        await app(scope, receive, send)

    headers = {"x-caller": "admin"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://test", headers=headers) as it:
        it.database, it.supply = database, supply
        yield it


async def labels(client):
    return [row["label"] for row in (await client.get("/v1/names/unresolved")).json()["data"]]


async def settle(client, label, model, status=200):
    answer = await client.post("/v1/names/settle", json={"label": label, "model": model})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_label_is_listed_until_it_is_settled_and_again_once_that_is_undone(client):
    found = (await client.get("/v1/names/unresolved")).json()
    assert found["total"] == 1 and found["data"][0]["label"] == "nobody-knows-1" and found["data"][0]["is_ranked"]
    assert await settle(client, "nobody-knows-1", "kling-3.0") == {
        "label": "nobody-knows-1", "model": "kuaishou/kling-3.0", "settled": True,
    }  # fmt: skip
    assert await labels(client) == []
    belief = await evidence.gather(client.database, client.supply, NOW)
    [standings] = belief.boards.standings.values()
    assert {each.label: each.model for each in standings}["nobody-knows-1"] == "kuaishou/kling-3.0"
    assert (await settle(client, "nobody-knows-1", "undo"))["settled"] is False
    assert await labels(client) == ["nobody-knows-1"]
    assert (await settle(client, "nobody-knows-1", "none"))["model"] is None
    assert await labels(client) == []


async def test_what_cannot_be_settled_is_refused_with_what_to_do(client):
    problem = await settle(client, "nobody-knows-1", "no-such-model", 422)
    assert problem["errors"][0]["path"] == "model" and "GET /v1/models" in problem["detail"]
    assert (await settle(client, "nobody-knows-1", "undo", 404))["code"] == "not_found"
    await settle(client, "", "none", 422)


async def test_a_caller_neither_sees_nor_settles_labels(client):
    mine = {"x-caller": "one"}
    assert (await client.get("/v1/names/unresolved", headers=mine)).status_code == 403
    said = {"label": "nobody-knows-1", "model": "none"}
    assert (await client.post("/v1/names/settle", json=said, headers=mine)).status_code == 403
    assert await labels(client) == ["nobody-knows-1"]
