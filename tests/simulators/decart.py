"""Decart as its Python client talks to it (0.2.4): forms with a clip or a picture in them, and bytes for an answer."""

import base64
from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check
from tests.simulators.forms import file, form_of
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "decart-0123456789abcdef"
SEED_MOST = 4_294_967_295
SECONDS = 1


def said(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 1_000


def one(*known: str) -> Check:
    return lambda value: value in known


def seed(value: object) -> bool:
    return isinstance(value, str) and value.isdecimal() and int(value) <= SEED_MOST


def flag(value: object) -> bool:
    return str(value).lower() in ("true", "false")


COMMON: dict[str, Check] = {
    "prompt": said, "data": file, "reference_image": file, "seed": seed, "enhance_prompt": flag,
}  # fmt: skip
VIDEOS = ("lucy-2.1", "lucy-2.5", "lucy-2.6", "lucy-vton-3.5", "lucy-vton-3.6", "lucy-restyle-2", "lucy-latest")
PICTURES = ("lucy-image-2", "lucy-image-latest")


def respond(ask: Ask, world: World) -> Answer:
    if ask.headers.get("x-api-key") != KEY:
        return Answer(401, {"detail": "Invalid API key"})
    match ask.method, ask.path.split("/")[1:]:
        case "POST", ["v1", "jobs", model] if model in VIDEOS:
            return _submitted(model, ask, world)
        case "POST", ["v1", "generate", model] if model in PICTURES:
            return _submitted(model, ask, world)
        case "GET", ["v1", "jobs", id]:
            return Answer(200, {"job_id": id, "status": _status(world.find(id))})
        case "GET", ["v1", "jobs", id, "content"]:
            return _content(world.find(id))
    return Answer(404, {"detail": "Not Found"})


def _submitted(model: str, ask: Ask, world: World) -> Answer:
    form = form_of(ask) or {}
    wrong = _wrong(model, form)
    if wrong:
        errors = [{"loc": ["body", name], "msg": "Input is not valid", "type": "value_error"} for name in wrong]
        return Answer(422, {"detail": errors})
    prompt = str(form.get("prompt", ""))
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    if "[refuse]" in prompt:
        return Answer(403, {"detail": "The prompt was rejected by content moderation"})
    run = world.begin(prompt, form)
    if model in VIDEOS:
        return Answer(200, {"job_id": run.id, "status": "pending"})
    return Answer(500, {"detail": "Internal error"}) if run.wants("fail") else _picture(form)


def _wrong(model: str, form: dict[str, Any]) -> list[str]:
    sizes = one("480p", "720p") if model in PICTURES else one("720p")
    known = COMMON | {"resolution": sizes}
    wrong = [name for name, value in form.items() if name not in known or not known[name](value)]
    wrong += [name for name in ("data", "prompt") if name not in form and (name, model) != ("prompt", "lucy-restyle-2")]
    if model == "lucy-restyle-2" and bool(form.get("prompt")) == ("reference_image" in form):
        wrong.append("prompt")
    if model in PICTURES and not form.get("prompt"):
        wrong.append("prompt")
    return wrong


def _status(run: Run) -> str:
    if run.turns < 2 or run.wants("slow"):
        return "processing"
    return "failed" if run.wants("fail") else "completed"


def _content(run: Run) -> Answer:
    if _status(run) != "completed":
        return Answer(404, {"detail": "There is no content yet"})
    return Answer(200, media.clip(SECONDS, 1280, 720), {"content-type": "video/mp4"})


def _picture(form: dict[str, Any]) -> Answer:
    size = (854, 480) if form.get("resolution") == "480p" else (1280, 720)
    return Answer(200, media.picture(*size), {"content-type": "image/png"})


SIMULATED = Simulated(
    dialect="decart",
    provider="decart",
    key=KEY,
    job={
        "task": "video-to-video",
        "model": "decart/lucy-2.6",
        "inputs": [{"role": "source", "base64": base64.b64encode(media.clip(SECONDS)).decode()}],
    },
    respond=respond,
    turns=4,
    cost_usd="0.04",
    throttled=Answer(429, {"detail": "Too many requests"}, {"retry-after": "1"}),
    broken=Answer(500, {"detail": "Internal error"}),
)
