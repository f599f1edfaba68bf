"""OpenAI's pictures as its Python client 3.52.0 was recorded against them (2026-11-20), and the list of models.

Paths are taken with `/v1` before them and without: cards' base urls end in it, clients may add it. A model named
gpt-image-… is as strict as OpenAI (an unknown word is a 400); any other takes what Together's pictures take too.
"""

import base64
import json
import re
from typing import Any

from tests.simulators.media import picture
from tests.simulators.server import Answer, Ask, Run, Simulated, Streamed, World

KEY = "sk-simulated"
OPENAI = {
    "model", "prompt", "n", "size", "quality", "background", "output_format", "output_compression", "moderation",
    "stream", "partial_images", "user", "safety_identifier", "input_fidelity",
}  # fmt: skip
COPIES = OPENAI | {
    "width", "height", "steps", "seed", "guidance_scale", "negative_prompt", "response_format", "image_url",
    "reference_images", "image_loras", "disable_safety_checker", "aspect_ratio", "resolution", "frame_images",
}  # fmt: skip
SIZE = re.compile(r"(\d+)x(\d+)")
QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max")
HEADERS = {"x-request-id": "req_1", "openai-processing-ms": "10", "x-ratelimit-limit-requests": "500"}
KINDS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}
TOKENS = 200
PARTIAL_TOKENS = 100
"""What a partial picture takes on top. unsure: whether the usage of OpenAI's last event counts it."""
SHADES = ("gray", "silver", "lightblue")
"""A partial picture is none like another, and none like the last."""


def respond(ask: Ask, world: World) -> Answer:
    path = ask.path.removeprefix("/v1")
    if path not in ("/images/generations", "/images/edits", "/models"):
        return _error(404, f"Invalid URL ({ask.method} {ask.path})", "invalid_request_error", None)
    if KEY not in (ask.headers.get("authorization", "").removeprefix("Bearer "), ask.headers.get("api-key")):
        return _error(401, "Incorrect API key provided", "invalid_request_error", "invalid_api_key")
    if path == "/models":
        listed = [{"id": id, "object": "model", "created": 1763600000, "owned_by": "me"} for id in ("gpt-image-2", "m")]
        return Answer(200, {"object": "list", "data": listed}, HEADERS)
    asked = ask.json if path == "/images/generations" else _form(ask)
    if wrong := _fault(asked, path, ask):
        return _error(400, wrong[1], "invalid_request_error", wrong[0])
    run = world.begin(asked["prompt"], asked)
    if run.wants("refuse"):
        words = "Your request was rejected by the safety system."
        return _error(400, words, "image_generation_user_error", "moderation_blocked")
    if run.wants("fail"):
        return _error(500, "The server had an error while processing your request", "server_error", None)
    if run.wants("nonsense"):
        return Answer(200, b"<!doctype html><html></html>", {"content-type": "text/html"})
    return _made(run, "edit" if path == "/images/edits" else "generation")


def _error(status: int, message: str, kind: str, code: str | None) -> Answer:
    return Answer(status, {"error": {"message": message, "type": kind, "param": None, "code": code}}, HEADERS)


def _form(ask: Ask) -> dict[str, Any]:
    """The fields of a multipart body, numbers as numbers."""
    fields: dict[str, Any] = {name: value for name in COPIES if (value := ask.part(name)) is not None}
    return fields | {name: int(fields[name]) for name in ("n", "partial_images") if name in fields}


def _fault(asked: Any, path: str, ask: Ask) -> tuple[str, str] | None:
    """OpenAI's code and words for the first thing wrong with a body."""
    if not isinstance(asked, dict) or not asked.get("prompt") or not isinstance(asked.get("prompt"), str):
        return "missing_required_parameter", "Missing required parameter: 'prompt'."
    model = asked.get("model")
    if not isinstance(model, str):
        return "missing_required_parameter", "Missing required parameter: 'model'."
    if unknown := sorted(asked.keys() - (OPENAI if model.startswith("gpt-image-") else COPIES)):
        return "unknown_parameter", f"Unknown parameter: '{unknown[0]}'."
    if type(asked.get("n", 1)) is not int or not 1 <= asked.get("n", 1) <= 10:
        return "integer_out_of_range", "Invalid 'n': expected a value from 1 to 10."
    if asked.get("quality", "auto") not in QUALITIES or asked.get("output_format", "png") not in KINDS:
        return "invalid_value", "Invalid value."
    if "size" in asked and asked["size"] != "auto" and not SIZE.fullmatch(str(asked["size"])):
        return "invalid_value", "Invalid size."
    if type(asked.get("partial_images", 0)) is not int or not 0 <= asked.get("partial_images", 0) <= 3:
        return "integer_out_of_range", "Invalid 'partial_images': expected a value from 0 to 3."
    if path == "/images/edits" and not re.search(rb'name="image(\[\])?"; filename="[^"]+"', ask.body):
        return "missing_required_parameter", "Missing required parameter: 'image'."
    return None


def _made(run: Run, what: str) -> Answer:
    asked = run.asked
    found = SIZE.fullmatch(str(asked.get("size"))) or SIZE.fullmatch("1024x1024")
    width, height = asked.get("width") or int(found[1]), asked.get("height") or int(found[2])
    kind = asked.get("output_format", "png")
    words = base64.b64encode(picture(width, height, KINDS[kind])).decode()
    count = asked.get("n", 1)
    if not asked["model"].startswith("gpt-image-"):
        listed = [{"index": n, "type": "b64_json", "b64_json": words} for n in range(count)]
        return Answer(200, {"id": run.id, "model": asked["model"], "object": "list", "data": listed})
    given = 13 if what == "generation" else 13 + 1_000
    usage = {"input_tokens": given, "input_tokens_details": {"text_tokens": 13, "image_tokens": given - 13}}
    streams = asked.get("stream") in (True, "true")
    partials = asked.get("partial_images", 0) if streams else 0
    tokens = TOKENS * count + PARTIAL_TOKENS * partials
    usage |= {"output_tokens": tokens, "total_tokens": given + tokens}
    usage |= {"output_tokens_details": {"image_tokens": tokens, "text_tokens": 0}}
    about = {"background": "opaque", "output_format": kind, "quality": "low", "size": f"{width}x{height}"}
    if streams:
        shown = [base64.b64encode(picture(width, height, KINDS[kind], shade)).decode() for shade in SHADES[:partials]]
        return _streamed(run, f"image_{what}", shown, words, about | {"created_at": 1763600000}, usage)
    return Answer(200, {"created": 1763600000, **about, "data": [{"b64_json": words}] * count, "usage": usage}, HEADERS)


def _streamed(
    run: Run, event: str, shown: list[str], words: str, about: dict[str, Any], usage: dict[str, Any]
) -> Answer:
    """Partial pictures, then the picture, each event as it is made."""
    partial = {"type": f"{event}.partial_image"} | about
    documents = [partial | {"partial_image_index": index, "b64_json": each} for index, each in enumerate(shown)]
    if run.wants("fail late"):
        documents.append({"type": "error", "error": {"type": "server_error", "code": None, "message": "It broke"}})
    elif not run.wants("drop late"):
        documents.append({"type": f"{event}.completed", "b64_json": words, "usage": usage} | about)
    pieces = tuple(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in documents)
    body = Streamed(pieces, breaks=run.wants("drop late"))
    return Answer(200, body, HEADERS | {"content-type": "text/event-stream"})


SIMULATED = Simulated(
    dialect="openai_images",
    provider="openai",
    key=KEY,
    job={"task": "text-to-image", "model": "openai/gpt-image-2", "width": 1024, "height": 1024, "quality": "low"},
    respond=respond,
    turns=1,
    cost_usd="0.006065",
    throttled=Answer(
        429,
        {"error": {"message": "Rate limit reached", "type": "images", "param": None, "code": "rate_limit_exceeded"}},
        {"retry-after": "1", "retry-after-ms": "50"},
    ),
    broken=_error(500, "The server had an error while processing your request", "server_error", None),
)
