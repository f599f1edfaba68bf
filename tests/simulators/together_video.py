"""Together's clips as its Python client 3.1.1 asks for them. What the API refuses is refused: a length as a number."""

import re
from typing import Any

from tests.simulators.media import clip
from tests.simulators.server import Answer, Ask, Run, Simulated, World

KEY = "sk-simulated"
VIDEO = re.compile(r"/v2/videos/(run-\d+)")
KNOWN = {
    "model", "prompt", "width", "height", "seconds", "fps", "steps", "guidance_scale", "seed", "negative_prompt",
    "ratio", "resolution", "generate_audio", "output_format", "output_quality", "media", "frame_images",
    "reference_images",
}  # fmt: skip


def respond(ask: Ask, world: World) -> Answer:
    if ask.method == "GET" and ask.path.startswith("/shrt/"):
        return Answer(200, world.kept[ask.path], {"content-type": "video/mp4"})
    found = VIDEO.fullmatch(ask.path)
    if not found and ask.path != "/v2/videos":
        return _error(404, "Not found")
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return _error(401, "Invalid API key provided", "invalid_api_key")
    if found and ask.method == "GET":
        return _asked_for(ask, world.find(found[1]), world)
    if found or ask.method != "POST":
        return _error(405, "Method not allowed")
    if wrong := _fault(ask.json):
        return _error(400, wrong)
    run = world.begin(ask.json["prompt"], ask.json)
    return Answer(200, _job(run, "queued"))


def _error(status: int, message: str, code: str | None = None) -> Answer:
    return Answer(status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}})


def _fault(asked: Any) -> str | None:
    if not asked.get("prompt") or not isinstance(asked.get("model"), str):
        return "prompt and model are required"
    if unknown := sorted(asked.keys() - KNOWN):
        return f"unknown parameter {unknown[0]}"
    if not isinstance(asked.get("seconds", "5"), str):
        return "seconds must be a string"
    if not all(type(asked.get(name, 1)) is int for name in ("width", "height", "fps", "steps", "guidance_scale")):
        return "must be an integer"
    for frame in (asked.get("media") or {}).get("frame_images", ()):
        if not isinstance(frame.get("input_image"), str) or frame.get("frame") not in ("first", "last"):
            return "frame_images must say input_image and frame"
    return None


def _job(run: Run, status: str, **more: Any) -> dict[str, Any]:
    size = f"{run.asked.get('width', 1280)}x{run.asked.get('height', 720)}"
    about = {"id": run.id, "object": "video", "model": run.asked["model"], "status": status, "created_at": 1763600000}
    return about | {"seconds": run.asked.get("seconds", "5"), "size": size, "error": None} | more


def _asked_for(ask: Ask, run: Run, world: World) -> Answer:
    if run.turns == 1 or run.wants("slow"):
        return Answer(200, _job(run, "in_progress"))
    if run.wants("refuse"):
        error = {"code": "failed", "message": "The prompt was rejected by moderation."}
        return Answer(200, _job(run, "failed", error=error))
    if run.wants("fail"):
        return Answer(200, _job(run, "failed", info={"errors": [{"code": "internal", "message": "worker lost"}]}))
    if run.wants("nonsense"):
        return Answer(200, b"<!doctype html><html></html>", {"content-type": "text/html"})
    world.kept[f"/shrt/{run.id}"] = clip(float(run.asked.get("seconds", "5")))
    outputs = {"cost": 0.14, "video_url": f"{ask.base}/shrt/{run.id}"}
    return Answer(200, _job(run, "completed", completed_at=1763600090, outputs=outputs))


SIMULATED = Simulated(
    dialect="together_video",
    provider="together",
    key=KEY,
    job={"task": "text-to-video", "model": "bytedance/seedance-1.0-lite", "duration_s": 5},
    respond=respond,
    turns=3,
    cost_usd="0.14",
    cost_source="provider",
    throttled=Answer(429, {"error": {"message": "slow down", "type": "rate_limit"}}, {"retry-after": "1"}),
    broken=_error(500, "internal error"),
)
