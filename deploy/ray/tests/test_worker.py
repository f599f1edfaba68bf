"""The worker over HTTP, from `serve run` on: what the protocol in README.md promises."""

import base64
import contextlib
import io
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from conftest import WITHIN_S, Worker, picture
from PIL import Image

LONG = 90
"""Steps that last long enough to be looked at and stopped."""


def test_two_loras_alternating_over_twenty_requests_give_the_same_bytes_as_each_alone(worker: Worker) -> None:
    def made(*loras: str) -> bytes:
        return worker.bytes_of(worker.done(picture(loras=[{"id": each, "scale": 0.8} for each in loras])))

    bare, alone = made(), {"style-a": made("style-a"), "style-b": made("style-b")}
    assert len({bare, *alone.values()}) == 3
    for number in range(20):
        lora = ("style-a", "style-b")[number % 2]
        assert made(lora) == alone[lora], f"request {number} differs from {lora} alone"
    assert made() == bare
    both = made("style-a", "style-b")
    assert both not in (bare, *alone.values()) and made("style-b", "style-a") == both


def test_a_canceled_run_stops_between_steps_and_says_what_it_took(worker: Worker) -> None:
    opened = worker.open(picture(steps=LONG, width=128, height=128))
    running = worker.when(opened["id"], lambda run: run["step"] > 0)
    assert running["status"] == "running" and running["steps"] == LONG
    assert worker.client.post(f"/v1/runs/{opened['id']}/cancel").status_code == 200
    ended = worker.when(opened["id"], lambda run: run["status"] != "running")
    assert ended["status"] == "canceled" and ended["outputs"] == [] and ended["error"] is None
    assert 0 < ended["step"] < LONG and ended["gpu_seconds"] > 0
    time.sleep(0.5)
    assert worker.run(opened["id"]) == ended


def test_a_run_that_waits_tells_its_place_and_never_begins_once_canceled(worker: Worker) -> None:
    first = worker.open(picture(steps=LONG, width=128, height=128))
    worker.when(first["id"], lambda run: run["status"] == "running")
    second, third = worker.open(picture(seed=2)), worker.open(picture(seed=3))
    assert (second["status"], second["queue_ahead"], third["queue_ahead"]) == ("queued", 1, 2)
    assert worker.client.post(f"/v1/runs/{second['id']}/cancel").json()["status"] == "canceled"
    assert worker.run(third["id"])["queue_ahead"] == 1
    worker.client.post(f"/v1/runs/{first['id']}/cancel")
    assert worker.when(third["id"], lambda run: run["status"] == "succeeded")["gpu_seconds"] > 0
    canceled = worker.run(second["id"])
    assert (canceled["status"], canceled["gpu_seconds"], canceled["step"]) == ("canceled", 0.0, 0)


def test_one_key_makes_one_run_and_another_body_under_it_is_a_conflict(worker: Worker) -> None:
    key = {"Idempotency-Key": "key-of-this-test"}
    first = worker.open(picture(), **key)
    assert worker.open(picture(), **key)["id"] == first["id"]
    refused = worker.client.post("/v1/runs", json=picture(seed=8), headers=key)
    assert refused.status_code == 409 and refused.json()["error"]["code"] == "conflict"
    worker.when(first["id"], lambda run: run["status"] == "succeeded")


def test_more_than_may_wait_are_refused_with_a_time_to_come_again(worker: Worker) -> None:
    opened = [worker.open(picture(steps=LONG, width=128, height=128))]
    worker.when(opened[0]["id"], lambda run: run["status"] == "running")
    opened += [worker.open(picture()) for _ in range(4)]
    refused = worker.client.post("/v1/runs", json=picture())
    assert refused.status_code == 429 and refused.json()["error"]["code"] == "queue_full"
    assert int(refused.headers["retry-after"]) > 0
    for each in reversed(opened):
        worker.client.post(f"/v1/runs/{each['id']}/cancel")
    worker.when(opened[0]["id"], lambda run: run["status"] == "canceled")


def test_several_pictures_of_one_run_are_those_of_the_seeds_that_follow(worker: Worker) -> None:
    both = worker.done(picture(count=2, seed=40))
    assert both["steps"] == both["step"] == 6
    assert worker.bytes_of(both, 1) == worker.bytes_of(worker.done(picture(seed=41)))


def test_a_run_without_a_seed_tells_the_one_that_it_drew(worker: Worker) -> None:
    drawn = worker.done(picture(seed=None))
    again = worker.done(picture(seed=drawn["seed"]))
    assert worker.bytes_of(again) == worker.bytes_of(drawn)


def test_a_clip_has_the_frames_and_the_speed_that_were_asked_for(worker: Worker) -> None:
    run = worker.done({"task": "text-to-video", "model": "wan", "prompt": "a fox runs", "seed": 1, "fps": 12})
    [output] = run["outputs"]
    assert (output["mime"], output["frames"], output["fps"]) == ("video/mp4", 9, 12)
    with av.open(io.BytesIO(worker.bytes_of(run))) as container:
        [stream] = container.streams.video
        frames = list(container.decode(stream))
        assert (len(frames), stream.average_rate, stream.width, stream.height) == (9, 12, 64, 64)


def test_a_picture_is_edited_and_inpainted_on_the_same_weights(worker: Worker) -> None:
    def given(role: str, colour: int | tuple[int, int, int], form: str) -> dict[str, str]:
        file = io.BytesIO()
        Image.new(form, (96, 64), colour).save(file, format="PNG")
        return {"role": role, "base64": base64.b64encode(file.getvalue()).decode()}

    source, mask = given("source", (200, 30, 30), "RGB"), given("mask", 255, "L")
    edited = worker.done(picture(task="image-edit", inputs=[source], strength=0.7, steps=6))
    assert (edited["outputs"][0]["width"], edited["outputs"][0]["height"]) == (96, 64)
    assert edited["step"] == edited["steps"] == 4, "a strength of 0.7 leaves four of six steps"
    smaller = worker.done(picture(task="image-edit", inputs=[source], width=64, height=64))
    assert (smaller["outputs"][0]["width"], smaller["outputs"][0]["height"]) == (64, 64)
    assert worker.done(picture(task="inpaint", inputs=[source, mask]))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (picture(model="another"), 404, "model_missing"),
        (picture(loras=[{"id": "../../etc/passwd"}]), 404, "lora_missing"),
        (picture(loras=[{"id": "style-a"}, {"id": "style-a"}]), 422, "invalid_request"),
        (picture(task="text-to-video"), 422, "invalid_request"),
        (picture(task="image-edit"), 422, "invalid_request"),
        (picture(width=64), 422, "invalid_request"),
        (picture(steps=101), 422, "invalid_request"),
        (picture(width=4096, height=64), 422, "invalid_request"),
        (picture(frames=9), 422, "invalid_request"),
        (picture(path="/weights"), 422, "invalid_request"),
        (picture(inputs=[{"role": "source", "base64": ""}]), 422, "invalid_request"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_here_is_refused_before_it_waits(
    worker: Worker, body: dict[str, object], status: int, code: str
) -> None:
    answer = worker.client.post("/v1/runs", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    "body",
    [
        picture(width=63, height=64),
        picture(task="image-edit", inputs=[{"role": "source", "base64": "bm8gcGljdHVyZQ=="}]),
        picture(strength=0.5),
    ],
)
def test_what_only_the_pipeline_can_refuse_is_the_runs_own_failure(worker: Worker, body: dict[str, object]) -> None:
    run = worker.done(body)
    assert (run["status"], run["error"]["code"]) == ("failed", "invalid_request"), run


def test_nobody_is_let_in_without_the_token(worker: Worker) -> None:
    for path in ("/v1/models", "/v1/health", "/v1/runs/run_1", "/v1/runs/run_1/outputs/0"):
        answer = worker.client.get(path, headers={"authorization": "Bearer another"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


def test_an_unknown_run_and_an_unknown_output_are_missing(worker: Worker) -> None:
    assert worker.client.get("/v1/runs/run_1").json()["error"]["code"] == "run_missing"
    assert worker.client.post("/v1/runs/run_1/cancel").json()["error"]["code"] == "run_missing"
    run = worker.done(picture())
    assert worker.client.get(f"/v1/runs/{run['id']}/outputs/1").json()["error"]["code"] == "output_missing"


def test_models_and_their_loras_are_listed_as_they_are_loaded(worker: Worker) -> None:
    worker.done(picture(loras=[{"id": "style-b"}]))
    listed = {each["name"]: each for each in worker.client.get("/v1/models").json()["models"]}
    assert listed.keys() == {"stable-diffusion", "wan"} and all(each["loaded"] for each in listed.values())
    assert {"id": "style-b", "loaded": True} in listed["stable-diffusion"]["loras"]
    assert listed["wan"]["defaults"]["frames"] == 9


def test_health_names_the_protocol_the_queue_and_each_replica(worker: Worker) -> None:
    health = worker.client.get("/v1/health").json()
    assert (health["service"], health["protocol"], health["status"]) == ("podium-worker", 1, "ok")
    assert health["queue"].keys() == {"queued", "running"}
    assert {each["model"] for each in health["replicas"]} == {"stable-diffusion", "wan"}
    assert {each["vram_total_bytes"] for each in health["replicas"]} == {None}


def pids_named(worker: Worker, title: str) -> list[int]:
    """Processes below the worker's own whose title has these words in it."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])

    def is_below(pid: int) -> bool:
        return pid == worker.process.pid or (pid in parents and is_below(parents[pid]))

    found = []
    for pid in parents:
        with contextlib.suppress(OSError):
            if title in Path(f"/proc/{pid}/cmdline").read_text() and is_below(pid):
                found.append(pid)
    return found


def test_a_replica_that_dies_loses_its_run_and_is_replaced(worker: Worker) -> None:
    opened = worker.open(picture(steps=LONG, width=128, height=128))
    worker.when(opened["id"], lambda run: run["step"] > 0)
    [pid] = pids_named(worker, "ServeReplica:podium-worker:stable-diffusion")
    os.kill(pid, signal.SIGKILL)
    lost = worker.when(opened["id"], lambda run: run["status"] != "running")
    assert (lost["status"], lost["error"]["code"], lost["outputs"]) == ("failed", "worker_lost", [])
    after = worker.done(picture())
    assert after["status"] == "succeeded" and after["cold_seconds"] > 0, "it waited for the new one to load"
    assert worker.done(picture())["cold_seconds"] == 0


def test_a_book_that_dies_forgets_its_runs_and_what_runs_is_stopped(worker: Worker) -> None:
    done, running = worker.done(picture()), worker.open(picture(steps=LONG, width=128, height=128))
    worker.when(running["id"], lambda run: run["step"] > 0)
    [pid] = pids_named(worker, "ServeReplica:podium-worker:Keeper")
    os.kill(pid, signal.SIGKILL)

    def has_forgotten() -> bool:
        answers = [worker.client.get(f"/v1/runs/{each['id']}") for each in (done, running)]
        return [each.status_code for each in answers] == [404, 404]

    eventually(has_forgotten)
    eventually(lambda: len(worker.client.get("/v1/health").json().get("replicas", [])) == 2)
    assert worker.done(picture())["status"] == "succeeded"


def eventually(look: Callable[[], bool]) -> None:
    ends = time.monotonic() + WITHIN_S
    while not look():
        assert time.monotonic() < ends, f"not within {WITHIN_S} s"
        time.sleep(0.2)
