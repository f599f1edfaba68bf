"""fal.ai's queue and storage as its Python and JavaScript clients were recorded against them (2026-11-20).

Full ids take submits; status, result and cancel live under owner/app alone. What the real endpoints refuse with a 422,
this refuses: an unknown kind of duration, a link to a file that was never uploaded, an input of the wrong type.
"""

import base64
import re
from dataclasses import replace
from typing import Any

from tests.simulators.media import clip, picture
from tests.simulators.server import Answer, Ask, Run, Simulated, World

KEY = "fal-id:fal-secret"
REQUEST = re.compile(r"/([\w.-]+/[\w.-]+)/requests/(run-\d+)(/status|/cancel|/response)?")
ENDPOINT = re.compile(r"/(fal-ai|bytedance|openai|google|minimax|alibaba|wan|xai|lightricks|topaz|me)/[\w./-]+")
SECONDS = re.compile(r"\d+s")
NUMBER = re.compile(r"\d+|auto")
DURATIONS = (
    ("fal-ai/veo", lambda value: isinstance(value, str) and SECONDS.fullmatch(value)),
    ("fal-ai/kling-video", lambda value: isinstance(value, str) and NUMBER.fullmatch(value)),
    ("bytedance/seedance", lambda value: isinstance(value, str) and NUMBER.fullmatch(value)),
    ("fal-ai/minimax", lambda value: isinstance(value, str) and NUMBER.fullmatch(value)),
    ("fal-ai/pika", lambda value: isinstance(value, int)),
)
"""What a length may look like: by the family, a word with or without its unit, or a number."""
LISTED = (
    ("fal-ai/flux/schnell", "FLUX.1 [schnell]", "text-to-image", "2024-08-01T00:00:00Z"),
    ("fal-ai/veo3.1", "Veo 3.1", "text-to-video", "2025-10-15T00:00:00Z"),
)
MODELS = [
    {"endpoint_id": id, "metadata": {"display_name": name, "category": task, "status": "active", "date": day}}
    for id, name, task, day in LISTED
] + [{"endpoint_id": "fal-ai/any-llm"}]


def respond(ask: Ask, world: World) -> Answer:  # noqa: C901 - one line for each path
    if ask.path.startswith(("/files/", "/gcs/")):
        return _storage(ask, world)
    asked = REQUEST.fullmatch(ask.path)
    ours = asked or ask.path in ("/models", "/storage/upload/initiate") or ENDPOINT.fullmatch(ask.path)
    if not ours or ask.path.endswith("/stream"):
        return Answer(404, {"detail": "Not Found"})
    if ask.headers.get("authorization") != f"Key {KEY}":
        return Answer(401, {"detail": "Cannot access application. Authentication is required."})
    match ask.method, ask.path:
        case "GET", "/models":
            return _models(ask)
        case "POST", "/storage/upload/initiate":
            return _initiated(ask, world)
        case "POST", _ if not asked:
            return _submitted(ask, world)
    if not asked:
        return Answer(405, {"detail": "Method Not Allowed"})
    run = world.runs[asked[2]] if asked[3] == "/cancel" else world.find(asked[2])
    match ask.method, asked[3]:
        case "GET", "/status":
            return _status(ask, run, asked[1])
        case "PUT", "/cancel":
            return _canceled(run)
        case "GET", _:
            return _result(ask, run)
    return Answer(405, {"detail": "Method Not Allowed"})


def _models(ask: Ask) -> Answer:
    start = 2 if "cursor=Mg" in ask.query else 0
    more = {"next_cursor": "Mg==", "has_more": True} if not start else {"next_cursor": None, "has_more": False}
    return Answer(200, {"models": MODELS[start : start + 2], **more})


def _initiated(ask: Ask, world: World) -> Answer:
    if ask.json.keys() != {"file_name", "content_type"} or "storage_type=" not in ask.query:
        return Answer(422, _wrong(["body"], "file_name and content_type are needed", "missing"))
    name = f"{len(world.kept)}-{ask.json['file_name']}"
    link = f"https://v3.fal.media/files/c/{name}"
    world.kept[name] = None
    return Answer(200, {"upload_url": f"{ask.base}/gcs/{name}?signature=s", "file_url": link})


def _storage(ask: Ask, world: World) -> Answer:
    """The bytes of what was made, and the signed address that takes what is uploaded."""
    name = ask.path.rsplit("/", 1)[-1]
    if ask.method == "PUT" and name in world.kept and ask.body:
        world.kept[name] = (ask.headers.get("content-type"), ask.body)
        return Answer(200, b"", {"content-type": "text/plain"})
    if ask.method != "GET" or name not in world.kept or not world.kept[name]:
        return Answer(404, {"detail": "Not Found"})
    kind, data = world.kept[name]
    return Answer(200, data, {"content-type": kind})


def _submitted(ask: Ask, world: World) -> Answer:
    endpoint, body = ask.path[1:], ask.json
    if wrong := _faults(endpoint, body, world):
        return Answer(422, wrong, {"x-fal-retryable": "false"})
    run = world.begin(str(body.get("prompt", "")), {"body": body, "endpoint": endpoint, "kept": world.kept}, "run-")
    links = _links(ask, "/".join(endpoint.split("/")[:2]), run)
    whole = {"status": "IN_QUEUE", "request_id": run.id, "gateway_request_id": run.id, "queue_position": 0}
    return Answer(200, whole | links | {"logs": None, "metrics": {}})


def _links(ask: Ask, app: str, run: Run) -> dict[str, str]:
    here = f"{ask.base}/{app}/requests/{run.id}"
    return {"response_url": here, "status_url": f"{here}/status", "cancel_url": f"{here}/cancel"}


def _faults(endpoint: str, body: Any, world: World) -> dict[str, Any] | None:
    if not isinstance(body, dict):
        return _wrong(["body"], "Input should be a valid dictionary", "dict_type")
    needs_words = "upscale" not in endpoint
    if needs_words and not (isinstance(body.get("prompt"), str) and body["prompt"]):
        return _wrong(["body", "prompt"], "Field required", "missing")
    if not 1 <= body.get("num_images", 1) <= 4:
        return _wrong(["body", "num_images"], "Input should be less than or equal to 4", "less_than_equal")
    for prefix, is_right in DURATIONS:
        if endpoint.startswith(prefix) and "duration" in body and not is_right(body["duration"]):
            return _wrong(["body", "duration"], "Input should be one of the listed durations", "literal_error")
    for name, value in body.items():
        for link in value if isinstance(value, list) else [value]:
            if "_url" in name and not _is_given(link, world):
                return _wrong(["body", name], "Failed to download the file", "file_download_error")
    return None


def _is_given(link: Any, world: World) -> bool:
    """A data URI, a public link, or a file of fal's storage that is really there."""
    if isinstance(link, str) and link.startswith("https://v3.fal.media/"):
        return bool(world.kept.get(link.rsplit("/", 1)[-1]))
    return isinstance(link, str) and link.startswith(("data:", "https://", "http://"))


def _wrong(place: list[str], message: str, kind: str) -> dict[str, Any]:
    url = f"https://docs.fal.ai/errors/#{kind}"
    return {"detail": [{"loc": place, "msg": message, "type": kind, "url": url, "input": None}]}


def _status(ask: Ask, run: Run, app: str) -> Answer:
    if run.canceled:
        ended = {"error": "Client cancelled", "error_type": "client_cancelled"}
        return Answer(200, {"status": "COMPLETED", "logs": None, "metrics": {}} | ended)
    if run.turns == 1:
        return Answer(202, {"status": "IN_QUEUE", "queue_position": 0, "request_id": run.id} | _links(ask, app, run))
    if run.turns == 2 or run.wants("slow"):
        return Answer(202, {"status": "IN_PROGRESS", "logs": None, "request_id": run.id})
    failure = {"error": "Runner disconnected", "error_type": "runner_disconnected"} if run.wants("fail") else {}
    return Answer(200, {"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 1.23}} | failure)


def _canceled(run: Run) -> Answer:
    if run.turns > 2 and not run.wants("slow"):
        return Answer(400, {"status": "ALREADY_COMPLETED"})
    run.canceled = True
    return Answer(202, {"status": "CANCELLATION_REQUESTED"})


def _result(ask: Ask, run: Run) -> Answer:
    headers = {"x-fal-request-id": run.id}
    if run.canceled:
        return Answer(499, {"detail": "Client cancelled", "error_type": "client_cancelled"}, headers)
    if run.turns <= 2:
        return Answer(400, {"detail": "Request is still in progress"}, headers)
    if run.wants("refuse"):
        return Answer(422, _wrong(["body", "prompt"], "flagged", "content_policy_violation"), headers)
    if run.wants("fail"):
        body = {"detail": "Runner disconnected", "error_type": "runner_disconnected"}
        return Answer(503, body, headers | {"x-fal-error-type": "runner_disconnected"})
    if run.wants("nonsense"):
        return Answer(200, b"<!doctype html><html></html>", {"content-type": "text/html"})
    return Answer(200, _made(ask, run), headers | {"x-fal-billable-units": "1"})


def _made(ask: Ask, run: Run) -> dict[str, Any]:
    endpoint, body, kept = run.asked["endpoint"], run.asked["body"], run.asked["kept"]
    if "video" in endpoint or "veo" in endpoint:
        seconds = float(re.sub(r"\D", "", str(body.get("duration", 5))) or 5)
        kept[f"{run.id}.mp4"] = ("video/mp4", clip(seconds))
        return {"video": {"url": f"{ask.base}/files/{run.id}.mp4", "content_type": "video/mp4", "file_size": 1}}
    size = body.get("image_size") or {}
    size = size if isinstance(size, dict) else {"width": 1024, "height": 1024}
    width, height = size.get("width", 1024), size.get("height", 1024)
    kept[f"{run.id}.png"] = ("image/png", picture(width, height))
    one = {"url": f"{ask.base}/files/{run.id}.png", "width": width, "height": height, "content_type": "image/png"}
    count = body.get("num_images", 1)
    return {"images": [one] * count, "seed": 1, "has_nsfw_concepts": [False] * count, "prompt": run.prompt}


PICTURE = Simulated(
    dialect="fal",
    provider="fal",
    key=KEY,
    job={"task": "text-to-image", "model": "black-forest-labs/flux-1-schnell", "width": 512, "height": 512},
    respond=respond,
    turns=5,
    cost_usd="0.000786432",
    cancels=True,
    throttled=Answer(429, {"detail": "Too many requests"}, {"retry-after": "1"}),
    broken=Answer(500, {"detail": "Internal error", "error_type": "internal_error"}),
)
CLIP = {"role": "source", "base64": base64.b64encode(clip(2)).decode()}
UPSCALED = replace(
    PICTURE,
    job={"task": "upscale-video", "model": "bytedance/video-upscaler", "inputs": [CLIP]},
    turns=7,
    uploads=2,
    cost_usd="0.036",
)
"""A clip is given, so it is brought to fal's storage first; the one that is made lasts five seconds."""

SIMULATED = (PICTURE, UPSCALED)
