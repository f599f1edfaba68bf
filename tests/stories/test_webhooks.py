"""Webhooks as a customer has them: what happened reaches the receiver, signed, whatever becomes of either side."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.stories.cards import CHEAP, asked
from tests.stories.house import ROOT, Customer, Gateway, eventually, execute
from tests.stories.receiver import Post, Receiver
from tests.stories.upstreams import Queue, Upstream, status

NewGateway = Callable[..., Gateway]


@pytest.fixture(scope="module")
def teller(new_gateway: NewGateway, close_gateway: Callable[[Gateway], None], cards: Any) -> Iterator[Gateway]:
    """A gateway that may tell receivers on private addresses, to be killed."""
    gateway = new_gateway(PODIUM_CATALOG_DIR=str(cards), PODIUM_SANDBOX="on", PODIUM_WEBHOOKS_PRIVATE="on").start()
    yield gateway
    close_gateway(gateway)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def told(customer: Customer, url: str, *events: str, **more: Any) -> dict[str, Any]:
    """A new endpoint, its secret in it."""
    answer = customer.post("/v1/webhooks", {"url": url, "events": events or ["job.finished"], **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def deliveries(customer: Customer, webhook: dict[str, Any], **wishes: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = customer.get(f"/v1/webhooks/{webhook['id']}/deliveries").json()["data"]
    return [each for each in found if all(each[name] == value for name, value in wishes.items())]


def unlinked(post: Post) -> dict[str, Any]:
    """An event without its links, which are signed anew for each try."""
    event = post.event
    outputs = [output | {"url": None} for output in event["data"]["outputs"]]
    return event | {"data": event["data"] | {"outputs": outputs}}


def time_passes(gateway: Gateway) -> None:
    """All that waits for a later try is due."""
    execute(
        gateway.database_url, "UPDATE webhook_delivery SET due_at = 0 WHERE status = 'pending' AND lease_until IS NULL"
    )


def test_a_jobs_end_is_told_with_all_of_the_job(teller: Gateway, receiver: Receiver) -> None:
    alice = teller.customer("1")
    webhook = told(alice, receiver.url, description="ours")
    assert webhook["secret"].startswith("whsec_") and webhook["enabled"] is True
    job = alice.done(asked("north"))
    [post] = receiver.heard(1)
    event = post.verified(webhook["secret"])
    assert event["data"]["id"] == job["id"] and event["data"]["status"] == "succeeded"
    assert event["data"]["cost"]["cost_usd"] == CHEAP and event["timestamp"] == job["ended_at"]
    [output] = event["data"]["outputs"]
    assert teller.client is not None and output["url"].startswith("http")
    path = "/v1/" + output["url"].partition("/v1/")[2]
    assert teller.client.get(path).content.startswith(b"\x89PNG")
    assert "secret" not in alice.get(f"/v1/webhooks/{webhook['id']}").json()


def test_failed_and_canceled_jobs_are_told_of_once_too(teller: Gateway, receiver: Receiver, upstream: Upstream) -> None:
    alice = teller.customer("1")
    told(alice, receiver.url)
    upstream.plan("north", status(400, {"message": "no"}))
    failed = alice.done(asked("north"))
    upstream.plan("queue", Queue(looks=50))
    job = alice.submit(asked("queue"))
    alice.job_when(job["id"], lambda job: job["status"] == "running")
    alice.post(f"/v1/jobs/{job['id']}/cancel")
    posts = receiver.heard(2)
    said = {(post.event["data"]["id"], post.event["data"]["status"]) for post in posts}
    assert said == {(failed["id"], "failed"), (job["id"], "canceled")}
    alice.post(f"/v1/jobs/{job['id']}/cancel")
    assert len(receiver.of("job.finished")) == 2


def test_an_error_is_tried_again_under_the_same_id(teller: Gateway, receiver: Receiver) -> None:
    receiver.plan, receiver.said = [500], b"we are out"
    alice = teller.customer("1")
    webhook = told(alice, receiver.url)
    alice.done(asked("north"))
    [delivery] = eventually(lambda: [each for each in deliveries(alice, webhook) if each["tries"]], "a try is logged")
    assert delivery["status"] == "pending" and delivery["tries"][0]["status"] == 500
    assert delivery["tries"][0]["said"] == "we are out" and delivery["due_at"] > delivery["created_at"]
    time_passes(teller)
    first, second = receiver.heard(2)
    assert first.id == second.id == delivery["event"] and unlinked(first) == unlinked(second)
    assert second.is_signed_with(webhook["secret"])
    eventually(lambda: deliveries(alice, webhook, status="delivered"), "it is delivered")


def test_a_gateway_killed_while_it_tells_tells_again(teller: Gateway, receiver: Receiver, upstream: Upstream) -> None:
    alice = teller.customer("1")
    webhook = told(alice, receiver.url)
    receiver.hook = teller.kill
    job = alice.submit(asked("north"))
    eventually(lambda: not teller.child.is_alive() and receiver.hook is None, "the gateway is dead")
    teller.start()
    first, second = receiver.heard(2)
    assert first.id == second.id and second.verified(webhook["secret"])["data"]["id"] == job["id"]
    eventually(lambda: deliveries(alice, webhook, status="delivered"), "it is delivered")


def test_a_gateway_killed_between_a_jobs_end_and_its_telling_tells_later(teller: Gateway, receiver: Receiver) -> None:
    alice = teller.customer("1")
    webhook = told(alice, receiver.url)
    receiver.end()
    job = alice.done(asked("north"))
    teller.kill()
    time_passes(teller)
    receiver.begin()
    teller.start()
    [post] = receiver.heard(1)
    assert post.verified(webhook["secret"])["data"]["id"] == job["id"]


def test_a_job_may_name_an_address_of_its_own(teller: Gateway, receiver: Receiver) -> None:
    alice = teller.customer("1")
    job = alice.done(asked("north") | {"webhook_url": receiver.url + "?mine=1"})
    [post] = receiver.heard(1)
    secret = alice.get("/v1/webhooks/secret").json()["secret"]
    assert post.path == "/hooks?mine=1" and post.verified(secret)["data"]["id"] == job["id"]
    [delivery] = alice.get(f"/v1/webhooks/deliveries?subject={job['id']}").json()["data"]
    assert delivery["target"] == receiver.url + "?mine=1"
    new = alice.post("/v1/webhooks/secret/rotate").json()["secret"]
    alice.done(asked("north") | {"webhook_url": receiver.url})
    _, post = receiver.heard(2)
    assert post.is_signed_with(secret) and post.is_signed_with(new)


def test_a_secret_is_replaced_with_an_overlap_or_without(teller: Gateway, receiver: Receiver) -> None:
    alice = teller.customer("1")
    webhook = told(alice, receiver.url)
    new = alice.post(f"/v1/webhooks/{webhook['id']}/rotate").json()["secret"]
    alice.post(f"/v1/webhooks/{webhook['id']}/test")
    [post] = receiver.heard(1, "webhook.test")
    assert post.is_signed_with(webhook["secret"]) and post.is_signed_with(new)
    newest = alice.post(f"/v1/webhooks/{webhook['id']}/rotate", {"overlap_s": 0}).json()["secret"]
    alice.post(f"/v1/webhooks/{webhook['id']}/test")
    _, post = receiver.heard(2, "webhook.test")
    assert [post.is_signed_with(each) for each in (webhook["secret"], new, newest)] == [False, False, True]


def test_what_was_told_is_sent_again_on_demand(teller: Gateway, receiver: Receiver) -> None:
    alice = teller.customer("1")
    webhook = told(alice, receiver.url)
    alice.done(asked("north"))
    [delivery] = eventually(lambda: deliveries(alice, webhook, status="delivered"), "it is delivered")
    answer = alice.post(f"/v1/webhooks/deliveries/{delivery['id']}/redeliver")
    assert answer.status_code == 202 and answer.json()["status"] == "pending"
    first, second = receiver.heard(2)
    assert first.id == second.id
    assert len(eventually(lambda: deliveries(alice, webhook, status="delivered"), "again")[0]["tries"]) == 2


def test_an_endpoint_that_is_off_hears_nothing_until_it_is_on(teller: Gateway, receiver: Receiver) -> None:
    receiver.plan = [410]
    alice = teller.customer("1")
    webhook = told(alice, receiver.url)
    alice.done(asked("north"))
    path = f"/v1/webhooks/{webhook['id']}"
    off = eventually(lambda: (seen := alice.get(path).json())["enabled"] is False and seen, "it is off")
    assert "410" in off["disabled_for"]
    [delivery] = deliveries(alice, webhook, status="failed")
    assert alice.post(f"/v1/webhooks/deliveries/{delivery['id']}/redeliver").status_code == 409
    assert alice.post(f"{path}/test").status_code == 409
    alice.done(asked("north"))
    assert alice.send("PATCH", path, json={"enabled": True}).json()["enabled"] is True
    job = alice.done(asked("north"))
    assert [post.event["data"]["id"] for post in receiver.heard(2)][1] == job["id"]
    assert alice.send("DELETE", path).status_code == 200 and alice.get(path).status_code == 404


def test_a_budgets_threshold_is_told_to_its_key_and_to_the_organisation(teller: Gateway, receiver: Receiver) -> None:
    alice, bob = teller.customer("1"), teller.customer("1")
    mine, other = told(alice, receiver.url, "budget.threshold"), told(bob, receiver.url, "budget.threshold")
    house = told(teller.admin, receiver.url, "budget.threshold", scope="organisation")
    limit = str(Decimal(CHEAP) * 2)
    made = teller.admin.post(
        "/v1/budgets",
        {
            "name": "tight",
            "scope": "key",
            "subject": alice.id,
            "window": "total",
            "limit_usd": limit,
            "thresholds": [50],
        },
    )
    assert made.status_code == 201, made.text
    alice.done(asked("north"))
    posts = receiver.heard(2, "budget.threshold")
    assert {post.event["data"]["percent"] for post in posts} == {50} and len({post.id for post in posts}) == 1
    assert posts[0].event["data"]["budget"] == made.json()["id"] and posts[0].event["data"]["spent_usd"] == CHEAP
    signed = [[post.is_signed_with(each["secret"]) for post in posts].count(True) for each in (mine, house, other)]
    assert signed == [1, 1, 0]
    alice.done(asked("north"))
    assert len(receiver.of("budget.threshold")) == 2
    teller.admin.send("DELETE", f"/v1/webhooks/{house['id']}")


def test_private_addresses_and_plain_http_are_refused_unless_allowed(town: Gateway) -> None:
    alice = town.customer("1")
    for url in ("http://example.com/", "https://127.0.0.1/", "https://10.1.2.3/hooks", "https://localhost:8700/"):
        answer = alice.post("/v1/webhooks", {"url": url, "events": ["job.finished"]})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        job = alice.post("/v1/jobs", asked("north") | {"webhook_url": url})
        assert job.status_code == 422 and job.json()["detail"].startswith("webhook_url")
    assert alice.held == 0 and alice.balance == 1


def test_the_command_on_the_page_makes_an_endpoint(teller: Gateway) -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text("utf-8")
    found = re.search(r"```sh\n(.*?)```", page, re.DOTALL)
    assert found is not None
    alice = teller.customer()
    command = found[1].replace("localhost:8700", f"127.0.0.1:{teller.port}")
    bare = {"PATH": os.environ["PATH"], "PODIUM_KEY": alice.secret, "NO_PROXY": "*"}
    done = subprocess.run(["sh", "-c", command], env=bare, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and json.loads(done.stdout)["secret"].startswith("whsec_"), done
    [made] = alice.get("/v1/webhooks").json()["data"]
    assert made["events"] == ["job.finished", "budget.threshold"]


def test_anothers_webhooks_are_not_found(teller: Gateway, receiver: Receiver) -> None:
    alice, bob = teller.customer("1"), teller.customer("1")
    webhook = told(alice, receiver.url)
    alice.post(f"/v1/webhooks/{webhook['id']}/test")
    [delivery] = eventually(lambda: deliveries(alice, webhook), "it is logged")
    path = f"/v1/webhooks/{webhook['id']}"
    asks = [
        ("GET", path), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/rotate"), ("POST", f"{path}/test"),
        ("GET", f"{path}/deliveries"), ("POST", f"/v1/webhooks/deliveries/{delivery['id']}/redeliver"),
    ]  # fmt: skip
    for method, at in asks:
        body = {"description": "mine now"} if method == "PATCH" else None
        assert bob.send(method, at, json=body).status_code == 404, (method, at)
    assert bob.get("/v1/webhooks").json()["data"] == [] == bob.get("/v1/webhooks/deliveries").json()["data"]
    assert alice.get(path).json()["description"] == ""
    assert webhook["id"] in {each["id"] for each in teller.admin.get("/v1/webhooks").json()["data"]}


def test_a_caller_watches_its_own_key_and_only_events_that_there_are(teller: Gateway) -> None:
    alice = teller.customer()
    wide = {"url": "https://example.com/", "events": ["job.finished"], "scope": "organisation"}
    assert alice.post("/v1/webhooks", wide).status_code == 403
    for events in ([], ["job.exploded"], ["webhook.test"], ["*"]):
        answer = alice.post("/v1/webhooks", {"url": "https://example.com/", "events": events})
        assert answer.status_code == 422, events
