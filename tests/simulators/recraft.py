"""Recraft as its pages tell of it: pictures at once, sizes by model, errors as words or json, credits in the reply."""

import io
import json
from email import message_from_bytes
from typing import Any

from PIL import Image

from tests.simulators import media
from tests.simulators.checks import Check, faults, number, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

KEY = "recraft-key-0123456789"

V4 = (
    "1024x1024", "1536x768", "768x1536", "1280x832", "832x1280", "1216x896", "896x1216", "1152x896", "896x1152",
    "832x1344", "1280x896", "896x1280", "1344x768", "768x1344",
)  # fmt: skip
PRO = tuple("x".join(str(2 * int(side)) for side in size.split("x")) for size in V4)
V3 = (
    "1024x1024", "2048x1024", "1024x2048", "1536x1024", "1024x1536", "1365x1024", "1024x1365", "1280x1024",
    "1024x1280", "1820x1024", "1024x1820",
)  # fmt: skip
CREDITS = {
    "recraftv4_1": 35, "recraftv4_1_utility": 35, "recraftv4_1_pro": 210, "recraftv4_1_flash": 7, "recraftv4": 40,
    "recraftv4_pro": 250, "recraftv3": 40, "recraftv2": 22, "recraftv4_1_vector": 80, "recraftv4_1_pro_vector": 300,
    "recraftv4_vector": 80, "recraftv4_pro_vector": 300, "recraftv3_vector": 80, "recraftv2_vector": 44,
}  # fmt: skip
COMMON: dict[str, Check] = {
    "prompt": text(10_000), "model": words(*CREDITS), "n": whole(1, 6), "response_format": words("url", "b64_json"),
    "random_seed": whole(0, 2**32 - 1),
}  # fmt: skip
STYLED: dict[str, Check] = COMMON | {
    "prompt": text(1_000), "negative_prompt": text(1_000),
    "style": words("realistic_image", "digital_illustration", "vector_illustration"),
}  # fmt: skip
TOOLS = {"/images/crispUpscale": 4, "/images/creativeUpscale": 250}
FILES = {"/images/imageToImage": {"image"}, "/images/inpaint": {"image", "mask"}}
NUMBERS = ("n", "random_seed", "strength")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="teal"/></svg>'


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/"):
        return _file(ask, world)
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return _plain(401, "request unauthorized")
    if ask.method != "POST":
        return _plain(404, "404 page not found")
    if ask.path == "/images/generations":
        return _made(ask, world, ask.json, {}) if _is_json(ask) else _error("invalid_body", "body is not json")
    if ask.path in FILES or ask.path in TOOLS:
        return _formed(ask, world)
    return _plain(404, "404 page not found")


def _plain(status: int, words: str) -> Answer:
    return Answer(status, words.encode(), {"content-type": "text/plain"})


def _error(code: str, message: str) -> Answer:
    return Answer(400, {"code": code, "message": message})


def _is_json(ask: Ask) -> bool:
    return ask.headers.get("content-type", "").startswith("application/json")


def _formed(ask: Ask, world: World) -> Answer:
    if not ask.headers.get("content-type", "").startswith("multipart/form-data"):
        return _error("invalid_body", "multipart form expected")
    body, files = _form(ask)
    if ask.path in TOOLS:
        wanted = {"file"} if "file" in files else {"image"}
        if set(files) != wanted or faults(body, {"response_format": COMMON["response_format"]}):
            return _error("invalid_request", "file is required")
        run = world.begin("", {"ending": "webp", "size": "1024x1024"})
        return Answer(200, {"image": {"url": f"{ask.base}/files/{run.id}.webp"}, "credits": TOOLS[ask.path]})
    if set(files) != FILES[ask.path] or len({_size(each) for each in files.values()}) != 1:
        return _error("invalid_request", "image and mask must be pictures of one size")
    return _made(ask, world, body, files)


def _form(ask: Ask) -> tuple[dict[str, Any], dict[str, bytes]]:
    head = f"content-type: {ask.headers['content-type']}\r\n\r\n".encode()
    body: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    for part in message_from_bytes(head + ask.body).get_payload():
        name, data = str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)
        if part.get_filename():
            files[name] = data
        else:
            body[name] = json.loads(data) if name in NUMBERS else data.decode()
    return body, files


def _size(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


def _made(ask: Ask, world: World, body: dict[str, Any], files: dict[str, bytes]) -> Answer:
    model = body.get("model", "recraftv4_1")
    known = (STYLED if model.startswith(("recraftv2", "recraftv3")) else COMMON) | {"size": words(*_sizes(model))}
    needed: tuple[str, ...] = ("prompt",)
    if ask.path == "/images/imageToImage":
        known, needed = known | {"strength": number(0, 1)}, ("prompt", "strength")
    if wrong := faults(body, known, needed):
        return _error("invalid_request", f"invalid {', '.join(wrong)}")
    prompt = body["prompt"]
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    if "[refuse]" in prompt:
        return _error("content_moderation", "the prompt did not pass moderation")
    if "[fail]" in prompt:
        return Answer(500, {"code": "internal_error", "message": "generation failed"})
    ending = "svg" if "_vector" in model else "webp"
    run = world.begin(prompt, {"ending": ending, "size": body.get("size", _sizes(model)[0])})
    count = body.get("n", 1)
    data = [{"image_id": f"{run.id}-{n}", "url": f"{ask.base}/files/{run.id}.{ending}?n={n}"} for n in range(count)]
    return Answer(200, {"created": 1_795_000_000, "credits": CREDITS[model] * count, "data": data})


def _sizes(model: str) -> tuple[str, ...]:
    if model.startswith(("recraftv2", "recraftv3")):
        return V3
    return PRO if "_pro" in model else V4


def _file(ask: Ask, world: World) -> Answer:
    id, _, ending = ask.path.removeprefix("/files/").partition(".")
    if ending == "svg":
        return Answer(200, SVG, {"content-type": "image/svg+xml"})
    width, _, height = world.runs[id].asked["size"].partition("x")
    return Answer(200, media.picture(int(width), int(height), kind="WEBP"), {"content-type": "image/webp"})


SIMULATED = Simulated(
    dialect="recraft",
    provider="recraft",
    key=KEY,
    job={"task": "text-to-image", "model": "recraft/recraft-v4.1", "width": 1024, "height": 1024},
    respond=respond,
    turns=1,
    cost_usd="0.035",
    cost_source="provider",
    throttled=Answer(429, {"code": "rate_limit_exceeded", "message": "too many requests"}, {"retry-after": "1"}),
    broken=Answer(500, {"code": "internal_error", "message": "internal error"}),
)
