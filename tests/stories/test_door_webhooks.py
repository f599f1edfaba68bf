"""A vendor's receiver behind a door: what arrives is the vendor's body, proved as the vendor proves it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from adapters import callbacks
from tests.stories.house import ROOT, Customer, Gateway, eventually, execute
from tests.stories.libraries import run_python
from tests.stories.receiver import Post, Receiver
from tests.stories.test_fal_door import ended
from tests.stories.test_replicate_door import finished

NewGateway = Callable[..., Gateway]

PICTURES = "podium/sandbox-pictures"
FAL, REPLICATE = f"/fal/{PICTURES}", f"/replicate/v1/models/{PICTURES}/predictions"
FOX = {"prompt": "a red fox", "image_size": {"width": 128, "height": 128}}
INPUT = {"prompt": "a red fox", "width": 128, "height": 128}
REFUSED = {"podium": {"extra": {"sandbox": {"sandbox": {"refuse": True}}}}}
KEYS = "/fal/.well-known/jwks.json"


@pytest.fixture(scope="module")
def teller(new_gateway: NewGateway, close_gateway: Callable[[Gateway], None]) -> Iterator[Gateway]:
    """A gateway that may tell receivers on private addresses, to be killed. It knows its own address from outside."""
    gateway = new_gateway(PODIUM_WEBHOOKS_PRIVATE="on")
    gateway.child.environment["PODIUM_URL"] = gateway.url
    gateway.start()
    yield gateway
    close_gateway(gateway)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def came(receiver: Receiver, count: int) -> list[Post]:
    eventually(lambda: len(receiver.posts) >= count, f"{count} webhooks arrive")
    return list(receiver.posts)


def is_fals(gateway: Gateway, post: Post) -> bool:
    """Whether our own verifier of fal's webhooks, with the keys that this door shows to anybody, takes it for one."""
    assert gateway.client is not None
    shown = gateway.client.get(KEYS)
    assert shown.status_code == 200 and "max-age" in shown.headers["cache-control"]
    keys = callbacks.read_keys(shown.json())
    return callbacks.verified("fal_ed25519", post.headers, post.body, None, keys, datetime.now(UTC))


def unlinked(said: Any) -> Any:
    """A body without its links, which are signed anew for each try."""
    match said:
        case dict():
            return {name: unlinked(value) for name, value in said.items()}
        case list():
            return [unlinked(each) for each in said]
        case str():
            return said.partition("?expires=")[0]
        case _:
            return said


def time_passes(gateway: Gateway) -> None:
    """All that waits for a later try is due."""
    due = "UPDATE webhook_delivery SET due_at = 0 WHERE status = 'pending' AND lease_until IS NULL"
    execute(gateway.database_url, due)


def deliveries(customer: Customer, job_id: str, **wishes: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = customer.get(f"/v1/webhooks/deliveries?subject={job_id}").json()["data"]
    return [each for each in found if all(each[name] == value for name, value in wishes.items())]


def test_a_receiver_written_for_fal_is_told_as_fal_tells_it(
    teller: Gateway, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = teller.customer()
    made = alice.post(f"{FAL}?fal_webhook={receiver.url}", FOX).json()
    [post] = came(receiver, 1)
    said = post.event
    assert is_fals(teller, post) and "webhook-signature" not in post.headers
    assert post.headers["x-fal-webhook-request-id"] == said["request_id"] == made["request_id"]
    assert post.headers["x-fal-webhook-user-id"] == alice.id
    assert said["status"] == "OK" and said.keys() == {"request_id", "gateway_request_id", "status", "payload"}
    at = f"{FAL}/requests/{made['request_id']}"
    ended(alice, f"{at}/status")
    assert unlinked(said["payload"]) == unlinked(alice.get(at).json())
    assert teller.client is not None
    path = "/v1/" + said["payload"]["images"][0]["url"].partition("/v1/")[2]
    assert teller.client.get(path).content.startswith(b"\x89PNG")
    there: dict[str, Any] = {}
    page = (ROOT / "docs" / "doors.md").read_text("utf-8")
    exec(page[page.index("import base64\nimport hashlib") :].partition("```")[0], there)
    monkeypatch.setenv("no_proxy", "*")
    assert there["is_genuine"](post.headers, post.body, there["keys_of"](teller.url)) is True
    changed = Post(post.path, post.headers, post.body.replace(b'"OK"', b'"KO"'))
    assert not is_fals(teller, changed)


def test_a_failed_request_is_told_as_an_error_with_what_its_result_answers(teller: Gateway, receiver: Receiver) -> None:
    alice = teller.customer()
    made = alice.post(f"{FAL}?fal_webhook={receiver.url}", FOX | REFUSED).json()
    [post] = came(receiver, 1)
    assert is_fals(teller, post)
    assert (post.event["status"], post.event["error"]) == ("ERROR", "Invalid status code: 422")
    assert post.event["payload"] == alice.get(f"{FAL}/requests/{made['request_id']}").json()


def test_a_prediction_is_told_as_get_shows_it_and_replicates_client_takes_it(
    teller: Gateway, receiver: Receiver, tmp_path: Path
) -> None:
    alice = teller.customer()
    made = alice.post(REPLICATE, {"input": INPUT, "webhook": receiver.url}).json()
    [post] = came(receiver, 1)
    secret = alice.get("/replicate/v1/webhooks/default/secret").json()["key"]
    said = Webhook(secret).verify(post.body, post.headers)
    assert unlinked(said) == unlinked(alice.get(f"/replicate/v1/predictions/{made['id']}").json())
    assert (said["id"], said["status"], said["input"]) == (made["id"], "succeeded", INPUT)
    received = tmp_path / "post.json"
    received.write_text(json.dumps({"headers": post.headers, "body": post.body.decode(), "secret": secret}))
    run_python("replicate_webhook.py", tmp_path, str(received))


def test_a_predictions_start_and_end_are_told_in_order_where_both_are_asked_for(
    teller: Gateway, receiver: Receiver
) -> None:
    alice = teller.customer()
    every = ["start", "output", "logs", "completed"]
    asked = {"input": INPUT | REFUSED, "webhook": receiver.url, "webhook_events_filter": every}
    made = alice.post(REPLICATE, asked).json()
    first, second = came(receiver, 2)
    secret = alice.get("/replicate/v1/webhooks/default/secret").json()["key"]
    begun, failed = (Webhook(secret).verify(post.body, post.headers) for post in (first, second))
    assert (begun["id"], begun["status"], begun["completed_at"]) == (made["id"], "starting", None)
    assert failed["status"] == "failed" and "flagged as sensitive" in failed["error"] and failed["output"] is None
    assert first.id != second.id
    eventually(lambda: len(deliveries(alice, made["id"], status="delivered")) == 2, "both are delivered")
    alone = alice.post(REPLICATE, asked | {"input": INPUT, "webhook_events_filter": ["start"]}).json()
    finished(alice, alone)
    eventually(lambda: deliveries(alice, alone["id"], status="delivered"), "its start is delivered")
    assert [each["type"] for each in deliveries(alice, alone["id"])] == ["job.started"]


def test_a_canceled_request_and_prediction_are_told_once(teller: Gateway, receiver: Receiver) -> None:
    alice = teller.customer()
    clip = {"prompt": "a long clip", "duration": 10}
    request = alice.post(f"/fal/podium/sandbox-clips?fal_webhook={receiver.url}/fal", clip).json()["request_id"]
    alice.send("PUT", f"/fal/podium/sandbox-clips/requests/{request}/cancel")
    by_model = "/replicate/v1/models/podium/sandbox-clips/predictions"
    prediction = alice.post(by_model, {"input": clip, "webhook": f"{receiver.url}/replicate"}).json()
    alice.post(f"/replicate/v1/predictions/{prediction['id']}/cancel")
    said = {post.path: post.event for post in came(receiver, 2)}
    assert said["/hooks/fal"]["status"] == "ERROR" and said["/hooks/fal"]["error"].endswith("499")
    assert said["/hooks/replicate"]["status"] == "canceled" and len(receiver.posts) == 2


def test_each_hears_in_its_own_words_of_the_same_job(teller: Gateway, receiver: Receiver) -> None:
    alice = teller.customer()
    endpoint = alice.post("/v1/webhooks", {"url": f"{receiver.url}/ours", "events": ["job.finished"]}).json()
    made = alice.post(f"{FAL}?fal_webhook={receiver.url}/fal", FOX).json()
    posts = {post.path: post for post in came(receiver, 2)}
    assert posts["/hooks/ours"].verified(endpoint["secret"])["data"]["id"] == made["request_id"]
    assert is_fals(teller, posts["/hooks/fal"]) and posts["/hooks/fal"].event["status"] == "OK"
    assert {each["shape"] for each in deliveries(alice, made["request_id"])} == {"podium", "fal"}


def test_a_gateway_killed_while_it_tells_says_the_same_again(teller: Gateway, receiver: Receiver) -> None:
    alice = teller.customer()
    receiver.hook = teller.kill
    made = alice.post(f"{FAL}?fal_webhook={receiver.url}", FOX).json()
    eventually(lambda: not teller.child.is_alive() and receiver.hook is None, "the gateway is dead")
    teller.start()
    first, second = came(receiver, 2)
    assert unlinked(first.event) == unlinked(second.event) and second.event["request_id"] == made["request_id"]
    assert is_fals(teller, first) and is_fals(teller, second), "the key is the same after a restart"
    [delivery] = eventually(lambda: deliveries(alice, made["request_id"], status="delivered"), "it is delivered")
    assert alice.post(f"/v1/webhooks/deliveries/{delivery['id']}/redeliver").status_code == 202
    assert unlinked(came(receiver, 3)[2].event) == unlinked(first.event)


def test_a_failed_telling_of_a_prediction_is_tried_again_under_the_same_id(teller: Gateway, receiver: Receiver) -> None:
    receiver.plan = [500]
    alice = teller.customer()
    made = alice.post(REPLICATE, {"input": INPUT, "webhook": receiver.url}).json()
    eventually(lambda: [each for each in deliveries(alice, made["id"]) if each["tries"]], "a try is logged")
    time_passes(teller)
    first, second = came(receiver, 2)
    assert first.id == second.id and unlinked(first.event) == unlinked(second.event)


def test_the_key_of_the_door_is_shown_without_a_key_and_nothing_else_is(teller: Gateway) -> None:
    assert teller.client is not None
    assert teller.client.get(KEYS).json()["keys"][0]["crv"] == "Ed25519"
    assert teller.client.post(KEYS).status_code == 401 and teller.client.get(KEYS + "/x").status_code == 401
