"""Hugging Face's own inference: words in, a picture out; 503 with the seconds to wait while a model is being loaded."""

import re
from typing import Any

from tests.simulators.media import picture
from tests.simulators.server import Answer, Ask, Simulated, World

KEY = "hf_simulated"
MODEL = re.compile(r"/hf-inference/models/([\w.-]+/[\w.-]+)")
KNOWN = {"negative_prompt", "height", "width", "num_inference_steps", "guidance_scale", "scheduler", "seed", "prompt"}


def respond(ask: Ask, world: World) -> Answer:
    found = MODEL.fullmatch(ask.path)
    if not found:
        return Answer(404, {"error": "Not Found"})
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return Answer(401, {"error": "Invalid username or password."})
    if ask.method != "POST":
        return Answer(405, {"error": "Method Not Allowed"})
    asked = ask.json
    if wrong := _fault(asked):
        return Answer(400, {"error": wrong})
    run = world.begin(asked["inputs"], asked)
    if run.wants("refuse"):
        return Answer(400, {"error": "NSFW content was detected"})
    if run.wants("fail"):
        return Answer(500, {"error": "CUDA out of memory"})
    if run.wants("nonsense"):
        return Answer(200, b"<!doctype html><html></html>", {"content-type": "text/html"})
    sides = asked.get("parameters", {})
    media = picture(sides.get("width", 1024), sides.get("height", 1024))
    return Answer(200, media, {"content-type": "image/png", "x-compute-time": "2.5"})


def _fault(asked: Any) -> str | None:
    if not isinstance(asked, dict) or asked.keys() - {"inputs", "parameters"} or not isinstance(asked["inputs"], str):
        return "inputs: a string is expected"
    if unknown := sorted(asked.get("parameters", {}).keys() - KNOWN):
        return f"unexpected keyword argument '{unknown[0]}'"
    return None


SIMULATED = Simulated(
    dialect="huggingface",
    provider="huggingface",
    key=KEY,
    job={"task": "text-to-image", "model": "black-forest-labs/flux-1-schnell", "width": 512, "height": 256},
    respond=respond,
    turns=1,
    cost_usd="0.0003",
    throttled=Answer(429, {"error": "Too many requests"}, {"retry-after": "1"}),
    broken=Answer(500, {"error": "Internal Server Error"}),
)
