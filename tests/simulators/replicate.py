"""Replicate's predictions, files and models as its Python client 1.0.7 was recorded against them (2026-11-20).

Paths are taken with `/v1` before them and without: the card's base url ends in it, the client adds it. What is refused
with a 422 as by the real models: a missing prompt, a body with other keys, a link to a file that was never uploaded.
"""

import re
from typing import Any

from tests.simulators.media import clip, picture
from tests.simulators.server import Answer, Ask, Run, Simulated, World

KEY = "r8_simulated"
PREDICTION = re.compile(r"/predictions/(run-\d+)(/cancel)?")
OFFICIAL = re.compile(r"/(?:models|deployments)/([\w.-]+/[\w.-]+)/predictions")
VERSION = re.compile(r"/models/[\w.-]+/[\w.-]+/versions/([0-9a-f]+)")
FILE = re.compile(r"/files/(file\d+)")
BODY_KEYS = {"input", "version", "webhook", "webhook_events_filter", "stream"}
OFFICIAL_MODELS = ("black-forest-labs/flux-schnell", "black-forest-labs/flux-2-pro", "google/veo-3.1")
DAY = "2026-11-20T00:00:00Z"


def respond(ask: Ask, world: World) -> Answer:  # noqa: C901 - one line for each path
    path = ask.path.removeprefix("/v1")
    if ask.method == "GET" and path.startswith("/delivered/"):
        kind, data = world.kept[path.removeprefix("/delivered/")]
        return Answer(200, data, {"content-type": kind})
    if not any(rule.fullmatch(path) for rule in (PREDICTION, OFFICIAL, VERSION, FILE)) and path not in (
        "/predictions", "/files", "/collections/official", "/webhooks/default/secret",
    ):  # fmt: skip
        return _problem(404, "Not found", "The requested resource could not be found.")
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return _problem(401, "Unauthenticated", "You did not pass a valid authentication token")
    match ask.method, path:
        case "POST", "/files":
            return _uploaded(ask, world)
        case "GET", "/collections/official":
            models = [dict(zip(("owner", "name"), each.split("/"), strict=True)) for each in OFFICIAL_MODELS]
            return Answer(200, {"name": "Official models", "slug": "official", "models": models})
        case "GET", "/webhooks/default/secret":
            return Answer(200, {"key": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"})
        case "GET", "/predictions":
            listed = [_prediction(ask, run, "starting") for run in world.runs.values()]
            return Answer(200, {"previous": None, "next": None, "results": listed})
        case "POST", "/predictions":
            return _created(ask, world, None)
        case "POST", _ if found := OFFICIAL.fullmatch(path):
            return _created(ask, world, found[1])
        case "GET", _ if found := VERSION.fullmatch(path):
            output = {"type": "array", "items": {"type": "string"}}
            schema = {"components": {"schemas": {"Output": output}}}
            return Answer(200, {"id": found[1], "created_at": DAY, "cog_version": "0.9", "openapi_schema": schema})
        case "GET", _ if found := FILE.fullmatch(path):
            return Answer(200, world.kept[found[1]])
        case "GET", _ if found := PREDICTION.fullmatch(path):
            return _asked_for(ask, world.find(found[1]), world)
        case "POST", _ if (found := PREDICTION.fullmatch(path)) and found[2]:
            run = world.runs[found[1]]
            run.canceled = True
            return Answer(200, _prediction(ask, run, "canceled"))
    return _problem(405, "Method not allowed", f'Method "{ask.method}" not allowed.')


def _problem(status: int, title: str, detail: str, **more: Any) -> Answer:
    return Answer(status, {"title": title, "detail": detail, "status": status, **more})


def _uploaded(ask: Ask, world: World) -> Answer:
    if not re.search(rb'name="content"; filename="[^"]+"\r\ncontent-type: ', ask.body, re.I):
        return _problem(400, "Bad request", "content is required")
    id = f"file{len(world.kept) + 1}"
    urls = {"get": f"{ask.base}{_root(ask)}/files/{id}"}
    file = {"id": id, "name": "a.png", "content_type": "image/png", "size": len(ask.body), "etag": "e", "metadata": {}}
    world.kept[id] = file | {
        "checksums": {"sha256": "x", "md5": "y"},
        "created_at": DAY,
        "expires_at": DAY,
        "urls": urls,
    }
    return Answer(201, world.kept[id])


def _root(ask: Ask) -> str:
    return "/v1" if ask.path.startswith("/v1/") else ""


def _created(ask: Ask, world: World, model: str | None) -> Answer:
    body = ask.json
    if wrong := _fault(body, model, world):
        field = {"type": "required", "field": "input", "description": wrong}
        return _problem(422, "Input validation failed", f"- {wrong}\n", invalid_fields=[field])
    run = world.begin(str(body["input"].get("prompt", "")), {"model": model or "owner/name", **body})
    waited = ask.headers.get("prefer", "").startswith("wait")
    if waited and not run.wants("slow"):
        run.turns = 9
        return _asked_for(ask, run, world, 201)
    return Answer(201, _prediction(ask, run, "starting"))


def _fault(body: Any, model: str | None, world: World) -> str | None:
    if not isinstance(body, dict) or body.keys() - BODY_KEYS or not isinstance(body.get("input"), dict):
        return "input is required"
    if (model is None) != ("version" in body):
        return "version is required" if model is None else "version is not allowed"
    inputs = body["input"]
    if not isinstance(inputs.get("prompt"), str) and "upscale" not in (model or ""):
        return "input.prompt is required"
    if not isinstance(inputs.get("duration", 5), int):
        return "input.duration must be an integer"
    for value in inputs.values():
        for link in value if isinstance(value, list) else [value]:
            found = FILE.search(link) if isinstance(link, str) and "/files/file" in link else None
            if isinstance(link, dict) or (found and found[1] not in world.kept):
                return "input file could not be read"
    return None


def _prediction(ask: Ask, run: Run, status: str, **more: Any) -> dict[str, Any]:
    here = f"{ask.base}{_root(ask)}/predictions/{run.id}"
    urls = {"get": here, "cancel": f"{here}/cancel", "web": f"https://replicate.com/p/{run.id}"}
    made = {"output": None, "error": None, "status": status, "created_at": DAY, "data_removed": False, "urls": urls}
    return {"id": run.id, "model": run.asked["model"], "version": "hidden", "input": {}, "logs": "", **made, **more}


def _asked_for(ask: Ask, run: Run, world: World, status: int = 200) -> Answer:
    if run.canceled:
        return Answer(status, _prediction(ask, run, "canceled"))
    if run.turns == 1 or run.wants("slow"):
        return Answer(status, _prediction(ask, run, "processing"))
    if run.wants("refuse"):
        error = "NSFW content detected. Try running it again, or try a different prompt."
        return Answer(status, _prediction(ask, run, "failed", error=error, metrics={"predict_time": 0.5}))
    if run.wants("fail"):
        return Answer(status, _prediction(ask, run, "failed", error="CUDA out of memory", metrics={"predict_time": 1}))
    if run.wants("nonsense"):
        return Answer(200, b"<!doctype html><html></html>", {"content-type": "text/html"})
    metrics = {"predict_time": 1.25, "total_time": 2.0, "image_count": 1}
    return Answer(status, _prediction(ask, run, "succeeded", output=_output(ask, run, world), metrics=metrics))


def _output(ask: Ask, run: Run, world: World) -> Any:
    """One clip is a link, pictures of models that make several are a list."""
    inputs = run.asked["input"]
    if "duration" in inputs:
        world.kept[f"{run.id}.mp4"] = ("video/mp4", clip(inputs["duration"]))
        return f"{ask.base}/delivered/{run.id}.mp4"
    world.kept[f"{run.id}.png"] = ("image/png", picture(64, 64))
    link = f"{ask.base}/delivered/{run.id}.png"
    return [link] * inputs.get("num_outputs", 1) if "flux-schnell" in run.asked["model"] else link


PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

SIMULATED = Simulated(
    dialect="replicate",
    provider="replicate",
    key=KEY,
    job={
        "task": "image-edit",
        "model": "black-forest-labs/flux-1-kontext-pro",
        "inputs": [{"role": "source", "base64": PICTURE}],
    },
    respond=respond,
    turns=4,
    uploads=1,
    cost_usd="0.04",
    cancels=True,
    throttled=Answer(
        429,
        {
            "title": "Request was throttled",
            "detail": "Expected available in 1 second.",
            "retry_after": 1,
            "status": 429,
        },
        {"retry-after": "1"},
    ),
    broken=_problem(500, "Internal server error", "internal"),
)
