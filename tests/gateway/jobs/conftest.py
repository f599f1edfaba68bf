"""A house of accounts on each kind of database, among the providers of the stories."""

import pytest

from tests.gateway.jobs.accounts import House
from tests.stories.cards import write_cards
from tests.supplies import make_supply


@pytest.fixture
def supply(monkeypatch, tmp_path):
    return make_supply(monkeypatch, tmp_path, catalog_dir=write_cards(tmp_path, "http://127.0.0.1:9"))


@pytest.fixture
async def house(database, supply):
    return await House(database, supply).open()
