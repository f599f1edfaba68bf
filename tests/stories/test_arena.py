"""Two answers, unnamed until the vote: on the embedded defaults and on Postgres, with the sandbox's own models."""

import json
from decimal import Decimal

import httpx
import pytest

from tests.stories.house import NUMBERS, eventually

ASKED = {"task": "text-to-image", "prompt": "a red fox in fresh snow", "width": 256, "height": 256}
DRAFT, FULL = Decimal("0.0005"), Decimal("0.002")
MODELS = {"podium/sandbox-pictures", "podium/sandbox-pictures-draft"}
REFUSED = {"extra": {"sandbox": {"sandbox": {"refuse": True}}}}
SLOW = {"extra": {"sandbox": {"sandbox": {"delay_s": 1.5}}}}
TELLING = ("model", "offer", "provider", "cost_usd", "quote_usd", "seconds", "job", "decision", "rating")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def arena(request, new_gateway, close_gateway):
    """A gateway on whose board a model is shown after two votes."""
    url = None
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_server")
        server.psql("CREATE DATABASE arena")
        url = server.get_uri("arena", driver="asyncpg")
    gateway = new_gateway(url, PODIUM_ARENA_LEAST_VOTES="2")
    if url:
        from gateway import migrations

        migrations.upgrade(url)
    gateway.start()
    yield gateway
    close_gateway(gateway)
    if url:
        server.psql("DROP DATABASE arena WITH (FORCE)")


def begun(customer, body=ASKED, **headers):
    answer = customer.post("/v1/arena/battles", body, **{"Prefer": "wait=30"} | headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def voted(customer, battle, choice):
    return customer.post(f"/v1/arena/battles/{battle['id']}/vote", {"choice": choice})


def standings(customer):
    rows = customer.get("/v1/arena/standings?task=text-to-image").json()["data"]
    return {row["model"]: row for row in rows}


def test_a_battle_tells_nothing_before_the_vote_and_all_after_it(arena):
    customer = arena.customer()
    battle = begun(customer, ASKED | {"metadata": {"for": "a test"}})
    assert battle["status"] == "ready" and battle["vote"] is None and battle["draw"] is None
    jobs = customer.get("/v1/jobs").json()["data"]
    assert {job["model"] for job in jobs} == MODELS
    assert all(job["metadata"] == {} for job in jobs), "a list of jobs says nothing of battles"

    # Nothing that is shown is in what tells: neither names, nor ids, nor the hashes and names of the jobs' own outputs.
    for shown in (battle, customer.get(f"/v1/arena/battles/{battle['id']}").json(),
                  *customer.get("/v1/arena/battles?status=ready").json()["data"]):  # fmt: skip
        words = json.dumps(shown)
        for job in jobs:
            secrets = [job["id"], job["decision"], job["offer"], job["attempts"][0]["id"], job["outputs"][0]["asset"],
                       job["outputs"][0]["sha256"], job["started_at"], job["ended_at"], "sandbox"]  # fmt: skip
            assert not [each for each in secrets if each in words]
        assert set(shown["left"]) == set(shown["right"]) == {"outputs"}
        assert set(shown["left"]["outputs"][0]) == {"url", "mime", "text"}

    # Nor do the files: same pixels, no words of their maker, no way from the asset to its job.
    hashes = {job["outputs"][0]["sha256"] for job in jobs}
    for side in ("left", "right"):
        [output] = battle[side]["outputs"]
        answer = httpx.get(output["url"], trust_env=False)
        assert answer.status_code == 200 and answer.headers["content-type"] == output["mime"] == "image/png"
        assert b"tEXt" not in answer.content and b"iTXt" not in answer.content and b"eXIf" not in answer.content
        facts = customer.get("/v1/assets/" + output["url"].split("/assets/")[1].split("/")[0]).json()
        assert facts["job"] is None and facts["sha256"] not in hashes

    before = standings(customer)
    answer = voted(customer, battle, "left")
    assert answer.status_code == 200, answer.text
    after = answer.json()
    assert after["status"] == "voted" and after["metadata"] == {"for": "a test"}
    assert after["vote"]["choice"] == "left" and after["vote"]["counted"] is True
    assert after["vote"]["winner"] == after["left"]["model"]
    assert {after["left"]["model"], after["right"]["model"]} == MODELS
    for side in ("left", "right"):
        assert set(TELLING) < set(after[side])
        job = customer.job(after[side]["job"])
        assert (job["model"], job["offer"]) == (after[side]["model"], after[side]["offer"])
        assert Decimal(job["cost"]["cost_usd"]) == Decimal(after[side]["cost_usd"])
        assert after[side]["seconds"] >= 0 and after[side]["outputs"] == [
            battle[side]["outputs"][0] | {"url": after[side]["outputs"][0]["url"]}
        ]
    assert after["left"]["rating"]["change"] > 0 > after["right"]["rating"]["change"]
    assert after["draw"]["name"] == "close and little known" and after["draw"]["seed"] >= 0
    assert {each["model"] for each in after["draw"]["among"]} == MODELS
    assert customer.get(f"/v1/decisions/{after['draw']['decision']}").status_code == 200

    again, other = voted(customer, battle, "left"), voted(customer, battle, "tie")
    assert again.status_code == 200 and again.json()["vote"] == after["vote"]
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    moved = standings(customer)
    for side, wins in (("left", 1), ("right", 0)):
        model, was = after[side]["model"], before.get(after[side]["model"], {"wins": 0, "votes": 0, "rating": 1_000.0})
        assert moved[model]["wins"] - was["wins"] == wins and moved[model]["votes"] - was["votes"] == 1
        assert (after[side]["rating"]["before"], after[side]["rating"]["after"]) == (
            was["rating"],
            moved[model]["rating"],
        )
    assert customer.balance == Decimal(5) - DRAFT - FULL and customer.held == 0


def test_votes_become_standings_and_a_board_that_routing_reads(arena):
    for _ in range(2):
        customer = arena.customer()
        battle = begun(customer)
        draft = next(job["id"] for job in customer.get("/v1/jobs").json()["data"] if job["model"].endswith("draft"))
        assert draft  # its caller can look into its own jobs; which side it is, is for the eyes to tell
        assert voted(customer, battle, "right").status_code == 200
    rows = standings(customer)
    assert set(rows) == MODELS and all(row["votes"] >= 2 and row["on_board"] for row in rows.values())
    assert sum(row["wins"] for row in rows.values()) == sum(row["losses"] for row in rows.values())
    assert {row["position"] for row in rows.values()} <= {1, 2}
    assert all(row["low"] < row["rating"] < row["high"] for row in rows.values())

    board = eventually(
        lambda: (found := customer.get("/v1/boards/podium/text-to-image")).status_code == 200 and found.json(),
        "our own board", 90,
    )  # fmt: skip
    assert board["in_quality"] is True and board["task"] == "text-to-image"
    assert {(line["label"], line["model"]) for line in board["standings"]} == {(model, model) for model in MODELS}
    assert "podium/text-to-image" in {each["board"] for each in customer.get("/v1/boards").json()["data"]}
    [tick] = [each for each in arena.admin.get("/v1/ticks").json()["data"] if each["name"] == "arena"]
    assert tick["failures"] == 0


@pytest.mark.parametrize("usd", ["0.002", "0.0024"])
def test_with_money_for_one_side_neither_begins(arena, usd):
    poor = arena.customer(usd)
    answer = poor.post("/v1/arena/battles", ASKED)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (402, "insufficient_funds")
    assert Decimal(problem["needed_usd"]) == DRAFT + FULL
    assert Decimal(problem["short_by_usd"]) == DRAFT + FULL - Decimal(usd)
    assert poor.balance == Decimal(usd) and poor.held == 0
    assert poor.get("/v1/jobs").json()["data"] == poor.get("/v1/arena/battles").json()["data"] == []
    arena.fund(poor.id, "0.0006")
    assert begun(poor)["status"] == "ready"


def test_a_budget_for_one_side_starts_neither(arena):
    customer = arena.customer()
    budget = {"name": "small", "scope": "key", "subject": customer.id, "window": "day", "limit_usd": "0.002"}
    assert arena.admin.post("/v1/budgets", budget | {"hard": True}).status_code == 201
    answer = customer.post("/v1/arena/battles", ASKED)
    assert (answer.status_code, answer.json()["code"]) == (402, "over_budget")
    assert customer.get("/v1/jobs").json()["data"] == [] and customer.held == 0
    assert customer.done(ASKED | {"model": "podium/sandbox-pictures"})["status"] == "succeeded"


def test_a_limit_on_both_together_holds_or_refuses(arena):
    customer = arena.customer()
    answer = customer.post("/v1/arena/battles", ASKED | {"max_cost_usd": "0.0024"})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_offer")
    assert begun(customer, ASKED | {"max_cost_usd": "0.0025"})["status"] == "ready"


def test_another_key_finds_nothing_and_cannot_vote(arena):
    owner, other = arena.customer(), arena.customer()
    battle = begun(owner)
    for who in (other, arena.admin):
        assert who.get(f"/v1/arena/battles/{battle['id']}").status_code == 404
        assert voted(who, battle, "left").status_code == 404
        assert battle["id"] not in who.get("/v1/arena/battles").text
    assert owner.get(f"/v1/arena/battles/{battle['id']}").json()["status"] == "ready"


def test_the_same_idempotency_key_is_the_same_battle(arena):
    customer, key = arena.customer(), f"battle-{next(NUMBERS)}"
    first = begun(customer, **{"Idempotency-Key": key})
    again = begun(customer, **{"Idempotency-Key": key})
    other = customer.post("/v1/arena/battles", ASKED | {"prompt": "a pebble"}, **{"Idempotency-Key": key})
    assert again["id"] == first["id"] and other.status_code == 409
    assert len(customer.get("/v1/jobs").json()["data"]) == 2


def test_a_battle_with_a_failed_side_is_void_and_cannot_be_voted(arena):
    customer = arena.customer()
    battle = begun(customer, ASKED | REFUSED)
    assert battle["status"] == "void" and battle["void"] and battle["vote"] is None
    assert battle["left"]["model"] and battle["right"]["model"], "nothing is left to vote on, so nothing is hidden"
    answer = voted(customer, battle, "tie")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert customer.held == 0


def test_a_battle_whose_side_was_canceled_is_void_when_the_other_has_ended(arena):
    customer = arena.customer()
    battle = customer.post("/v1/arena/battles", ASKED | SLOW).json()
    assert battle["status"] == "running" and battle["left"] == battle["right"] == {"outputs": []}
    answer = voted(customer, battle, "left")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    first, second = [job["id"] for job in customer.get("/v1/jobs").json()["data"]]
    customer.post(f"/v1/jobs/{first}/cancel")
    customer.finished(second)
    ended = customer.get(f"/v1/arena/battles/{battle['id']}").json()
    assert ended["status"] == "void" and "canceled" in ended["void"]
    assert {ended["left"]["status"], ended["right"]["status"]} == {"canceled", "succeeded"}
    assert [each["id"] for each in customer.get("/v1/arena/battles?status=void").json()["data"]] == [battle["id"]]


def test_two_models_can_be_named(arena):
    customer = arena.customer()
    both = begun(customer, ASKED | {"models": sorted(MODELS)})
    shown = voted(customer, both, "both_bad").json()
    assert {shown["left"]["model"], shown["right"]["model"]} == MODELS and shown["vote"]["winner"] is None
    assert shown["draw"]["name"] == "named by the caller"
    one = "podium/sandbox-pictures"
    for models in ([one, one], ["auto", one], ["no/such-model", one], [one]):
        assert customer.post("/v1/arena/battles", ASKED | {"models": models}).status_code == 422


def test_a_task_with_one_model_has_no_battle(arena):
    answer = arena.customer().post("/v1/arena/battles", {"task": "text", "prompt": "a word"})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_offer")


@pytest.mark.parametrize(
    "more",
    [{"model": "auto"}, {"quote": "quo_1"}, {"webhook_url": "https://example.com"}, {"prompt": ""}, {"models": [1, 2]},
     {"max_cost_usd": "-1"}, {"width": 3}],
)  # fmt: skip
def test_a_body_that_is_none_is_refused_with_its_path(arena, more):
    answer = arena.customer().post("/v1/arena/battles", ASKED | more)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid") and answer.json()["errors"]
