from datetime import date
from decimal import Decimal

import pytest

from adapters import pricing
from adapters.registry import BadCatalog
from adapters.schema import MediaRequest, OwnMachine, Task
from gateway.catalog import own
from tests.supplies import make_supply

TODAY = date(2026, 11, 21)
FLUX = "comfyui/black-forest-labs/flux-1-dev"
ADDRESS = {"PODIUM_PROVIDER_COMFYUI_BASE_URL": "http://10.0.0.5:8188"}
PICTURE = MediaRequest(task=Task.TEXT_TO_IMAGE, prompt="a fox", width=1024, height=1024, steps=28)
CARD = """
name: studio
title: The studio's machine
dialect: openai_images
base_url: http://10.0.0.6:8000/v1
self_hosted: true
machine: {{ name: {machine}, accelerators: {count}, usd_per_hour: "3.00", since: 2026-01-01 }}
offers:
  - model: black-forest-labs/flux-1-dev
    wire_id: flux
    tasks: [text-to-image]
    accepts: {{ width: {{}}, height: {{}}, steps: {{}}, count: {{ range: [1, 4] }} }}
"""
STUDIO = "studio/black-forest-labs/flux-1-dev"


def studio(monkeypatch, tmp_path, machine="h100", count=1):
    return make_supply(monkeypatch, tmp_path, card=CARD.format(machine=machine, count=count))


def test_an_hour_of_the_machine_prices_every_offer_that_has_no_price_by_the_second(monkeypatch, tmp_path):
    variables = ADDRESS | {"PODIUM_PROVIDER_COMFYUI_USD_PER_HOUR": "2.00"}
    supply = make_supply(monkeypatch, tmp_path, variables=variables)
    offer = supply.offer(FLUX, Task.TEXT_TO_IMAGE)
    [price] = offer.prices
    assert price.source == "own machine: 2.00 USD an hour"
    assert (price.rates[0].unit, price.rates[0].usd, price.rates[0].per) == ("gpu_second", Decimal("2.00"), 3600)
    cost = pricing.cost(price, {"gpu_second": Decimal("9")}, {})
    assert cost.usd == Decimal("0.005")
    assert supply.own == ("comfyui",)


def test_a_machine_whose_cost_nobody_says_has_no_price(monkeypatch, tmp_path):
    supply = make_supply(monkeypatch, tmp_path, variables=ADDRESS)
    assert supply.offer(FLUX, Task.TEXT_TO_IMAGE).prices == ()
    assert own.price_of(OwnMachine(name="h100"), TODAY) is None


def test_an_hour_of_somebody_elses_machine_is_not_ours_to_price(monkeypatch, tmp_path):
    supply = make_supply(monkeypatch, tmp_path, "FAL_KEY", variables={"PODIUM_PROVIDER_FAL_USD_PER_HOUR": "2"})
    assert all("own machine" not in price.source for offer in supply.cards["fal"].offers for price in offer.prices)
    assert supply.own == ()


def test_a_bought_machine_costs_its_part_of_the_purchase_and_its_power():
    machine = OwnMachine(purchase_usd=Decimal("26280"), months=36, power_w=1000, usd_per_kwh=Decimal("0.20"))
    price = own.price_of(machine, TODAY)
    assert price.rates[0].usd == Decimal("1.2") and "26280 USD over 36 months" in price.source
    with pytest.raises(ValueError, match="rented or bought"):
        OwnMachine(purchase_usd=Decimal(1), usd_per_hour=Decimal(1))


@pytest.mark.parametrize("said", ["free", "-1", "NaN", "Infinity", "1e9"])
def test_what_is_no_price_is_refused_at_start(monkeypatch, tmp_path, said):
    variables = ADDRESS | {"PODIUM_PROVIDER_COMFYUI_USD_PER_HOUR": said}
    with pytest.raises(BadCatalog, match="no price in USD for an hour"):
        make_supply(monkeypatch, tmp_path, variables=variables)


def test_a_card_with_bounds_keeps_them(monkeypatch, tmp_path):
    variables = ADDRESS | {"PODIUM_PROVIDER_COMFYUI_USD_PER_HOUR": "2.00"}
    supply = make_supply(monkeypatch, tmp_path, variables=variables)
    offer = supply.offer(FLUX, Task.TEXT_TO_IMAGE)
    assert supply.bounded(offer, PICTURE) is offer


def test_without_bounds_the_roofline_gives_one_for_the_request_at_hand(monkeypatch, tmp_path):
    supply = studio(monkeypatch, tmp_path)
    offer = supply.offer(STUDIO, Task.TEXT_TO_IMAGE)
    with pytest.raises(pricing.Unpriced):
        pricing.quote(PICTURE, offer, TODAY)
    quoted = pricing.quote(PICTURE, supply.bounded(offer, PICTURE), TODAY)
    estimated = own.expected_s(supply.rooflines[STUDIO], PICTURE)
    assert 3 < estimated < 6 and float(quoted.usd) == pytest.approx(3 * estimated * 3 / 3600, rel=1e-3)
    small = PICTURE.model_copy(update={"width": 512, "height": 512})
    assert pricing.quote(small, supply.bounded(offer, small), TODAY).usd < quoted.usd / 3


def test_several_accelerators_are_quicker_together(monkeypatch, tmp_path):
    one, four = (studio(monkeypatch, tmp_path, count=count) for count in (1, 4))
    known = [own.expected_s(supply.rooflines[STUDIO], PICTURE) for supply in (one, four)]
    assert known[1] < known[0]


def test_a_machine_that_no_table_knows_stops_the_start(monkeypatch, tmp_path):
    with pytest.raises(BadCatalog, match="studio: machine: no machine named abacus"):
        studio(monkeypatch, tmp_path, machine="abacus")


def test_without_an_estimate_history_gives_the_bound(monkeypatch, tmp_path):
    supply = studio(monkeypatch, tmp_path)
    offer, measured = supply.offer(STUDIO, Task.TEXT_TO_IMAGE), {(STUDIO, Task.TEXT_TO_IMAGE): 20.0}
    [bound] = own.bounded(offer, PICTURE, None, measured).expects
    assert (bound.unit, bound.quantity, bound.per) == ("gpu_second", Decimal("40.0"), "request")
    assert own.bounded(offer, PICTURE, None, {}) is offer
