"""Runware: one address for lists of tasks; data and errors side by side; clips are asked for until they are there."""

import base64
import uuid
from typing import Any

from tests.simulators.media import clip, picture
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "rw-simulated-0123456789"
COSTS = {"runware:100@1": 0.0013, "runware:101@1": 0.0038, "klingai:6@1": 0.35}
"""What a picture of about a megapixel, or a clip of five seconds, is charged."""
SHARED = {
    "taskType": str, "taskUUID": str, "model": str, "positivePrompt": str, "negativePrompt": str, "width": int,
    "height": int, "numberResults": int, "outputType": str, "outputFormat": str, "includeCost": bool,
    "deliveryMethod": str, "seed": int, "webhookURL": str,
}  # fmt: skip
FIELDS: dict[str, dict[str, Any]] = {
    "imageInference": SHARED | {"steps": int, "CFGScale": (int, float), "lora": list, "seedImage": str},
    "videoInference": SHARED | {"duration": (int, float), "fps": int, "frameImages": list},
}
FORMATS = {"imageInference": ("PNG", "JPG", "WEBP"), "videoInference": ("MP4", "WEBM", "MOV")}


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/"):
        return file(ask)
    if ask.path != "/v1" or ask.method != "POST":
        return Answer(404, {"message": "not found"})
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return complaint(401, {}, "invalidApiKey", "Invalid API key.")
    tasks = ask.json
    if not isinstance(tasks, list) or len(tasks) != 1 or not isinstance(tasks[0], dict):
        return complaint(400, {}, "invalidRequest", "The body must be a list of tasks.")
    [task] = tasks
    if fault := fault_in(task):
        return complaint(400, task, *fault)
    if task["taskType"] == "getResponse":
        return looked(world.find(world.kept[task["taskUUID"]]), ask, task)
    return begun(ask, world, task)


def fault_in(task: dict[str, Any]) -> tuple[str, str] | None:
    kind = task.get("taskType")
    if not is_random(task.get("taskUUID")):
        return "invalidTaskUUID", "Invalid value for 'taskUUID' parameter: it must be a UUIDv4 string."
    if kind == "getResponse":
        return None
    if kind not in FIELDS:
        return "invalidTaskType", f"Unknown task type {kind!r}."
    for name, value in task.items():
        if name not in FIELDS[kind]:
            return "unsupportedParameter", f"Unsupported use of {name!r} parameter."
        wanted = FIELDS[kind][name]
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            return f"invalid{name[0].upper()}{name[1:]}", f"Invalid value for {name!r} parameter."
    if task.get("model") not in COSTS:
        return "invalidModel", "Invalid value for 'model' parameter."
    if not 2 <= len(task.get("positivePrompt", "")) <= 3000:
        return "invalidPositivePrompt", "The prompt must have from 2 to 3000 characters."
    if task["outputFormat"] not in FORMATS[kind]:
        return "invalidOutputFormat", "Invalid value for 'outputFormat' parameter."
    return picture_fault_in(task) if kind == "imageInference" else clip_fault_in(task)


def is_random(text: object) -> bool:
    try:
        return uuid.UUID(str(text)).version == 4
    except ValueError:
        return False


def picture_fault_in(task: dict[str, Any]) -> tuple[str, str] | None:
    for side in ("width", "height"):
        if not 128 <= task.get(side, 0) <= 2048 or task[side] % 64:
            return "missingDimensionParameters", f"{side!r} must be from 128 to 2048 and a multiple of 64."
    if not all({"model", "weight"} == each.keys() for each in task.get("lora", ())):
        return "invalidLora", "Each LoRA needs a model and a weight."
    return None


def clip_fault_in(task: dict[str, Any]) -> tuple[str, str] | None:
    if task.get("deliveryMethod") != "async":
        return "unsupportedDeliveryMethod", "Clips are delivered async."
    if task.get("duration") not in (5, 10):
        return "invalidDuration", "'duration' must be 5 or 10."
    for frame in task.get("frameImages", ()):
        if not frame["inputImage"].startswith(("http", "data:image/")) or frame["frame"] not in ("first", "last"):
            return "invalidFrameImages", "Invalid value for 'frameImages' parameter."
    return None


def begun(ask: Ask, world: World, task: dict[str, Any]) -> Answer:
    run = world.begin(task["positivePrompt"], task)
    world.kept[task["taskUUID"]] = run.id
    if run.wants("nonsense"):
        return Answer(200, HTML, {"content-type": "text/html"})
    if task["taskType"] == "videoInference":
        return Answer(200, {"data": [{"taskType": task["taskType"], "taskUUID": task["taskUUID"]}]})
    return ended(run, ask)


def looked(run: Run, ask: Ask, task: dict[str, Any]) -> Answer:
    if run.wants("slow") or run.turns < 2:
        doing = {"taskType": "getResponse", "taskUUID": task["taskUUID"], "status": "processing"}
        return Answer(200, {"data": [doing]})
    return ended(run, ask)


def ended(run: Run, ask: Ask) -> Answer:
    task = run.asked
    if run.wants("refuse"):
        return complaint(200, task, "contentModeration", "The prompt was flagged by the moderation.")
    if run.wants("fail"):
        return complaint(200, task, "providerError", "The provider failed to make this.")
    return Answer(200, {"data": [made(task, ask, number) for number in range(task.get("numberResults", 1))]})


def made(task: dict[str, Any], ask: Ask, number: int) -> dict[str, Any]:
    shared = {"taskType": task["taskType"], "taskUUID": task["taskUUID"], "status": "success", "seed": 7 + number}
    cost = COSTS[task["model"]] * (task.get("duration", 5) / 5)
    ending = task["outputFormat"].lower()
    if task["taskType"] == "videoInference":
        link = f"{ask.base}/files/{task['duration']}.{ending}"
        return shared | {"videoUUID": str(uuid.UUID(int=number)), "videoURL": link, "cost": cost}
    link = f"{ask.base}/files/{task['width']}x{task['height']}.{ending}"
    return shared | {"imageUUID": str(uuid.UUID(int=number)), "imageURL": link, "cost": cost}


def complaint(status: int, task: dict[str, Any], code: str, message: str) -> Answer:
    error = {"code": code, "message": message, "taskUUID": task.get("taskUUID"), "taskType": task.get("taskType")}
    return Answer(status, {"errors": [error | {"status": "error", "documentation": "https://runware.ai/docs"}]})


def file(ask: Ask) -> Answer:
    stem, _, ending = ask.path.removeprefix("/files/").rpartition(".")
    if ending == "mp4":
        return Answer(200, clip(float(stem)), {"content-type": "video/mp4"})
    width, _, height = stem.partition("x")
    kind = "jpeg" if ending == "jpg" else ending
    return Answer(200, picture(int(width), int(height), kind.upper()), {"content-type": f"image/{kind}"})


PHOTO = base64.b64encode(picture(320, 320)).decode()
SLOW_DOWN = {"errors": [{"code": "rateLimitExceeded", "message": "Too many requests."}]}
BROKEN = {"errors": [{"code": "internalServerError", "message": "Something went wrong."}]}
SIMULATED = (
    Simulated(
        dialect="runware", provider="runware", key=KEY, respond=respond, turns=1, cost_usd="0.0026",
        cost_source="provider",
        job={
            "task": "text-to-image", "model": "black-forest-labs/flux-1-schnell", "width": 512, "height": 768,
            "count": 2, "seed": 5,
        },
        throttled=Answer(429, SLOW_DOWN, {"retry-after": "1"}),
        broken=Answer(500, BROKEN),
    ),
    Simulated(
        dialect="runware", provider="runware", key=KEY, respond=respond, turns=3, cost_usd="0.35",
        cost_source="provider",
        job={
            "task": "image-to-video", "model": "kuaishou/kling-2.5-turbo", "duration_s": 5,
            "inputs": [{"role": "first_frame", "base64": PHOTO}],
        },
        throttled=Answer(429, SLOW_DOWN, {"retry-after": "1"}),
        broken=Answer(500, BROKEN),
    ),
)  # fmt: skip
