"""What a gateway adds to each chunk of a streamed text: the OpenAI door beside its provider asked straight, in turns.

Each word is the moment at which the provider sent it, by the clock that all processes of a machine share, so how long
it was on its way is read where it arrives. Everything runs on this machine; only the difference within a run counts.
"""

import asyncio
import http.client
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks import admin
from benchmarks.processes import party
from gateway import migrations

CHUNKS, PAUSE_S = 300, 0.005
OFFER = "groq/openai/gpt-oss-120b"
ASKED = {"messages": [{"role": "user", "content": "Tell the time."}], "max_tokens": 1_000, "stream": True}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
ANSWER_S = 60


class Delays(NamedTuple):
    """How long a chunk was on its way, in ms: medians of one stream through the gateway and of one straight."""

    gateway_ms: float
    straight_ms: float

    @property
    def added_ms(self) -> float:
        return self.gateway_ms - self.straight_ms


def delays(rounds: int) -> tuple[Delays, ...]:
    with TemporaryDirectory(prefix="podium-bench-") as name:
        folder, url = Path(name), f"sqlite+aiosqlite:///{name}/podium.db"
        migrations.upgrade(url)
        with (
            party(folder, "benchmarks.streaming") as upstream,
            party(
                folder, "gateway.cli", "up", "--json", probe="/readyz", PODIUM_PORT="0", PODIUM_SANDBOX="off",
                PODIUM_FEEDS="off", PODIUM_DATABASE_URL=url, PODIUM_STORE_URL=f"file://{name}/assets",
                PODIUM_ADMIN_KEY=admin.ADMIN_KEY, PODIUM_LOG_LEVEL="warning",
                PODIUM_PROVIDER_GROQ_BASE_URL=f"http://127.0.0.1:{upstream.port}", GROQ_API_KEY="benchmark",
            ) as gateway,
        ):  # fmt: skip
            headers = {"authorization": f"Bearer {admin.make_key(gateway.port)}"}

            def through() -> float:
                return delay_ms(gateway.port, "/openai/v1/chat/completions", {"model": OFFER} | ASKED, headers)

            def straight() -> float:
                return delay_ms(upstream.port, "/chat/completions", ASKED, {})

            through(), straight()
            return tuple(Delays(through(), straight()) for _ in range(rounds))


def delay_ms(port: int, path: str, body: object, headers: dict[str, str]) -> float:
    """Of one stream, the median. Raises RuntimeError if words are missing."""
    deltas = _deltas(port, path, body, headers)
    found = [(now_ns - int(word)) / 1e6 for now_ns, delta in deltas for word in delta.split()]
    if len(found) != CHUNKS:
        raise RuntimeError(f"{path}: {len(found)} words of {CHUNKS} came")
    return median(found)


def _deltas(port: int, path: str, body: object, headers: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Each delta with the moment at which it was here."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    connection.request("POST", path, json.dumps(body), headers | {"content-type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.read(400)!r}")
    for line in answer:
        now_ns = time.monotonic_ns()
        if line.startswith(b"data: {"):
            [choice] = json.loads(line[6:]).get("choices") or [{}]
            yield now_ns, choice.get("delta", {}).get("content") or ""
    connection.close()


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request of a chat is answered with the time again and again; any other is not found."""
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"POST"):
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()
        return
    writer.write(HEAD)
    for _ in range(CHUNKS):
        writer.write(_event({"content": f"{time.monotonic_ns()} "}, None))
        await asyncio.sleep(PAUSE_S)
    writer.write(_event({}, "stop") + b"data: [DONE]\n\n")
    await writer.drain()
    writer.close()


def _event(delta: dict[str, str], finish_reason: str | None) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    return b"data: " + json.dumps({"choices": choices}).encode() + b"\n\n"


async def serve() -> None:
    server = await asyncio.start_server(_talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()))
