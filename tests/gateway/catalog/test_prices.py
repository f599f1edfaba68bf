"""Prices that change: proposed by feeds, accepted by the rule or an admin, in force for what is quoted from then on."""

from datetime import timedelta

import pytest

from gateway import assembly, clock
from gateway.catalog import prices
from gateway.snapshots import store as snapshots
from router.feeds.readings import PriceReading, PriceRow, payload_of, subject_of
from tests.gateway.catalog.test_retirement import BEARER, PICTURE, house, kinds, shown

__all__ = ["house"]


async def feed(house, usd, *sources, wire_id="acme-one", minutes=0):
    parts = house.parts
    taken_at = clock.now() + timedelta(minutes=minutes)
    for source in sources:
        row = PriceRow(label=wire_id, provider="acme", units=("output_image",), counted="image", usd=usd)
        reading = PriceReading(source=source, taken_at=taken_at, rows=(row,))
        written = (source, subject_of(reading), taken_at, payload_of(reading), clock.now())
        await parts.db.together(lambda connection, written=written: snapshots.add(connection, *written))
    return await assembly.propose_prices(parts)


async def proposals(house, status=None):
    return (await shown(house, "/v1/prices/proposals" + (f"?status={status}" if status else ""))).json()["data"]


async def job(house, model="acme/acme/one"):
    answer = await house.post("/v1/jobs", json=PICTURE | {"model": model})
    assert answer.status_code == 202, answer.text
    return answer.json()


@pytest.mark.anyio
async def test_what_two_sources_say_and_is_small_is_accepted_by_the_rule_and_earlier_jobs_keep_their_price(house):
    before = await job(house)
    await feed(house, "0.012", "litellm")
    (proposal,) = await proposals(house)
    assert (proposal["status"], proposal["before_usd"], proposal["after_usd"]) == ("open", "0.01", "0.012")
    await feed(house, "0.012", "litellm", "models.dev", minutes=1)
    (proposal,) = await proposals(house)
    assert (proposal["status"], proposal["decided_by"]) == ("accepted", "the rule")
    assert (await job(house))["cost"]["quote_usd"] == "0.012"
    again = (await shown(house, f"/v1/jobs/{before['id']}")).json()
    assert again["cost"]["quote_usd"] == "0.01"
    assert await kinds(house, "acme/acme/one") == ["price"]
    offers = (await shown(house, "/v1/offers?limit=500")).json()["data"]
    dated = next(each for each in offers if each["id"] == "acme/acme/one")["prices"]
    assert [price["rates"][0]["usd"] for price in dated] == ["0.012", "0.01"]


@pytest.mark.anyio
async def test_a_large_change_waits_for_an_admin_and_what_was_decided_stays_so(house):
    said = await feed(house, "0.05", "litellm", "models.dev")
    assert "1 proposals are new" in said and (await job(house))["cost"]["quote_usd"] == "0.01"
    (proposal,) = await proposals(house, "open")
    accepted = await house.post(f"/v1/prices/proposals/{proposal['id']}/accept")
    assert accepted.status_code == 200 and accepted.json()["status"] == "accepted"
    assert (await job(house))["cost"]["quote_usd"] == "0.05"
    twice = await house.post(f"/v1/prices/proposals/{proposal['id']}/accept")
    assert (twice.status_code, twice.json()["code"]) == (409, "conflict")
    assert (await house.post("/v1/prices/proposals/prc_none/refuse")).status_code == 404
    assert "0 proposals are new" in await feed(house, "0.05", "litellm", minutes=1)


@pytest.mark.anyio
async def test_what_was_refused_is_not_proposed_again_and_what_nobody_says_any_more_is_superseded(house):
    await feed(house, "0.05", "litellm")
    (proposal,) = await proposals(house)
    assert (await house.post(f"/v1/prices/proposals/{proposal['id']}/refuse")).json()["status"] == "refused"
    await feed(house, "0.05", "litellm", "models.dev", minutes=1)
    assert [each["status"] for each in await proposals(house)] == ["refused"]
    await feed(house, "0.06", "litellm", minutes=2)
    await feed(house, "0.01", "litellm", "models.dev", minutes=3)
    assert [each["status"] for each in await proposals(house)] == ["superseded", "refused"]


@pytest.mark.anyio
async def test_two_changes_of_one_day_stand_on_one_another_and_another_process_quotes_by_them(house, other_supply):
    await feed(house, "0.012", "litellm", "models.dev")
    first = prices.accepted
    held = await house.parts.db.read(lambda connection: first(connection, "acme/acme/one"))
    assert len(held["acme/acme/one"]) == 1
    assert await prices.reprice(house.parts.db, other_supply)
    assert not await prices.reprice(house.parts.db, other_supply)
    offer = next(each for each in other_supply.catalog.offers() if each.id == "acme/acme/one")
    assert [str(price.rates[0].usd) for price in offer.prices] == ["0.012", "0.01"]


@pytest.fixture
def other_supply(house):
    from gateway.catalog.supply import read_supply

    return read_supply(house.parts.settings)


@pytest.mark.anyio
async def test_only_an_admin_sees_and_decides(house):
    made = (await house.post("/v1/keys", json={"name": "caller"})).json()
    caller = BEARER | {"authorization": f"Bearer {made['secret']}"}
    for method, path in (("GET", ""), ("POST", "/prc_x/accept"), ("POST", "/prc_x/refuse")):
        answer = await house.request(method, f"/v1/prices/proposals{path}", headers=caller)
        assert answer.status_code == 403
