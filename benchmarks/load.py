"""A closed-loop HTTP/1.1 client: so many connections, each sending its next request when the last is answered.

Run as `python -m benchmarks.load` with a `Work` as JSON on its input; it prints a `Measured` as JSON. It is a process
of its own and speaks over bare sockets, so that it takes little from what it measures.
"""

import asyncio
import itertools
import json
import re
import sys
from collections.abc import Iterator
from time import perf_counter_ns
from typing import NamedTuple

from benchmarks.messages import first_message

NANOS_PER_MS = 1_000_000
ANSWER_S = 30
"""How long the last answers may take after the end of the round."""
WORDS = ("amber", "brass", "cedar", "dune", "ember", "fjord", "glass", "heron", "iris", "jade", "kelp", "lilac", "moss")
LONGEST = 57
"""Words of the longest prompt, about 300 characters."""


class Work(NamedTuple):
    """What to send, where, and for how long. `body` has `%s` where the prompt goes; `proof`, a pattern, must
    be found in each answer."""

    port: int
    path: str
    headers: dict[str, str]
    body: str
    status: int
    proof: str
    connections: int
    seconds: float
    first_number: int


class Measured(NamedTuple):
    """One round. `elapsed_s` is until the last answer; `wrong` answers are counted and not timed."""

    answered: int
    wrong: int
    complaint: str
    elapsed_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Tally:
    """What all connections of a round add to."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.prompts = prompts(work.first_number)
        self.ends_ns = perf_counter_ns() + int(work.seconds * 1e9)
        self.latencies_ns: list[int] = []
        self.wrong = 0
        self.complaint = ""
        lines = [f"POST {work.path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json"]
        self.head = "\r\n".join(lines + [f"{name}: {value}" for name, value in work.headers.items()]) + "\r\n"

    def request(self) -> bytes:
        body = self.work.body.replace("%s", next(self.prompts))
        return f"{self.head}content-length: {len(body)}\r\n\r\n{body}".encode("ascii")

    def complain(self, what: str) -> None:
        self.wrong += 1
        self.complaint = self.complaint or what

    def measured(self, elapsed_s: float) -> Measured:
        ordered = sorted(self.latencies_ns)
        p50, p95, p99 = (quantile(ordered, part) / NANOS_PER_MS for part in (0.50, 0.95, 0.99))
        return Measured(len(ordered), self.wrong, self.complaint, elapsed_s, p50, p95, p99)


class Connection(asyncio.Protocol):
    """One caller: it sends, waits for the answer, and sends again until the round is over."""

    transport: asyncio.Transport

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.buffer = bytearray()
        self.done = asyncio.get_running_loop().create_future()
        self.proof = re.compile(tally.work.proof.encode())
        self.status = str(tally.work.status).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.began_ns = perf_counter_ns()
        self.transport.write(self.tally.request())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        message = first_message(self.buffer)
        if message is None:
            return
        now_ns = perf_counter_ns()
        self.buffer.clear()
        if message.head[9:12] == self.status and self.proof.search(message.body):
            self.tally.latencies_ns.append(now_ns - self.began_ns)
        else:
            self.tally.complain(f"{message.head[:40]!r} {message.body[:400]!r}")
        if now_ns < self.tally.ends_ns:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None or perf_counter_ns() < self.tally.ends_ns:
            self.tally.complain(f"a connection broke: {error}")
        if not self.done.done():
            self.done.set_result(None)


def prompts(first_number: int) -> Iterator[str]:
    """Prompts without end: no two alike, and of many lengths, so that no cache of whole requests can help."""
    for number in itertools.count(first_number):
        words = " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 5 + number % LONGEST))
        yield f"a fox, number {number}, in {words}"


def quantile(ordered: list[int], part: float) -> float:
    """The nearest rank; 0 where nothing was measured."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0


async def run(work: Work) -> Measured:
    """One round of closed-loop load."""
    loop, tally = asyncio.get_running_loop(), Tally(work)
    began_ns = perf_counter_ns()
    made = [loop.create_connection(lambda: Connection(tally), "127.0.0.1", work.port) for _ in range(work.connections)]
    opened = await asyncio.gather(*made)
    async with asyncio.timeout(work.seconds + ANSWER_S):
        await asyncio.gather(*[connection.done for _, connection in opened])
    return tally.measured((perf_counter_ns() - began_ns) / 1e9)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(Work(**json.load(sys.stdin))))._asdict()))
