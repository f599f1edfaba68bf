"""Any OpenAI-compatible server and a key: `auto` picks among its models, and its words come as they are made."""

import json
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.stories.house import Customer, Gateway, Sandbox
from tests.stories.upstreams import Upstream, chat, status

IMAGE = {"task": "text-to-image", "prompt": "a red fox"}
TEXT = {"task": "text", "messages": [{"role": "user", "content": "Tell me of foxes."}], "max_tokens": 50}
SAID = ["Foxes ", "are ", "quick ", "— “vif”."]
KEY = "sk-of-the-operator-0123456789"


@pytest.fixture(scope="module")
def open_house(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], upstream: Upstream
) -> Iterator[Gateway]:
    """A gateway whose one provider with a key is a server of ours."""
    at = {"PODIUM_PROVIDER_OPENAI_BASE_URL": f"{upstream.url}/openai/v1", "OPENAI_API_KEY": KEY}
    gateway = new_gateway(PODIUM_SANDBOX="on", **at).start()
    yield gateway
    close_gateway(gateway)


def events(customer: Customer, job_id: str) -> Iterator[tuple[str, Any]]:
    """The words and the end of a job, among its server-sent events, as they come: each one's name and data."""
    client = customer.gateway.client
    assert client is not None
    headers = {"authorization": f"Bearer {customer.secret}"}
    with client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name in ("delta", "done"):
                yield name, json.loads(line.removeprefix("data: "))


def test_auto_picks_among_its_models_and_sends_them_its_key(open_house: Gateway, upstream: Upstream) -> None:
    alice = open_house.customer("1")
    job = alice.done(IMAGE)
    assert job["status"] == "succeeded" and job["offer"].startswith("openai/openai/")
    [sent] = upstream.posts("openai")
    assert sent.path == "/openai/v1/images/generations" and sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.json["prompt"] == "a red fox" and job["offer"].endswith(sent.json["model"])
    assert alice.balance == 1 - Decimal(job["cost"]["cost_usd"]) and alice.held == 0


def test_auto_leaves_the_sandbox_out_and_says_why(open_house: Gateway) -> None:
    decision = open_house.customer().post("/v1/route", IMAGE).json()["decision"]
    assert {each["offer"].split("/")[0] for each in decision["ranked"]} == {"openai"}
    reasons = {each["offer"]: each["reason"] for each in decision["rejected"]}
    assert "stand-in" in reasons["sandbox/podium/sandbox-pictures"]


@pytest.mark.parametrize("named", [{"model": "podium/sandbox-pictures-draft"}, {"routing": {"only": ["sandbox"]}}])
def test_the_sandbox_still_serves_whoever_names_it(
    open_house: Gateway, sandbox: Sandbox, upstream: Upstream, named: dict[str, Any]
) -> None:
    with sandbox.watched() as seen:
        job = open_house.customer().done(IMAGE | {"width": 64, "height": 64} | named)
    assert job["status"] == "succeeded" and len(seen) == 1 and not upstream.posts("openai")


def test_words_are_heard_as_they_come_then_the_whole_job(open_house: Gateway, upstream: Upstream) -> None:
    heard = threading.Event()
    upstream.plan("openai", chat(SAID, {"prompt_tokens": 9, "completion_tokens": 7}, before=heard))
    alice = open_house.customer("1")
    job = alice.submit(TEXT)
    stream = events(alice, job["id"])
    assert next(stream) == ("delta", {"text": SAID[0]})  # while the server still waits for us
    heard.set()
    *deltas, (last, done) = stream
    assert deltas == [("delta", {"text": words}) for words in SAID[1:]]
    assert last == "done" and done["status"] == "succeeded" and done["outputs"][0]["text"] == "".join(SAID)
    assert (done["usage"]["input_token"], done["usage"]["output_token"]) == ("9", "7")


def test_a_text_is_billed_by_the_tokens_of_the_last_chunk(open_house: Gateway, upstream: Upstream) -> None:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 40, "prompt_tokens_details": {"cached_tokens": 400}}
    upstream.plan("openai", chat(SAID, usage))
    alice = open_house.customer("1")
    job = alice.done(TEXT | {"model": "openai/gpt-4.1"})
    expected = (600 * Decimal("2") + 400 * Decimal("0.5") + 40 * Decimal("8")) / 1_000_000
    assert Decimal(job["cost"]["cost_usd"]) == expected
    assert sum(Decimal(line["usd"]) for line in job["cost"]["lines"]) == expected
    [sent] = upstream.posts("openai")
    assert sent.json["stream"] is True and sent.json["stream_options"] == {"include_usage": True}


def test_who_listens_late_hears_all_of_it_and_after_the_end_the_job(open_house: Gateway, upstream: Upstream) -> None:
    rest = threading.Event()
    upstream.plan("openai", chat(SAID, {"prompt_tokens": 9, "completion_tokens": 7}, before=rest))
    alice = open_house.customer("1")
    job = alice.submit(TEXT)
    first = events(alice, job["id"])
    next(first)
    second = events(alice, job["id"])
    assert next(second) == ("delta", {"text": SAID[0]})
    rest.set()
    assert list(first)[-1][0] == list(second)[-1][0] == "done"
    assert [name for name, _ in events(alice, job["id"])] == ["delta", "done"]
    (_, delta), (_, done) = events(alice, job["id"])
    assert delta["text"] == done["outputs"][0]["text"] == "".join(SAID)


def test_anothers_words_are_not_heard(open_house: Gateway, upstream: Upstream) -> None:
    upstream.plan("openai", chat(SAID, {"prompt_tokens": 9, "completion_tokens": 7}))
    job = open_house.customer().submit(TEXT)
    assert open_house.customer().get(f"/v1/jobs/{job['id']}/events").status_code == 404


def test_the_operators_key_is_shown_to_nobody(open_house: Gateway, upstream: Upstream) -> None:
    upstream.plan("openai", status(401, {"message": f"Incorrect API key provided: {KEY}"}))
    alice = open_house.customer()
    job = alice.done(IMAGE | {"routing": {"fallbacks": 0}})
    assert job["error"]["code"] == "auth" and KEY not in json.dumps(job)
    decision = alice.get(f"/v1/decisions/{job['decision']}").text
    assert KEY not in decision and KEY not in alice.get("/v1/offers").text
