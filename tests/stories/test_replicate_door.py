"""The Replicate door: Replicate's own client in front of it, and what is said over plain HTTP."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.simulators.media import picture
from tests.stories.house import Customer, Gateway, eventually
from tests.stories.libraries import capped, example, run_example, run_python

PICTURES, CLIPS = "podium/sandbox-pictures", "podium/sandbox-clips"
BY_MODEL = f"/replicate/v1/models/{PICTURES}/predictions"
PROMPT = {"prompt": "a red fox", "width": 128, "height": 128}


@pytest.fixture
def rich(house: Gateway) -> Customer:
    return house.customer()


def finished(customer: Customer, prediction: dict[str, Any]) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = customer.get(f"/replicate/v1/predictions/{prediction['id']}").json()
        return found if found["status"] in ("succeeded", "failed", "canceled") else None

    ended: dict[str, Any] = eventually(look, "the prediction ends")
    return ended


def test_replicates_python_client_takes_the_gateway_for_replicate(
    house: Gateway, rich: Customer, tmp_path: Path
) -> None:
    poor = house.customer(usd=None)
    run_python("replicate.py", tmp_path, house.url, rich.secret, poor.secret, capped(house).secret)


def test_the_pages_example_for_replicates_client_runs(house: Gateway, rich: Customer, tmp_path: Path) -> None:
    told = run_example(example("Replicate"), tmp_path, PODIUM_URL=house.url, PODIUM_KEY=rich.secret)
    assert "succeeded" in told and "/v1/assets/" in told, told


def test_a_prediction_that_is_waited_for_in_vain_is_starting(rich: Customer) -> None:
    slow = {"input": {"prompt": "a long clip", "duration": 10}}
    answer = rich.post(f"/replicate/v1/models/{CLIPS}/predictions", slow, prefer="wait=1")
    assert answer.status_code == 202 and "preference-applied" not in answer.headers
    assert answer.json()["status"] == "starting", "a client that reads `processing` here stops asking"
    assert rich.get(f"/replicate/v1/predictions/{answer.json()['id']}").json()["status"] == "processing"
    canceled = rich.post(f"/replicate/v1/predictions/{answer.json()['id']}/cancel").json()
    assert (canceled["status"], canceled["output"]) == ("canceled", None)


def test_a_prediction_in_time_has_its_output_and_says_that_it_was_waited_for(rich: Customer) -> None:
    answer = rich.post(BY_MODEL, {"input": PROMPT}, prefer="wait")
    assert answer.status_code == 201 and answer.headers["preference-applied"] == "wait"
    said = answer.json()
    assert said["status"] == "succeeded" and len(said["output"]) == 1 and said["input"] == PROMPT
    assert said["metrics"]["image_count"] == 1 and said["version"] == "hidden"
    assert answer.headers["x-podium-cost-usd"] == "0.002" and answer.headers["x-podium-job"] == said["id"]
    assert said["urls"]["cancel"] == f"{said['urls']['get']}/cancel"


def test_a_failed_prediction_says_why_in_words_that_clients_look_for(rich: Customer) -> None:
    wishes = {"podium": {"extra": {"sandbox": {"sandbox": {"refuse": True}}}}}
    made = rich.post(BY_MODEL, {"input": PROMPT | wishes}).json()
    said = finished(rich, made)
    assert said["status"] == "failed" and "flagged as sensitive" in said["error"] and said["output"] is None


def test_versions_are_told_apart(rich: Customer) -> None:
    model = rich.get(f"/replicate/v1/models/{PICTURES}").json()
    version = model["latest_version"]["id"]
    for name in (version, PICTURES, f"{PICTURES}:{version}", "podium/auto"):
        answer = rich.post("/replicate/v1/predictions", {"version": name, "input": PROMPT})
        assert answer.status_code == 201, answer.text
    for name in ("0" * 64, f"{PICTURES}:{'0' * 64}", "nobody/nothing", ""):
        answer = rich.post("/replicate/v1/predictions", {"version": name, "input": PROMPT})
        assert (answer.status_code, answer.json()["invalid_fields"][0]["field"]) == (422, "version")
    unsaid = rich.post("/replicate/v1/predictions", {"input": PROMPT})
    assert unsaid.json()["title"] == "Input validation failed"
    assert rich.post(BY_MODEL, {"version": version, "input": PROMPT}).status_code == 422


WRONG = {
    "no input": ({}, "input"),
    "a strange field": ({"input": PROMPT, "inputs": 1}, "inputs"),
    "a word nobody knows": ({"input": PROMPT | {"go_slow": True}}, "input.go_slow"),
    "a size of nothing": ({"input": PROMPT | {"width": 3}}, "input.width"),
    "an unknown wish": ({"input": PROMPT | {"podium": {"cheap": 1}}}, "input.podium.cheap"),
    "a link to a file that is none": ({"input": PROMPT | {"image": "fox.png"}}, "input.image"),
    "events that are not sent": (
        {"input": PROMPT, "webhook": "https://a.example/b", "webhook_events_filter": ["output"]},
        "webhook_events_filter",
    ),
}


@pytest.mark.parametrize(("body", "field"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_honoured_is_said_by_its_field(rich: Customer, body: Any, field: str) -> None:
    answer = rich.post(BY_MODEL, body)
    said = answer.json()
    assert (answer.status_code, said["status"]) == (422, 422), said
    assert said["invalid_fields"][0]["field"] == field and f"- {field}:" in said["detail"], said


def test_a_deadline_is_refused_rather_than_forgotten(rich: Customer) -> None:
    assert rich.post(BY_MODEL, {"input": PROMPT}, cancel_after="90s").status_code == 422


def test_predictions_are_listed_a_hundred_at_a_time(rich: Customer) -> None:
    made = [rich.post(BY_MODEL, {"input": PROMPT}).json()["id"] for _ in range(3)]
    page = rich.get("/replicate/v1/predictions").json()
    assert [each["id"] for each in page["results"]] == made[::-1] and page["next"] is None


def test_a_file_of_one_key_is_none_of_another(house: Gateway, rich: Customer) -> None:
    form = {"content": ("a.png", picture(64, 48), "image/png")}
    file = rich.send("POST", "/replicate/v1/files", files=form)
    assert file.status_code == 201 and file.json()["name"].endswith(".png"), file.text
    at, stranger = f"/replicate/v1/files/{file.json()['id']}", house.customer()
    assert rich.get(f"{at}/download").headers["location"].startswith(f"{house.url}/v1/assets/")
    assert [stranger.get(at).status_code, stranger.send("DELETE", at).status_code] == [404, 404]
    edit = {"input": {"prompt": "blue", "image": file.json()["urls"]["get"]}}
    assert rich.post(BY_MODEL, edit, prefer="wait").json()["status"] == "succeeded"
    assert stranger.post(BY_MODEL, edit).status_code == 404
    assert rich.send("DELETE", at).status_code == 204
    assert rich.get(at).status_code == 404 and rich.get("/replicate/v1/files").json()["results"] == []


def test_another_key_finds_no_prediction_of_this_one(house: Gateway, rich: Customer) -> None:
    at = f"/replicate/v1/predictions/{rich.post(BY_MODEL, {'input': PROMPT}).json()['id']}"
    stranger = house.customer()
    answers = [stranger.get(at), stranger.get(f"{at}/stream"), stranger.post(f"{at}/cancel")]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert stranger.get("/replicate/v1/predictions").json()["results"] == []
    nobody = httpx.get(f"{house.url}{at}", trust_env=False)
    assert nobody.status_code == 401 and nobody.json()["title"] == "Unauthenticated"


def test_the_same_prompt_is_the_same_job_at_this_door_and_natively(rich: Customer) -> None:
    answer = rich.post(BY_MODEL, {"input": PROMPT | {"num_outputs": 2, "seed": 3}}, prefer="wait")
    here = rich.job(answer.json()["id"])
    native = rich.done({"task": "text-to-image", "model": PICTURES, **PROMPT, "count": 2, "seed": 3})
    same = ("task", "model", "offer", "resolved", "adjustments", "cost", "usage")
    assert {name: here[name] for name in same} == {name: native[name] for name in same}
    assert here.keys() == native.keys()


def test_a_budget_holds_at_this_door(house: Gateway) -> None:
    answer = capped(house).post(BY_MODEL, {"input": PROMPT})
    said = answer.json()
    assert (answer.status_code, said["title"], said["podium"]["code"]) == (402, "Insufficient credit", "over_budget")
