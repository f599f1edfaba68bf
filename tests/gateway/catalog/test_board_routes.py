"""Boards and churn over HTTP: what is kept, what it means, and how long places last."""

import httpx
import pytest
from fastapi import FastAPI

from adapters.schema import Task
from gateway import problems
from gateway.catalog import board_routes, evidence, settlements
from gateway.snapshots.intake import take_in
from router.feeds.readings import Page
from router.feeds.trust import Refused
from tests.readings import BOARD, NOW, board
from tests.supplies import make_supply

pytestmark = pytest.mark.anyio

RATINGS = {"veo-3.1-audio": 1300.0, "nobody-knows-1": 1200.0, "kling-3.0": 1100.0}


@pytest.fixture
async def client(database, monkeypatch, tmp_path):
    supply = make_supply(monkeypatch, tmp_path)
    for day in range(5):
        await take_in(database, "boards", "arena", [Page((board(day * 10, **RATINGS),))], NOW)
    vision = board(name="arena/vision", task=Task.TEXT, **RATINGS)
    await take_in(database, "boards", "arena", [Page((vision,)), Refused("arena", "reply", "it is cut short")], NOW)
    held = [await evidence.gather(database, supply, NOW)]
    app = FastAPI()
    app.include_router(board_routes.routes(database, supply, lambda: held[0]))
    app.add_exception_handler(problems.Problem, problems.on_problem)
    app.add_exception_handler(problems.RequestValidationError, problems.on_validation)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        opened.held, opened.supply = held, supply
        yield opened


async def get(client, path, status=200, **query):
    answer = await client.get(path, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_boards_say_how_old_they_are_and_what_was_refused(client):
    first, second = (await get(client, "/v1/boards"))["data"]
    assert (first["board"], first["task"], first["readings"], first["rows"]) == (BOARD, "text-to-video", 5, 3)
    assert (first["since"], first["taken_at"]) == ("2026-08-01T00:00:00Z", "2026-09-10T00:00:00Z")
    assert first["refused"]["why"] == "reply: it is cut short" and first["attribution"]
    assert (first["in_quality"], second["in_quality"]) == (True, False)
    assert (await get(client, "/v1/boards", task="text"))["data"] == [second]
    page = await get(client, "/v1/boards", limit=1)
    assert page["next"] == BOARD
    assert (await get(client, "/v1/boards", after=BOARD))["data"] == [second]


async def test_a_board_shows_who_stands_where_and_which_model_that_is(client):
    found = await get(client, "/v1/boards/lmarena/text-to-video")
    top, unknown, _ = found["standings"]
    assert (top["label"], top["model"], top["rank"]) == ("veo-3.1-audio", "google/veo-3.1", 1)
    assert (unknown["model"], unknown["low"], unknown["high"]) == (None, 1195, 1205)
    assert "history" not in found
    later = await get(client, f"/v1/boards/{BOARD}", since="2026-08-20")
    assert [each["taken_at"][:10] for each in later["history"]] == ["2026-08-21", "2026-08-31", "2026-09-10"]
    assert later["next_since"] is None


async def test_a_long_history_is_read_on_from_where_it_stopped(client, monkeypatch):
    monkeypatch.setattr(board_routes.boards, "HISTORY", 2)
    first = await get(client, f"/v1/boards/{BOARD}", since="2026-08-01")
    second = await get(client, f"/v1/boards/{BOARD}", since=first["next_since"])
    assert len(first["history"]) == 2 and second["history"][0]["taken_at"] == first["next_since"]


async def test_churn_is_what_the_command_says(client):
    found = await get(client, "/v1/churn", board="lmarena/text-to-video", top=2)
    assert (found["board"], found["top"], found["spells"], found["exits"]) == ("lmarena/text-to-video", 2, 2, 0)
    assert found["half_life_days"]["value"] is None and found["half_life_days"]["low"] > 0
    assert (await get(client, "/v1/churn"))["board"] == BOARD


async def test_each_stay_that_was_counted_is_told_to_who_asks(client, database):
    moved = board(50, **(RATINGS | {"kling-3.0": 1400.0}))
    gone = board(60, **(RATINGS | {"kling-3.0": 1400.0}))
    for reading in (moved, gone):
        await take_in(database, "boards", "arena", [Page((reading,))], NOW)
    assert "spells_list" not in await get(client, "/v1/churn", board=BOARD, top=2)
    found = await get(client, "/v1/churn", board=BOARD, top=2, spells="true")
    assert found["spells_list"] == [
        {"subject": "google/veo-3.1", "began": "2026-08-01", "ended": None, "saw_beginning": False, "days": 60},
        {"subject": "nobodyknows1", "began": "2026-08-01", "ended": "2026-09-20", "saw_beginning": False, "days": 50},
        {"subject": found["now"][0], "began": "2026-09-20", "ended": None, "saw_beginning": True, "days": 10},
    ]
    assert len(found["spells_list"]) == found["spells"] and found["exits"] == 1


async def test_what_the_operator_settles_shows_when_evidence_is_gathered_next(client, database):
    await database.together(lambda c: settlements.settle(c, "Nobody-Knows-1", "google/veo-3.1", NOW))
    assert (await get(client, f"/v1/boards/{BOARD}"))["standings"][1]["model"] is None
    client.held[0] = await evidence.gather(database, client.supply, NOW, client.held[0])
    assert (await get(client, f"/v1/boards/{BOARD}"))["standings"][1]["model"] == "google/veo-3.1"


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [("/v1/boards/arena/none", {}, 404, "not_found"), (f"/v1/boards/{BOARD}", {"since": "soon"}, 422, "invalid"),
     ("/v1/churn", {"board": "arena/none"}, 404, "not_found"), ("/v1/churn", {"top": 0}, 422, "invalid"),
     ("/v1/churn", {"top": 101}, 422, "invalid"), ("/v1/boards", {"task": "smell"}, 422, "invalid"),
     ("/v1/churn", {"board": "arena/vision"}, 404, "not_found"), ("/v1/churn", {"task": "inpaint"}, 404, "not_found")],
)  # fmt: skip
async def test_what_is_not_there_or_not_understood_is_said(client, path, query, status, code):
    assert (await get(client, path, status, **query))["code"] == code
