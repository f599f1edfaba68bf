"""Each page run headless by Streamlit's own tester against a real gateway: no exception, and the words one expects."""

import pytest

from tests.dashboard.conftest import told
from tests.stories.house import ADMIN_SECRET

PAGES = {
    "overview": ("Overview", "Spent today (UTC)", "Nothing is running", "The last 30 days", "What changed this week"),
    "frontier": ("Frontier", "one picture of 1024×1024 pixels", "A cheaper model as good", "for the same money"),
    "models": ("Models", "Quality by task", "Life stage"),
    "leaderboards": ("Leaderboards", "Newest reading of", "CC BY 4", "The newest ratings"),
    "churn": ("Churn", "two at least are needed", "What comes to an end"),
    "playground": ("Playground", "What matters", "points ahead of"),
    "jobs": ("Jobs", "Newest outputs", "Choose a row to open it"),
    "workflows": ("Workflows", "takes another step's words"),
    "arena": ("Arena", "Begin a battle", "Where models stand for text-to-image", "Your battles"),
    "decisions": ("Decisions", "Policy **balanced**", "rejected"),
    "money": ("Money", "Compute units", "A job on average", "Owed to providers", "Overrun"),
    "operations": ("Operations", "Ticks", "Leaderboards", "Every tick's last run went well", "Providers", "Breakers"),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_without_an_exception_and_says_what_it_is_for(opened, page):
    app = opened(page)
    assert not app.exception, [each.value for each in app.exception]
    assert not app.error, [each.value for each in app.error]
    for words in PAGES[page]:
        assert words in told(app)


def test_a_visit_that_has_ended_shows_no_page(opened):
    app = opened()
    assert "Overview" in told(app)
    next(each for each in app.button if each.label == "Sign out").click()
    app.run()
    assert not app.exception
    assert "Overview" not in told(app)


def test_the_key_is_in_no_address_and_in_no_word_of_a_page(opened):
    app = opened("money")
    assert ADMIN_SECRET not in told(app)
    assert ADMIN_SECRET not in str(dict(app.query_params))


def test_a_deep_link_to_a_job_outlives_the_sign_in_and_shows_its_receipt(opened, lived):
    app = opened("jobs", job=lived.picture["id"])
    assert not app.exception, [each.value for each in app.exception]
    assert lived.picture["id"] in told(app)
    assert f"**{lived.picture['cost']['cost_usd']} USD**" in told(app)
    assert "Attempts" in told(app)


def test_a_deep_link_to_a_decision_says_by_which_parts_it_was_won(opened, lived):
    app = opened("decisions", decision=lived.picture["decision"])
    assert not app.exception
    assert lived.picture["decision"] in told(app)
    assert "cost +" in told(app)
    assert "points ahead of" in told(app)
    assert "What would have changed it" in told(app)
    assert "It would have been first" in told(app)


def test_a_deep_link_to_a_board_shows_it_says_how_old_it_is_and_leads_to_the_model(opened, lived):
    board = lived.admin.get("/v1/boards/arena/text-to-video")
    app = opened("leaderboards", board="arena/text-to-video", top="5", model="google/veo-3.1")
    assert not app.exception, [each.value for each in app.exception]
    assert f"Newest reading of **{board['taken_at'][:10]}**" in told(app)
    assert "days old, and places change within weeks" in told(app)
    assert "mean no model of ours" in told(app)
    assert app.slider(key="top").value == 5


def test_one_model_shows_its_offers_side_by_side_and_why_its_life_stage_is_what_it_is(opened, lived):
    model = lived.admin.get("/v1/models/podium/sandbox-pictures")
    app = opened("models", model=model["id"])
    assert not app.exception, [each.value for each in app.exception]
    assert f"**{model['stage'].capitalize()}**" in told(app)
    assert "For one picture of 1024×1024 pixels, as quoted now" in told(app)
    assert "an even chance to last" in told(app)


def test_words_that_were_made_are_read_on_the_page(opened, lived):
    app = opened("jobs", job=lived.words["id"])
    assert lived.words["outputs"][0]["text"].splitlines()[0] in told(app)


def test_a_caller_sees_its_own_and_is_told_that_anothers_job_is_not_found(opened, lived):
    stranger = lived.gateway.customer("1")
    mine = opened("jobs", secret=lived.caller.secret, job=lived.picture["id"])
    assert "Receipt" in told(mine)
    theirs = opened("jobs", secret=stranger.secret, job=lived.picture["id"])
    assert not theirs.exception
    assert "Receipt" not in told(theirs)
    assert any("not_found" in each.value for each in theirs.error)


def test_an_empty_account_is_told_what_to_do(opened, lived):
    stranger = lived.gateway.customer("1")
    app = opened("overview", secret=stranger.secret)
    assert not app.exception
    assert "Nothing was spent yet" in told(app)
    assert "No budget holds" in told(app)


def test_a_caller_cannot_edit_budgets_and_an_admin_can(opened, lived):
    caller = opened("money", secret=lived.caller.secret, part="Budgets")
    assert "Only an admin's key can change budgets." in told(caller)
    admin = opened("money", part="Budgets")
    admin.text_input(key=f"limit-{lived.budget['id']}").set_value("0.75")
    admin.button(key=f"save-{lived.budget['id']}").click()
    admin.run()
    assert not admin.exception
    changed = next(each for each in lived.admin.get("/v1/budgets")["data"] if each["id"] == lived.budget["id"])
    assert changed["limit_usd"] == "0.75"
    lived.admin.patch(f"/v1/budgets/{lived.budget['id']}", {"limit_usd": "1.00"})
