"""A provider's own list of models: every page of it, under its key, or one sentence on why not."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.http import close_clients, open_clients
from gateway.catalog import listings as pages
from gateway.catalog.listings import NotListed, listings
from gateway.commands.listings import NoShelf
from tests.adapters.test_http import answer, serving
from tests.supplies import make_supply

pytestmark = pytest.mark.anyio


@pytest.fixture
async def clients():
    opened = open_clients()
    yield opened
    await close_clients(opened)


def fal_at(monkeypatch, tmp_path, url, key="secret"):
    variables = {"PODIUM_PROVIDER_FAL_BASE_URL": url} | ({"FAL_KEY": key} if key else {})
    return make_supply(monkeypatch, tmp_path, variables=variables)


def page(*names, after=None):
    models = [{"endpoint_id": name, "metadata": {"display_name": name.title()}} for name in names]
    return json.dumps({"models": models, "next_cursor": after, "has_more": after is not None}).encode()


async def test_every_page_is_read_under_the_providers_key_and_each_model_named_once(clients, monkeypatch, tmp_path):
    async def act(heard, writer):
        cursor = parse_qs(urlsplit(heard.path).query).get("cursor", [""])[0]
        bodies = {"": page("fal-ai/a", "fal-ai/b", after="two"), "two": page("fal-ai/b", "fal-ai/c")}
        writer.write(answer(bodies[cursor]))

    async with serving(act) as server:
        found = await listings("fal", fal_at(monkeypatch, tmp_path, server.url), clients, NoShelf())
    assert [model.wire_id for model in found] == ["fal-ai/a", "fal-ai/b", "fal-ai/c"]
    assert {heard.headers["authorization"] for heard in server.heard} == {"Key secret"} and len(server.heard) == 2


async def test_a_list_without_end_is_not_read_to_its_end(clients, monkeypatch, tmp_path):
    monkeypatch.setattr(pages, "PAGES", 3)
    async with serving(answer(page("fal-ai/a", after="on"))) as server:
        with pytest.raises(NotListed, match="more than 3 pages"):
            await listings("fal", fal_at(monkeypatch, tmp_path, server.url), clients, NoShelf())
    assert len(server.heard) == 3


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [(answer(b"no", 401), "answered 401"), (answer(b"<html>"), "no list"), (answer(b"[]"), "no list")],
)
async def test_what_is_no_list_is_said(clients, monkeypatch, tmp_path, reply, sentence):
    async with serving(reply) as server:
        with pytest.raises(NotListed, match=sentence):
            await listings("fal", fal_at(monkeypatch, tmp_path, server.url), clients, NoShelf())


async def test_without_a_key_nobody_is_asked(clients, monkeypatch, tmp_path):
    async with serving(answer()) as server:
        supply = fal_at(monkeypatch, tmp_path, server.url, key=None)
        for provider, sentence in {"fal": "set FAL_KEY", "nobody": "no provider"}.items():
            with pytest.raises(NotListed, match=sentence):
                await listings(provider, supply, clients, NoShelf())
    assert not server.heard


async def test_a_provider_that_cannot_be_reached_is_said(clients, monkeypatch, tmp_path):
    with pytest.raises(NotListed, match="answered nothing"):
        await listings("fal", fal_at(monkeypatch, tmp_path, "http://127.0.0.1:1"), clients, NoShelf())
