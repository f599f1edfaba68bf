"""What operators do on the pages Operations and Money, run headless against a real gateway: it is done, and said."""

import pytest

from tests.dashboard.conftest import told

OFFER = "sandbox/podium/sandbox-pictures-draft"


def press(app, label):
    next(each for each in app.button if each.label == label).click()
    return app.run()


def choose(app, label, value):
    next(each for each in app.selectbox if each.label == label).set_value(value)
    return app.run()


def write(app, label, value):
    next(each for each in app.text_input if each.label == label).set_value(value)


@pytest.mark.parametrize(
    ("page", "part", "words"),
    [
        ("money", "Holds", "Nothing is held"),
        ("money", "Statement", "Closing balance"),
        ("money", "Budgets", "spent or held"),
        ("money", "Cheaper", "might have been saved"),
        ("operations", "To decide", "Unresolved names"),
        ("operations", "Keys", "A new key"),
        ("operations", "Webhooks", "Deliveries that failed"),
    ],
)
def test_every_section_has_an_address_and_opens(opened, page, part, words):
    app = opened(page, part=part)
    assert not app.exception, [each.value for each in app.exception]
    assert words in told(app)


def test_a_new_keys_secret_is_shown_once_and_works_until_the_key_is_revoked(opened, lived):
    app = opened("operations", part="Keys")
    write(app, "Name", "made in a page")
    press(app, "Make the key")
    secret = app.code[0].value
    assert secret.startswith("pk_")
    assert not type(lived.admin)(lived.gateway.url, secret).is_admin()
    press(app, "I have copied it")
    assert secret not in told(app)
    made = next(each for each in lived.admin.get("/v1/keys")["data"] if each["name"] == "made in a page")
    choose(app, "Key to revoke", made["id"])
    app.checkbox(key=f"sure-{made['id']}").check().run()
    press(app, "Revoke it")
    assert "made in a page is revoked" in told(app)
    after = next(each for each in lived.admin.get("/v1/keys")["data"] if each["id"] == made["id"])
    assert after["revoked_at"] is not None


def test_a_key_is_funded_and_the_page_says_by_how_much(opened, lived):
    before = lived.caller.balance
    app = opened("operations", part="Keys")
    next(each for each in app.selectbox if each.label == "Key").set_value(lived.caller.id)
    write(app, "Amount (USD)", "0,25")
    press(app, "Fund it")
    assert not app.exception
    assert "0.25 USD more" in told(app)
    assert float(lived.caller.balance) - float(before) == pytest.approx(0.25)


def test_a_label_is_settled_and_leaves_the_list(opened, lived):
    before = lived.admin.get("/v1/names/unresolved")
    label = before["data"][0]["label"]
    app = opened("operations", part="To decide")
    choose(app, "Label", label)
    choose(app, "Means", "none")
    press(app, "Settle")
    assert not app.exception
    after = lived.admin.get("/v1/names/unresolved")
    assert after["total"] == before["total"] - 1
    assert label not in [each["label"] for each in after["data"]]
    lived.admin.post("/v1/names/settle", {"label": label, "model": "undo"})


def test_an_offer_is_retired_with_a_reason_and_the_word_taken_back(opened, lived):
    app = opened("operations", part="To decide")
    write(app, "Offer", OFFER)
    write(app, "Why", "we draw no drafts")
    press(app, "Retire it")
    assert "no job gets it any more" in told(app)
    found = lived.admin.get("/v1/offers", limit=500)["data"]
    offer = next(each for each in found if each["id"] == OFFER)
    assert not offer["available"] and "we draw no drafts" in offer["obstacle"]
    choose(app, "Take back", OFFER)
    press(app, "Take the word back")
    assert "judged by the evidence again" in told(app)
    assert lived.admin.get("/v1/offers/words")["data"] == []


def test_what_a_limit_would_do_is_said_before_it_is_saved(opened, lived):
    app = opened("money", part="Budgets")
    app.text_input(key=f"limit-{lived.budget['id']}").set_value("0.000001").run()
    assert "It would be full at once" in told(app)
    unchanged = next(each for each in lived.admin.get("/v1/budgets")["data"] if each["id"] == lived.budget["id"])
    assert unchanged["limit_usd"] == "1.00"


def test_a_caller_is_not_shown_what_providers_are_owed(opened, lived):
    app = opened("money", secret=lived.caller.secret)
    assert "Owed to providers" not in told(app)
    assert "A job on average" in told(app)


def test_an_empty_account_is_told_the_first_three_things(opened, lived):
    app = opened("overview", secret=lived.gateway.customer("1").secret)
    for words in ("1\\. Put money on a key", "2\\. Make something", "3\\. Read the leaderboards"):
        assert words.replace("\\", "") in told(app)
