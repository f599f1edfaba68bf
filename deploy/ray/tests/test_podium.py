"""A whole Podium before the worker: what a run took of the GPU arrives as usage, as cost, and in the ledger."""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from conftest import ENDED, TOKEN, WITHIN_S, Worker, free_port

ROOT = Path(__file__).resolve().parents[3]
PODIUM = ROOT / ".venv" / "bin"
ADMIN = "pk_an-admin-of-the-stories"
USD_AN_HOUR = Decimal("3.60")
MODEL = "stability-ai/sdxl-1.0"
LONG = 100


def priced_card() -> dict[str, Any]:
    """The card that comes with Podium, with one offer, and a price as its operator would write it."""
    card = yaml.safe_load((ROOT / "adapters" / "catalog" / "providers" / "ray.yaml").read_text())
    [offer] = [each for each in card["offers"] if each["model"] == MODEL]
    rates = [{"unit": "gpu_second", "usd": str(USD_AN_HOUR), "per": 3600}]
    price = {"since": "2026-01-01", "checked": "2026-01-01", "source": "the story's own", "rates": rates}
    offer |= {"wire_id": "stable-diffusion", "prices": [price]}
    return card | {"key_env": "PODIUM_WORKER_TOKEN", "offers": [offer]}


@dataclass
class Podium:
    client: httpx.Client
    environment: dict[str, str]
    key: str

    def submit(self, **more: Any) -> dict[str, Any]:
        asked = {"task": "text-to-image", "model": MODEL, "prompt": "a red fox", "seed": 7, "steps": 3}
        body = asked | {"width": 256, "height": 256, "routing": {"only": ["ray"]}} | more
        answer = self.client.post("/v1/jobs", json=body, headers=self.as_caller)
        assert answer.status_code in (201, 202), answer.text
        return dict(answer.json())

    @property
    def as_caller(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def job(self, id: str) -> dict[str, Any]:
        return dict(self.client.get(f"/v1/jobs/{id}", headers=self.as_caller).json())

    def ended(self, id: str) -> dict[str, Any]:
        ends = time.monotonic() + WITHIN_S
        while (job := self.job(id))["status"] not in ENDED:
            assert time.monotonic() < ends, job
            time.sleep(0.1)
        return job

    def accounts(self) -> dict[str, Decimal]:
        data = self.client.get("/v1/ledger/balances", headers=as_admin()).json()["data"]
        return {each["account"]: Decimal(each["usd"]) for each in data}

    def verified(self) -> str:
        """What `podium ledger verify` prints."""
        done = subprocess.run(
            [PODIUM / "podium", "ledger", "verify"], env=self.environment, capture_output=True, text=True, cwd=ROOT
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def as_admin() -> dict[str, str]:
    return {"authorization": f"Bearer {ADMIN}"}


@pytest.fixture(scope="module")
def podium(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podium]:
    folder = tmp_path_factory.mktemp("podium")
    (folder / "cards").mkdir()
    (folder / "cards" / "ray.yaml").write_text(yaml.safe_dump(priced_card()))
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = kept | {
        "PYTHONPATH": str(ROOT), "PODIUM_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/podium.db",
        "PODIUM_STORE_URL": f"file://{folder}/assets", "PODIUM_ADMIN_KEY": ADMIN, "PODIUM_FEEDS": "off",
        "PODIUM_CATALOG_DIR": str(folder / "cards"), "PODIUM_PROVIDER_RAY_BASE_URL": worker.url,
        "PODIUM_WORKER_TOKEN": TOKEN, "PODIUM_URL": url, "PODIUM_KEY": ADMIN, "PODIUM_API_KEY": ADMIN,
    }  # fmt: skip
    subprocess.run([PODIUM / "alembic", "upgrade", "head"], env=environment, cwd=ROOT, check=True, capture_output=True)
    place = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    command = [PODIUM / "python", "-m", "uvicorn", "--factory", "gateway.main:create_app", *place]
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=url, timeout=WITHIN_S, trust_env=False) as client:
            yield Podium(client, environment, _customer(client, folder / "log.txt"))
    finally:
        process.terminate()
        process.wait(30)


def _customer(client: httpx.Client, log: Path) -> str:
    """A key with money, once the gateway listens."""
    ends = time.monotonic() + WITHIN_S
    while True:
        try:
            if client.get("/readyz").status_code == 200:
                break
        except httpx.HTTPError:
            pass
        assert time.monotonic() < ends, log.read_text()[-4_000:]
        time.sleep(0.2)
    made = client.post("/v1/keys", json={"name": "customer"}, headers=as_admin()).json()
    fund = {"key": made["id"], "usd": "5"}
    paid = client.post("/v1/ledger/fund", json=fund, headers=as_admin() | {"idempotency-key": "pay"})
    assert paid.status_code == 200, paid.text
    return str(made["secret"])


def test_gpu_seconds_arrive_in_the_ledger(podium: Podium, worker: Worker) -> None:
    before = podium.accounts().get("provider:ray:payable", Decimal(0))
    job = podium.ended(podium.submit(loras=[{"id": "style-a", "scale": 0.8}])["id"])
    assert job["status"] == "succeeded", job
    seconds = Decimal(str(job["usage"]["gpu_second"]))
    assert seconds > 0
    [line] = job["cost"]["lines"]
    assert line["unit"] == "gpu_second" and Decimal(str(line["quantity"])) == seconds
    exact = seconds * USD_AN_HOUR / 3600
    cost = Decimal(job["cost"]["cost_usd"])
    assert 0 <= cost - exact < Decimal("0.000000002"), "rounded up to the nano-dollar"
    assert podium.accounts()["provider:ray:payable"] - before == cost
    assert "ok" in podium.verified().lower()


def test_what_podium_delivers_is_what_the_worker_made(podium: Podium, worker: Worker) -> None:
    job = podium.ended(podium.submit()["id"])
    told = {"task": "text-to-image", "model": "stable-diffusion", "prompt": "a red fox", "seed": 7, "steps": 3}
    alone = worker.bytes_of(worker.done(told | {"width": 256, "height": 256, "guidance": 7}))
    answer = podium.client.get(job["outputs"][0]["url"], headers=podium.as_caller, follow_redirects=True)
    assert answer.content == alone


def test_a_canceled_job_stops_its_run_and_pays_for_what_it_took(podium: Podium, worker: Worker) -> None:
    before = podium.accounts().get("provider:ray:payable", Decimal(0))
    job = podium.submit(steps=LONG)
    ends = time.monotonic() + WITHIN_S
    while worker.client.get("/v1/health").json()["queue"]["running"] == 0:
        assert time.monotonic() < ends, podium.job(job["id"])
        time.sleep(0.05)
    assert podium.client.post(f"/v1/jobs/{job['id']}/cancel", headers=podium.as_caller).status_code in (200, 202)
    while worker.client.get("/v1/health").json()["queue"]["running"]:
        assert time.monotonic() < ends, "the worker goes on"
        time.sleep(0.05)
    ended = podium.ended(job["id"])
    assert ended["status"] == "canceled", ended
    paid = podium.accounts().get("provider:ray:payable", Decimal(0)) - before
    assert paid == Decimal(ended["cost"]["cost_usd"] or 0)
    assert "ok" in podium.verified().lower()
