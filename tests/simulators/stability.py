"""Stability AI's v2beta as its schema tells of it: forms in, pictures out; creative upscales are asked for again."""

import base64
import re
from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check
from tests.simulators.forms import file, form_of
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "sk-0123456789abcdef"
PLACE = "/v2beta/stable-image/"
SEED_MOST = 4_294_967_294
RATIOS = {
    "16:9": (1344, 768), "1:1": (1024, 1024), "21:9": (1536, 640), "2:3": (832, 1216), "3:2": (1216, 832),
    "4:5": (896, 1088), "5:4": (1088, 896), "9:16": (768, 1344), "9:21": (640, 1536),
}  # fmt: skip


def one(*known: str) -> Check:
    return lambda value: value in known


def filled(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 10_000


def seed(value: object) -> bool:
    return isinstance(value, str) and value.isdecimal() and int(value) <= SEED_MOST


def scale(low: float, high: float) -> Check:
    return lambda value: re.fullmatch(r"\d+(\.\d+)?", str(value)) is not None and low <= float(value) <= high


FORMAT, JPEG_OR_PNG = {"output_format": one("png", "jpeg", "webp")}, {"output_format": one("png", "jpeg")}
WORDS: dict[str, Check] = {"prompt": filled, "negative_prompt": filled, "seed": seed}
RATIO: dict[str, Check] = {"aspect_ratio": one(*RATIOS)}
SERVICES: dict[str, tuple[dict[str, Check], tuple[str, ...]]] = {
    "generate/ultra": (WORDS | RATIO | FORMAT, ("prompt",)),
    "generate/core": (WORDS | RATIO | FORMAT | {"style_preset": filled}, ("prompt",)),
    "generate/sd3": (
        WORDS | RATIO | JPEG_OR_PNG
        | {"model": one("sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash"),
           "mode": one("text-to-image", "image-to-image"), "cfg_scale": scale(1, 10), "image": file,
           "strength": scale(0, 1)},
        ("prompt",),
    ),
    "edit/inpaint": (WORDS | FORMAT | {"image": file, "mask": file, "grow_mask": scale(0, 100)}, ("prompt", "image")),
    "edit/replace-background-and-relight": (
        FORMAT | {"subject_image": file, "background_prompt": filled, "negative_prompt": filled, "seed": seed},
        ("subject_image",),
    ),
    "control/structure": (WORDS | FORMAT | {"image": file, "control_strength": scale(0, 1)}, ("prompt", "image")),
    "control/sketch": (WORDS | FORMAT | {"image": file, "control_strength": scale(0, 1)}, ("prompt", "image")),
    "control/style": (WORDS | RATIO | FORMAT | {"image": file, "fidelity": scale(0, 1)}, ("prompt", "image")),
    "control/style-transfer": (
        WORDS | FORMAT | {"init_image": file, "style_image": file}, ("init_image", "style_image")
    ),
    "upscale/fast": (FORMAT | {"image": file}, ("image",)),
    "upscale/conservative": (WORDS | FORMAT | {"image": file, "creativity": scale(0.2, 0.5)}, ("prompt", "image")),
    "upscale/creative": (WORDS | FORMAT | {"image": file, "creativity": scale(0.1, 0.5)}, ("prompt", "image")),
}  # fmt: skip
LATER = ("upscale/creative", "edit/replace-background-and-relight")
"""Services that only promise."""


def respond(ask: Ask, world: World) -> Answer:
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return _error(401, "unauthorized", "authorization: missing or invalid")
    service = ask.path.removeprefix(PLACE)
    if ask.method == "POST" and service in SERVICES and ask.path.startswith(PLACE):
        return _submitted(service, ask, world)
    if ask.method == "GET" and ask.path.startswith("/v2beta/results/"):
        return _result(ask, world)
    return _error(404, "not_found", "there is nothing here")


def _error(status: int, name: str, reason: str) -> Answer:
    return Answer(status, {"id": "e1", "name": name, "errors": [reason]})


def _submitted(service: str, ask: Ask, world: World) -> Answer:
    form = form_of(ask)
    if form is None:
        return _error(400, "bad_request", "content-type: must be multipart/form-data")
    known, needed = SERVICES[service]
    wrong = [name for name, value in form.items() if name not in known or not known[name](value)]
    if wrong := wrong + [name for name in needed if name not in form]:
        return _error(400, "bad_request", f"{', '.join(wrong)}: invalid")
    if not any(kind in ask.headers.get("accept", "") for kind in ("image/*", "*/*")):
        return _error(400, "bad_request", "accept: only image/* is simulated")
    prompt = str(form.get("prompt", form.get("background_prompt", "")))
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    if "[refuse]" in prompt:
        return _error(403, "content_moderation", "Your request was flagged by our content moderation system.")
    run = world.begin(prompt, form)
    if service in LATER:
        return Answer(200, {"id": run.id})
    return _error(500, "internal_error", "An unexpected error occurred.") if run.wants("fail") else _made(run)


def _result(ask: Ask, world: World) -> Answer:
    run = world.find(ask.path.rsplit("/", 1)[-1])
    if run.turns < 2 or run.wants("slow"):
        return Answer(202, {"id": run.id, "status": "in-progress"})
    return _error(500, "internal_error", "An unexpected error occurred.") if run.wants("fail") else _made(run)


def _made(run: Run) -> Answer:
    """The picture itself; `[blur]` in a prompt: filtered after the fact."""
    kind = run.asked.get("output_format", "png")
    size = RATIOS[run.asked.get("aspect_ratio", "1:1")]
    reason = "CONTENT_FILTERED" if run.wants("blur") else "SUCCESS"
    headers = {"content-type": f"image/{kind}", "finish-reason": reason, "seed": "7", "x-request-id": run.id}
    return Answer(200, media.picture(*size, kind.upper()), headers)


COMMON: dict[str, Any] = {
    "dialect": "stability",
    "provider": "stability",
    "key": KEY,
    "respond": respond,
    "throttled": Answer(
        429, {"id": "e1", "name": "rate_limit_exceeded", "errors": ["slow down"]}, {"retry-after": "1"}
    ),
    "broken": _error(500, "internal_error", "An unexpected error occurred."),
}
SIMULATED = (
    Simulated(
        job={"task": "text-to-image", "model": "stability-ai/stable-image-core", "aspect_ratio": "1:1"},
        turns=1,
        cost_usd="0.03",
        **COMMON,
    ),
    Simulated(
        job={
            "task": "upscale-image", "model": "stability-ai/stable-creative-upscale",
            "inputs": [{"role": "source", "base64": base64.b64encode(media.picture()).decode()}],
        },
        turns=3,
        cost_usd="0.60",
        **COMMON,
    ),
)  # fmt: skip
