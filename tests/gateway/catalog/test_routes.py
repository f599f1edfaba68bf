"""Models and offers over HTTP: all of them, page by page, found by any of their names."""

from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI

from adapters.schema import Task
from gateway import clock, problems
from gateway.catalog import routes
from tests.supplies import make_supply, starter_belief

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def supply(monkeypatch, tmp_path):
    return make_supply(monkeypatch, tmp_path, "FAL_KEY")


@pytest.fixture
async def client(supply, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    belief = starter_belief(supply, NOW)
    app = FastAPI()
    app.include_router(routes.routes(supply, lambda: belief))
    app.add_exception_handler(problems.Problem, problems.on_problem)
    app.add_exception_handler(problems.RequestValidationError, problems.on_validation)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened


async def get(client, path, status=200, **query):
    answer = await client.get(path, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


async def pages(client, path, **query):
    found, after = [], {}
    while True:
        page = await get(client, path, **query, **after)
        assert len(page["data"]) <= query.get("limit", 500)
        found += page["data"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


@pytest.mark.anyio
async def test_models_are_those_that_can_be_run_here_and_all_on_request(client, supply):
    shown = (await get(client, "/v1/models"))["data"]
    assert {model["id"] for model in shown} >= {"black-forest-labs/flux-2-pro"}
    assert all(model["available"] and any(offer.startswith("fal/") for offer in model["offers"]) for model in shown)
    everything = (await get(client, "/v1/models", all=True, limit=500))["data"]
    assert {model["id"] for model in everything} == set(supply.models)
    assert any(not model["available"] for model in everything)


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/v1/models", "/v1/offers"])
@pytest.mark.parametrize("all_of_them", [True, False])
@pytest.mark.parametrize("limit", [37, 200])
async def test_pages_put_together_are_the_whole_list_in_order(client, path, all_of_them, limit):
    whole = await pages(client, path, all=all_of_them, limit=500)
    found = await pages(client, path, all=all_of_them, limit=limit)
    assert found == whole and [each["id"] for each in whole] == sorted({each["id"] for each in whole})


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/v1/models", "/v1/offers"])
async def test_a_task_narrows_the_list(client, path):
    for task in Task:
        shown = (await get(client, path, task=task.value, limit=500))["data"]
        assert all(task in each["tasks"] for each in shown)
    assert (await get(client, path, task="text-to-video"))["data"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "query", [{"task": "smell"}, {"limit": 0}, {"limit": 501}, {"after": "a\x00"}, {"after": "a" * 201}]
)
@pytest.mark.parametrize("path", ["/v1/models", "/v1/offers"])
async def test_a_question_with_a_fault_is_refused(client, path, query):
    assert (await get(client, path, 422, **query))["code"] == "invalid"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "name",
    ["google/veo-3.1", "veo3.1", "Veo 3.1", "fal-ai/veo3.1", "fal/google/veo-3.1", "GOOGLE/VEO-3.1"],
)
async def test_a_model_is_found_by_any_of_its_names(client, name):
    found = await get(client, f"/v1/models/{name}")
    assert found["id"] == "google/veo-3.1" and "fal/google/veo-3.1" in found["offers"]


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["nobody/nothing", "auto", "auto:best", "%00", "x" * 5_000])
async def test_a_name_that_is_no_models_is_not_found(client, name):
    assert (await get(client, f"/v1/models/{name}", 404))["code"] == "not_found"


@pytest.mark.anyio
async def test_a_model_shows_its_quality_with_interval_and_boards(client):
    found = await get(client, "/v1/models/black-forest-labs/flux-2-pro")
    quality = found["quality"]["text-to-image"]
    assert 0 <= quality["low"] <= quality["value"] <= quality["high"] <= 1
    assert quality["boards"] and quality["boards"][0].keys() == {"board", "taken_on", "label", "value", "low", "high"}
    assert found.keys() >= {"id", "name", "maker", "tasks", "released", "aliases", "available", "stage", "offers"}


@pytest.mark.anyio
async def test_an_offer_shows_its_price_its_limits_and_what_is_known_of_it(client, supply):
    found = {offer["id"]: offer for offer in await pages(client, "/v1/offers", limit=500)}
    assert set(found) == {offer.id for offer in supply.catalog.offers()}
    offer = found["together/black-forest-labs/flux-2-pro"]
    assert offer["prices"][0]["rates"] == [{"unit": "output_image", "usd": "0.03", "per": "1", "when": {}}]
    assert offer["prices"][0]["source"].startswith("https://www.together.ai/pricing")
    assert offer["accepts"]["width"] == {"range": [256, 1440], "step": 16, "default": 1024}
    assert (offer["available"], offer["obstacle"]) == (False, "has no key: set TOGETHER_API_KEY")
    evidence = offer["evidence"]["text-to-image"]
    assert evidence.keys() == {"quality", "eta_s", "reliability", "hazard_per_day"}
    assert 0 < evidence["eta_s"]["p50"] <= evidence["eta_s"]["p95"]


@pytest.mark.anyio
async def test_an_end_that_is_announced_is_shown_and_one_that_has_come_closes_the_offer(client, supply, monkeypatch):
    ending = next(offer for offer in supply.catalog.offers() if offer.ends and offer.ends > NOW.date())

    async def shown():
        return {offer["id"]: offer for offer in (await get(client, "/v1/offers", limit=500))["data"]}[ending.id]

    assert ((await shown())["stage"], (await shown())["ends"]) == ("deprecated", ending.ends.isoformat())
    monkeypatch.setattr(clock, "now", lambda: datetime.combine(ending.ends, datetime.min.time(), UTC))
    found = await shown()
    assert (found["stage"], found["available"]) == ("retired", False)
    assert found["obstacle"].startswith(f"has ended on {ending.ends}")
