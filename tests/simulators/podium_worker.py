"""Podium's own worker, version 1 of its protocol: closed bodies, one run for a key, GPU seconds told."""

import hashlib
from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check, bare_base64, faults, listed, number, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

SIDE = whole(64, 4_096, 8)
BODY: dict[str, Check] = {
    "task": words("text-to-image", "image-edit", "inpaint", "text-to-video", "image-to-video"),
    "model": text(100), "prompt": text(100_000), "negative_prompt": text(20_000), "width": SIDE, "height": SIDE,
    "frames": whole(1, 1_000), "fps": whole(1, 120), "steps": whole(1, 1_000), "guidance": number(0, 100),
    "strength": number(0, 1), "seed": whole(0, 2**63 - 1), "count": whole(1, 8), "format": words("png", "webp", "jpeg"),
    "loras": listed(shaped({"id": text(100), "scale": number(-10, 10)}, ("id", "scale")), 0, 8),
    "inputs": listed(shaped({"role": text(20), "base64": bare_base64}, ("role", "base64")), 0, 8),
}  # fmt: skip
MODELS = ("sdxl", "flux-1-dev", "wan-2.2")
LORAS = ("style-a", "style-b")
RUN_S, COLD_S = 2.5, 30.0


def respond(ask: Ask, world: World) -> Answer:
    match ask.method, ask.path.split("/")[1:]:
        case "POST", ["v1", "runs"]:
            return _taken(ask, world)
        case "GET", ["v1", "runs", id]:
            return _told(world.find(id))
        case "POST", ["v1", "runs", id, "cancel"]:
            world.runs[id].canceled = True
            return Answer(200, _run(world.runs[id], "running"))
        case "GET", ["v1", "runs", id, "outputs", _]:
            return _output(world.find(id))
        case "GET", ["v1", "models"]:
            loras = [{"id": each, "loaded": False} for each in LORAS]
            return Answer(200, {"models": [{"name": n, "tasks": [], "loaded": True, "loras": loras} for n in MODELS]})
        case "GET", ["v1", "health"]:
            about = {"status": "ok", "service": "podium-worker", "protocol": 1}
            return Answer(200, about | {"queue": {"queued": 0, "running": 0}, "replicas": []})
    return _error(404, "run_missing", "there is nothing here")


def _error(status: int, code: str, message: str, **headers: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}}, headers)


def _taken(ask: Ask, world: World) -> Answer:
    body = ask.json
    if wrong := faults(body, BODY, ("task", "model", "prompt")):
        return _error(422, "invalid_request", f"{wrong[0]} is wrong")
    if body["model"] not in MODELS:
        return _error(404, "model_missing", f"there is no model {body['model']}")
    if missing := [each["id"] for each in body.get("loras", []) if each["id"] not in LORAS]:
        return _error(404, "lora_missing", f"there is no LoRA {missing[0]}")
    if "[nonsense]" in body["prompt"]:
        return Answer(200, HTML, {"content-type": "text/html"})
    key, digest = ask.headers.get("idempotency-key"), hashlib.sha256(ask.body).hexdigest()
    if key in world.kept:
        id, before = world.kept[key]
        known = Answer(202, _run(world.runs[id], "queued"))
        return known if before == digest else _error(409, "conflict", "the key was used for another body")
    if key:
        world.kept[key] = (f"run_{len(world.runs) + 1:06}", digest)
    return Answer(202, _run(world.begin(body["prompt"], body, prefix="run_"), "queued"))


def _run(run: Run, status: str, **more: Any) -> dict[str, Any]:
    steps = run.asked.get("steps", 28)
    about = {"id": run.id, "model": run.asked["model"], "status": status, "step": 0, "steps": steps, "queue_ahead": 0}
    told = {"gpu_seconds": 0.0, "cold_seconds": 0.0, "seed": 7, "outputs": [], "error": None}
    return about | told | more


def _told(run: Run) -> Answer:
    used = {"gpu_seconds": RUN_S, "cold_seconds": COLD_S}
    if run.canceled:
        return Answer(200, _run(run, "canceled", gpu_seconds=1.0))
    if run.turns < 2 or run.wants("slow"):
        return Answer(200, _run(run, "running", step=3))
    for word, code, said in (("refuse", "content_rejected", "NSFW"), ("fail", "out_of_memory", "CUDA out of memory")):
        if run.wants(word):
            return Answer(200, _run(run, "failed", error={"code": code, "message": said}, **used))
    mime = "video/mp4" if "video" in run.asked["task"] else f"image/{run.asked.get('format') or 'png'}"
    outputs = [{"url": f"/v1/runs/{run.id}/outputs/{n}", "mime": mime} for n in range(run.asked.get("count", 1))]
    return Answer(200, _run(run, "succeeded", outputs=outputs, **used))


def _output(run: Run) -> Answer:
    asked = run.asked
    width, height = asked.get("width") or 1024, asked.get("height") or 1024
    if "video" in asked["task"]:
        made = media.clip((asked.get("frames", 81) - 1) / asked.get("fps", 16), width, height)
        return Answer(200, made, {"content-type": "video/mp4"})
    kind = asked.get("format") or "png"
    return Answer(200, media.picture(width, height, kind.upper()), {"content-type": f"image/{kind}"})


def _simulated(job: dict[str, Any]) -> Simulated:
    return Simulated(
        dialect="podium_worker",
        provider="ray",
        key="none",
        job=job,
        respond=respond,
        turns=4,
        cost_usd="0.0025",
        refusal_cost_usd="0.0025",
        own_rates=({"unit": "gpu_second", "usd": "0.001"},),
        cancels=True,
        throttled=_error(429, "queue_full", "the queue is full", **{"retry-after": "1"}),
        broken=_error(500, "pipeline_failed", "internal error"),
    )


SIMULATED = (
    _simulated({"task": "text-to-image", "model": "stability-ai/sdxl-1.0", "width": 512, "height": 512, "steps": 8}),
    _simulated(
        {"task": "text-to-video", "model": "alibaba/wan-2.2-a14b", "width": 256, "height": 256, "duration_s": 1}
    ),
)
