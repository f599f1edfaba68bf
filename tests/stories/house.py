"""A gateway as its users have it: a process of its own on a port, killed and started again; and who calls it."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import httpx

from adapters.registry import load_catalog
from gateway.settings import keyless_environment

ROOT = Path(__file__).resolve().parents[2]
ADMIN_SECRET = "pk_an-admin-of-the-stories"
KEY_NAMES = frozenset(
    name for card in load_catalog().cards.values() for name in re.findall(r"[A-Z0-9_]+", card.key_env or "")
)
START_S = 30
"""The longest that a child may take to listen on a busy machine."""
WITHIN_S = 30
"""The longest that a story waits for what must come."""
LOOK_S = 0.04
IDLE_S = 2
"""How long an idle connection is kept: the server closes it after five, and a call in that moment would be reset."""
FINAL = ("succeeded", "failed", "canceled")
DIRECT = build_opener(ProxyHandler({}))
"""No proxy of this machine's stands between a story and its own processes."""
NUMBERS = count()
"""For names and idempotency keys that must be new."""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def eventually(look: Callable[[], Any], what: str, within_s: float = WITHIN_S) -> Any:
    """What `look` finds, as soon as it finds something."""
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        if found := look():
            return found
        time.sleep(LOOK_S)
    raise AssertionError(f"{what}: not within {within_s:g} s")


@dataclass
class Child:
    """A process that a story started. It ends by `kill`, as a crash would end it, or by `stop`."""

    command: list[str]
    folder: Path
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def begin(self) -> None:
        assert self.process is None
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """As a crash: nothing is said, nothing is saved."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None


def child_environment(**variables: str) -> dict[str, str]:
    """No provider's key and no setting but these."""
    return keyless_environment(KEY_NAMES, PYTHONPATH=str(ROOT), **variables)


@dataclass
class Sandbox:
    """Our own provider, beside the gateways and outliving them, as one of a vendor would."""

    child: Child
    url: str

    def requests(self) -> dict[str, dict[str, Any]]:
        """What it saw, by its own ids."""
        with DIRECT.open(f"{self.url}/sandbox/requests", timeout=WITHIN_S) as answer:
            return {each["request_id"]: each for each in json.load(answer)["data"]}

    def start(self) -> None:
        self.child.begin()
        eventually(lambda: answers(f"{self.url}/sandbox/requests"), "the sandbox listens", START_S)

    def restart(self) -> None:
        self.child.kill()
        self.start()

    @contextlib.contextmanager
    def watched(self) -> Iterator[list[dict[str, Any]]]:
        """What it sees in the meantime, known at the end."""
        before = self.requests().keys()
        seen: list[dict[str, Any]] = []
        yield seen
        seen += [each for request_id, each in self.requests().items() if request_id not in before]


def start_sandbox(folder: Path) -> Sandbox:
    folder.mkdir(parents=True)
    port = free_port()
    place = ["--port", str(port), "--data-dir", str(folder / "data"), "--parent-pid", str(os.getpid())]
    child = Child([sys.executable, "-m", "gateway.sandbox", *place], folder, child_environment())
    sandbox = Sandbox(child, f"http://127.0.0.1:{port}")
    sandbox.start()
    return sandbox


def answers(url: str) -> bool:
    """Asked often, so without httpx, which reads all certificates for each client."""
    try:
        with DIRECT.open(url, timeout=WITHIN_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@dataclass
class Gateway:
    """One gateway with its worker inside. `kill` and `start` again go on with the same data."""

    folder: Path
    database_url: str
    variables: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    child: Child = field(init=False)
    client: httpx.Client | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "PODIUM_DATABASE_URL": self.database_url,
            "PODIUM_STORE_URL": f"file://{self.folder}/assets",
            "PODIUM_ADMIN_KEY": ADMIN_SECRET,
            "PODIUM_FEEDS": "off",  # some stories set providers' keys, and none may call out
        } | self.variables
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning", "--no-access-log"]
        command = [sys.executable, "-m", "uvicorn", "--factory", "gateway.main:create_app", "--loop", "asyncio", *place]
        self.child = Child(command, self.folder, child_environment(**settings))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Gateway":
        self.child.begin()
        limits = httpx.Limits(keepalive_expiry=IDLE_S)
        self.client = httpx.Client(base_url=self.url, timeout=90, verify=False, trust_env=False, limits=limits)
        eventually(lambda: answers(f"{self.url}/readyz") or not self.child.is_alive(), "the gateway is ready", START_S)
        assert self.child.is_alive(), self.child.log.read_text()
        return self

    def kill(self) -> None:
        self.child.kill()
        self._hang_up()

    def restart(self) -> None:
        self.kill()
        self.start()

    def stop(self) -> None:
        self.child.stop()
        self._hang_up()

    def _hang_up(self) -> None:
        if self.client is not None:
            self.client.close()
            self.client = None

    @property
    def admin(self) -> "Customer":
        return Customer(self, "admin", ADMIN_SECRET)

    def customer(self, usd: str | None = "5") -> "Customer":
        """A new key, with so much money."""
        made = self.admin.post("/v1/keys", {"name": f"customer {next(NUMBERS)}"}).json()
        if usd is not None:
            self.fund(made["id"], usd)
        return Customer(self, made["id"], made["secret"])

    def fund(self, key_id: str, usd: str) -> None:
        answer = self.admin.post("/v1/ledger/fund", {"key": key_id, "usd": usd}, idempotency_key=f"pay-{next(NUMBERS)}")
        assert answer.status_code == 200, answer.text

    def check_books(self) -> dict[str, Any]:
        """The books balance, and nothing broke on our side."""
        report: dict[str, Any] = self.admin.get("/v1/ledger/verify").json()
        assert report["ok"] is True, report
        log = self.child.log.read_text()
        assert "Traceback" not in log, log[-8_000:]
        return report


@dataclass(frozen=True)
class Customer:
    """One who calls a gateway with a key."""

    gateway: Gateway
    id: str
    secret: str

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.send("GET", path, headers=_spelled(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.send("POST", path, json=body, headers=_spelled(headers))

    def send(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        assert self.gateway.client is not None, "the gateway is down"
        authorized = {"authorization": f"Bearer {self.secret}"} | (headers or {})
        return self.gateway.client.request(method, path, headers=authorized, **more)

    def submit(self, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """A job as it was accepted."""
        answer = self.post("/v1/jobs", body, **headers)
        assert answer.status_code in (201, 202), answer.text
        job: dict[str, Any] = answer.json()
        return job

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def finished(self, job_id: str, within_s: float = WITHIN_S) -> dict[str, Any]:
        """The job once it has ended."""
        return self.job_when(job_id, lambda job: job["status"] in FINAL, within_s)

    def job_when(
        self, job_id: str, is_so: Callable[[dict[str, Any]], bool], within_s: float = WITHIN_S
    ) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if is_so(job) else None

        found: dict[str, Any] = eventually(look, f"{job_id} gets there", within_s)
        return found

    def done(self, body: dict[str, Any], within_s: float = WITHIN_S) -> dict[str, Any]:
        """A job made and waited for."""
        return self.finished(self.submit(body)["id"], within_s)

    @property
    def balance(self) -> Decimal:
        return self._account("available")

    @property
    def held(self) -> Decimal:
        return self._account("held")

    def _account(self, name: str) -> Decimal:
        accounts = {each["account"]: each["usd"] for each in self.get("/v1/ledger/balances").json()["data"]}
        return Decimal(accounts.get(f"key:{self.id}:{name}", "0"))

    def entries(self, job_id: str) -> list[str]:
        """The reasons of a job's entries in the ledger, in their order."""
        data = self.get("/v1/ledger/entries?limit=500").json()["data"]
        return [each["reason"] for each in reversed(data) if job_id in each["key"]]


def _spelled(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def statuses(job: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """What became of each attempt: the provider, the status, the fault."""
    return [(each["offer"].split("/")[0], each["status"], each["fault"]) for each in job["attempts"]]


def execute(database_url: str, statement: str) -> None:
    """Change an SQLite database behind the gateway's back."""
    with contextlib.closing(sqlite3.connect(database_url.removeprefix("sqlite+aiosqlite:///"))) as connection:
        connection.execute(statement)
        connection.commit()
