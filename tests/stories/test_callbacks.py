"""A provider that calls us when a run ends is asked at once; nobody else can make us ask, and silence loses nothing."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks.webhooks import Webhook

from tests.adapters.test_callbacks import fal as signed_by_fal, jwk
from tests.stories.cards import CHEAP, MODELS, asked, card
from tests.stories.house import Gateway, eventually, statuses
from tests.stories.upstreams import Exchange, Upstream, picture

PUBLIC_URL = "https://podium.example"
SECRET = "whsec_" + base64.b64encode(b"a secret between two that trust").decode()
KEY = Ed25519PrivateKey.generate()
AT_ONCE_S = 2.0
"""Well under the four seconds between two polls of a provider that calls us."""


def cards(base: str) -> list[dict[str, Any]]:
    known: dict[str, Any] = {"dialect": "replicate", "deadline_s": 20}
    return [
        card("plain", f"{base}/plain", callbacks="unsigned", **known),
        card("signed", f"{base}/signed", callbacks="standard_webhooks", callback_secret_env="SIGNED_SECRET", **known),
        card("silent", f"{base}/silent", callbacks="standard_webhooks", callback_secret_env="NO_SUCH_SECRET", **known),
        card("queued", f"{base}/queued", dialect="fal", callbacks="fal_ed25519", callback_keys="/keys", deadline_s=20),
    ]  # fmt: skip


@dataclass
class Predictions:
    """One provider of the replicate kind whose runs end when the story says so."""

    base: str
    is_over: bool = False
    loses_submits: bool = False
    asks: list[Exchange] = field(default_factory=list)

    @property
    def document(self) -> dict[str, Any]:
        done = {"output": ["data:image/png;base64," + base64.b64encode(picture()).decode()]} if self.is_over else {}
        urls = {"get": f"{self.base}/predictions/p1", "cancel": f"{self.base}/predictions/p1/cancel"}
        return {"id": "p1", "status": "succeeded" if self.is_over else "processing", "urls": urls} | done

    def __call__(self, exchange: Exchange) -> None:
        self.asks.append(exchange)
        if exchange.method == "POST" and self.loses_submits:
            exchange.hang_up()
            exchange.handler.connection.shutdown(2)
        else:
            exchange.reply(201 if exchange.method == "POST" else 200, self.document)

    @property
    def polls(self) -> int:
        return sum(ask.method == "GET" for ask in self.asks)

    def webhook(self) -> str:
        """The path of the address that was in the submit."""
        submit = eventually(lambda: [ask for ask in self.asks if ask.method == "POST"], "a submit")[0]
        address: str = submit.json["webhook"]
        assert address.startswith(f"{PUBLIC_URL}/v1/callbacks/"), address
        return address.removeprefix(PUBLIC_URL)


@pytest.fixture(scope="module")
def reached(
    new_gateway: Callable[..., Gateway],
    close_gateway: Callable[[Gateway], None],
    upstream: Upstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """A gateway that the world can reach."""
    folder: Path = tmp_path_factory.mktemp("callers")
    models = [{"id": id, "name": id, "maker": "story", "tasks": [task]} for id, task in MODELS.items()]
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": models}))
    for each in cards(upstream.url):
        (folder / f"{each['name']}.yaml").write_text(yaml.safe_dump(each))
    variables = {"PODIUM_CATALOG_DIR": str(folder), "PODIUM_PUBLIC_URL": PUBLIC_URL, "SIGNED_SECRET": SECRET}
    gateway = new_gateway(PODIUM_SANDBOX="on", **variables).start()
    yield gateway
    close_gateway(gateway)


def called(gateway: Gateway, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    """A webhook as a provider sends it: without a key of ours."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(gateway.url + path, content=data, headers=headers or {}, timeout=10, trust_env=False)


def proof(body: Any, secret: str = SECRET) -> dict[str, str]:
    now = datetime.now(UTC)
    words = Webhook(secret).sign("msg_1", now, json.dumps(body))
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": words}


def running(gateway: Gateway, upstream: Upstream, name: str, **more: Any) -> tuple[Any, str, Predictions]:
    provider = Predictions(f"{upstream.url}/{name}", **more)
    upstream.plan(name, provider)
    alice = gateway.customer("1")
    job = alice.submit(asked(name))
    return alice, job["id"], provider


def test_a_webhook_makes_a_waiting_job_finish_at_once_and_polls_are_rare_until_then(
    reached: Gateway, upstream: Upstream
) -> None:
    alice, job, provider = running(reached, upstream, "plain")
    path = provider.webhook()
    alice.job_when(job, lambda seen: seen["attempts"][0]["provider_status"] == "processing")
    provider.is_over, began = True, time.monotonic()
    answer = called(reached, path, {"anything": "at all"})
    assert (answer.status_code, answer.json()) == (200, {"status": "woken"})
    ended = alice.finished(job, AT_ONCE_S)
    assert ended["status"] == "succeeded" and time.monotonic() - began < AT_ONCE_S
    assert provider.polls == 1, "it was asked only when it had called"
    again = called(reached, path, {"anything": "at all"})
    assert (again.status_code, again.json()) == (200, {"status": "over"}), "a webhook that comes twice is harmless"
    assert alice.entries(job) == ["hold", "settle"]


def test_a_webhook_that_never_comes_is_no_loss(reached: Gateway, upstream: Upstream) -> None:
    alice, job, provider = running(reached, upstream, "plain")
    provider.webhook()
    provider.is_over = True
    assert alice.finished(job)["status"] == "succeeded" and provider.polls == 1


def test_only_a_signed_webhook_is_heard_from_a_provider_that_signs(reached: Gateway, upstream: Upstream) -> None:
    alice, job, provider = running(reached, upstream, "signed")
    path = provider.webhook()
    alice.job_when(job, lambda seen: seen["attempts"][0]["provider_status"] == "processing")
    provider.is_over, body = True, provider.document
    other = "whsec_" + base64.b64encode(b"somebody else's secret").decode()
    for headers in ({}, proof(body, other), proof({"another": "body"})):
        answer = called(reached, path, body, headers)
        assert answer.status_code == 401 and answer.json()["code"] == "unauthorized"
    assert provider.polls == 0 and alice.job(job)["status"] == "running"
    assert called(reached, path, body, proof(body)).json() == {"status": "woken"}
    assert alice.finished(job, AT_ONCE_S)["status"] == "succeeded"


def test_an_address_that_we_did_not_give_leads_nowhere(reached: Gateway, upstream: Upstream) -> None:
    alice, job, provider = running(reached, upstream, "plain")
    path = provider.webhook()
    place, _, token = path.rpartition(".")
    tricks = [
        f"{place}.{'0' * len(token)}", f"{place}0.{token}", place, path.replace("/plain/", "/signed/"),
        path.replace("/plain/", "/sandbox/"), path.replace("/plain/", "/nobody/"), "/v1/callbacks/plain/.",
    ]  # fmt: skip
    for trick in tricks:
        assert called(reached, trick, {}).status_code == 404, trick
    assert called(reached, path, b"x" * (17 * 1024 * 1024)).status_code == 413
    assert provider.polls == 0
    provider.is_over = True
    alice.finished(job)


def test_a_challenge_is_echoed_to_a_provider_that_does_not_sign(reached: Gateway, upstream: Upstream) -> None:
    alice, job, provider = running(reached, upstream, "plain")
    path = provider.webhook()
    answer = called(reached, path, {"challenge": "abc-123"})
    assert (answer.status_code, answer.json()) == (200, {"challenge": "abc-123"})
    assert provider.polls == 0
    provider.is_over = True
    alice.finished(job)


def test_a_provider_whose_secret_we_lack_is_given_no_address_and_polled_as_ever(
    reached: Gateway, upstream: Upstream
) -> None:
    alice, job, provider = running(reached, upstream, "silent")
    eventually(lambda: provider.polls >= 2, "two polls", 4)
    assert "webhook" not in provider.asks[0].json
    provider.is_over = True
    assert alice.finished(job)["status"] == "succeeded"


def test_a_submit_whose_answer_was_lost_goes_on_when_its_provider_calls(reached: Gateway, upstream: Upstream) -> None:
    alice, job, provider = running(reached, upstream, "signed", loses_submits=True)
    path = provider.webhook()
    alice.job_when(job, lambda seen: seen["attempts"][0]["status"] == "unknown")
    assert called(reached, path, {"id": "p1"}, proof({"id": "p1"})).json() == {"status": "over"}, "it says too little"
    body = provider.document
    assert called(reached, path, body, proof(body)).json() == {"status": "woken"}
    provider.is_over = True
    ended = alice.finished(job)
    assert statuses(ended) == [("signed", "succeeded", None)] and ended["cost"]["cost_usd"] == CHEAP
    assert len(upstream.posts("signed")) == 1 and alice.entries(job) == ["hold", "settle"]


def test_an_unsigned_webhook_says_where_to_ask_but_not_what_came_out(reached: Gateway, upstream: Upstream) -> None:
    alice, job, provider = running(reached, upstream, "plain", loses_submits=True)
    path = provider.webhook()
    alice.job_when(job, lambda seen: seen["attempts"][0]["status"] == "unknown")
    provider.is_over = True
    finished = provider.document
    assert called(reached, path, finished).json() == {"status": "over"}, "outputs come from the provider alone"
    assert called(reached, path, finished | {"status": "processing"}).json() == {"status": "woken"}
    assert alice.finished(job)["status"] == "succeeded" and provider.polls == 1


def test_public_keys_are_fetched_once_and_again_when_a_new_one_signs(reached: Gateway, upstream: Upstream) -> None:
    keys, asks = {"keys": [jwk(KEY.public_key().public_bytes_raw())]}, []
    over = []

    def answer(exchange: Exchange) -> None:
        asks.append((exchange.method, exchange.path, exchange.headers.get("authorization")))
        base = f"{upstream.url}/queued/requests/r1"
        if exchange.path.endswith("/keys"):
            exchange.reply(200, keys)
        elif exchange.method == "POST" or "/status" in exchange.path:
            links = {"status_url": f"{base}/status", "response_url": base, "cancel_url": f"{base}/cancel"}
            word = "COMPLETED" if over else "IN_PROGRESS"
            exchange.reply(200, {"status": word, "request_id": "r1", "logs": None, "queue_position": 0} | links)
        else:
            url = "data:image/png;base64," + base64.b64encode(picture()).decode()
            exchange.reply(200, {"images": [{"url": url, "content_type": "image/png"}]})

    upstream.plan("queued", answer)
    alice = reached.customer("1")
    for _ in range(2):
        over.clear()
        asks.clear()
        job = alice.submit(asked("queued"))["id"]
        eventually(lambda: asks, "a submit")
        address = httpx.URL("https://x" + asks[0][1]).params["fal_webhook"].removeprefix(PUBLIC_URL)
        alice.job_when(job, lambda seen: seen["attempts"][0]["provider_status"])
        over.append(True)
        body = b'{"request_id": "r1", "status": "OK"}'
        assert called(reached, address, body, signed_by_fal(body, datetime.now(UTC))).status_code == 401, "not its key"
        assert called(reached, address, body, signed_by_fal(body, datetime.now(UTC), KEY)).status_code == 200
        assert alice.finished(job, AT_ONCE_S)["status"] == "succeeded"
    assert not [ask for ask in asks if ask[1].endswith("/keys")], "the second job's webhook needed no fetching"
