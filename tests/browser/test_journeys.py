"""What people do with the dashboard, click by click, in a real browser against a real gateway."""

import pytest
from playwright.sync_api import expect

from benchmarks.browser import settled, sign_in
from tests.browser.conftest import Dashboard, Opened
from tests.browser.pages import a_job
from tests.stories.house import ADMIN_SECRET, Gateway

SANDBOX = "sandbox"


@pytest.fixture
def caller(lived: Gateway):
    return lived.customer("5")


def test_a_bad_key_is_refused_and_told_what_to_do(opened):
    seen = opened(secret=None)
    seen.page.get_by_label("Podium key").fill("pk_of-nobody")
    seen.page.get_by_role("button", name="Sign in").click()
    expect(seen.page.get_by_role("alert")).to_contain_text("That key is not known here")
    assert seen.page.get_by_test_id("stApp").count() == 0


def test_a_sign_in_outlives_a_reload_and_ends_with_a_sign_out(opened):
    seen = opened().go("/frontier")
    seen.page.reload()
    settled(seen.page)
    assert "A cheaper model as good" in seen.words
    cookies = {each["name"]: each for each in seen.page.context.cookies()}
    assert cookies["podium_visit"]["httpOnly"] and cookies["podium_visit"]["sameSite"] == "Lax"
    assert "podium_visit" not in seen.page.evaluate("document.cookie")
    seen.page.get_by_role("button", name="Sign out").click()
    seen.page.wait_for_url("**/sign-in?next=%2Ffrontier")
    seen.page.goto("/frontier")
    assert "/sign-in" in seen.page.url


def test_the_key_is_nowhere_in_the_browser(opened):
    seen = opened().go("/money")
    kept = seen.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])")
    assert ADMIN_SECRET not in kept + seen.page.content()


def test_from_the_frontier_to_a_model_and_on_to_a_decision_of_one_of_its_jobs(opened, lived):
    seen = opened().go("/frontier?offer=replicate%2Fopenai%2Fgpt-image-2")
    seen.page.get_by_role("link", name="More about gpt-image-2").click()
    expect(seen.page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    seen.page.wait_for_url("**/models?model=openai*gpt-image-2")
    settled(seen.page)
    assert "Quality by task" in seen.words
    newest = lived.admin.get("/v1/jobs?model=openai/gpt-image-2&limit=1").json()["data"][0]
    seen.page.locator(".st-key-lately").get_by_role("link", name="Why this offer").first.click()
    seen.page.wait_for_url(f"**/decisions?decision={newest['decision']}")
    settled(seen.page)
    assert newest["decision"] in seen.words and "What would have changed it" in seen.words
    seen.check()


def test_from_a_job_to_the_decision_that_chose_its_offer(opened, lived):
    job = a_job(lived)
    decision = lived.admin.get(f"/v1/jobs/{job}").json()["decision"]
    seen = opened().go(f"/jobs?job={job}")
    seen.page.get_by_role("link", name="Why this offer was chosen").click()
    seen.page.wait_for_url(f"**/decisions?decision={decision}")
    settled(seen.page)
    assert decision in seen.words and "rejected" in seen.words
    seen.check()


def test_a_run_in_the_playground_ends_in_a_picture_and_a_receipt(opened, caller):
    seen = opened(caller.secret).go("/playground")
    before = caller.balance
    seen.page.get_by_label("Only these providers").click()
    seen.page.get_by_role("option", name=SANDBOX, exact=True).click()
    seen.page.keyboard.press("Escape")
    settled(seen.page)
    assert caller.balance == before
    seen.page.get_by_role("button", name="Run it").click()
    picture = seen.page.locator("[data-testid='stImage'] img, [data-testid='stImageContainer'] img").first
    expect(picture).to_be_visible()
    settled(seen.page)
    assert picture.evaluate("each => each.complete && each.naturalWidth > 100")
    assert "Receipt" in seen.words
    assert caller.balance < before
    seen.check()


def test_a_budget_edited_in_the_page_is_enforced(opened, lived, caller):
    body = {"name": f"For {caller.id}", "scope": "key", "subject": caller.id, "window": "day", "limit_usd": "5"}
    made = lived.admin.post("/v1/budgets", body).json()
    picture = {"task": "text-to-image", "model": "sandbox/podium/sandbox-pictures", "prompt": "a red fox"}
    assert caller.done(picture)["status"] == "succeeded"
    admin = lived.admin.post("/v1/keys", {"name": "for budgets", "role": "admin"}).json()
    seen = opened(admin["secret"]).go("/money")  # by a key for which no older list of budgets is remembered
    seen.page.get_by_role("tab", name="Budgets").click()
    box = seen.page.locator(f".st-key-budget-{made['id']}")
    box.get_by_role("button", name="Change").click()
    limit = seen.page.get_by_label("Limit (USD)").filter(visible=True).first
    limit.fill("0.002")
    seen.page.get_by_role("button", name="Save").filter(visible=True).first.click()
    settled(seen.page)
    refused = caller.post("/v1/jobs", picture)
    assert refused.status_code == 402, refused.text
    assert refused.json()["code"] == "over_budget"
    lived.admin.send("DELETE", f"/v1/budgets/{made['id']}")


def test_another_callers_job_is_not_found(opened, lived, caller):
    newest = lived.admin.get("/v1/jobs?status=succeeded&limit=1").json()["data"][0]
    seen = opened(caller.secret).go(f"/jobs?job={newest['id']}")
    assert "not_found" in seen.words
    assert "Receipt" not in seen.words
    seen.check()


def test_a_caller_is_not_shown_the_way_to_operations(opened, caller):
    seen = opened(caller.secret).go("/")
    menu = seen.page.get_by_test_id("stSidebar")
    expect(menu.get_by_role("link", name="Money")).to_be_visible()
    assert menu.get_by_role("link", name="Operations").count() == 0


def test_times_are_in_the_viewers_zone(opened):
    seen = opened().go("/jobs")
    assert "Times are in Europe/Berlin" in seen.page.get_by_test_id("stSidebar").inner_text()


def test_under_a_path_of_a_proxy_pages_open_and_links_stay_below_it(lived, opened, tmp_path):
    below = Dashboard(lived, tmp_path, "podium").start()
    try:
        seen: Opened = opened(secret=None, at=below)
        assert "/podium/sign-in" in seen.page.url
        sign_in(seen.page, ADMIN_SECRET)
        settled(seen.page)
        seen.page.get_by_test_id("stSidebar").get_by_role("link", name="Churn").click()
        seen.page.wait_for_url("**/podium/churn")
        settled(seen.page)
        seen.page.reload()
        settled(seen.page)
        assert "Half-life of a place" in seen.words
        assert seen.page.context.cookies()[0]["path"] == "/podium"
        seen.check()
    finally:
        below.child.stop()
