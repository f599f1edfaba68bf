"""Words at the OpenAI door: passed through as they come, stopped when nobody reads them, counted to the token."""

import json
import threading
import time
from decimal import Decimal

import httpx
import pytest

from tests.stories.house import Gateway
from tests.stories.openai_door import DOOR, WORDS, ask, data, deltas, error, lines, talking_until_cut
from tests.stories.upstreams import Exchange, Upstream, chat, status

SAID = ["Boats ", "float ", "on ", "water."]
COUNTS = {"prompt_tokens": 12, "completion_tokens": 4}


@pytest.mark.parametrize("stream", [False, True])
def test_what_fails_before_the_first_word_has_a_status_of_its_own(
    town: Gateway, upstream: Upstream, stream: bool
) -> None:
    upstream.plan("talker", status(400, {"message": "no such thing", "code": "content_policy_violation"}))
    answer = ask(town.customer(), "/chat/completions", WORDS | {"stream": stream})
    assert answer.status_code == 400 and error(answer)["code"] == "content_policy_violation"


def test_words_come_as_they_are_made_and_then_what_they_took(town: Gateway, upstream: Upstream) -> None:
    heard = threading.Event()
    upstream.plan("talker", chat(SAID, COUNTS, before=heard))
    alice = town.customer()
    stream = lines(alice, WORDS | {"stream_options": {"include_usage": True}})
    assert data(next(stream))["choices"][0]["delta"] == {"role": "assistant", "content": SAID[0]}
    heard.set()  # the provider waited for us to hear the first
    *words, finish, usage, comment, done = list(stream)
    assert deltas(words) == SAID[1:] and data(finish)["choices"][0]["finish_reason"] == "stop"
    counted = data(usage)
    assert counted["choices"] == [] and counted["usage"]["prompt_tokens"] == 12
    assert counted["usage"]["completion_tokens"] == 4 and counted["usage"]["cost"] == 0.00052
    job = alice.job(counted["id"])
    assert (
        comment.startswith(": podium ") and json.loads(comment[9:])["cost_usd"] == job["cost"]["cost_usd"] == "0.00052"
    )
    assert done == "data: [DONE]" and job["outputs"][0]["text"] == "".join(SAID)


def test_who_hangs_up_stops_the_words_at_the_provider_and_pays_for_those_that_came(
    town: Gateway, upstream: Upstream
) -> None:
    cut = threading.Event()
    upstream.plan("talker", talking_until_cut(cut))
    alice = town.customer()
    stream = lines(alice, WORDS)
    job_id = data(next(stream))["id"]
    next(stream), next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert cut.wait(5), "the provider went on talking"
    job = alice.job_when(job_id, lambda job: job["cost"]["cost_usd"] is not None)
    assert job["status"] == "canceled" and job["attempts"][0]["status"] == "canceled"
    assert job["outputs"][0]["text"].startswith("word word word ") and len(job["outputs"]) == 1
    made = Decimal(job["usage"]["output_token"])
    assert 3 <= made < 50 and job["cost"]["source"] == "estimate"
    expected = Decimal(job["usage"]["input_token"]) * Decimal("0.00001") + made * Decimal("0.0001")
    assert Decimal(job["cost"]["cost_usd"]) == expected
    assert alice.held == 0 and alice.balance == 5 - expected
    assert len(upstream.posts("talker")) == 1


def test_who_hangs_up_before_the_first_word_pays_for_nothing(town: Gateway, upstream: Upstream) -> None:
    waits, began = threading.Event(), threading.Event()

    def silent(exchange: Exchange) -> None:
        exchange.hang_up()
        exchange.begin(200, {"content-type": "text/event-stream"})
        began.set()
        waits.wait(30)

    upstream.plan("talker", silent)
    alice = town.customer()
    with pytest.raises(httpx.ReadTimeout):
        alice.send("POST", f"{DOOR}/chat/completions", json=WORDS, timeout=1)
    assert began.is_set()
    [job] = alice.get("/v1/jobs").json()["data"]
    assert alice.job_when(job["id"], lambda job: job["cost"]["cost_usd"] is not None)["status"] == "canceled"
    assert alice.held == 0 and alice.balance == 5
    waits.set()


def test_a_stream_that_breaks_off_ends_with_an_error(town: Gateway, upstream: Upstream) -> None:
    def breaking(exchange: Exchange) -> None:
        exchange.hang_up()
        exchange.begin(200, {"content-type": "text/event-stream"})
        word = {"choices": [{"index": 0, "delta": {"content": "half "}, "finish_reason": None}]}
        exchange.write(b"data: " + json.dumps(word).encode() + b"\n\n")
        time.sleep(0.2)

    upstream.plan("talker", breaking)
    *_, last, done = list(lines(town.customer(), WORDS))
    assert data(last)["error"]["type"] == "server_error" and done == "data: [DONE]"


def test_sampling_options_reach_whoever_speaks_this_protocol(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("talker", chat(SAID, COUNTS))
    answer = ask(town.customer(), "/chat/completions", WORDS | {"top_p": 0.5, "stop": ["."], "frequency_penalty": 0})
    assert answer.status_code == 200, answer.text
    [sent] = upstream.posts("talker")
    assert sent.json["top_p"] == 0.5 and sent.json["stop"] == ["."] and "frequency_penalty" not in sent.json
