"""`python -m benchmarks.pages`: how long each page of the dashboard takes to paint, and what it asks the gateway.

A gateway of its own is filled, with a catalog made larger; between it and the dashboard stands a proxy that counts.
Nothing is cached when a page is opened first: the dashboard is started anew for each.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from time import perf_counter
from typing import NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from benchmarks import browser as browsers
from benchmarks.large_catalog import write_models
from benchmarks.processes import environment, party

ADMIN = "pk_the-admin-of-these-measurements"
PATHS = ("/", "/frontier", "/models", "/churn", "/playground", "/jobs", "/decisions", "/money", "/operations")
TARGET_S = 2.0
ANSWER_S = 90
KEYS = dict.fromkeys(
    ("FAL_KEY", "REPLICATE_API_TOKEN", "OPENAI_API_KEY", "GOOGLE_API_KEY", "TOGETHER_API_KEY", "BFL_API_KEY"), "made-up"
)
"""Of providers whose addresses are closed ports here: offers are quoted, nothing is sent."""
NOWHERE = {
    f"PODIUM_PROVIDER_{name}_BASE_URL": "http://127.0.0.1:9"
    for name in ("FAL", "REPLICATE", "OPENAI", "GOOGLE", "TOGETHER", "BLACK_FOREST_LABS")
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Taken(NamedTuple):
    """One page: seconds to the first heading and until nothing moves, the second of two looks, and what was asked."""

    path: str
    first_s: float
    whole_s: float
    again_s: float
    calls: int
    size_bytes: int
    slowest: str


class Counter(ThreadingHTTPServer):
    """Stands before the gateway, passes everything on, and counts."""

    daemon_threads = True

    def __init__(self, gateway_port: int) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.gateway_port, self.lock = gateway_port, Lock()
        self.seen: list[tuple[str, float, int]] = []


class Passing(BaseHTTPRequestHandler):
    server: Counter
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        began = perf_counter()
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = HTTPConnection("127.0.0.1", self.server.gateway_port, timeout=ANSWER_S)
        asked.request(self.command, self.path, body, dict(self.headers))
        answer = asked.getresponse()
        data = answer.read()
        with self.server.lock:
            self.server.seen.append((f"{self.command} {urlsplit(self.path).path}", perf_counter() - began, len(data)))
        self.send_response(answer.status)
        self.send_header("content-type", answer.headers.get("content-type", ""))
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        asked.close()

    do_GET = do_POST = do_PATCH = do_DELETE = _pass

    def log_message(self, format: str, *words: object) -> None:
        """Says nothing: what was seen is in the table."""


@contextmanager
def counted(gateway_port: int) -> Iterator[Counter]:
    counter = Counter(gateway_port)
    Thread(target=counter.serve_forever, daemon=True).start()
    try:
        yield counter
    finally:
        counter.shutdown()
        counter.server_close()


def measure(folder: Path, jobs: int, models: int, rounds: int) -> list[Taken]:
    variables = {
        "PODIUM_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/podium.db", "PODIUM_STORE_URL": f"file://{folder}/assets",
        "PODIUM_CATALOG_DIR": str(write_models(folder / "catalog", models)),
    }  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.seed", "--jobs", str(jobs)]
    subprocess.run(command, cwd=folder, env=environment(variables), check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    more = {"PODIUM_ADMIN_KEY": ADMIN, "PODIUM_FEEDS": "off", "PODIUM_SANDBOX": "off", "PODIUM_PORT": str(port)}
    serving = variables | more | KEYS | NOWHERE
    gateway = party(folder, "gateway.cli", "up", "--no-dashboard", probe="/readyz", **serving)
    with gateway, browsers.chromium() as browser, counted(port) as counter:
        return [_page(folder, browser, counter, path, rounds) for path in PATHS]


def _page(folder: Path, browser: Browser, counter: Counter, path: str, rounds: int) -> Taken:
    looks = [_look(folder, browser, counter, path) for _ in range(rounds)]
    middle = sorted(looks, key=lambda look: look.whole_s)[len(looks) // 2]
    return middle._replace(first_s=median(each.first_s for each in looks))


def _look(folder: Path, browser: Browser, counter: Counter, path: str) -> Taken:
    """A dashboard that was just started, warmed by another page so that Streamlit itself is loaded, and a new page."""
    port = free_port()
    words = ("--url", f"http://127.0.0.1:{counter.server_port}", "--port", str(port))
    with party(folder, "dashboard.server", *words, probe="/_stcore/health", HOME=str(folder)):
        context = browsers.visitor(browser, f"http://127.0.0.1:{port}")
        page = context.new_page()
        page.goto("/jobs?job=job_of-nobody")
        browsers.sign_in(page, ADMIN)
        browsers.settled(page)
        counter.seen.clear()
        began = perf_counter()
        page.goto(path)
        page.get_by_test_id("stHeading").first.wait_for()
        first_s = perf_counter() - began
        browsers.settled(page)
        whole_s = perf_counter() - began - browsers.QUIET_MS / 1_000
        calls, size_bytes = len(counter.seen), sum(size for _, _, size in counter.seen)
        slowest = max(counter.seen, key=lambda seen: seen[1], default=("", 0.0, 0))
        began = perf_counter()
        page.goto(path)
        browsers.settled(page)
        again_s = perf_counter() - began - browsers.QUIET_MS / 1_000
        context.close()
    return Taken(path, first_s, whole_s, again_s, calls, size_bytes, f"{slowest[0]} {slowest[1]:.2f} s")


def table(taken: list[Taken]) -> str:
    lines = [
        "| page | first paint (s) | whole (s) | again (s) | calls | kB | slowest call |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in taken:
        late = " (late)" if each.first_s > TARGET_S else ""
        lines.append(
            f"| {each.path} | {each.first_s:.2f}{late} | {each.whole_s:.2f} | {each.again_s:.2f} | {each.calls} | "
            f"{each.size_bytes / 1e3:,.0f} | {each.slowest} |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description="How quick the dashboard is.")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--models", type=int, default=1_000, help="models in the catalog, made-up ones among them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    words = parser.parse_args()
    with TemporaryDirectory() as folder:
        taken = measure(Path(folder), words.jobs, words.models, words.rounds)
    made = f"{words.jobs:,} jobs, {words.models:,} models, {os.cpu_count()} cores, median of {words.rounds}"
    print(f"{made}\n\n{table(taken)}")
    if words.json:
        words.json.write_text(json.dumps([each._asdict() for each in taken], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
