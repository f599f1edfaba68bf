"""A battle in a real browser: two answers unnamed, a vote by one key press, and the ratings that it moves."""

import json

import pytest
from playwright.sync_api import expect

from benchmarks.browser import settled, shoot
from tests.browser.conftest import SCREENS

MODELS = {"podium/sandbox-pictures", "podium/sandbox-pictures-draft"}
BODY = {"task": "text-to-image", "prompt": "a red fox in fresh snow", "width": 512, "height": 512,
        "models": sorted(MODELS)}  # fmt: skip
KEYS = {"left": "ArrowLeft", "right": "ArrowRight", "tie": "ArrowDown", "both_bad": "ArrowUp"}


@pytest.fixture
def caller(lived):
    return lived.customer("5")


def begun(caller):
    battle = caller.post("/v1/arena/battles", BODY, Prefer="wait=60").json()
    assert battle["status"] == "ready", battle
    return battle


def ratings(caller):
    rows = caller.get("/v1/arena/standings?task=text-to-image").json()["data"]
    return {row["model"]: row["rating"] for row in rows if row["model"] in MODELS}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_vote_by_a_key_press_reveals_the_models_and_moves_their_ratings(opened, caller, scheme):
    battle, before = begun(caller), ratings(caller)
    seen = opened(caller.secret, scheme).go(f"/arena?battle={battle['id']}&task=text-to-image")
    expect(seen.page.get_by_role("button", name="Left is better")).to_be_visible()
    shoot(seen.page, SCREENS / f"arena-battle-{scheme}.png")
    secrets = [*MODELS, *(name.rpartition("/")[2] for name in MODELS)]
    secrets += [each["id"] for each in caller.get("/v1/jobs").json()["data"]]
    source = seen.page.content() + json.dumps([each.get_attribute("src") for each in seen.page.locator("img").all()])
    assert not [each for each in secrets if each in source]

    seen.page.keyboard.press("ArrowLeft")
    expect(seen.page.get_by_text("You found the left one better.")).to_be_visible()
    settled(seen.page)
    shoot(seen.page, SCREENS / f"arena-vote-{scheme}.png")
    voted = caller.get(f"/v1/arena/battles/{battle['id']}").json()
    assert voted["vote"]["choice"] == "left"
    winner, loser = voted["left"]["model"], voted["right"]["model"]
    assert {winner, loser} == MODELS
    after = ratings(caller)
    assert after[winner] > before.get(winner, 1000.0) and after[loser] < before.get(loser, 1000.0)
    rating = voted["left"]["rating"]
    assert f"{rating['before']:.0f} → {rating['after']:.0f}" in seen.words
    assert winner in seen.words and loser in seen.words
    seen.check()


@pytest.mark.parametrize("choice", ["right", "tie", "both_bad"])
def test_each_choice_has_its_key(opened, caller, choice):
    battle = begun(caller)
    seen = opened(caller.secret).go(f"/arena?battle={battle['id']}")
    seen.page.keyboard.press(KEYS[choice])
    expect(seen.page.get_by_role("button", name="Next battle")).to_be_visible()
    assert caller.get(f"/v1/arena/battles/{battle['id']}").json()["vote"]["choice"] == choice
    seen.check()


def test_a_battle_begun_on_the_page_shows_both_sides_at_once_and_stays_in_the_address(opened, caller):
    seen = opened(caller.secret).go("/arena?task=text-to-image")
    models = seen.page.get_by_role("combobox", name="Models")
    models.click()
    for name in sorted(MODELS):
        models.fill(name.rpartition("/")[2])
        seen.page.get_by_role("option", name=name.rpartition("/")[2], exact=True).click()
    seen.page.keyboard.press("Escape")
    settled(seen.page)
    seen.page.get_by_role("button", name="Begin").click()
    seen.page.wait_for_url("**/arena?battle=*")
    expect(seen.page.get_by_role("button", name="Right is better")).to_be_visible()
    settled(seen.page)
    seen.page.reload()
    settled(seen.page)
    assert "Press an arrow key" in seen.words
    assert seen.page.get_by_test_id("stMain").locator("img").count() == 2
    seen.check()
