"""The same Idempotency-Key and body are the same job, however often and however fast they come."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tests.stories.house import Gateway, Sandbox

BODY = {"task": "text-to-image", "prompt": "a paper crane", "width": 64, "height": 64, "seed": 3}


def test_a_repeated_request_is_answered_with_the_job_it_made(house: Gateway, sandbox: Sandbox) -> None:
    alice = house.customer("1")
    with sandbox.watched() as seen:
        first = alice.submit(BODY, idempotency_key="crane")
        done = alice.finished(first["id"])
        again = alice.post("/v1/jobs", BODY, idempotency_key="crane")
    assert again.status_code == 201 and again.json()["id"] == first["id"]
    assert len(seen) == 1 and alice.balance == 1 - Decimal(done["cost"]["cost_usd"])


def test_twenty_at_once_are_one_job_with_one_hold(house: Gateway, sandbox: Sandbox) -> None:
    alice = house.customer("1")
    with sandbox.watched() as seen, ThreadPoolExecutor(20) as pool:
        jobs = list(pool.map(lambda _: alice.submit(BODY, idempotency_key="flock"), range(20)))
        [job_id] = {each["id"] for each in jobs}
        done = alice.finished(job_id)
    assert len(seen) == 1 and alice.entries(job_id) == ["hold", "settle"]
    assert alice.balance == 1 - Decimal(done["cost"]["cost_usd"])
    assert len(alice.get("/v1/jobs").json()["data"]) == 1


def test_another_body_under_the_same_key_is_a_conflict(house: Gateway) -> None:
    alice = house.customer("1")
    job = alice.submit(BODY, idempotency_key="once")
    answer = alice.post("/v1/jobs", BODY | {"seed": 4}, idempotency_key="once")
    assert answer.status_code == 409 and answer.json()["code"] == "conflict" and answer.json()["job"] == job["id"]
    alice.finished(job["id"])
    assert len(alice.get("/v1/jobs").json()["data"]) == 1


def test_of_two_bodies_that_race_for_one_key_one_is_made(house: Gateway) -> None:
    alice = house.customer("1")
    bodies = [BODY | {"seed": n % 2} for n in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda body: alice.post("/v1/jobs", body, idempotency_key="race"), bodies))
    assert {each.status_code for each in answers} <= {201, 202, 409}
    assert sum(each.status_code == 409 for each in answers) == 8
    [job] = alice.get("/v1/jobs").json()["data"]
    assert {each.json()["id"] for each in answers if each.status_code != 409} == {job["id"]}
    alice.finished(job["id"])


def test_two_callers_may_use_the_same_key(house: Gateway) -> None:
    alice, bob = house.customer(), house.customer()
    assert alice.submit(BODY, idempotency_key="same")["id"] != bob.submit(BODY, idempotency_key="same")["id"]


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_that_is_no_key_is_refused(house: Gateway, key: str) -> None:
    answer = house.customer().post("/v1/jobs", BODY, idempotency_key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_caller_who_waits_is_answered_when_the_job_has_ended_and_not_later(house: Gateway) -> None:
    answer = house.customer().post("/v1/jobs", BODY, prefer="wait=30")
    assert (answer.status_code, answer.json()["status"]) == (201, "succeeded")


def test_a_caller_who_waits_is_answered_after_that_time_if_it_has_not_ended(house: Gateway) -> None:
    alice = house.customer()
    began = time.monotonic()
    answer = alice.post("/v1/jobs", BODY | {"extra": {"sandbox": {"sandbox": {"hang": True}}}}, prefer="wait=1")
    assert answer.status_code == 202 and 0.9 < time.monotonic() - began < 5
    alice.post(f"/v1/jobs/{answer.json()['id']}/cancel")


def test_a_caller_may_wait_for_a_job_that_is_under_way(house: Gateway) -> None:
    alice = house.customer()
    job = alice.submit(BODY | {"extra": {"sandbox": {"sandbox": {"delay_s": 0.5}}}})
    assert alice.get(f"/v1/jobs/{job['id']}", prefer="wait=30").json()["status"] == "succeeded"
