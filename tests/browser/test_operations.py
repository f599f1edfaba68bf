"""What operators do in a real browser: a price accepted, a name settled, a key made and revoked."""

import re

from playwright.sync_api import expect

from benchmarks.browser import settled

SAID = "stAlert"


def said(seen, words):
    """The page says what it did."""
    expect(seen.page.get_by_test_id(SAID).filter(has_text=words).first).to_be_visible()
    settled(seen.page)


def test_a_price_proposal_is_accepted_and_in_force(opened, lived):
    proposals = lived.admin.get("/v1/prices/proposals?status=open").json()["data"]
    chosen = proposals[0]
    seen = opened().go("/operations?part=To+decide")
    box = seen.page.locator(f".st-key-price-{chosen['id']}")
    expect(box).to_contain_text(f"{chosen['before_usd']} → {chosen['after_usd']} USD")
    box.get_by_role("button", name="Accept").click()
    said(seen, "for every quote from now on")
    after = lived.admin.get("/v1/prices/proposals").json()["data"]
    assert {each["id"]: each["status"] for each in after}[chosen["id"]] == "accepted"
    assert seen.page.locator(f".st-key-price-{chosen['id']}").count() == 0
    seen.check()


def test_a_name_is_settled_by_a_suggestion(opened, lived):
    listed = lived.admin.get("/v1/names/unresolved").json()
    label = next(each for each in listed["data"] if each["near"])
    seen = opened().go("/operations?part=To+decide")
    box = seen.page.get_by_role("combobox", name=re.compile("Label"))
    box.click()
    box.fill(label["label"])
    seen.page.get_by_role("option", name=label["label"], exact=True).first.click()
    settled(seen.page)
    assert label["near"][0] in seen.page.get_by_test_id("stMain").inner_html()
    seen.page.get_by_role("button", name="Settle").click()
    said(seen, "from now on")
    after = lived.admin.get("/v1/names/unresolved").json()
    assert after["total"] == listed["total"] - 1
    assert label["label"] not in [each["label"] for each in after["data"]]
    seen.check()


def test_a_key_is_made_shown_once_and_revoked(opened, lived):
    seen = opened().go("/operations?part=Keys")
    seen.page.get_by_label("Name", exact=True).filter(visible=True).first.fill("made by hand")
    seen.page.get_by_role("button", name="Make the key").click()
    said(seen, "the only time its secret is shown")
    secret = seen.page.get_by_test_id("stCode").inner_text().strip()
    assert secret.startswith("pk_")
    seen.page.get_by_role("button", name="I have copied it").click()
    expect(seen.page.get_by_test_id("stCode")).to_have_count(0)
    settled(seen.page)
    assert secret not in seen.page.content()
    made = next(each for each in lived.admin.get("/v1/keys").json()["data"] if each["name"] == "made by hand")
    box = seen.page.get_by_role("combobox", name=re.compile("Key to revoke"))
    box.click()
    box.fill("made by hand")
    seen.page.get_by_role("option", name="made by hand").first.click()
    settled(seen.page)
    button = seen.page.get_by_role("button", name="Revoke it")
    expect(button).to_be_disabled()
    seen.page.get_by_text("Nobody needs it any more").click()
    settled(seen.page)
    button.click()
    said(seen, "made by hand is revoked")
    after = next(each for each in lived.admin.get("/v1/keys").json()["data"] if each["id"] == made["id"])
    assert after["revoked_at"] is not None
    seen.check()
