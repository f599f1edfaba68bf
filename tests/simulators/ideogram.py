"""Ideogram as its pages tell of it, second version: forms in, generations to ask for, withheld pictures billed."""

import io
import json
from email import message_from_bytes
from typing import Any, NamedTuple

from PIL import Image

from tests.simulators import media
from tests.simulators.checks import Check, faults, flag, link, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "ideogram-key-0123456789"

COMMON: dict[str, Check] = {
    "prompt": text(10_000), "seed": whole(0, 2**31 - 1), "num_images": whole(1, 8), "private": flag, "async": flag,
    "webhook_url": link,
}  # fmt: skip
SPEED = {"rendering_speed": words("turbo", "default", "quality")}
MAGIC = {"magic_prompt": words("auto", "on", "off")}
THIN = ("1x3", "3x1", "10x16", "16x10", "9x16", "16x9", "3x2", "2x3", "4x3", "3x4", "1x1")
RATIO_3 = {"aspect_ratio": words("auto", "1x2", "2x1", "4x5", "5x4", *THIN)}
GEMINI: dict[str, Check] = {
    "aspect_ratio": words("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"),
    "resolution_tier": words("1K", "2K", "4K"),
}


def sized(value: Any) -> bool:
    """`source`, or WxH."""
    sides = str(value).split("x")
    return value == "source" or (len(sides) == 2 and all(side.isdigit() for side in sides))


MODELS: dict[str, dict[str, Check]] = {
    "generate/ideogram-4-5": COMMON | MAGIC | {"quality": words("low", "medium", "high"), "size": sized},
    "precise-edit/ideogram-4-5": COMMON | {"quality": words("very_low", "low", "medium", "high")},
    "generate/ideogram-4": COMMON
    | SPEED
    | MAGIC
    | {"resolution": words("2048x2048", "2560x1440", "1440x2560", "2880x1440")},
    "generate/ideogram-4-transparent": COMMON
    | {
        "aspect_ratio": words("auto", "1x1", "16x9", "9x16", "4x3", "3x4", "3x2", "2x3"),
        "output_resolution": words("1k", "2k", "4k", "8k"),
    },
    "generate/ideogram-3": COMMON | SPEED | RATIO_3 | {"negative_prompt": text(10_000)},
    "generate/ideogram-3-character": COMMON | SPEED | RATIO_3 | {"negative_prompt": text(10_000)},
    "inpaint/ideogram-3": COMMON | SPEED | {"negative_prompt": text(10_000)},
    "generate/ideogram-2": COMMON | SPEED | {"aspect_ratio": words(*THIN)},
    "generate/ideogram-2a": COMMON | SPEED | {"aspect_ratio": words(*THIN)},
    "generate/nano-banana-2": COMMON | GEMINI,
    "generate/nano-banana-pro": COMMON | GEMINI,
}
FILES = {
    "generate/ideogram-4-5": {"images": (0, 5)},
    "precise-edit/ideogram-4-5": {"image": (1, 1), "mask": (1, 1)},
    "inpaint/ideogram-3": {"image": (1, 1), "mask": (1, 1)},
    "generate/ideogram-3": {"style_reference_images": (0, 10)},
    "generate/ideogram-3-character": {"character_reference_images": (1, 1), "style_reference_images": (0, 10)},
}
MICROS = {"turbo": 30_000, "default": 60_000, "quality": 90_000, "low": 30_000, "medium": 60_000, "high": 100_000}


class Form(NamedTuple):
    """A multipart body: its words, each read as the json it may be, and its files by name."""

    words: dict[str, Any]
    files: dict[str, list[bytes]]


def form_of(ask: Ask) -> Form:
    head = f"content-type: {ask.headers.get('content-type', '')}\r\n\r\n".encode()
    form = Form({}, {})
    for part in message_from_bytes(head + ask.body).get_payload():
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        if part.get_filename():
            form.files.setdefault(name, []).append(data)
        else:
            form.words[name] = _read(name, data.decode())
    return form


def _read(name: str, value: str) -> Any:
    """Numbers and truths come as words in a form; what is text stays it."""
    try:
        return json.loads(value) if name in ("seed", "num_images", "private", "async") else value
    except ValueError:
        return value


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/"):
        return _file(ask, world)
    if ask.headers.get("api-key") != KEY:
        return Answer(401, {"error": "Invalid API key"})
    path = ask.path.removeprefix("/v2/image/")
    if ask.method == "POST" and path in MODELS:
        return _submitted(path, ask, world)
    if ask.method == "GET" and ask.path.startswith("/v2/generations/"):
        return _told(world.find(ask.path.rpartition("/")[2]), ask)
    return Answer(404, {"error": "Not found"})


def _submitted(path: str, ask: Ask, world: World) -> Answer:
    if not ask.headers.get("content-type", "").startswith("multipart/form-data"):
        return Answer(400, {"error": "Files are sent as multipart/form-data"})
    form = form_of(ask)
    wrong = faults(form.words, MODELS[path], ("prompt",)) + _ill_files(form.files, FILES.get(path, {}))
    if wrong:
        return Answer(400, {"error": f"Invalid request: {', '.join(wrong)}"})
    prompt = form.words["prompt"]
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    if "[refuse]" in prompt:
        return Answer(422, {"error": "Prompt provided failed safety check"})
    run = world.begin(prompt, form.words)
    if form.words.get("async") or "webhook_url" in form.words:
        return Answer(200, {"generation_id": run.id})
    return Answer(200, {"generation_id": run.id, "generation_kind": "sampling", "seed": 7, "data": _data(run, ask)})


def _ill_files(files: dict[str, list[bytes]], known: dict[str, tuple[int, int]]) -> list[str]:
    """Files that are unknown, too many, missing, or no pictures; a mask must have its picture's size."""
    wrong = [name for name in files if name not in known]
    wrong += [name for name, (low, high) in known.items() if not low <= len(files.get(name, ())) <= high]
    try:
        sizes = {name: Image.open(io.BytesIO(each)).size for name, parts in files.items() for each in parts}
    except OSError:
        return [*wrong, "a file is no picture"]
    return wrong + (["mask"] if "mask" in sizes and sizes["mask"] != sizes.get("image") else [])


def _told(run: Run, ask: Ask) -> Answer:
    told = {"generation_id": run.id, "status": "pending", "created": "2026-11-21T12:00:00Z", "response_type": "url"}
    if run.turns < 2 or run.wants("slow"):
        return Answer(200, told | {"data": []})
    if run.wants("fail"):
        return Answer(200, told | {"status": "failed", "failure_reason": "internal error", "data": []})
    speed = run.asked.get("quality", run.asked.get("rendering_speed", "default"))
    micros = MICROS[speed] * run.asked.get("num_images", 1)
    return Answer(200, told | {"status": "completed", "usage_cost_usd_micros": micros, "data": _data(run, ask)})


def _data(run: Run, ask: Ask) -> list[dict[str, Any]]:
    """As many pictures as were asked for; of `[withhold]` none has a link."""
    safe = not run.wants("withhold")
    urls = [f"{ask.base}/files/{run.id}.png?n={n}" if safe else None for n in range(run.asked.get("num_images", 1))]
    told = {"object_type": "image", "prompt": run.prompt, "resolution": "1024x1024", "seed": 7, "is_image_safe": safe}
    return [told | {"url": url} for url in urls]


def _file(ask: Ask, world: World) -> Answer:
    asked = world.runs[ask.path.removeprefix("/files/").removesuffix(".png")].asked
    size = asked.get("resolution", asked.get("size", "1024x1024"))
    width, _, height = (size if "x" in size else "1024x1024").partition("x")
    return Answer(200, media.picture(int(width), int(height)), {"content-type": "image/png"})


SIMULATED = Simulated(
    dialect="ideogram",
    provider="ideogram",
    key=KEY,
    job={"task": "text-to-image", "model": "ideogram/ideogram-3.0", "quality": "low"},
    respond=respond,
    turns=3,
    cost_usd="0.03",
    cost_source="provider",
    throttled=Answer(
        429, {"error": "Too many requests", "reject_reason": "inflight_limit", "max_inflight_requests": 10},
        {"retry-after": "1"},
    ),
    broken=Answer(500, {"error": "Internal server error"}),
)  # fmt: skip
