"""Limits hold at the door: budgets, rate, concurrency, models and margin, each told in words that help."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from tests.stories.cards import CHEAP, DEAR, asked
from tests.stories.house import Customer, Gateway
from tests.stories.rush import AT_ONCE, DRAFT, DRAFT_USD
from tests.stories.upstreams import Upstream, pictures, status


def budget(house: Gateway, limit_usd: object, **more: Any) -> dict[str, Any]:
    said = {"name": "cap", "window": "day", "limit_usd": str(limit_usd)} | more
    answer = house.admin.post("/v1/budgets", said)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def plan(house: Gateway, customer: Customer, **limits: Any) -> None:
    made = house.admin.post("/v1/plans", {"name": "a plan"} | limits).json()
    changed = house.admin.send("PATCH", f"/v1/keys/{customer.id}", json={"plan": made["id"]})
    assert changed.json()["plan"] == made["id"]


def spent(house: Gateway, budget_id: str) -> Decimal:
    found = house.admin.get("/v1/budgets?limit=500").json()["data"]
    return Decimal(next(each["spent_usd"] for each in found if each["id"] == budget_id))


def test_of_64_at_once_against_a_budget_for_7_exactly_7_pass(house: Gateway) -> None:
    alice = house.customer("5")
    made = budget(house, DRAFT_USD * 7, scope="key", subject=alice.id)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: alice.post("/v1/jobs", DRAFT), range(AT_ONCE)))
    assert Counter(each.status_code for each in answers) == {202: 7, 402: AT_ONCE - 7}
    refused = next(each.json() for each in answers if each.status_code == 402)
    assert (refused["code"], refused["budget"], refused["short_by_usd"]) == ("over_budget", made["id"], str(DRAFT_USD))
    assert "begins again at" in refused["detail"]
    for each in answers:
        if each.status_code == 202:
            assert alice.finished(each.json()["id"])["status"] == "succeeded"
    assert (spent(house, made["id"]), alice.held) == (DRAFT_USD * 7, 0)
    assert alice.balance == 5 - DRAFT_USD * 7


def test_what_was_held_and_not_spent_is_free_again(town: Gateway, upstream: Upstream) -> None:
    alice = town.customer("5")
    made = budget(town, CHEAP, scope="key", subject=alice.id)
    upstream.plan("north", status(400, {"message": "seed must be prime"}), pictures)
    assert alice.done(asked("north"))["status"] == "failed"
    assert spent(town, made["id"]) == 0
    assert alice.done(asked("north"))["status"] == "succeeded"
    assert spent(town, made["id"]) == Decimal(CHEAP)
    assert alice.post("/v1/jobs", asked("north")).json()["code"] == "over_budget"


def test_a_fallback_that_a_budget_does_not_allow_is_passed_over(town: Gateway, upstream: Upstream) -> None:
    alice = town.customer("5")
    made = budget(town, CHEAP, scope="key", subject=alice.id)
    upstream.plan("north", status(404))
    job = alice.done(asked("north", "south"))
    assert (job["status"], len(job["attempts"])) == ("failed", 1)
    assert Decimal(DEAR) > Decimal(CHEAP) and spent(town, made["id"]) == 0


def test_keys_of_one_project_share_its_budget(house: Gateway) -> None:
    project = house.admin.post("/v1/projects", {"name": "films"}).json()["id"]
    alice, bob, carol = house.customer("1"), house.customer("1"), house.customer("1")
    for each in (alice, bob):
        house.admin.send("PATCH", f"/v1/keys/{each.id}", json={"project": project})
    budget(house, DRAFT_USD, scope="project", subject=project)
    assert alice.post("/v1/jobs", DRAFT).status_code == 202
    refused = bob.post("/v1/jobs", DRAFT)
    assert refused.status_code == 402 and "of the project" in refused.json()["detail"]
    assert carol.post("/v1/jobs", DRAFT).status_code == 202


def test_a_key_sees_the_budgets_that_hold_it_and_no_others(house: Gateway) -> None:
    alice, bob = house.customer("1"), house.customer("1")
    mine, theirs = (budget(house, 1, scope="key", subject=each.id)["id"] for each in (alice, bob))
    seen = {each["id"] for each in alice.get("/v1/budgets").json()["data"]}
    assert mine in seen and theirs not in seen
    assert alice.post("/v1/budgets", {}).status_code in (403, 422)
    assert alice.send("PATCH", f"/v1/budgets/{mine}", json={"limit_usd": "9"}).status_code == 403


def test_a_budget_can_be_raised_and_ended(house: Gateway) -> None:
    alice = house.customer("1")
    made = budget(house, 0, scope="key", subject=alice.id)
    assert alice.post("/v1/jobs", DRAFT).status_code == 402
    assert house.admin.send("PATCH", f"/v1/budgets/{made['id']}", json={"limit_usd": str(DRAFT_USD)}).status_code == 200
    assert alice.post("/v1/jobs", DRAFT).status_code == 202
    assert alice.post("/v1/jobs", DRAFT).status_code == 402
    assert house.admin.send("DELETE", f"/v1/budgets/{made['id']}").json()["ended_at"]
    assert alice.post("/v1/jobs", DRAFT).status_code == 202


def test_a_budget_for_nobody_or_for_one_who_is_not_there_is_refused(house: Gateway) -> None:
    wrong = {"name": "cap", "window": "day", "limit_usd": "1"}
    for more, code in [({"scope": "key"}, 422), ({"scope": "key", "subject": "key_none"}, 404),
                       ({"scope": "organisation", "subject": "key_none"}, 422),
                       ({"scope": "plan", "subject": "pln_none"}, 404), ({"scope": "galaxy"}, 422)]:  # fmt: skip
        assert house.admin.post("/v1/budgets", wrong | more).status_code == code, more


def test_a_plans_rate_holds_and_says_when_to_come_again(house: Gateway) -> None:
    alice = house.customer("1")
    plan(house, alice, jobs_per_minute=1, burst=2)
    answers = [alice.post("/v1/jobs", DRAFT) for _ in range(3)]
    assert [each.status_code for each in answers] == [202, 202, 429]
    assert answers[2].json()["code"] == "rate_limited" and 50 < int(answers[2].headers["retry-after"]) <= 60
    assert alice.balance == 1 - 2 * DRAFT_USD or alice.held > 0


def test_a_plans_concurrency_holds_and_a_job_that_ended_makes_room(house: Gateway) -> None:
    alice = house.customer("1")
    plan(house, alice, concurrency=3)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: alice.post("/v1/jobs", DRAFT | {"width": 512, "height": 512}), range(16)))
    accepted = [each.json()["id"] for each in answers if each.status_code == 202]
    assert {each.status_code for each in answers} <= {202, 429} and accepted
    for each in accepted:
        alice.finished(each)
    assert alice.post("/v1/jobs", DRAFT).status_code == 202


def test_a_plan_leaves_only_its_models_open(house: Gateway) -> None:
    alice = house.customer("1")
    plan(house, alice, models=["podium/sandbox-clips"])
    refused = alice.post("/v1/jobs", DRAFT)
    assert refused.status_code == 422 and "plan" in refused.json()["detail"]
    everywhere = house.admin.post("/v1/route", DRAFT).json()["decision"]
    assert everywhere["ranked"]


def test_a_plans_margin_is_held_settled_and_shown(town: Gateway) -> None:
    alice = town.customer("1")
    plan(town, alice, margin_ppm=250_000)
    job = alice.done(asked("north"))
    marked_up = Decimal(CHEAP) * Decimal("1.25")
    assert Decimal(job["cost"]["quote_usd"]) == Decimal(job["cost"]["cost_usd"]) == marked_up
    assert Decimal(job["attempts"][0]["cost_usd"]) == Decimal(CHEAP)
    assert alice.balance == 1 - marked_up
    entries = town.admin.get("/v1/ledger/entries?limit=50").json()["data"]
    settled = next(each for each in entries if each["key"] == f"settle:{job['id']}")
    assert {each["destination"]: each["usd"] for each in settled["postings"]} == {
        "provider:north:payable": CHEAP, "gateway:margin": "0.0025",
    }  # fmt: skip


def test_a_callers_cap_counts_the_margin(town: Gateway) -> None:
    alice = town.customer("1")
    plan(town, alice, margin_ppm=250_000)
    assert alice.post("/v1/jobs", asked("north", max_cost_usd="0.0124")).status_code == 422
    assert alice.post("/v1/jobs", asked("north", max_cost_usd="0.0125")).status_code == 202
