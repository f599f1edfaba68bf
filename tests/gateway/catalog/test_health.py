"""Whether providers' hosts answer: asked once among all replicas, without a key, and written down for each."""

import pytest

from adapters.http import close_clients, open_clients
from gateway.catalog import health
from gateway.catalog.refreshing import Refresher
from gateway.commands.listings import NoShelf
from gateway.snapshots import feeds
from gateway.ticks import store as tick_rows
from gateway.ticks.runner import Ticks
from tests.gateway.snapshots.test_fetching import serving
from tests.supplies import make_supply

CARD = """
name: home
title: Home
dialect: openai_chat
base_url: {url}
key_env: HOME_KEY
offers: []
"""


@pytest.fixture
async def clients():
    opened = open_clients()
    yield opened
    await close_clients(opened)


async def told(database):
    [row] = await database.read(feeds.listing)
    return row


@pytest.mark.anyio
async def test_a_host_that_answers_is_well_and_gets_no_key(database, clients, monkeypatch, tmp_path):
    heard = []
    async with serving(lambda path, headers: heard.append((path, dict(headers))) or (404, {}, b"no")) as (origin, _):
        supply = make_supply(monkeypatch, tmp_path, "HOME_KEY", card=CARD.format(url=f"{origin}/v1"))
        works = health.ticks(Refresher(database, supply, clients, NoShelf()))
        await Ticks(database, works).look()
    [(path, headers)] = heard
    assert path == "/v1/" and "secret" not in str(headers)
    [tick] = await database.read(tick_rows.listing)
    assert (tick["name"], tick["said"], tick["failures"]) == ("health", "1 of 1 providers answered", 0)
    row = await told(database)
    assert (row["kind"], row["name"], row["refusals"]) == ("health", "home", 0) and row["good_at"]


@pytest.mark.anyio
async def test_a_host_that_fails_is_counted_until_it_answers_again(database, clients, monkeypatch, tmp_path):
    answers = [(503, {}, b""), (503, {}, b""), (200, {}, b"")]
    async with serving(lambda path, headers: answers.pop(0)) as (origin, _):
        supply = make_supply(monkeypatch, tmp_path, "HOME_KEY", card=CARD.format(url=origin))
        refresher = Refresher(database, supply, clients, NoShelf())
        for _ in range(2):
            with pytest.raises(health.NotDone, match="no provider answered: home answered 503"):
                await health.look(refresher)
        assert (await told(database))["refusals"] == 2 and (await told(database))["good_at"] is None
        assert await health.look(refresher) == "1 of 1 providers answered"
    assert (await told(database))["refusals"] == 0


@pytest.mark.anyio
async def test_a_host_that_is_away_is_named_and_one_without_a_key_is_not_asked(
    database, clients, monkeypatch, tmp_path
):
    supply = make_supply(monkeypatch, tmp_path, "HOME_KEY", card=CARD.format(url="http://127.0.0.1:9"))
    with pytest.raises(health.NotDone, match="home cannot be reached"):
        await health.look(Refresher(database, supply, clients, NoShelf()))
    (tmp_path / "other").mkdir()
    keyless = make_supply(monkeypatch, tmp_path / "other")
    assert health.ticks(Refresher(database, keyless, clients, NoShelf())) == {}
