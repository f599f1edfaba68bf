"""How a story speaks at the OpenAI door, without OpenAI's client, and reads what it answers."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from tests.stories.house import Customer
from tests.stories.upstreams import GONE, Exchange

DOOR = "/openai/v1"
PICTURE = {"model": "podium/sandbox-pictures-draft", "prompt": "a paper boat", "size": "64x64"}
WORDS = {
    "model": "talker/story/words",
    "messages": [{"role": "user", "content": "Tell me of boats."}],
    "max_tokens": 50,
}


def ask(customer: Customer, path: str, body: Any, **headers: str) -> httpx.Response:
    return customer.post(DOOR + path, body, **headers)


def error(answer: httpx.Response) -> dict[str, Any]:
    """What an answer is refused with, which has all that OpenAI's errors have."""
    said: dict[str, Any] = answer.json()["error"]
    assert {"message", "type", "param", "code"} <= said.keys(), said
    return said


def lines(customer: Customer, body: dict[str, Any]) -> Iterator[str]:
    """The data of a stream's events, and its comments, as they come."""
    client = customer.gateway.client
    assert client is not None
    headers = {"authorization": f"Bearer {customer.secret}"}
    with client.stream("POST", f"{DOOR}/chat/completions", json=body | {"stream": True}, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        yield from (line for line in answer.iter_lines() if line)


def data(line: str) -> Any:
    return json.loads(line.removeprefix("data: "))


def deltas(streamed: list[str]) -> list[str]:
    chunks = [data(line) for line in streamed if line.startswith("data: {")]
    return [chunk["choices"][0]["delta"]["content"] for chunk in chunks if chunk["choices"][0]["delta"].get("content")]


def talking_until_cut(cut: threading.Event) -> Callable[[Exchange], None]:
    """A word again and again, until nobody takes it."""

    def answer(exchange: Exchange) -> None:
        exchange.hang_up()
        exchange.begin(200, {"content-type": "text/event-stream"})
        word = {"choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}
        try:
            for _ in range(600):
                exchange.write(b"data: " + json.dumps(word).encode() + b"\n\n")
                time.sleep(0.05)
        except GONE:
            cut.set()

    return answer
