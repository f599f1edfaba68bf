"""Words passed through: whole, in order, and with next to nothing added to each."""

import json
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from gateway.doors.openai.asking import chat
from gateway.doors.openai.chat import _told
from gateway.jobs.service import Seen
from tests.gateway.doors.openai.test_answering import words

ASKED = chat(
    {"messages": [{"role": "user", "content": "hi"}], "stream": True, "stream_options": {"include_usage": True}}
)
ADDED_S = 0.001


async def coming(deltas: list[str]) -> AsyncGenerator[str, None]:
    for delta in deltas:
        yield delta


async def told(seen: Seen, said: list[str]) -> list[str]:
    # A job that has ended is not looked up again, so neither the gateway's parts nor the request are touched.
    nobody: Any = None
    return [event async for event in _told(nobody, nobody, seen, coming(said[1:]), said[0], ASKED)]


def contents(events: list[str]) -> list[str]:
    chunks = [json.loads(event.removeprefix("data: ")) for event in events if event.startswith("data: {")]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    return [choice["delta"]["content"] for choice in choices if "content" in choice["delta"]]


@pytest.mark.anyio
async def test_words_keep_their_order_and_every_sign() -> None:
    said = ["Foxes ", "— “vif”\n", '"quoted" \\ ', "\x00here\x00", "🦊."]
    whole = words(outputs=json.dumps([{"text": "".join(said), "asset": None}]))
    events = await told(whole, said)
    assert contents(events) == said and events[-1] == "data: [DONE]\n\n"
    assert all(event.count("\n") == 2 and event.endswith("\n\n") for event in events)


@pytest.mark.anyio
async def test_what_another_process_said_comes_in_one_piece_at_the_end() -> None:
    assert contents(await told(words(), ["Fox"])) == ["Fox", "es."]


@pytest.mark.anyio
async def test_an_answer_that_began_anew_elsewhere_ends_with_an_error() -> None:
    *_, error, done = await told(words(), ["Cats"])
    assert "began anew" in json.loads(error.removeprefix("data: "))["error"]["message"] and done == "data: [DONE]\n\n"


@pytest.mark.anyio
async def test_under_a_millisecond_is_added_to_each_chunk() -> None:
    said = ["word "] * 2_000
    whole = words(outputs=json.dumps([{"text": "".join(said), "asset": None}]))
    began = time.perf_counter()
    events = await told(whole, said)
    assert contents(events) == said and (time.perf_counter() - began) / len(said) < ADDED_S
