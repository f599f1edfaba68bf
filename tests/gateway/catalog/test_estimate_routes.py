"""Estimates over HTTP: figures, what they assume, refusals, and rent or host beside the catalog's offers."""

from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import pytest
from fastapi import FastAPI

from adapters.schema import MediaRequest, Task
from gateway import clock, problems
from gateway.catalog import estimate_routes, rentals
from gateway.catalog.estimate_views import rounded_down, usd
from tests.supplies import make_supply, starter_belief

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIELDS = {"flop_layer", "flop", "bytes", "intensity", "compute_s", "memory_s", "seconds", "outputs_per_hour",
          "usd_each", "fits_memory", "assumptions"}  # fmt: skip

CARD = """
name: corner-shop
title: Corner Shop
dialect: fal
base_url: http://127.0.0.1:9
offers:
  - model: black-forest-labs/flux-1-dev
    wire_id: flux
    tasks: [text-to-image]
    accepts: { width: { range: [256, 2048] }, height: { range: [256, 2048] } }
    prices: [{ since: 2026-01-01, checked: 2026-01-01, source: a sign, rates: [{ unit: output_image, usd: "0.0005" }] }]
  - model: google/veo-3.1
    wire_id: clips
    tasks: [text-to-video]
    accepts: { resolution: { enum: [480p], default: 480p }, duration_s: { range: [1, 4] } }
    prices: [{ since: 2026-01-01, checked: 2026-01-01, source: a sign, rates: [{ unit: output_video, usd: "0.0001" }] }]
"""


@pytest.fixture
def supply(monkeypatch, tmp_path):
    return make_supply(monkeypatch, tmp_path, card=CARD)


@pytest.fixture
async def client(supply, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    belief = starter_belief(supply, NOW)
    app = FastAPI()
    app.include_router(estimate_routes.routes(supply, lambda: belief, lambda: None))
    app.add_exception_handler(problems.Problem, problems.on_problem)
    app.add_exception_handler(problems.RequestValidationError, problems.on_validation)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened


async def ask(client, status=200, **body):
    answer = await client.post("/v1/estimates", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.anyio
async def test_an_estimate_has_its_figures_and_all_that_they_assume(client):
    found = await ask(client, model="wan-2.2-a14b", on="h100")
    assert set(found) == FIELDS
    assert found["flop"] == pytest.approx(521.86e15, rel=1e-4)
    assert found["flop"] == pytest.approx(found["flop_layer"] * 40 * 80)
    assert found["intensity"] == found["flop"] / found["bytes"]
    assert found["seconds"] == pytest.approx(1055.3 + 3.54, abs=0.1)
    assert Decimal(found["usd_each"]) == pytest.approx(Decimal("0.8795"), abs=Decimal("0.001"))
    given = found["assumptions"]
    assert (given["tokens"], given["frames"], given["duration_s"], given["steps"], given["forwards"]) == (
        75_600, 81, 5.0, 40, 2)  # fmt: skip
    assert (given["utilisation"], given["stack"], given["utilisation_fitted"]) == (0.5, "optimised", True)
    assert len(given["sources"]) == 2 and given["unsure"]


@pytest.mark.anyio
async def test_a_model_may_be_named_in_any_way_that_the_catalog_knows(client):
    by_name = await ask(client, model="flux-1-dev", on="a100")
    assert by_name == await ask(client, model="black-forest-labs/flux-1-dev", on="a100")
    assert by_name == await ask(client, model="corner-shop/black-forest-labs/flux-1-dev", on="a100")


@pytest.mark.anyio
async def test_what_is_said_takes_the_place_of_what_is_usual(client):
    said = {"width": 832, "height": 480, "duration_s": 3, "steps": 10, "forwards": 1, "count": 4, "stack": "eager",
            "usd_per_hour": "2.00", "busy": 0.5}  # fmt: skip
    given = (await ask(client, model="wan-2.2-a14b", on="h100", **said))["assumptions"]
    assert (given["devices"], given["frames"], given["usd_per_hour"], given["busy"]) == (4, 49, "2", 0.5)
    frames = (await ask(client, model="wan-2.2-a14b", on="h100", fps=32))["assumptions"]["frames"]
    assert frames == 161
    assert (await ask(client, model="wan-2.2-a14b", on="h100", utilisation=1))["assumptions"]["utilisation"] == 1


@pytest.mark.anyio
async def test_an_hour_of_a_bought_machine_is_its_part_of_the_months_and_its_power(client):
    found = await ask(client, model="flux-1-dev", on="a100", purchase_usd=26_280, months=36, power_w=500)
    assert found["assumptions"]["usd_per_hour"] == "1.075"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"model": "dreams", "on": "h100"}, "no architecture named dreams"),
        ({"model": "google/veo-3.1", "on": "h100"}, "no architecture named google/veo-3.1"),
        ({"model": "flux-1-dev", "on": "abacus"}, "no machine named abacus"),
        ({"model": "flux-1-dev", "on": "a100", "precision": "fp8"}, "a100 has no peak for fp8"),
        ({"model": "flux-1-dev", "on": "a100", "stack": "eager"}, "a100 has no utilisation for eager"),
        ({"model": "flux-1-dev", "on": "a100", "duration_s": 5}, "makes pictures"),
        ({"model": "flux-1-dev", "on": "a100", "width": 512}, "width and height are given together"),
        ({"model": "wan-2.1-14b", "on": "a100", "frames": 81, "duration_s": 5}, "not both"),
        ({"model": "flux-1-dev", "on": "a100", "usd_per_hour": 1, "purchase_usd": 1}, "rented or bought"),
        ({"model": "flux-1-dev", "on": "l20", "against": "auto"}, "l20 has no price"),
        ({"model": "flux-1-dev", "on": "a100", "against": "nobody/nothing"}, "no offer named nobody/nothing"),
        ({"model": "flux-1-dev", "on": "a100", "count": 1_000_000}, "less than or equal to 1024"),
        ({"model": "flux-1-dev"}, "Field required"),
        ({"model": "flux-1-dev", "on": "a100", "colour": "red"}, "there is no such field"),
    ],
)
async def test_what_cannot_be_estimated_is_refused_with_a_sentence(client, body, words):
    problem = await ask(client, status=422, **body)
    assert problem["code"] == "invalid"
    assert words in problem["detail"]


@pytest.mark.anyio
async def test_a_named_offer_is_compared_by_its_quote(client):
    found = (await ask(client, model="flux-1-dev", on="rtx-4090", purchase_usd=730, months=36, power_w=100,
                       usd_per_kwh="0.10", against="corner-shop/black-forest-labs/flux-1-dev"))  # fmt: skip
    told, seconds = found["rent_or_host"], Decimal(found["seconds"])
    power = Decimal("0.1") * seconds / 3600 * Decimal("0.10")
    month = Decimal(730) / 36
    assert told["offer_usd_each"] == "0.0005"
    assert Decimal(told["own_usd_per_month"]) == pytest.approx(month, abs=Decimal("0.00001"))
    assert told["break_even_per_month"] == int(month / (Decimal("0.0005") - power)) + 1
    assert told["capacity_per_month"] == int(730 * 3600 / seconds)
    assert told["considered"] == 1


@pytest.mark.anyio
async def test_the_cheapest_of_equal_quality_wins_and_offers_that_make_less_do_not_count(client):
    pictures = (await ask(client, model="flux-1-dev", on="h100", against="auto"))["rent_or_host"]
    assert pictures["offer"] == "corner-shop/black-forest-labs/flux-1-dev"
    prices = [Decimal(each["usd_each"]) for each in pictures["offers"]]
    assert prices == sorted(prices) and len(prices) == 5 < pictures["considered"]
    clips = (await ask(client, model="wan-2.2-a14b", on="h100", against="auto"))["rent_or_host"]
    assert clips["offer"] != "corner-shop/google/veo-3.1"
    assert not any(each["offer"].startswith("sandbox/") for each in clips["offers"])


@pytest.mark.anyio
async def test_offers_are_no_worse_than_the_model_by_the_boards(client, supply):
    belief = starter_belief(supply, NOW)
    own = belief.qualities.of("alibaba/wan-2.2-a14b", Task.TEXT_TO_VIDEO)
    assert own.boards
    told = (await ask(client, model="wan-2.2-a14b", on="h100", against="auto"))["rent_or_host"]
    for each in told["offers"]:
        model = each["offer"].partition("/")[2]
        quality = belief.qualities.of(model, Task.TEXT_TO_VIDEO)
        assert model == "alibaba/wan-2.2-a14b" or quality.interval.value >= own.interval.value


def test_an_offer_that_makes_less_is_known_by_what_is_sent(supply):
    wanted = MediaRequest(task=Task.TEXT_TO_VIDEO, prompt="x", width=1280, height=720, duration_s=5)
    [clips] = [offer for offer in supply.by_task[Task.TEXT_TO_VIDEO] if offer.provider == "corner-shop"]
    found = rentals.rented(clips, wanted, date(2026, 11, 22))
    assert found.is_less and found.usd == Decimal("0.0001")
    assert {each.parameter for each in found.adjustments} == {"size", "duration_s"}
    assert rentals.rented(clips, wanted, date(2025, 1, 1)) is None
    same = wanted.model_copy(update={"width": 1248, "height": 720})
    assert not rentals.is_less(wanted, same)
    assert rentals.is_less(wanted, wanted.model_copy(update={"width": None, "height": None}))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(59.2556, 59.2), (3.399, 3.39), (847.9, 847), (84_799, 84_700), (0.01234, 0.0123), (0, 0), (100, 100)],
)
def test_outputs_an_hour_are_rounded_down_to_three_figures(value, shown):
    assert rounded_down(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, None), ("0", "0"), ("16.00", "16"), ("1E+3", "1000"), ("0.0012345678", "0.001235")],
)
def test_dollars_are_shown_to_the_millionth(value, shown):
    assert usd(value and Decimal(value)) == shown
