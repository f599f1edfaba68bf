"""An own engine beside an API: jobs go to it while its queue is short enough, and the API is there when it is not.

The engine is ComfyUI's simulator with a pace, so that what it is given waits in a queue of its own; its price comes
from what an hour of its machine costs.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.registry import CATALOG_DIR
from tests.simulators import comfyui
from tests.simulators.server import Server
from tests.stories.cards import card, offer, priced
from tests.stories.house import Customer, Gateway, eventually, statuses
from tests.stories.upstreams import Exchange, Upstream, dropped, pictures

MODEL = "stability-ai/sdxl-1.0"
PACE_S = 3.0
WAIT_S = 7.0
"""Longer than two runs, shorter than three."""
HOUR_USD, RUN_USD, HOLD_USD, API_USD = "3.60", "0.003", "0.02", "0.04"
"""An hour of the machine, a run of three seconds, twenty seconds that are held, and a picture of the API."""
OTHER_MODEL = "black-forest-labs/flux-1-dev"
"""Of a second engine, which says nothing of time and answers a submit with its picture."""
BODY = {"task": "text-to-image", "model": MODEL, "width": 512, "height": 512, "steps": 8}


def our_cards(folder: Path, api_url: str) -> Path:
    """The engine's own card with one offer and no price, and an API of the same model."""
    ours = yaml.safe_load((CATALOG_DIR / "providers" / "comfyui.yaml").read_text())
    [sdxl] = [each for each in ours["offers"] if each["model"] == MODEL]
    sdxl |= {"eta_s": {"text-to-image": PACE_S}, "expects": [{"unit": "gpu_second", "quantity": 20}]}
    (folder / "comfyui.yaml").write_text(yaml.safe_dump(ours | {"offers": [sdxl]}))
    accepts = {name: {} for name in ("width", "height", "steps")}
    theirs = [
        offer("story/picture", priced(API_USD)) | {"model": model, "accepts": accepts} for model in (MODEL, OTHER_MODEL)
    ]
    (folder / "api.yaml").write_text(yaml.safe_dump(card("api", f"{api_url}/api", offers=theirs)))
    silent = theirs[1] | {"prices": [], "expects": [{"unit": "gpu_second", "quantity": 20}]}
    machine = {"self_hosted": True, "machine": {"usd_per_hour": HOUR_USD}, "health": {"kind": "plain"}}
    (folder / "studio.yaml").write_text(yaml.safe_dump(card("studio", f"{api_url}/studio", offers=[silent]) | machine))
    return folder


@dataclass
class House:
    """A gateway between its own engine and an API."""

    gateway: Gateway
    engine: Server
    api: Upstream
    doors: ExitStack = field(default_factory=ExitStack)

    def submit(self, customer: Customer, prompt: str, **routing: Any) -> dict[str, Any]:
        wishes = {"policy": "local-first", "max_local_wait_s": WAIT_S} | routing
        return customer.submit(BODY | {"prompt": prompt, "routing": wishes})

    def decision(self, job: dict[str, Any]) -> dict[str, Any]:
        answer = self.gateway.admin.get(f"/v1/decisions/{job['decision']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def reason(self, job: dict[str, Any], offer: str) -> str:
        [found] = [each["reason"] for each in self.decision(job)["rejected"] if each["offer"] == offer]
        return str(found)

    def ours(self) -> dict[str, Any]:
        """The engine's offer as the catalog shows it."""
        offers = self.gateway.admin.get("/v1/offers?limit=500").json()["data"]
        [found] = [each for each in offers if each["id"] == f"comfyui/{MODEL}"]
        assert isinstance(found, dict)
        return found

    def calm(self) -> None:
        """Nothing is before a new run, and a reading says so."""
        with self.engine.world.gate:
            self.engine.world.kept["ends"] = {}
        eventually(lambda: self.ours()["engine"]["queue"] == 0 and self.ours()["engine"]["reading_at"], "it is calm")


@pytest.fixture
def house(
    tmp_path: Path, new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None]
) -> Iterator[House]:
    with ExitStack() as stack:
        doors = stack.enter_context(ExitStack())
        engine, api = doors.enter_context(Server(*comfyui.SIMULATED)), stack.enter_context(Upstream())
        engine.world.kept["pace_s"] = PACE_S
        settings = {
            "PODIUM_PROVIDER_COMFYUI_BASE_URL": engine.url, "PODIUM_PROVIDER_COMFYUI_USD_PER_HOUR": HOUR_USD,
            "PODIUM_ENGINES_EVERY_S": "1", "PODIUM_CATALOG_DIR": str(our_cards(tmp_path, api.url)),
        }  # fmt: skip
        api.plan("studio", well)
        gateway = new_gateway(PODIUM_SANDBOX="off", **settings).start()
        stack.callback(close_gateway, gateway)
        made = House(gateway, engine, api, doors)
        made.calm()
        yield made
        gateway.check_books()


def well(exchange: Exchange) -> None:
    """The second engine: it works a second on a picture."""
    if exchange.method == "GET":
        return exchange.reply(200, {})
    time.sleep(1)
    return pictures(exchange)


def dying(exchange: Exchange) -> None:
    """It takes what it is given, and is gone."""
    return exchange.reply(503, {}) if exchange.method == "GET" else dropped(exchange)


def where(job: dict[str, Any]) -> str:
    return str(job["offer"]).split("/")[0]


def test_jobs_go_to_our_engine_until_its_queue_is_too_long_and_then_to_the_api(house: House) -> None:
    customer = house.gateway.customer()
    jobs = [house.submit(customer, f"a red fox, number {number}") for number in range(5)]
    assert [where(job) for job in jobs] == ["comfyui", "comfyui", "comfyui", "api", "api"]
    said = [house.decision(job) for job in jobs]
    assert said[0]["ranked"][0]["said"] == "ours, nothing before it"
    assert said[2]["ranked"][0]["said"] == "ours, 2 before it: 6 s, within the 7 s that are waited for"
    last = said[3]["ranked"][1]
    assert (last["offer"], last["is_local"], last["load"]["queue"]) == (f"comfyui/{MODEL}", True, 3)
    assert last["said"] == "ours, but 3 before it: 9 s, over the 7 s that are waited for"
    assert last["load"]["reading_at"] and last["parts"]["local"] == 0
    ended = [customer.finished(job["id"], within_s=60) for job in jobs]
    assert {job["status"] for job in ended} == {"succeeded"}, [job["error"] for job in ended]
    assert [Decimal(job["cost"]["cost_usd"]) for job in ended] == [Decimal(RUN_USD)] * 3 + [Decimal(API_USD)] * 2
    assert all(customer.entries(job["id"]) == ["hold", "settle"] for job in ended)
    assert ended[0]["cost"]["source"] == "table" and ended[0]["cost"]["lines"][0]["quantity"] == "3"
    assert len(house.api.posts("api")) == 2

    house.calm()
    house.engine.world.kept["pace_s"] = 60.0
    comfyui.strangers(house.engine.world, 3)
    eventually(lambda: house.ours()["engine"]["queue"] == 3, "a reading tells of the strangers")
    shown = house.ours()
    assert (shown["engine"]["running"], shown["engine"]["waiting"]) == (1, 2) and shown["engine"]["vram_free_bytes"]
    assert shown["self_hosted"] and shown["prices"][0]["source"] == "own machine: 3.60 USD an hour"
    assert shown["evidence"]["text-to-image"]["eta_s"]["source"] in ("card", "measured")
    overflowed = house.submit(customer, "a red fox behind strangers")
    assert where(overflowed) == "api" and house.decision(overflowed)["ranked"][1]["load"]["queue"] == 3
    with house.engine.world.gate:  # the strangers leave, and no reading has told of it yet
        house.engine.world.kept |= {"pace_s": PACE_S, "ends": {}}
    kept = house.submit(customer, "a red fox that stays at home", only=["self-hosted"])
    assert where(kept) == "comfyui"
    assert customer.finished(kept["id"])["status"] == "succeeded"


def test_an_engine_that_dies_loses_its_jobs_to_the_api_within_their_caps_and_nothing_is_paid_twice(
    house: House,
) -> None:
    house.engine.world.kept["mute"] = True  # it makes pictures and never hands one out
    customer = house.gateway.customer("1")
    roomy = [house.submit(customer, f"a heron, number {number}", max_cost_usd="0.10") for number in range(2)]
    capped = house.submit(customer, "a heron for less than the API asks", max_cost_usd="0.03", max_local_wait_s=60)
    private = house.submit(customer, "a heron that nobody else may see", only=["self-hosted"])
    assert [where(job) for job in (*roomy, capped, private)] == ["comfyui"] * 4
    assert house.reason(capped, f"api/{MODEL}") == "costs 0.04 USD, over the limit of 0.03 USD"
    assert house.reason(private, f"api/{MODEL}") == "is not self-hosted"
    eventually(lambda: any(job["attempts"][0]["turns"] > 2 for job in map(customer.job, ids(roomy))), "one is made")
    house.doors.close()

    moved = [customer.finished(job["id"], within_s=90) for job in roomy]
    for job in moved:
        assert (job["status"], where(job)) == ("succeeded", "api"), (job["error"], statuses(job))
        first, *_, last = job["attempts"]
        assert (first["status"], first["fault"], first["cost_usd"]) == ("failed", "unreachable", "0.00")
        assert last["status"] == "succeeded" and Decimal(job["cost"]["cost_usd"]) == Decimal(API_USD)
        reasons = customer.entries(job["id"])
        assert reasons[0] == "hold" and reasons[-1] == "settle" and reasons.count("settle") == 1
    for lost in (customer.finished(capped["id"], 90), customer.finished(private["id"], 90)):
        assert (lost["status"], lost["error"]["code"]) == ("failed", "unreachable"), lost
        assert {where(each) for each in lost["attempts"]} == {"comfyui"} and Decimal(lost["cost"]["cost_usd"]) == 0
    assert len(house.api.posts("api")) == 2, "only what moved was sent to it"
    assert customer.balance == Decimal(1) - 2 * Decimal(API_USD) and customer.held == 0

    eventually(lambda: not house.ours()["available"], "two readings were not answered")
    assert house.ours()["obstacle"].startswith("does not answer since ")
    refused = customer.post("/v1/jobs", BODY | {"prompt": "a wren", "routing": {"only": ["self-hosted"]}})
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable"), refused.text
    assert "comfyui does not answer since 20" in refused.json()["detail"] and refused.headers["retry-after"]
    assert {each["reason"] for each in refused.json()["rejected"] if each["offer"].startswith("api/")} == {
        "is not self-hosted"
    }
    elsewhere = house.submit(customer, "a wren for whoever is there")
    assert where(elsewhere) == "api"
    assert house.reason(elsewhere, f"comfyui/{MODEL}").startswith("does not answer since ")
    assert customer.finished(elsewhere["id"])["status"] == "succeeded"


def ids(jobs: list[dict[str, Any]]) -> list[str]:
    return [job["id"] for job in jobs]


def test_an_engine_that_says_nothing_of_time_is_paid_by_our_clock_and_what_it_took_along_is_made_elsewhere(
    house: House,
) -> None:
    customer = house.gateway.customer("1")
    body = BODY | {"model": OTHER_MODEL, "prompt": "a wren", "routing": {"policy": "local-first"}}
    made = customer.done(body)
    assert (made["status"], where(made), made["cost"]["source"]) == ("succeeded", "studio", "measured"), made["error"]
    [line] = made["cost"]["lines"]
    assert line["unit"] == "gpu_second" and 1 <= float(line["quantity"]) < 20
    assert Decimal(made["cost"]["cost_usd"]) == Decimal(line["quantity"]) / 1000
    spent = Decimal(made["cost"]["cost_usd"])

    house.api.plan("studio", dying)
    lost = customer.submit(body)
    assert where(lost) == "studio"
    customer.job_when(lost["id"], lambda job: job["attempts"][0]["status"] == "unknown")
    assert customer.entries(lost["id"]) == ["hold"], "nobody knows yet what became of it"
    moved = customer.finished(lost["id"], within_s=60)
    assert (moved["status"], where(moved)) == ("succeeded", "api"), (moved["error"], statuses(moved))
    assert statuses(moved)[0] == ("studio", "failed", "unreachable")
    assert customer.balance == Decimal(1) - spent - Decimal(API_USD) and customer.held == 0
    assert customer.entries(lost["id"]).count("settle") == 1
