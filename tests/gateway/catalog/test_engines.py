"""Engines on one's own machine: off until they have an address, and without a word in anything else until then."""

import pytest

from adapters.registry import load_catalog
from tests.supplies import make_supply

ENGINES = sorted(card.name for card in load_catalog().cards.values() if card.needs_base_url and not card.key_env)


def open_providers(supply):
    offers = (offer for offers in supply.by_task.values() for offer in offers)
    return {offer.provider for offer in offers if supply.obstacle(offer, is_asked_for=False) is None}


def test_no_engine_is_there_before_it_has_an_address(monkeypatch, tmp_path):
    supply = make_supply(monkeypatch, tmp_path)
    assert len(ENGINES) >= 8 and not supply.real_keys
    assert open_providers(supply) == {"sandbox"}


@pytest.mark.parametrize("name", ENGINES)
def test_an_address_opens_one_engine_and_no_other(monkeypatch, tmp_path, name):
    variable = f"PODIUM_PROVIDER_{name.upper().replace('-', '_')}_BASE_URL"
    supply = make_supply(monkeypatch, tmp_path, variables={variable: "http://127.0.0.1:9"})
    assert open_providers(supply) == {name}
