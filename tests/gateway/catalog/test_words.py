"""The operator's words on offers, through the API: said, in force, told in the feed of changes, and taken back."""

from datetime import timedelta

import pytest

from gateway import assembly, clock
from gateway.catalog import words
from router.retirement import Stage, Verdict
from tests.gateway.catalog.test_retirement import (  # noqa: F401 - a fixture
    PICTURE,
    feed,
    house,
    kinds,
    listing,
    notice,
    shown,
)

pytestmark = pytest.mark.anyio
OFFER = "acme/acme/one"
UNSEEN = [listing(9, "acme-one", "acme-two"), *[listing(day, "acme-two") for day in (8, 1, 0)]]


async def say(house, word, why="", offer=OFFER, status=200):  # noqa: F811
    answer = await house.post("/v1/offers/word", json={"offer": offer, "word": word, "why": why})
    assert answer.status_code == status, answer.text
    return answer.json()


async def offer_of(house, name=OFFER):  # noqa: F811
    data = (await shown(house, "/v1/offers?limit=500")).json()["data"]
    return next(each for each in data if each["id"] == name)


async def to_confirm(house):  # noqa: F811
    return [each["offer"] for each in (await shown(house, "/v1/offers/words")).json()["to_confirm"]]


async def test_an_offer_that_the_operator_retires_is_rejected_at_once_and_told_once(house):  # noqa: F811
    await feed(house)
    told = await say(house, "retired", "its pictures are all grey")
    assert (told["stage"], told["word"]) == ("retired", "retired")
    offer = await offer_of(house)
    assert not offer["available"]
    assert offer["obstacle"].endswith("retired by the operator: its pictures are all grey")
    job = (await house.post("/v1/jobs", json=PICTURE | {"model": "acme/one"})).json()
    assert job["offer"] == "bcme/acme/one"
    await feed(house)
    await feed(house)
    assert await kinds(house, OFFER) == ["retired"]
    listed = (await shown(house, "/v1/offers/words")).json()["data"]
    assert [(each["offer"], each["word"], each["why"]) for each in listed] == [
        (OFFER, "retired", "its pictures are all grey")
    ]


async def test_what_was_retired_comes_back_when_the_word_is_taken_back(house):  # noqa: F811
    await feed(house)
    await say(house, "retired")
    await feed(house)
    assert (await say(house, "clear"))["stage"] == "active"
    assert (await offer_of(house))["available"]
    await feed(house)
    assert await kinds(house, OFFER) == ["retired", "revived"]
    assert (await say(house, "clear", status=404))["code"] == "not_found"


async def test_an_observed_end_is_to_be_confirmed_until_a_word_is_said(house):  # noqa: F811
    await feed(house, *UNSEEN)
    assert (await offer_of(house))["stage"] == "stale"
    assert await to_confirm(house) == [OFFER]
    kept = await say(house, "keep", "they took it off their list only")
    assert kept["stage"] == "active"
    assert "kept by the operator: they took it off" in kept["stage_evidence"]
    assert "last confirmed on" in kept["stage_evidence"], "what was observed is still told"
    assert await to_confirm(house) == []
    await say(house, "retired")
    assert await to_confirm(house) == []
    await say(house, "clear")
    assert await to_confirm(house) == [OFFER]


async def test_an_announced_end_that_has_come_is_not_kept_off(house):  # noqa: F811
    await feed(house, notice(0))
    assert (await say(house, "keep"))["stage"] == "retired"
    assert not (await offer_of(house))["available"]
    assert await to_confirm(house) == [], "an announced end needs nobody's word"


async def test_another_replica_holds_to_a_word_at_its_next_look(house):  # noqa: F811
    parts = house.parts
    before = await parts.watch.refreshed(clock.now())
    assert before.offers[OFFER].stage is Stage.ACTIVE
    await parts.db.together(
        lambda connection: words.say(connection, OFFER, Verdict.RETIRED, "", "key_of_another", clock.now())
    )
    await assembly.believe(parts)
    assert parts.routing.lives.offers[OFFER].stage is Stage.RETIRED


async def test_words_are_for_admins_and_about_offers_that_there_are(house):  # noqa: F811
    assert "GET /v1/offers lists them" in (await say(house, "retired", offer="acme/none", status=404))["detail"]
    await say(house, "perhaps", status=422)
    made = (await house.post("/v1/keys", json={"name": "caller"})).json()
    mine = {"authorization": f"Bearer {made['secret']}"}
    assert (await house.get("/v1/offers/words", headers=mine)).status_code == 403
    refused = await house.post("/v1/offers/word", json={"offer": OFFER, "word": "retired"}, headers=mine)
    assert refused.status_code == 403


async def test_offers_that_end_before_a_day_are_found_without_the_others(house):  # noqa: F811
    await feed(house, notice(30))
    today = clock.now().date()

    async def ending(days):
        path = f"/v1/offers?ends_before={today + timedelta(days=days)}"
        return [each["id"] for each in (await shown(house, path)).json()["data"]]

    assert OFFER in await ending(31)
    assert OFFER not in await ending(30)
