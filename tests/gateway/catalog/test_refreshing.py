"""When sources are asked, where, how often and with what: as the operator says, and never unasked."""

import asyncio
import json

import pytest

from adapters.http import close_clients, open_clients
from gateway.catalog import refreshing
from gateway.catalog.refreshing import Refresher, are_on, hours_of, listed_providers, ticks
from gateway.commands.listings import NoShelf
from gateway.problems import Unavailable
from gateway.settings import Settings
from gateway.snapshots import feeds, store
from gateway.ticks import store as tick_rows
from gateway.ticks.runner import Ticks
from router.feeds import arena, artificial_analysis, litellm
from tests.gateway.snapshots.test_fetching import LITELLM, serving
from tests.supplies import make_supply

LOCAL_CARD = """
name: home
title: Home
dialect: openai_chat
base_url: {url}
offers: []
"""


@pytest.fixture
async def clients():
    opened = open_clients()
    yield opened
    await close_clients(opened)


def test_feeds_are_off_until_a_provider_has_a_key_or_the_operator_says_so(monkeypatch, tmp_path):
    assert not are_on(Settings(), make_supply(monkeypatch, tmp_path))
    assert are_on(Settings(), make_supply(monkeypatch, tmp_path, "FAL_KEY"))
    assert not are_on(Settings(feeds="off"), make_supply(monkeypatch, tmp_path, "FAL_KEY"))
    assert are_on(Settings(feeds="on"), make_supply(monkeypatch, tmp_path))
    own = make_supply(monkeypatch, tmp_path, card=LOCAL_CARD.format(url="http://127.0.0.1:9/v1"))
    assert own.real_keys and not are_on(Settings(), own)


def test_a_source_that_wants_a_key_is_asked_only_with_it(database_url, monkeypatch, tmp_path):
    refresher = Refresher(None, make_supply(monkeypatch, tmp_path), None, None)
    without = {tick.name for tick in ticks(refresher)}
    assert {"boards/arena", "prices/litellm", "notices/deprecations-rss"} <= without
    assert not {"boards/artificial-analysis", "prices/fal", "listings"} & without
    monkeypatch.setenv("ARTIFICIAL_ANALYSIS_API_KEY", "k")
    refresher = Refresher(None, make_supply(monkeypatch, tmp_path, "OPENAI_API_KEY", "FAL_KEY"), None, None)
    monkeypatch.setenv("FAL_KEY", "k")
    assert {"boards/artificial-analysis", "prices/fal", "listings"} <= {tick.name for tick in ticks(refresher)}


@pytest.mark.parametrize(("said", "hours"), [("90m", 1.5), ("6h", 6), ("1d", 24), (" 0.5D ", 12), ("5m", 1 / 12)])
def test_periods_are_read_with_their_unit(said, hours):
    assert hours_of("X", said) == pytest.approx(hours)


@pytest.mark.parametrize("said", ["", "6", "h", "0h", "-1h", "1m", "nanh", "infd", "1e9d", "six hours"])
def test_a_period_that_is_none_is_refused_with_the_settings_name(said):
    with pytest.raises(Unavailable, match="PODIUM_FEED_ARENA_EVERY"):
        hours_of("PODIUM_FEED_ARENA_EVERY", said)


def test_the_operator_says_how_often_and_where(monkeypatch, tmp_path):
    supply = make_supply(monkeypatch, tmp_path)
    monkeypatch.setenv("PODIUM_FEED_ARENA_EVERY", "2h")
    monkeypatch.setenv("PODIUM_FEED_MODELS_DEV_URL", "https://mirror.example")
    periods = {tick.name: tick.every_s for tick in ticks(Refresher(None, supply, None, None))}
    assert (periods["boards/arena"], periods["prices/litellm"]) == (7_200, litellm.SOURCE.every_h * 3_600)
    assert refreshing.place_of(refreshing.sources.FEEDS["models.dev"].SOURCE).origin == "https://mirror.example"
    assert refreshing.place_of(arena.SOURCE).origin == arena.SOURCE.origin


def test_our_own_models_at_a_source_are_asked_for_by_name(monkeypatch, tmp_path):
    refresher = Refresher(None, make_supply(monkeypatch, tmp_path), None, None)
    assert "fal-ai/flux-2-pro" in refresher._wanted("fal") and refresher._wanted("nobody") == ()


@pytest.mark.anyio
async def test_a_source_without_its_key_is_not_asked_and_nothing_is_written(database, clients, monkeypatch, tmp_path):
    refresher = Refresher(database, make_supply(monkeypatch, tmp_path), clients, NoShelf())
    taken = await refresher.feed("boards", artificial_analysis)
    assert taken.refusal == "reply: it wants a key: set ARTIFICIAL_ANALYSIS_API_KEY"
    assert await database.read(feeds.listing) == []


@pytest.mark.anyio
async def test_a_tick_reads_its_source_and_says_what_came(database, clients, monkeypatch, tmp_path):
    supply = make_supply(monkeypatch, tmp_path)
    async with serving(lambda path, headers: (200, {}, json.dumps(LITELLM).encode())) as (origin, _):
        monkeypatch.setenv("PODIUM_FEED_LITELLM_URL", origin)
        found = ticks(Refresher(database, supply, clients, NoShelf()))
        wanted = {tick: work for tick, work in found.items() if tick.name == "prices/litellm"}
        assert await Ticks(database, wanted).look() == ["prices/litellm"]
    [row] = await database.read(tick_rows.listing)
    assert (row["said"], row["failures"]) == ("1 readings, 1 rows, 1 new", 0)
    assert len(await database.read(store.latest)) == 1


@pytest.mark.anyio
async def test_a_source_that_is_away_is_tried_again_soon_and_says_why(database, clients, monkeypatch, tmp_path):
    supply = make_supply(monkeypatch, tmp_path)
    monkeypatch.setenv("PODIUM_FEED_LITELLM_URL", "http://127.0.0.1:9")
    found = ticks(Refresher(database, supply, clients, NoShelf()))
    await Ticks(database, {tick: work for tick, work in found.items() if tick.name == "prices/litellm"}).look()
    [row] = await database.read(tick_rows.listing)
    assert row["failures"] == 1 and "cannot be reached" in row["said"] and "Error" not in row["said"]


@pytest.mark.anyio
async def test_a_providers_own_list_is_kept_and_a_refusal_leaves_it(database, clients, monkeypatch, tmp_path):
    answers = [(200, {}, b'{"data": [{"id": "one"}, {"id": "two"}]}'), (500, {}, b"oops")]
    async with serving(lambda path, headers: answers.pop(0)) as (origin, _):
        supply = make_supply(monkeypatch, tmp_path, card=LOCAL_CARD.format(url=f"{origin}/v1"))
        assert "home" in listed_providers(supply)
        refresher = Refresher(database, supply, clients, NoShelf())
        first, second = await refresher.listing("home"), await refresher.listing("home")
    assert (first.new, first.refusal) == (1, None) and "answered 500" in second.refusal
    [kept] = await database.read(store.latest)
    assert (kept.source, kept.subject) == ("home", "listing")
    [row] = await database.read(feeds.listing)
    assert (row["kind"], row["name"], row["rows"], row["refusals"]) == ("listings", "home", 2, 1)


def test_the_sandbox_and_lists_that_are_feeds_already_are_not_asked(monkeypatch, tmp_path):
    supply = make_supply(monkeypatch, tmp_path, "FAL_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY")
    found = listed_providers(supply)
    assert "openai" in found and not {"sandbox", "fal", "openrouter"} & set(found)
    assert asyncio.iscoroutinefunction(Refresher.listing)
