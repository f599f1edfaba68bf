"""What can be had here follows from the cards, the keys, the addresses and the switch of the sandbox."""

from datetime import date

import pytest

from adapters.registry import BadCatalog
from adapters.schema import Task
from tests.supplies import make_supply

DAY = date(2026, 11, 22)
PROVIDERS = {
    "OPENAI_API_KEY": "openai",
    "FAL_KEY": "fal",
    "REPLICATE_API_TOKEN": "replicate",
    "TOGETHER_API_KEY": "together",
}
CARD = """
name: my-box
title: Ours
dialect: openai_images
base_url: "http://192.168.1.7:8000/v1/"
offers:
  - model: black-forest-labs/flux-2-pro
    wire_id: mine
    tasks: [text-to-image]
    accepts: { seed: { range: [0, 99] } }
    prices: []
"""


@pytest.fixture
def make(monkeypatch, tmp_path):
    return lambda *keys, **more: make_supply(monkeypatch, tmp_path, *keys, **more)


def usable(supply, is_asked_for=False):
    """Providers of which something can be used."""
    offers = (offer for offers in supply.by_task.values() for offer in offers)
    return {offer.provider for offer in offers if supply.obstacle(offer, is_asked_for) is None}


def test_without_a_key_only_the_sandbox_can_be_used(make):
    supply = make()
    assert usable(supply) == usable(supply, is_asked_for=True) == {"sandbox"}
    assert not supply.real_keys and supply.stand_ins_run


@pytest.mark.parametrize(("key", "provider"), PROVIDERS.items())
def test_a_key_opens_its_provider_and_closes_the_sandbox(make, key, provider):
    supply = make(key)
    assert usable(supply) == {provider} and supply.real_keys
    assert supply.keys[provider] == "secret"


@pytest.mark.parametrize(
    ("switch", "asked", "found"),
    [(None, True, {"fal"}), ("off", True, {"fal"}), ("on", True, {"fal", "sandbox"}), ("on", False, {"fal"})],
)
def test_the_switch_says_whether_the_sandbox_runs_beside_a_key(make, switch, asked, found):
    assert usable(make("FAL_KEY", sandbox=switch), asked) == found


def test_a_sandbox_that_is_switched_off_leaves_nothing(make):
    assert usable(make(sandbox="off"), is_asked_for=True) == set()


def test_a_blank_key_is_no_key(make):
    assert usable(make(variables={"FAL_KEY": ""})) == {"sandbox"}


def test_every_offer_is_found_by_its_name_and_task_with_its_card_and_key(make):
    supply = make("FAL_KEY")
    for task, offers in supply.by_task.items():
        for offer in offers:
            supplied = supply.supplied(offer.id, task)
            assert supplied.offer == offer and supplied.card.name == offer.provider
            assert supplied.key == ("secret" if offer.provider == "fal" else None)
    assert supply.supplied("fal/no/such", Task.TEXT) is None
    assert supply.supplied("sandbox/podium/sandbox-words", Task.TEXT_TO_IMAGE) is None


def test_providers_are_where_their_cards_say_or_where_the_operator_moved_them(make):
    assert make().cards["openai"].base_url == "https://api.openai.com/v1"
    moved = make(variables={"PODIUM_PROVIDER_OPENAI_BASE_URL": "http://127.0.0.1:9/v1/", "PODIUM_SANDBOX_PORT": "9998"})
    assert moved.cards["openai"].base_url == "http://127.0.0.1:9/v1"
    assert moved.cards["sandbox"].base_url == "http://127.0.0.1:9998"
    assert moved.cards["fal"].base_url == make().cards["fal"].base_url


def test_a_card_of_the_operators_own_is_laid_over_the_catalog(make):
    supply = make(card=CARD)
    assert "my-box/black-forest-labs/flux-2-pro" in {offer.id for offer in supply.by_task[Task.TEXT_TO_IMAGE]}
    assert usable(supply) == {"my-box"}, "a provider of one's own needs no key, and is no stand-in"


def obstacle(supply, name="my-box/black-forest-labs/flux-2-pro"):
    return supply.obstacle(supply.offer(name, Task.TEXT_TO_IMAGE), True)


def test_a_provider_without_an_address_waits_for_one_and_closes_nothing_meanwhile(make):
    card = CARD.replace("dialect:", "needs_base_url: true\nhosts: { files: 'https://files.example/v1' }\ndialect:")
    supply = make(card=card)
    assert obstacle(supply) == "has no address: set PODIUM_PROVIDER_MY_BOX_BASE_URL"
    assert usable(supply) == {"sandbox"} and not supply.real_keys
    moved = make(card=card, variables={"PODIUM_PROVIDER_MY_BOX_BASE_URL": "http://127.0.0.1:9/v1/"})
    assert obstacle(moved) is None and usable(moved) == {"my-box"}
    assert moved.cards["my-box"].hosts == {"files": "http://127.0.0.1:9/v1"}, "its other hosts are moved with it"


def test_what_to_set_for_a_key_of_several_parts_is_said(make):
    card = CARD.replace("dialect:", "key_env: BOX_KEY | BOX_ACCESS:BOX_SECRET\ndialect:")
    assert obstacle(make(card=card)) == "has no key: set BOX_KEY, or BOX_ACCESS and BOX_SECRET"
    supply = make(card=card, variables={"BOX_ACCESS": "a", "BOX_SECRET": "s"})
    assert obstacle(supply) is None and supply.keys["my-box"] == "a:s"


def test_a_card_with_a_fault_stops_the_start(make):
    with pytest.raises(BadCatalog, match=r"my-box\.yaml: nobody/nothing"):
        make(card=CARD.replace("black-forest-labs/flux-2-pro", "nobody/nothing"))


def test_limits_are_what_offers_say_of_a_parameter_each_once(make):
    limits = make(card=CARD).limits("seed")
    assert len(limits) == len(set(limits))
    assert {accept.range for accept in limits} >= {(0, 99), (0, 2_147_483_647)}
    assert all(accept.range or accept.enum for accept in limits)
