"""A worker as its operator has it: `serve run` in a process of its own, over tiny weights, on a port of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
import yaml
from podium_worker import media
from podium_worker.wire import Made
from tiny import write_lora, write_pipeline

os.environ["HF_HUB_OFFLINE"] = "1"
torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "a-token-of-the-tests"
START_S, WITHIN_S = 180, 60
PICTURE_STEPS = 3
ENDED = ("succeeded", "failed", "canceled")


@dataclass(frozen=True)
class Weights:
    """Folders: of each pipeline, and of its two LoRAs. SLOW is a pipeline whose run lasts long enough to be stopped."""

    folder: Path

    def pipeline(self, name: str) -> Path:
        place = self.folder / name
        return place if place.exists() else write_pipeline(name, place)

    def lora(self, name: str, letter: str, rank: int = 4) -> Path:
        place = self.folder / f"{name}-{letter}-{rank}"
        return place if place.exists() else write_lora(name, place, ord(letter), rank)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return Weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def clips_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared is what the models made: x264 may write the same frames in two ways."""

    def bare(frames: media.Pixels, fps: int) -> Made:
        return Made(data=frames.tobytes(), mime="video/raw", width=frames.shape[2], height=frames.shape[1], fps=fps)

    monkeypatch.setattr(media, "clip", bare)


def model_settings(weights: Weights, name: str, **more: Any) -> dict[str, Any]:
    loras = [{"id": f"style-{letter}", "path": str(weights.lora(name, letter))} for letter in "ab"]
    task = "text-to-video" if name in ("wan", "ltx") else "text-to-image"
    clip = {"frames": 9, "fps": 8} if name in ("wan", "ltx") else {}
    return {
        "name": name, "path": str(weights.pipeline(name)), "dtype": "float32", "tasks": {task: None}, "loras": loras,
        "defaults": {"width": 64, "height": 64, "steps": PICTURE_STEPS} | clip,
        "scaling": {"gpus": 0, "cpus": 0.1},
    } | more  # fmt: skip


@dataclass
class Worker:
    url: str
    log: Path
    process: "subprocess.Popen[bytes]"

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            base_url=self.url, timeout=WITHIN_S, trust_env=False, headers={"authorization": f"Bearer {TOKEN}"}
        )

    def open(self, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        answer = self.client.post("/v1/runs", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def run(self, id: str) -> dict[str, Any]:
        answer = self.client.get(f"/v1/runs/{id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def when(self, id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        ends = time.monotonic() + WITHIN_S
        while time.monotonic() < ends:
            if is_so(run := self.run(id)):
                return run
            time.sleep(0.02)
        raise AssertionError(f"not within {WITHIN_S} s: {json.dumps(run)}")

    def done(self, body: dict[str, Any]) -> dict[str, Any]:
        return self.when(self.open(body)["id"], lambda run: run["status"] in ENDED)

    def bytes_of(self, run: dict[str, Any], number: int = 0) -> bytes:
        assert run["status"] == "succeeded", run
        answer = self.client.get(run["outputs"][number]["url"])
        assert answer.status_code == 200 and answer.headers["content-type"] == run["outputs"][number]["mime"]
        return answer.content


def picture(**more: Any) -> dict[str, Any]:
    return {"task": "text-to-image", "model": "stable-diffusion", "prompt": "a red fox", "seed": 7} | more


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def worker(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    models = [
        model_settings(weights, "stable-diffusion", tasks={
            "text-to-image": None, "image-edit": "StableDiffusionImg2ImgPipeline",
            "inpaint": "StableDiffusionInpaintPipeline",
        }),
        model_settings(weights, "wan"),
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("worker")
    port = free_port()
    config = {
        "proxy_location": "HeadOnly",
        "http_options": {"host": "127.0.0.1", "port": port},
        "applications": [{
            "name": "podium-worker", "route_prefix": "/", "import_path": "podium_worker.app:build",
            "args": {"models": models, "keeping": {"waiting_most": 4}},
        }],
    }  # fmt: skip
    (folder / "worker.yaml").write_text(yaml.safe_dump(config))
    # Ray's sockets have long names under its folder, and a socket's name has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as short:
        process = start(folder, RAY_TMPDIR=short, PODIUM_WORKER_TOKEN=TOKEN)
        running = Worker(f"http://127.0.0.1:{port}", folder / "log.txt", process)
        try:
            wait_until_loaded(running, len(models))
            yield running
        finally:
            running.client.close()
            stop(process)


def start(folder: Path, **variables: str) -> "subprocess.Popen[bytes]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PODIUM_"))}
    environment = kept | {"RAY_USAGE_STATS_ENABLED": "0", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"} | variables
    command = [str(Path(sys.executable).parent / "serve"), "run", str(folder / "worker.yaml")]
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ray takes its own processes along when the one that started them ends in order."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_loaded(worker: Worker, models: int) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and worker.process.poll() is None:
        try:
            answer = worker.client.get("/v1/health")
            if answer.status_code == 200 and len(answer.json()["replicas"]) == models:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    raise AssertionError(worker.log.read_text()[-6_000:])
