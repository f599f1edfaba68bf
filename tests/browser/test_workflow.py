"""A workflow in a real browser: its graph with states as it goes, and small pictures of what it made."""

import json

import pytest
from playwright.sync_api import expect

from benchmarks.browser import settled, shoot
from tests.browser.conftest import SCREENS
from tests.browser.pages import STEPS

SPEC = "[data-testid='stVegaLiteChart']"


@pytest.fixture
def caller(lived):
    return lived.customer("5")


def slow(step, delay_s):
    return step | {"job": step["job"] | {"extra": {"sandbox": {"sandbox": {"delay_s": delay_s}}}}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_workflow_is_drawn_while_it_runs_and_ends_with_thumbnails(opened, caller, scheme):
    words, still, night = STEPS
    body = {"name": "Told, drawn and changed", "steps": [words, slow(still, 4), night], "max_cost_usd": "0.10"}
    made = caller.post("/v1/workflows", body).json()
    seen = opened(caller.secret, scheme).go(f"/workflows?workflow={made['id']}")
    graph = seen.page.locator(SPEC).first
    expect(graph).to_be_visible()
    expect(seen.page.get_by_role("button", name="Cancel")).to_be_visible()
    shoot(seen.page, SCREENS / f"workflow-running-{scheme}.png")
    expect(seen.page.get_by_text("What it made")).to_be_visible()
    expect(seen.page.get_by_role("button", name="Run again")).to_be_visible()
    settled(seen.page)
    expect(graph.get_by_text("✓ succeeded")).to_have_count(3)
    expect(graph.locator("image")).to_have_count(2)
    assert seen.page.get_by_test_id("stMain").locator("img").count() == 2
    assert "3 of 3" in seen.words and "of 0.1 USD at most" in seen.words
    seen.check()


def test_a_workflow_is_begun_from_the_editor_canceled_and_offered_again(opened, caller):
    seen = opened(caller.secret).go("/workflows")
    seen.page.get_by_test_id("stExpander").get_by_text("Begin one").click()
    editor = seen.page.get_by_label("The workflow, as JSON")
    steps = [slow(STEPS[0], 60), STEPS[1]]
    editor.fill(json.dumps({"name": "Stopped", "steps": steps}))
    editor.blur()
    settled(seen.page)
    seen.page.get_by_role("button", name="Run it").click()
    seen.page.wait_for_url("**/workflows?workflow=*")
    seen.page.get_by_role("button", name="Cancel").click()
    seen.page.get_by_role("button", name="Run again").click()
    [made] = caller.get("/v1/workflows").json()["data"]
    assert made["status"] == "canceled"
    asked = caller.get(f"/v1/workflows/{made['id']}").json()["request"]
    assert asked["name"] == "Stopped" and [each["job"] for each in asked["steps"]] == [each["job"] for each in steps]
    expect(seen.page.get_by_label("The workflow, as JSON")).to_have_value(
        json.dumps(asked, indent=2, ensure_ascii=False)
    )
    seen.check()
