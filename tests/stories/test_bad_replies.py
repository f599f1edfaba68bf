"""Whatever a provider answers, the job ends with a clear error, its hold goes back, and nothing is settled twice."""

import gzip
import threading
from decimal import Decimal
from typing import Any

import pytest

from tests.stories.cards import BRIEF_S, CHEAP, asked
from tests.stories.house import Customer, Gateway, Sandbox, statuses
from tests.stories.upstreams import (
    Answer,
    Queue,
    Upstream,
    chat,
    declared_huge,
    endless,
    held_until,
    picture,
    pictures,
    raw,
    status,
    trickle,
)

BOMB = gzip.compress(b"[" + b"0," * 60_000_000 + b"0]", 9)
"""Some hundred kilobytes that want to be 120 MB."""


def ended_badly(alice: Customer, body: dict[str, Any], code: str) -> dict[str, Any]:
    job = alice.done(body)
    assert job["status"] == "failed" and job["error"]["code"] == code and job["error"]["message"], job
    assert job["outputs"] == [] and job["cost"]["cost_usd"] == "0.00"
    assert (alice.balance, alice.held) == (1, 0)
    assert alice.entries(job["id"]).count("settle") == 1
    return job


@pytest.mark.parametrize(
    "answer",
    [
        declared_huge,
        endless,
        raw(BOMB, content_encoding="gzip"),
        raw(b"<!doctype html><h1>It works!</h1>", content_type="text/html"),
        raw(b""),
        raw(b"null"),
        raw(b"[1, 2]"),
        raw(b"[" * 200_000),
        raw(b'{"data": []}'),
        raw(b'{"data": [{}]}'),
        raw(b'{"data": [{"b64_json": "!!!"}]}'),
        raw(b'{"data": [{"b64_json": "bm8gcGljdHVyZQ=="}]}'),
        raw(b'{"data": [{"url": "file:///etc/passwd"}]}'),
        raw(b'{"data": [{"url": "http://169.254.169.254/latest/meta-data"}]}'),
        status(302, location="http://169.254.169.254/"),
    ],
    ids=["10 GB declared", "endless", "gzip bomb", "html", "empty", "null", "a list", "deep", "no data", "no image",
         "no base64", "no picture", "a file link", "an inward link", "a redirect"],
)  # fmt: skip
def test_a_reply_that_is_none_fails_the_job(town: Gateway, upstream: Upstream, answer: Answer) -> None:
    upstream.plan("north", answer)
    job = ended_badly(town.customer("1"), asked("north"), "bad_reply")
    assert statuses(job) == [("north", "failed", "bad_reply")] and len(upstream.posts("north")) == 1


def test_an_unpaid_caller_learns_nothing_of_what_a_link_of_a_provider_hides(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("secret", raw(picture()))
    elsewhere = upstream.url.replace("127.0.0.1", "localhost")
    upstream.plan("north", raw(f'{{"data": [{{"url": "{elsewhere}/secret/picture.png"}}]}}'.encode()))
    job = ended_badly(town.customer("1"), asked("north"), "bad_reply")
    assert "private" in job["error"]["message"]
    assert [each.provider for each in upstream.seen] == ["north"]


def test_a_redirect_of_a_configured_provider_does_not_lead_inward(town: Gateway, upstream: Upstream) -> None:
    link = f"{upstream.url}/door/picture.png"
    upstream.plan("queue", Queue(looks=0, media_url=link))
    upstream.plan("door", status(302, location=f"{upstream.url}/secret/picture.png"))
    upstream.plan("secret", raw(picture()))
    ended_badly(town.customer("1"), asked("queue"), "bad_reply")
    assert "secret" not in {each.provider for each in upstream.seen}


def test_a_status_link_on_another_host_is_not_followed_inward(town: Gateway, upstream: Upstream) -> None:
    elsewhere = upstream.url.replace("127.0.0.1", "localhost")
    upstream.plan("queue", Queue(status_url=f"{elsewhere}/secret/status"))
    ended_badly(town.customer("1"), asked("queue"), "bad_reply")
    assert "secret" not in {each.provider for each in upstream.seen}


@pytest.mark.parametrize("told", [{"huge": True}, {"nonsense": "result"}, {"nonsense": "status"}, {"broken": True}])
def test_the_sandbox_at_its_worst_fails_the_job_and_no_more(
    house: Gateway, sandbox: Sandbox, told: dict[str, Any]
) -> None:
    body = {"task": "text-to-image", "prompt": "a mishap", "width": 64, "height": 64, "routing": {"fallbacks": 0}}
    with sandbox.watched() as seen:
        ended_badly(house.customer("1"), body | {"extra": {"sandbox": {"sandbox": told}}}, "bad_reply")
    assert [each["submits"] for each in seen] == [1]


def test_a_provider_that_loses_the_job_is_tried_again_and_then_left(town: Gateway, sandbox: Sandbox) -> None:
    told = {"sandbox": {"sandbox": {"vanish": True}}}
    alice = town.customer("1")
    with sandbox.watched() as seen:
        job = alice.done(asked("sandbox/podium/sandbox-pictures-draft", "north") | {"extra": told})
    assert statuses(job) == [("sandbox", "failed", "provider_fault")] * 3 + [("north", "succeeded", None)]
    assert [each["submits"] for each in seen] == [1] * 3
    assert alice.balance == 1 - Decimal(CHEAP) and alice.held == 0


def test_a_refusal_says_so(house: Gateway) -> None:
    told = {"sandbox": {"sandbox": {"refuse": True}}}
    body = {"task": "text-to-image", "prompt": "something", "width": 64, "height": 64, "extra": told}
    ended_badly(house.customer("1"), body, "content_rejected")


@pytest.mark.parametrize("kind", ["never", "a byte now and then"])
def test_a_reply_that_never_comes_is_given_up_at_the_deadline(town: Gateway, upstream: Upstream, kind: str) -> None:
    done = threading.Event()
    upstream.plan("brief", held_until(done) if kind == "never" else trickle)
    alice = town.customer("1")
    job = alice.submit(asked("brief"))
    assert alice.held == Decimal(CHEAP)
    ended = alice.finished(job["id"], BRIEF_S + 10)
    done.set()
    assert ended["error"]["code"] == "timed_out" and statuses(ended) == [("brief", "failed", "timed_out")]
    assert (alice.balance, alice.held) == (1, 0) and len(upstream.posts("brief")) == 1


def test_a_run_that_never_ends_is_stopped_at_its_deadline_and_made_elsewhere(town: Gateway, upstream: Upstream) -> None:
    queue = Queue(looks=10_000)
    upstream.plan("weary", queue)
    alice = town.customer("1")
    job = alice.done(asked("weary", "north"))
    assert statuses(job) == [("weary", "failed", "timed_out"), ("north", "succeeded", None)]
    assert (queue.submits, len(queue.canceled)) == (1, 1)
    assert alice.balance == 1 - Decimal(CHEAP) and alice.held == 0


@pytest.mark.parametrize(
    "media", [declared_huge, status(404), raw(b"<html>no picture</html>", content_type="text/html")]
)
def test_a_file_that_cannot_be_had_fails_the_job(town: Gateway, upstream: Upstream, media: Answer) -> None:
    upstream.plan("queue", Queue(looks=0, media_url=f"{upstream.url}/door/picture.png"))
    upstream.plan("door", media)
    ended_badly(town.customer("1"), asked("queue"), "bad_reply")


def test_a_file_that_cannot_be_had_yet_is_fetched_later(town: Gateway, upstream: Upstream) -> None:
    queue = Queue(looks=0, media_url=f"{upstream.url}/door/picture.png")
    upstream.plan("queue", queue)
    upstream.plan("door", status(503), raw(picture(), content_type="image/png"))
    job = town.customer("1").done(asked("queue"))
    assert statuses(job) == [("queue", "succeeded", None)] and queue.submits == 1


def test_a_poll_that_fails_in_passing_loses_nothing(town: Gateway, upstream: Upstream) -> None:
    queue = Queue(looks=1)
    upstream.plan("queue", queue, status(503), status(429, retry_after="1"), queue)
    alice = town.customer("1")
    job = alice.done(asked("queue"))
    assert statuses(job) == [("queue", "succeeded", None)] and queue.submits == 1


def test_two_pictures_of_three_are_billed_as_two_and_the_third_is_named(town: Gateway, upstream: Upstream) -> None:
    def short(exchange: Any) -> None:
        asked_for = exchange.json["n"]
        exchange.body = exchange.body.replace(f'"n":{asked_for}'.encode(), b'"n":2')
        pictures(exchange)

    upstream.plan("north", short)
    alice = town.customer("1")
    job = alice.done(asked("north") | {"count": 3})
    assert job["status"] == "succeeded" and len(job["outputs"]) == 2
    assert job["adjustments"] == [{"parameter": "count", "asked": 3, "sent": 3, "delivered": 2}]
    assert job["cost"]["held_usd"] == "0.03" and job["cost"]["cost_usd"] == "0.02"
    assert alice.balance == 1 - Decimal("0.02") and alice.held == 0


def test_a_cost_above_the_hold_is_the_gateways_and_not_the_callers(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("talker", chat(["far ", "too ", "much"], {"prompt_tokens": 5, "completion_tokens": 1_000}))
    alice = town.customer("0.02")
    job = alice.done({"task": "text", "prompt": "be brief", "max_tokens": 10, "model": "story/words"})
    assert job["status"] == "succeeded" and Decimal(job["cost"]["cost_usd"]) == Decimal("0.10005")
    assert alice.balance == Decimal("0.02") - Decimal(job["cost"]["held_usd"]) and alice.held == 0
    accounts = {each["account"]: each["usd"] for each in town.admin.get("/v1/ledger/balances").json()["data"]}
    assert Decimal(accounts["gateway:overrun"]) < 0


def test_a_text_that_breaks_off_is_no_text(town: Gateway, upstream: Upstream) -> None:
    half = b'data: {"choices": [{"index": 0, "delta": {"content": "Once upon"}, "finish_reason": null}]}\n\n'
    upstream.plan("talker", raw(half, content_type="text/event-stream"))
    ended_badly(town.customer("1"), {"task": "text", "prompt": "a tale", "model": "story/words"}, "bad_reply")
