"""Two gateways on one Postgres before one SGLang server, which holds one set of LoRAs: none is made with another's."""

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from adapters.holding import _nickname
from adapters.registry import CATALOG_DIR
from gateway import migrations
from tests.simulators.server import Ask, Server, World
from tests.simulators.sglang import SGLANG, color, respond
from tests.stories.house import FINAL, Customer, Gateway, eventually

MODEL = "black-forest-labs/flux-1-dev"
STYLES = {"ink-wash": ("/loras/ink.safetensors", 0.8), "night-shift": ("/loras/night.safetensors", 1.0)}
SETS: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "ink": [{"id": "ink-wash"}],
    "both": [{"id": "night-shift", "scale": 0.5}, {"id": "ink-wash"}],
}
SIZE = {"width": 256, "height": 256}
DEADLINE_S = 20


def colored(name: str) -> tuple[int, int, int]:
    """What a picture of one of the sets looks like."""
    return color(tuple((_nickname(STYLES[e["id"]][0]), e.get("scale", STYLES[e["id"]][1])) for e in SETS[name]))


@pytest.fixture(scope="module")
def engine() -> Iterator[Server]:
    with Server(SGLANG) as running:
        yield running


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card as it comes, with less patience; and names for two LoRAs."""
    folder = tmp_path_factory.mktemp("loras")
    card = yaml.safe_load((CATALOG_DIR / "providers" / "sglang.yaml").read_text())
    (folder / "sglang.yaml").write_text(yaml.safe_dump(card | {"deadline_s": DEADLINE_S, "timeout_s": DEADLINE_S}))
    named = [
        {"id": id, "models": MODEL, "scale": scale, "at": {"sglang": path}, "triggers": [id.replace("-", " ")]}
        for id, (path, scale) in STYLES.items()
    ]
    named.append({"id": "gone", "models": [MODEL], "at": {"sglang": "/loras/missing.safetensors"}})
    (folder / "loras.yaml").write_text(yaml.safe_dump({"loras": named}))
    return folder


@pytest.fixture(scope="module")
def replicas(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], postgres_server: Any, overlay: Path,
    engine: Server,
) -> Iterator[tuple[Gateway, Gateway]]:  # fmt: skip
    postgres_server.psql("CREATE DATABASE lora_sets")
    url = postgres_server.get_uri("lora_sets", driver="asyncpg")
    migrations.upgrade(url)
    variables = {
        "PODIUM_CATALOG_DIR": str(overlay), "PODIUM_SANDBOX": "off",
        "PODIUM_PROVIDER_SGLANG_BASE_URL": f"{engine.url}/v1", "PODIUM_PROVIDER_SGLANG_USD_PER_HOUR": "3.60",
    }  # fmt: skip
    first = new_gateway(url, **variables).start()
    second = new_gateway(url, PODIUM_STORE_URL=f"file://{first.folder}/assets", **variables).start()
    yield first, second
    close_gateway(first)
    close_gateway(second)
    postgres_server.psql("DROP DATABASE lora_sets WITH (FORCE)")


@pytest.fixture(autouse=True)
def forgotten(engine: Server) -> None:
    for name in ("switches", "mixed", "made"):
        engine.world.kept[name] = []


def at(gateway: Gateway, customer: Customer) -> Customer:
    return Customer(gateway, customer.id, customer.secret)


def asked(name: str, number: int, word: str = "") -> dict[str, Any]:
    prompt = f"a lantern, {name} {number}{word}"
    return {"task": "text-to-image", "model": f"sglang/{MODEL}", "prompt": prompt, "loras": SETS[name], **SIZE}


def submitted(doors: list[Customer], rounds: int, word: str = "") -> dict[str, str]:
    """Jobs of every set in turn, at every door in turn: id → the set."""
    jobs: dict[str, str] = {}
    for number in range(rounds):
        for place, name in enumerate(SETS):
            job = doors[(number + place) % len(doors)].submit(asked(name, number, word))
            jobs[job["id"]] = name
    return jobs


def ended(customer: Customer, jobs: dict[str, str], within_s: float) -> dict[str, dict[str, Any]]:
    def look() -> dict[str, dict[str, Any]] | None:
        seen = {job_id: customer.get(f"/v1/jobs/{job_id}").json() for job_id in jobs}
        return seen if all(job["status"] in FINAL for job in seen.values()) else None

    found: dict[str, dict[str, Any]] = eventually(look, "all jobs end", within_s)
    return found


def shown(customer: Customer, job: dict[str, Any]) -> tuple[int, int, int]:
    content = customer.get(job["outputs"][0]["url"]).content
    pixel = Image.open(io.BytesIO(content)).convert("RGB").getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel[0], pixel[1], pixel[2]


def test_the_engine_mixes_if_it_is_asked_wrongly() -> None:
    """So that a picture of the wrong color would be seen here."""
    world = World()

    def told(path: str, body: dict[str, Any]) -> Any:
        return respond(Ask("POST", path, "", {}, json.dumps(body).encode(), "http://engine"), world).body

    told("/v1/set_lora", {"lora_nickname": "a", "lora_path": "a", "strength": 1.0})
    pieces = iter(told("/v1/images/generations", {"prompt": "a lantern", "width": 8, "height": 8}).pieces)
    begun = next(pieces)
    told("/v1/unmerge_lora_weights", {})
    made = json.loads(begun + b"".join(pieces))["data"][0]["b64_json"]
    pixel = Image.open(io.BytesIO(base64.b64decode(made))).getpixel((0, 0))
    assert pixel == color(()) != color((("a", 1.0),)) and world.kept["mixed"] == ["a lantern"]


def test_runs_of_three_sets_are_grouped_and_none_is_made_with_anothers(
    replicas: tuple[Gateway, Gateway], engine: Server
) -> None:
    first, second = replicas
    alice = first.customer("5")
    jobs = submitted([alice, at(second, alice)], rounds=5)
    done = ended(alice, jobs, 60)
    assert {job["status"] for job in done.values()} == {"succeeded"}, done
    assert [shown(alice, done[id]) for id in jobs] == [colored(name) for name in jobs.values()]
    assert engine.world.kept["mixed"] == []
    times_active_changed = len(engine.world.kept["switches"])
    assert times_active_changed <= 2 * len(SETS) + 2, "each set in one go: one merge, and one unmerge before the next"
    assert second.check_books()["open_holds"] == 0
    first.check_books()


def test_a_run_that_waits_for_its_set_is_queued_and_says_so(replicas: tuple[Gateway, Gateway]) -> None:
    first, _ = replicas
    alice = first.customer("5")
    slow = alice.submit(asked("ink", 0, " [slow]"))
    alice.job_when(slow["id"], lambda job: job["status"] == "running")
    job = alice.submit(asked("none", 0))
    seen = alice.get(f"/v1/jobs/{job['id']}").json()
    assert seen["status"] == "queued"
    assert seen["attempts"][0]["provider_status"] == "waits until the engine holds its LoRAs"
    assert alice.finished(job["id"])["status"] == "succeeded"
    assert alice.finished(slow["id"])["status"] == "succeeded"


def test_a_run_that_waits_is_canceled_without_a_word_to_the_engine(
    replicas: tuple[Gateway, Gateway], engine: Server
) -> None:
    first, _ = replicas
    alice = first.customer("5")
    slow = alice.submit(asked("ink", 2, " [slow]"))
    alice.job_when(slow["id"], lambda job: job["status"] == "running")
    job = alice.submit(asked("both", 2))
    canceled = alice.post(f"/v1/jobs/{job['id']}/cancel", {}).json()
    assert canceled["status"] == "canceled" and canceled["canceled_by"] == "provider"
    assert canceled["cost"]["cost_usd"] in ("0", "0.00")
    assert alice.finished(slow["id"])["status"] == "succeeded"
    assert not any("both 2" in prompt for prompt, _ in engine.world.kept["made"])
    assert alice.held == 0


def test_a_set_that_cannot_be_held_fails_its_own_run_and_no_other(
    replicas: tuple[Gateway, Gateway], engine: Server
) -> None:
    first, _ = replicas
    alice = first.customer("5")
    bad = alice.submit(asked("none", 1) | {"loras": [{"id": "gone"}]})
    good = alice.submit(asked("ink", 1))
    failed = alice.finished(bad["id"])
    assert failed["status"] == "failed" and {each["fault"] for each in failed["attempts"]} == {"provider_fault"}
    done = alice.finished(good["id"])
    assert done["status"] == "succeeded" and shown(alice, done) == colored("ink")
    assert engine.world.kept["mixed"] == []


def test_an_unknown_name_is_refused_with_those_that_are_near(replicas: tuple[Gateway, Gateway]) -> None:
    first, _ = replicas
    answer = first.customer("1").post("/v1/jobs", asked("none", 2) | {"loras": [{"id": "ink-wahs"}]})
    assert answer.status_code == 422 and answer.json()["near"] == ["ink-wash"]


def test_named_loras_are_listed_with_the_offers_that_take_them(replicas: tuple[Gateway, Gateway]) -> None:
    first, _ = replicas
    listed = {each["id"]: each for each in first.customer("1").get("/v1/loras").json()["data"]}
    assert listed.keys() == {"ink-wash", "night-shift", "gone"}
    ink = listed["ink-wash"]
    assert ink["offers"] == [f"sglang/{MODEL}"] and ink["models"] == [MODEL] and ink["scale"] == 0.8
    assert ink["available"] and ink["triggers"] == ["ink wash"] and "/loras" not in str(ink)


def test_when_a_gateway_is_killed_in_the_middle_every_run_ends_and_none_is_mixed(
    replicas: tuple[Gateway, Gateway], engine: Server
) -> None:
    first, second = replicas
    alice = at(second, first.customer("5"))
    jobs = submitted([at(first, alice), alice], rounds=3)
    time.sleep(0.7)
    first.kill()
    done = ended(alice, jobs, 100)
    first.start()
    good = {id: job for id, job in done.items() if job["status"] == "succeeded"}
    lost = [attempt for id, job in done.items() if id not in good for attempt in job["attempts"]]
    assert len(good) >= 1
    assert [shown(alice, job) for job in good.values()] == [colored(jobs[id]) for id in good]
    assert all(attempt["fault"] == "timed_out" for attempt in lost), lost
    assert engine.world.kept["mixed"] == []
    assert second.check_books()["open_holds"] == 0
