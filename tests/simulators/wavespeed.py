"""WaveSpeedAI: predictions in an envelope, with the models' own schemas; the library of its own accepts it as real."""

import base64
import re
from typing import Any

from tests.simulators.media import clip, picture
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "wsk-simulated-0123456789"
SIZE = re.compile(r"(\d{2,4})\*(\d{2,4})")
SECRET_PATH = re.compile(r"/api/v3/predictions/([\w-]+)(?:/result)?")

MODELS: dict[str, dict[str, Any]] = {
    "wavespeed-ai/flux-schnell": {
        "type": "text-to-image", "base_price": 0.003,
        "fields": {"prompt": str, "size": str, "seed": int, "num_images": int, "output_format": str, "image": str},
    },
    "kwaivgi/kling-v3.0-pro/image-to-video": {
        "type": "image-to-video", "base_price": 0.56,
        "fields": {
            "prompt": str, "negative_prompt": str, "image": str, "end_image": str, "duration": int, "sound": bool,
            "cfg_scale": float,
        },
    },
}  # fmt: skip
REQUIRED = {"text-to-image": ("prompt",), "image-to-video": ("image",)}


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/"):
        return file(ask)
    if not ask.path.startswith("/api/v3/"):
        return Answer(404, {"code": 404, "message": "page not found"})
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return Answer(401, {"code": 401, "message": "Invalid API key"})
    if ask.method == "GET" and ask.path == "/api/v3/models":
        return envelope([{"model_id": name, "name": name, **shown(model)} for name, model in MODELS.items()])
    if ask.method == "GET" and (asked := SECRET_PATH.fullmatch(ask.path)):
        return prediction(world.find(asked[1]), ask)
    if ask.method == "POST" and (model := MODELS.get(ask.path.removeprefix("/api/v3/"))):
        return begun(ask, world, model)
    return Answer(404, {"code": 404, "message": "product not found"})


def shown(model: dict[str, Any]) -> dict[str, Any]:
    return {"type": model["type"], "base_price": model["base_price"]}


def begun(ask: Ask, world: World, model: dict[str, Any]) -> Answer:
    body = ask.json
    if fault := fault_in(body, model):
        return Answer(400, {"code": 400, "message": fault})
    run = world.begin(body["prompt"], {"model": ask.path.removeprefix("/api/v3/"), "body": body}, "ws")
    if run.wants("nonsense"):
        return Answer(200, HTML, {"content-type": "text/html"})
    return envelope(told(run, ask, "created", []))


def fault_in(body: dict[str, Any], model: dict[str, Any]) -> str | None:
    """Every schema is closed, and a flag that asks for nothing is harmless."""
    fields = model["fields"] | {"enable_sync_mode": bool, "enable_base64_output": bool}
    for name, value in body.items():
        if name not in fields:
            return f"property {name!r} is unsupported"
        wanted = (int, float) if fields[name] is float else fields[name]
        if not isinstance(value, wanted) or (isinstance(value, bool) and fields[name] is not bool):
            return f"property {name!r} must be of type {fields[name].__name__}"
    if missing := [name for name in REQUIRED[model["type"]] if not body.get(name)]:
        return f"property {missing[0]!r} is missing"
    if "size" in body and not SIZE.fullmatch(body["size"]):
        return "property 'size' must be width*height"
    if model["type"] == "image-to-video":
        return video_fault_in(body)
    return None


def video_fault_in(body: dict[str, Any]) -> str | None:
    if not 3 <= body.get("duration", 5) <= 15:
        return "property 'duration' must be from 3 to 15"
    image = body["image"]
    if image.startswith("data:image/"):
        base64.b64decode(image.partition(",")[2], validate=True)
        return None
    return None if image.startswith("http") else "property 'image' must be a URL or a data URI"


def prediction(run: Run, ask: Ask) -> Answer:
    if run.wants("slow") or run.turns < 2:
        return envelope(told(run, ask, "processing", []))
    if run.wants("refuse"):
        said = {"error": "Content flagged as potentially sensitive. Please try different prompts.", "code": 1200}
        return envelope(told(run, ask, "failed", []) | said)
    if run.wants("fail"):
        return envelope(told(run, ask, "failed", []) | {"error": "Task processing failed", "code": 1403})
    outputs = [f"{ask.base}/files/{name}" for name in names(run)]
    return envelope(told(run, ask, "completed", outputs) | {"has_nsfw_contents": [False] * len(outputs)})


def names(run: Run) -> list[str]:
    body = run.asked["body"]
    if MODELS[run.asked["model"]]["type"] == "image-to-video":
        return [f"{body.get('duration', 5)}.mp4"]
    width, height = SIZE.fullmatch(body.get("size", "1024*1024")).groups()
    ending = body.get("output_format", "jpeg")
    return [f"{number}-{width}x{height}.{ending}" for number in range(body.get("num_images", 1))]


def told(run: Run, ask: Ask, status: str, outputs: list[str]) -> dict[str, Any]:
    return {
        "id": run.id,
        "model": run.asked["model"],
        "outputs": outputs,
        "urls": {"get": f"{ask.base}/api/v3/predictions/{run.id}/result"},
        "has_nsfw_contents": [],
        "status": status,
        "created_at": "2026-11-21T05:00:00.000Z",
        "error": "",
        "timings": {"inference": 0},
    }


def envelope(data: Any) -> Answer:
    return Answer(200, {"code": 200, "message": "success", "data": data})


def file(ask: Ask) -> Answer:
    name = ask.path.removeprefix("/files/")
    if name.endswith(".mp4"):
        return Answer(200, clip(float(name.removesuffix(".mp4"))), {"content-type": "video/mp4"})
    size, _, ending = name.partition("-")[2].partition(".")
    width, _, height = size.partition("x")
    return Answer(200, picture(int(width), int(height), ending.upper()), {"content-type": f"image/{ending}"})


PHOTO = base64.b64encode(picture(320, 320)).decode()
SIMULATED = (
    Simulated(
        dialect="wavespeed", provider="wavespeed", key=KEY, respond=respond, turns=3, cost_usd="0.003",
        job={"task": "text-to-image", "model": "black-forest-labs/flux-1-schnell", "width": 512, "height": 768},
        throttled=Answer(429, {"code": 429, "message": "Too many requests"}, {"retry-after": "1"}),
        broken=Answer(500, {"code": 500, "message": "internal error"}),
    ),
    Simulated(
        dialect="wavespeed", provider="wavespeed", key=KEY, respond=respond, turns=3, cost_usd="0.448",
        job={
            "task": "image-to-video", "model": "kuaishou/kling-3.0", "duration_s": 4,
            "inputs": [{"role": "first_frame", "base64": PHOTO}],
        },
        throttled=Answer(429, {"code": 429, "message": "Too many requests"}, {"retry-after": "1"}),
        broken=Answer(500, {"code": 500, "message": "internal error"}),
    ),
)  # fmt: skip
