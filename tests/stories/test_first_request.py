"""Pay, ask, look, fetch: one request all the way from the door to the receipt, through the sandbox."""

import hashlib
from decimal import Decimal
from io import BytesIO

import httpx
import pytest
from PIL import Image

from tests.stories.house import Gateway, Sandbox

JOB = {
    "id", "status", "task", "model", "offer", "progress", "created_at", "started_at", "ended_at", "outputs", "usage",
    "cost", "resolved", "adjustments", "decision", "attempts", "error", "metadata",
}  # fmt: skip
OUTPUT = {"asset", "url", "mime", "width", "height", "duration_s", "fps", "frames", "size_bytes", "sha256", "text"}
COST = {"quote_usd", "held_usd", "cost_usd", "source", "lines"}
ATTEMPT = {"id", "offer", "status", "fault", "started_at", "ended_at"}

IMAGE = {"task": "text-to-image", "prompt": "a red fox in fresh snow", "width": 320, "height": 192, "seed": 7}
CLIP = {"task": "text-to-video", "prompt": "a red fox runs", "duration_s": 1, "resolution": "360p", "fps": 12}
TEXT = {"task": "text", "messages": [{"role": "user", "content": "Say something about foxes."}], "max_tokens": 40}


def test_a_picture_is_paid_for_made_and_accounted_for_to_the_last_nano_dollar(house: Gateway, sandbox: Sandbox) -> None:
    alice = house.customer("1.00")
    with sandbox.watched() as seen:
        answer = alice.post("/v1/jobs", IMAGE | {"model": "auto", "metadata": {"project": "x"}}, prefer="wait=30")
    assert answer.status_code == 201
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert job.keys() >= JOB and job["status"] == "succeeded" and job["progress"] == 1.0 and job["error"] is None
    assert job["metadata"] == {"project": "x"} and job["resolved"]["seed"] == 7
    again = alice.job(job["id"])
    assert [name for name in JOB - {"outputs"} if again[name] != job[name]] == []

    [output] = job["outputs"]
    assert output.keys() == OUTPUT
    assert (output["mime"], output["width"], output["height"], output["text"]) == ("image/png", 320, 192, None)
    [attempt] = job["attempts"]
    assert attempt.keys() >= ATTEMPT and attempt["status"] == "succeeded" and attempt["offer"] == job["offer"]
    assert [each["submits"] for each in seen] == [1]

    cost = job["cost"]
    assert cost.keys() == COST and cost["source"] == "table"
    assert cost["quote_usd"] == cost["held_usd"] == cost["cost_usd"] == cost["lines"][0]["usd"]
    assert job["usage"]["output_image"] == "1"
    assert alice.entries(job["id"]) == ["hold", "settle"]
    assert alice.balance == 1 - Decimal(cost["cost_usd"]) and alice.held == 0


def test_the_decision_names_every_candidate_with_its_reason_or_its_score(house: Gateway) -> None:
    alice = house.customer()
    job = alice.submit(IMAGE)
    decision = alice.get(f"/v1/decisions/{job['decision']}").json()
    assert decision["id"] == job["decision"] and decision["evidence_id"]
    assert decision["ranked"][0]["offer"] == job["offer"]
    assert decision["ranked"][0].keys() >= {"offer", "score", "quote_usd", "eta_s", "quality", "parts"}
    rejected = {each["offer"]: each["reason"] for each in decision["rejected"]}
    assert all(rejected.values()) and any("OPENAI_API_KEY" in reason for reason in rejected.values())
    alice.finished(job["id"])


def test_a_clip_is_delivered_as_it_was_asked_and_billed_by_its_seconds(house: Gateway) -> None:
    job = house.customer().done(CLIP)
    [output] = job["outputs"]
    assert (output["mime"], output["frames"], output["fps"], output["duration_s"]) == ("video/mp4", 12, 12, 1.0)
    assert job["usage"]["output_video_second"] == "1"
    assert job["cost"]["cost_usd"] == job["cost"]["quote_usd"]


def test_a_text_is_billed_by_its_tokens_and_what_is_left_of_the_hold_goes_back(house: Gateway) -> None:
    alice = house.customer("1.00")
    job = alice.done(TEXT)
    [output] = job["outputs"]
    assert output.keys() == OUTPUT and output["asset"] is None and output["text"] and output["mime"] == "text/plain"
    cost = Decimal(job["cost"]["cost_usd"])
    assert 0 < cost <= Decimal(job["cost"]["held_usd"])
    assert sum(Decimal(line["usd"]) for line in job["cost"]["lines"]) == cost
    assert alice.balance == 1 - cost and alice.held == 0


def test_a_picture_is_fetched_whole_and_in_part_by_its_link_without_a_key(house: Gateway) -> None:
    [output] = house.customer().done(IMAGE)["outputs"]
    whole = httpx.get(output["url"])
    assert whole.status_code == 200 and whole.headers["content-type"] == "image/png"
    assert hashlib.sha256(whole.content).hexdigest() == output["sha256"] and len(whole.content) == output["size_bytes"]
    with Image.open(BytesIO(whole.content)) as opened:
        assert opened.size == (320, 192)
    part = httpx.get(output["url"], headers={"range": "bytes=8-99"})
    assert (part.status_code, part.content) == (206, whole.content[8:100])
    assert part.headers["content-range"] == f"bytes 8-99/{output['size_bytes']}"
    altered = httpx.get(output["url"][:-1] + ("0" if output["url"][-1] != "0" else "1"))
    assert altered.status_code == 403 and altered.json()["code"] == "forbidden"


@pytest.mark.parametrize("what", ["job", "decision", "asset", "content", "cancel"])
def test_what_is_anothers_is_not_found(house: Gateway, what: str) -> None:
    job = house.customer().done(IMAGE)
    asset = job["outputs"][0]["asset"]
    paths = {
        "job": f"/v1/jobs/{job['id']}", "decision": f"/v1/decisions/{job['decision']}", "asset": f"/v1/assets/{asset}",
        "content": f"/v1/assets/{asset}/content", "cancel": f"/v1/jobs/{job['id']}/cancel",
    }  # fmt: skip
    bob = house.customer(None)
    answer = bob.post(paths[what]) if what == "cancel" else bob.get(paths[what])
    assert answer.status_code == 404 and answer.json()["code"] == "not_found"
    assert house.admin.get(paths["job"]).status_code == 200


def test_an_edit_of_ones_own_asset_travels_the_whole_way(house: Gateway) -> None:
    alice = house.customer()
    [output] = alice.done(IMAGE)["outputs"]
    inputs = [{"role": "source", "asset": output["asset"]}]
    edited = alice.done({"task": "image-edit", "prompt": "at night", "inputs": inputs})
    assert edited["status"] == "succeeded", edited["error"]
    assert edited["outputs"][0]["sha256"] != output["sha256"]


def test_a_route_is_the_same_choice_and_spends_nothing(house: Gateway) -> None:
    alice = house.customer("1.00")
    decision = alice.post("/v1/route", IMAGE).json()["decision"]
    assert alice.balance == 1
    job = alice.done(IMAGE)
    assert job["offer"] == decision["ranked"][0]["offer"]
    kept = alice.get(f"/v1/decisions/{decision['id']}").json()
    assert kept["ranked"] == decision["ranked"]


def test_what_is_not_offered_exactly_is_done_as_near_as_can_be_if_the_caller_allows_it(house: Gateway) -> None:
    job = house.customer().done(IMAGE | {"width": 32, "strict": False, "routing": {"policy": "cheapest"}})
    assert job["status"] == "succeeded" and job["outputs"][0]["width"] == job["resolved"]["width"] == 64
    assert {"parameter": "width", "asked": 32, "sent": 64}.items() <= job["adjustments"][0].items()


def test_a_page_of_jobs_leads_to_the_next(house: Gateway) -> None:
    alice = house.customer()
    made = [alice.done(IMAGE | {"width": 64, "height": 64, "seed": n})["id"] for n in range(3)]
    page = alice.get("/v1/jobs?limit=2").json()
    assert [each["id"] for each in page["data"]] == made[:0:-1]
    rest = alice.get(f"/v1/jobs?limit=2&after={page['next']}").json()
    assert [each["id"] for each in rest["data"]] == made[:1] and rest["next"] is None


def test_jobs_are_found_by_model_and_by_an_admin_by_key(house: Gateway) -> None:
    alice, bob = house.customer(), house.customer()
    small = {"width": 64, "height": 64}
    mine = alice.done(IMAGE | small | {"model": "podium/sandbox-pictures"})
    other = alice.done(IMAGE | small | {"model": "podium/sandbox-pictures-draft"})
    theirs = bob.done(IMAGE | small | {"model": "podium/sandbox-pictures"})

    def found(customer, query):
        return [each["id"] for each in customer.get(f"/v1/jobs?{query}").json()["data"]]

    assert found(alice, "model=podium/sandbox-pictures") == [mine["id"]]
    assert found(alice, f"key={mine['key']}") == [other["id"], mine["id"]]
    assert found(alice, f"key={theirs['key']}") == [], "another's key has no jobs for a caller"
    assert found(house.admin, f"key={theirs['key']}") == [theirs["id"]]
    assert found(house.admin, f"key={theirs['key']}&model=podium/sandbox-pictures-draft") == []
