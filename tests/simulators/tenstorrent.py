"""Tenstorrent's media server, as its sources have it: one model a server; pictures at once, clips as jobs.

Here it has two models, so that one server serves both stories; a real one lists one.
"""

import base64
import time
from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check, bare_base64, faults, listed, number, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "tt-simulated"
STEPS, SEED = whole(12, 50), whole(0, 2**63 - 1)
PICTURE: dict[str, Check] = {
    "prompt": text(100_000), "negative_prompt": text(20_000), "num_inference_steps": STEPS, "seed": SEED,
    "number_of_images": whole(1, 4), "guidance_scale": number(1, 20), "image_return_format": words("JPEG", "PNG"),
}  # fmt: skip
CLIP: dict[str, Check] = {
    "prompt": text(100_000), "negative_prompt": text(20_000), "num_inference_steps": STEPS, "seed": SEED,
    "image_prompts": listed(shaped({"image": bare_base64, "frame_pos": whole(0, 80)}, ("image",)), 1, 81),
}  # fmt: skip
MAKING_S = 0.6
"""A picture is made within its call: long enough for the job to be seen running."""
MODELS = ("tt-sdxl-trace", "Wan-AI/Wan2.2-T2V-A14B-Diffusers")


def respond(ask: Ask, world: World) -> Answer:
    parts = ask.path.split("/")[1:]
    if parts == ["tt-liveness"]:
        return Answer(200, {"status": "alive", "model_ready": True, "queue_size": 0})
    if parts[:2] not in (["v1", "models"], ["v1", "images"], ["v1", "videos"]):
        return Answer(404, {"detail": "Not Found"})
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return Answer(401, {"detail": "Invalid API Key"})
    match ask.method, parts:
        case "GET", ["v1", "models"]:
            return Answer(200, {"object": "list", "data": [_model(name) for name in MODELS]})
        case "POST", ["v1", "images", "generations"]:
            return _pictures(ask, world)
        case "POST", ["v1", "videos", "generations", *rest] if rest in ([], ["i2v"]):
            return _begun(ask, world, ("prompt", "image_prompts") if rest else ("prompt",))
        case "GET", ["v1", "videos", "generations", id]:
            return _told(world.find(id))
        case "POST", ["v1", "videos", "generations", id, "cancel"]:
            world.runs[id].canceled = True
            return Answer(200, _job(world.runs[id], "cancelling"))
        case "GET", ["v1", "videos", "generations", id, "download"]:
            world.find(id)
            return Answer(200, media.clip(5, 832, 480), {"content-type": "video/mp4"})
    return Answer(404, {"detail": "Not Found"})


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "tenstorrent"}


def _wrong(names: list[str]) -> Answer:
    return Answer(422, {"detail": [{"type": "value_error", "loc": ["body", each], "msg": "invalid"} for each in names]})


def _pictures(ask: Ask, world: World) -> Answer:
    if wrong := faults(ask.json, PICTURE, ("prompt",)):
        return _wrong(wrong)
    if "[nonsense]" in ask.json["prompt"]:
        return Answer(200, HTML, {"content-type": "text/html"})
    run = world.begin(ask.json["prompt"], ask.json)
    for word, said in (
        ("refuse", "NSFW content was found"),
        ("fail", "device hang"),
        ("full", "Maximum job limit reached"),
    ):
        if run.wants(word):
            return Answer(500, {"detail": said})
    if "[" not in run.prompt:
        time.sleep(MAKING_S)
    kind = ask.json.get("image_return_format", "JPEG")
    made = base64.b64encode(media.picture(1024, 1024, kind)).decode()
    return Answer(200, {"images": [made] * ask.json.get("number_of_images", 1), "generation_time": 3.1})


def _begun(ask: Ask, world: World, needed: tuple[str, ...]) -> Answer:
    if wrong := faults(ask.json, CLIP, needed):
        return _wrong(wrong)
    if "[nonsense]" in ask.json["prompt"]:
        return Answer(202, HTML, {"content-type": "text/html"})
    return Answer(202, _job(world.begin(ask.json["prompt"], ask.json), "queued"))


def _job(run: Run, status: str, **more: Any) -> dict[str, Any]:
    about = {"id": run.id, "job_type": "video", "status": status, "created_at": 1_795_219_704, "model": MODELS[1]}
    return about | {"request_parameters": run.asked} | more


def _told(run: Run) -> Answer:
    if run.canceled:
        return Answer(200, _job(run, "cancelled"))
    if run.turns < 2 or run.wants("slow"):
        return Answer(200, _job(run, "in_progress"))
    for word, said in (("refuse", "the prompt was stopped by moderation"), ("fail", "device hang")):
        if run.wants(word):
            return Answer(200, _job(run, "failed", error={"code": "processing_error", "message": said}))
    return Answer(200, _job(run, "completed", completed_at=1_795_219_900))


def _simulated(job: dict[str, Any], turns: int, cancels: bool) -> Simulated:
    return Simulated(
        dialect="tenstorrent",
        provider="tenstorrent",
        key=KEY,
        job=job,
        respond=respond,
        turns=turns,
        uploads=1,
        cost_usd="0.002",
        own_rates=({"unit": "request", "usd": "0.002"},),
        cancels=cancels,
        throttled=Answer(429, {"detail": "slow down"}, {"retry-after": "1"}),
        broken=Answer(500, {"detail": "internal error"}),
    )


SIMULATED = (
    _simulated({"task": "text-to-image", "model": "stability-ai/sdxl-1.0", "steps": 12}, 2, False),
    _simulated({"task": "text-to-video", "model": "alibaba/wan-2.2-a14b", "steps": 12}, 5, True),
)
