"""Workflows as a customer has them: steps follow one another, caps hold, and no crash makes a second job."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway import migrations
from gateway.client import AsyncPodium, Podium, WorkflowFailed
from tests.stories.cards import CHEAP, asked
from tests.stories.house import ROOT, Customer, Gateway, child_environment, eventually
from tests.stories.receiver import Receiver
from tests.stories.test_events import parsed
from tests.stories.upstreams import Queue, Upstream, held_until, status

SMALL = {"width": 128, "height": 128}
DRAFT = {"task": "text-to-image", "model": "podium/sandbox-pictures-draft", **SMALL}
WORDS = {"task": "text", "prompt": "One line on a fox.", "model": "podium/sandbox-words", "max_tokens": 20}
CLIP = {
    "task": "image-to-video", "model": "podium/sandbox-clips", "duration_s": 1, "resolution": "360p", "fps": 8,
    "prompt": "it turns its head",
}  # fmt: skip
ENDED = ("succeeded", "failed", "canceled")


@pytest.fixture(scope="module")
def replicas(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], postgres_server: Any, cards: Path
) -> Iterator[list[Gateway]]:
    """Two gateways on one Postgres and one store."""
    postgres_server.psql("CREATE DATABASE workflows")
    url = postgres_server.get_uri("workflows", driver="asyncpg")
    migrations.upgrade(url)
    variables = {"PODIUM_CATALOG_DIR": str(cards), "PODIUM_SANDBOX": "on"}
    first = new_gateway(url, **variables).start()
    second = new_gateway(url, PODIUM_STORE_URL=f"file://{first.folder}/assets", **variables).start()
    yield [first, second]
    close_gateway(first)
    close_gateway(second)
    postgres_server.psql("DROP DATABASE workflows WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest) -> Gateway:
    """A gateway on either kind of database."""
    if request.param == "sqlite":
        town: Gateway = request.getfixturevalue("town")
        return town
    first: Gateway = request.getfixturevalue("replicas")[0]
    return first


@pytest.fixture(scope="module")
def teller(new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None]) -> Iterator[Gateway]:
    gateway = new_gateway(PODIUM_SANDBOX="on", PODIUM_WEBHOOKS_PRIVATE="on").start()
    yield gateway
    close_gateway(gateway)


def step(name: str, job: dict[str, Any], *after: str) -> dict[str, Any]:
    return {"id": name, "job": job, "after": list(after)}


def begun(customer: Customer, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A workflow as it was accepted."""
    answer = customer.post("/v1/workflows", {"steps": steps} | more)
    assert answer.status_code in (201, 202), answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/workflows/{made['id']}"
    return made


def looked_at(customer: Customer, workflow_id: str) -> dict[str, Any]:
    answer = customer.get(f"/v1/workflows/{workflow_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ended(customer: Customer, workflow: dict[str, Any], within_s: float = 30) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = looked_at(customer, workflow["id"])
        return found if found["status"] in ENDED else None

    found: dict[str, Any] = eventually(look, f"{workflow['id']} ends", within_s)
    return found


def statuses(workflow: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["status"] for each in workflow["steps"]}


def jobs_of(customer: Customer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = customer.get("/v1/jobs?limit=100").json()["data"]
    return found


def test_words_become_a_picture_and_the_picture_a_clip(place: Gateway) -> None:
    alice = place.customer("1")
    made = begun(
        alice,
        step("clip", CLIP | {"inputs": [{"role": "first_frame", "from": "still.outputs.0"}]}),
        step("still", DRAFT | {"prompt": "A poster: {{outline.text}}"}),
        step("outline", WORDS),
        name="a fox", max_cost_usd="0.10", metadata={"project": "x"},
    )  # fmt: skip
    assert made["status"] == "running" and statuses(made)["clip"] == "waiting"
    assert [(each["id"], each["after"], each["level"]) for each in made["steps"]] == [
        ("clip", ["still"], 2), ("still", ["outline"], 1), ("outline", [], 0),
    ]  # fmt: skip
    assert Decimal(made["quote_usd"]) == sum(Decimal(each["quote_usd"]) for each in made["steps"])
    done = ended(alice, made)
    assert done["status"] == "succeeded", done
    clip, still, outline = done["steps"]
    [words], [picture], [film] = outline["outputs"], still["outputs"], clip["outputs"]
    assert alice.get(film["url"]).status_code == 200 and film["mime"] == "video/mp4"
    jobs = {each["id"]: each for each in jobs_of(alice)}
    assert set(jobs) == {each["job"] for each in done["steps"]}
    assert words["text"] and picture["mime"].startswith("image/")
    cost = sum(Decimal(each["cost"]["cost_usd"]) for each in jobs.values())
    assert Decimal(done["cost_usd"]) == cost == 1 - alice.balance and alice.held == 0 == Decimal(done["held_usd"])
    assert done["metadata"] == {"project": "x"} and done["progress"] == 1.0 and done["error"] is None
    again = done["request"]
    assert again["name"] == "a fox" and Decimal(again["max_cost_usd"]) == Decimal("0.10")
    assert [each["id"] for each in again["steps"]] == ["clip", "still", "outline"]
    assert again["steps"][1]["job"]["prompt"] == "A poster: {{outline.text}}"
    assert looked_at(alice, begun(alice, *again.pop("steps"), **again)["id"])["request"]["name"] == "a fox"
    for before, after in ((outline, still), (still, clip)):
        assert before["ended_at"] <= after["ready_at"] <= after["started_at"]


def test_two_branches_run_side_by_side_and_are_joined(place: Gateway) -> None:
    alice = place.customer("1")
    edit = {"task": "image-edit", "prompt": "both", "model": "podium/sandbox-pictures"}
    inputs = [{"role": "source", "from": "left.outputs.0"}, {"role": "reference", "from": "right.outputs.1"}]
    made = begun(
        alice, step("left", DRAFT | {"prompt": "a fox"}), step("right", DRAFT | {"prompt": "an owl", "count": 2}),
        step("both", edit | {"inputs": inputs}), step("last", WORDS, "both", "left"),
    )  # fmt: skip
    done = ended(alice, made)
    assert done["status"] == "succeeded", done
    left, right, both, last = done["steps"]
    assert both["after"] == ["left", "right"] and last["after"] == ["left", "both"] and len(right["outputs"]) == 2
    assert max(left["started_at"], right["started_at"]) < min(left["ended_at"], right["ended_at"])
    assert done["counts"] == {"succeeded": 4}


@pytest.mark.parametrize(
    ("on_failure", "expected"),
    [
        ("stop", {"bad": "failed", "needs": "skipped", "slow": "succeeded", "free": "skipped"}),
        ("continue", {"bad": "failed", "needs": "skipped", "slow": "succeeded", "free": "succeeded"}),
    ],
)
def test_a_failed_step_stops_the_rest_or_only_what_needs_it(
    place: Gateway, upstream: Upstream, on_failure: str, expected: dict[str, str]
) -> None:
    done = threading.Event()
    upstream.plan("north", status(400, {"message": "seed must be prime"}))
    upstream.plan("south", held_until(done))
    alice = place.customer("1")
    made = begun(
        alice, step("bad", asked("north")), step("needs", DRAFT | {"prompt": "x"}, "bad"),
        step("slow", asked("south")), step("free", DRAFT | {"prompt": "y"}, "slow"), on_failure=on_failure,
    )  # fmt: skip
    eventually(lambda: statuses(looked_at(alice, made["id"]))["needs"] == "skipped", "the skip")
    done.set()
    found = ended(alice, made)
    assert found["status"] == "failed" and statuses(found) == expected
    assert found["error"]["step"] == "bad" and "prime" in found["error"]["message"]
    assert next(each["error"]["code"] for each in found["steps"] if each["id"] == "needs") == "skipped"


def test_a_cap_holds_over_branches_that_start_at_once_and_fall_back(
    replicas: list[Gateway], upstream: Upstream
) -> None:
    """Eight branches at 0.01 under a cap of 0.10, at two gateways; each fails at north and may go on at 0.02."""
    alice = replicas[0].customer("5")
    upstream.plan("north", *[status(500)] * 200)
    names = [f"branch{number}" for number in range(8)]
    cap = Decimal("0.10")
    made = begun(alice, *[step(name, asked("north", "south")) for name in names], max_cost_usd=str(cap),
                 on_failure="continue")  # fmt: skip
    most = Decimal(0)

    def look() -> dict[str, Any] | None:
        nonlocal most
        now = looked_at(alice, made["id"])
        most = max(most, Decimal(now["held_usd"]) + Decimal(now["cost_usd"]))
        assert most <= cap, now
        return now if now["status"] in ENDED else None

    found = eventually(look, "it ends", 60)
    assert Decimal(found["cost_usd"]) == 5 - alice.balance <= cap and alice.held == 0
    kinds = set(statuses(found).values())
    assert kinds <= {"succeeded", "failed"}, found
    ceilings = [Decimal(each["max_cost_usd"] or 0) for each in found["steps"]]
    assert all(Decimal(each["cost_usd"] or 0) <= top for each, top in zip(found["steps"], ceilings, strict=True))
    assert len(jobs_of(alice)) == len({each["job"] for each in found["steps"] if each["job"]})


def test_many_capped_workflows_at_two_gateways_never_pass_their_caps(
    replicas: list[Gateway], upstream: Upstream
) -> None:
    alice = replicas[0].customer("5")
    steps = [step(f"s{number}", asked("north", "south")) for number in range(6)]

    def one(number: int) -> dict[str, Any]:
        there = Customer(replicas[number % 2], alice.id, alice.secret)
        return ended(there, begun(there, *steps, max_cost_usd="0.075"), 90)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one, range(8)))
    assert {each["status"] for each in found} == {"succeeded"}, [each["error"] for each in found]
    assert all(Decimal(each["cost_usd"]) == Decimal("0.06") for each in found)
    assert len(jobs_of(alice)) == 48 and alice.held == 0


def test_quotes_beyond_the_cap_are_refused_whole(town: Gateway) -> None:
    alice = town.customer("1")
    answer = alice.post(
        "/v1/workflows", {"steps": [step("a", asked("north")), step("b", asked("south"))], "max_cost_usd": "0.029"}
    )
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["needed_usd"]) == (402, "over_budget", "0.03")
    assert problem["short_by_usd"] == "0.001" and not alice.get("/v1/workflows").json()["data"]


def test_a_step_that_the_key_cannot_pay_fails_and_says_so(town: Gateway) -> None:
    poor = town.customer("0.015")
    found = ended(poor, begun(poor, step("a", asked("north")), step("b", asked("north"), "a")))
    assert statuses(found) == {"a": "succeeded", "b": "failed"}
    assert found["error"]["code"] == "insufficient_funds" and found["cost_usd"] == CHEAP


def test_a_cancel_stops_what_runs_and_skips_the_rest(place: Gateway, upstream: Upstream) -> None:
    release = threading.Event()
    upstream.plan("north", held_until(release))
    alice = place.customer("1")
    made = begun(alice, step("long", asked("north")), step("next", DRAFT | {"prompt": "x"}, "long"))
    eventually(lambda: upstream.posts("north"), "the job runs")
    answer = alice.post(f"/v1/workflows/{made['id']}/cancel")
    found = answer.json()
    release.set()
    assert answer.status_code == 200 and found["status"] == "canceled" and found["canceled_at"]
    assert statuses(found) == {"long": "canceled", "next": "skipped"}
    again = alice.post(f"/v1/workflows/{made['id']}/cancel").json()
    assert again["status"] == "canceled" and again["ended_at"] == found["ended_at"]
    eventually(lambda: alice.held == 0, "the hold ends")


def test_another_key_finds_nothing_and_an_admin_all(town: Gateway) -> None:
    alice, eve = town.customer("1"), town.customer("1")
    made = begun(alice, step("a", DRAFT | {"prompt": "x"}))
    path = f"/v1/workflows/{made['id']}"
    answers = [eve.get(path), eve.get(f"{path}/events"), eve.post(f"{path}/cancel"), eve.get(path, prefer="wait=1")]
    assert {(each.status_code, each.json()["code"]) for each in answers} == {(404, "not_found")}
    assert eve.get("/v1/workflows").json() == {"data": [], "next": None}
    assert town.admin.get(path).json()["id"] == made["id"]
    assert made["id"] in [each["id"] for each in town.admin.get("/v1/workflows?limit=100").json()["data"]]
    picture = ended(alice, made)["steps"][0]["outputs"][0]["asset"]
    theirs = {"task": "image-edit", "prompt": "mine now", "inputs": [{"role": "source", "asset": picture}]}
    stolen = eve.post("/v1/workflows", {"steps": [step("theft", theirs)]})
    assert stolen.status_code == 404 and stolen.json()["errors"][0]["path"] == "steps.0.job"


def test_a_list_is_paged_and_filtered(town: Gateway) -> None:
    alice = town.customer("1")
    made = [begun(alice, step("a", DRAFT | {"prompt": f"{number}"})) for number in range(3)]
    for each in made:
        ended(alice, each)
    first = alice.get("/v1/workflows?limit=2").json()
    rest = alice.get(f"/v1/workflows?limit=2&after={first['next']}").json()
    assert [each["id"] for each in first["data"] + rest["data"]] == [each["id"] for each in reversed(made)]
    assert rest["next"] is None and alice.get("/v1/workflows?status=failed").json()["data"] == []


def test_the_same_idempotency_key_is_the_same_workflow(place: Gateway) -> None:
    alice = place.customer("1")
    body = {"steps": [step("a", DRAFT | {"prompt": "x"})]}
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: alice.post("/v1/workflows", body, idempotency_key="mine").json(), range(4)))
    assert len({each["id"] for each in made}) == 1
    other = alice.post("/v1/workflows", body | {"name": "other"}, idempotency_key="mine")
    assert (other.status_code, other.json()["workflow"]) == (409, made[0]["id"])
    ended(alice, made[0])
    assert len(jobs_of(alice)) == 1


def test_whoever_waits_is_answered_at_the_end(town: Gateway) -> None:
    alice = town.customer("1")
    answer = alice.post("/v1/workflows", {"steps": [step("a", DRAFT | {"prompt": "x"})]}, prefer="wait=30")
    assert answer.status_code == 201 and answer.json()["status"] == "succeeded"


def test_its_life_is_told_and_told_on_after_any_event(place: Gateway) -> None:
    alice = place.customer("1")
    made = begun(alice, step("a", DRAFT | {"prompt": "x"}), step("b", DRAFT | {"prompt": "y"}, "a"))

    def listen(last: str | None = None) -> list[Any]:
        assert place.client is not None
        headers = {"authorization": f"Bearer {alice.secret}"} | ({"last-event-id": last} if last else {})
        with place.client.stream("GET", f"/v1/workflows/{made['id']}/events", headers=headers) as answer:
            return list(parsed(answer)) if answer.status_code == 200 else [answer.status_code]

    whole = listen()
    assert [each.name for each in whole][-1] == "done" and {each.name for each in whole[:-1]} == {"step"}
    assert whole[-1].data["status"] == "succeeded"
    assert len({each.id for each in whole}) == len(whole)
    for stop in whole[:-1]:
        rest = listen(stop.id)
        assert rest[-1].data["id"] == made["id"] and stop.id not in [each.id for each in rest]
    assert listen(whole[-1].id) == [204]


def test_a_revoked_key_starts_no_further_step(town: Gateway, upstream: Upstream) -> None:
    release = threading.Event()
    upstream.plan("north", held_until(release))
    alice = town.customer("1")
    made = begun(alice, step("a", asked("north")), step("b", DRAFT | {"prompt": "x"}, "a"))
    eventually(lambda: upstream.posts("north"), "the job runs")
    assert town.admin.send("DELETE", f"/v1/keys/{alice.id}").status_code == 200
    release.set()
    found = ended(town.admin, made)
    assert statuses(found) == {"a": "succeeded", "b": "failed"} and found["status"] == "failed"
    assert found["error"]["code"] == "unauthorized" and "revoked" in found["error"]["message"]


def test_a_gateway_killed_between_steps_goes_on_with_the_next(mortal: Gateway, upstream: Upstream) -> None:
    alice = mortal.customer("1")
    sprung = threading.Event()

    def trap() -> None:
        mortal.kill()
        sprung.set()

    upstream.plan("keyed", Queue(hooks={"submit": trap}, keeps_keys=True))
    made = begun(
        alice, step("a", DRAFT | {"prompt": "x"}), step("b", asked("keyed", "north"), "a"),
        step("c", DRAFT | {"prompt": "z"}, "b"), max_cost_usd="0.10",
    )  # fmt: skip
    assert sprung.wait(30)
    mortal.start()
    found = ended(alice, made, 60)
    assert found["status"] == "succeeded", found
    assert len(jobs_of(alice)) == 3 and alice.held == 0


def test_a_gateway_killed_again_and_again_makes_each_job_once(mortal: Gateway) -> None:
    alice = mortal.customer("1")
    chain = [step("s0", DRAFT | {"prompt": "0"})]
    chain += [step(f"s{number}", DRAFT | {"prompt": f"{number}"}, f"s{number - 1}") for number in range(1, 6)]
    made = begun(alice, *chain, max_cost_usd="0.01")
    for number in (1, 3, 5):
        reached = [f"s{each}" for each in range(number)]
        eventually(lambda: statuses(looked_at(alice, made["id"]))[reached[-1]] == "succeeded", "a step ends")  # noqa: B023
        mortal.restart()
    found = ended(alice, made, 60)
    assert found["status"] == "succeeded", found
    jobs = jobs_of(alice)
    assert len(jobs) == 6 and all(alice.entries(each["id"]) == ["hold", "settle"] for each in jobs)


def test_its_end_is_told_once_and_signed(teller: Gateway) -> None:
    with Receiver() as receiver:
        alice = teller.customer("1")
        secret = alice.get("/v1/webhooks/secret").json()["secret"]
        hook = alice.post("/v1/webhooks", {"url": receiver.url + "/all", "events": ["workflow.finished"]}).json()
        made = begun(alice, step("a", DRAFT | {"prompt": "x"}), step("b", WORDS, "a"), webhook_url=receiver.url)
        found = ended(alice, made)
        posts = receiver.heard(2, "workflow.finished")
        by_path = {post.path: post for post in posts}
        assert by_path["/hooks"].verified(secret)["data"]["id"] == made["id"]
        told = by_path["/hooks/all"].verified(hook["secret"])["data"]
        assert told["status"] == "succeeded" and told["cost_usd"] == found["cost_usd"]
        assert [each["status"] for each in told["steps"]] == ["succeeded", "succeeded"]
        eventually(
            lambda: all(each["status"] == "delivered" for each in alice.get("/v1/webhooks/deliveries").json()["data"]),
            "all is delivered",
        )
        assert len(receiver.of("workflow.finished")) == 2


def test_the_documents_example_runs(house: Gateway, tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "workflows.md").read_text(), re.DOTALL)
    variables = {"PODIUM_URL": house.url, "PODIUM_KEY": house.customer("1").secret}
    ran = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, env=child_environment(**variables), capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0 and ran.stdout.startswith("succeeded "), ran.stderr
    assert b"ftyp" in (tmp_path / "fox.mp4").read_bytes()[:16]


@pytest.mark.anyio
async def test_our_client_begins_waits_and_cancels(town: Gateway, upstream: Upstream) -> None:
    alice = town.customer("1")
    upstream.plan("north", status(400, {"message": "seed must be prime"}))
    with Podium(town.url, alice.secret) as podium:
        failing = podium.begin_workflow(steps=[step("a", asked("north"))], idempotency_key="once")
        assert podium.begin_workflow(steps=[step("a", asked("north"))], idempotency_key="once").id == failing.id
        with pytest.raises(WorkflowFailed, match="prime") as failure:
            podium.wait_workflow(failing.id)
        assert failure.value.workflow.status == "failed" == podium.workflow(failing.id).step("a").status
        assert podium.cancel_workflow(failing.id).status == "failed"
    async with AsyncPodium(town.url, alice.secret) as podium:
        begun = await podium.begin_workflow(steps=[step("a", DRAFT | {"prompt": "x"})])
        done = await podium.wait_workflow(begun.id)
        assert done.cost_usd == Decimal("0.0005") and (await podium.workflow(begun.id)).id == done.id
        assert (await podium.cancel_workflow(begun.id)).status == "succeeded" and done.steps[0].outputs
