"""xAI's pictures: generations and edits in json, moderation inside a 200 and charged, the cost in ticks."""

import base64
import re

from tests.simulators import media
from tests.simulators.checks import Check, data_uri, either, faults, link, listed, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

KEY = "xai-key-0123456789abcdef"
PATH = re.compile(r"(?:/v1)?/images/(generations|edits)")
MODELS = {"grok-imagine-image": False, "grok-imagine-image-2.0": True}
"""Whether a model knows qualities."""
PICTURE = shaped({"url": either(link, data_uri), "type": words("image_url")}, ("url",))
RATIOS = words(
    "1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "2:1", "1:2", "19.5:9", "9:19.5", "20:9", "9:20", "auto"
)
MAKING: dict[str, Check] = {
    "model": text(100), "prompt": text(100_000), "n": whole(1, 10), "aspect_ratio": RATIOS,
    "resolution": words("1k", "2k"), "quality": words("low", "medium", "high"), "user": text(100),
    "response_format": words("url", "b64_json"),
}  # fmt: skip
EDITING = MAKING | {"image": PICTURE, "images": listed(PICTURE, 2, 5)}
TICKS = 200_000_000
"""Two cents."""


def respond(ask: Ask, world: World) -> Answer:
    found = PATH.fullmatch(ask.path)
    if not found or ask.method != "POST":
        return Answer(404, {"code": "not-found", "error": "The requested resource was not found."})
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return Answer(401, {"code": "unauthenticated", "error": "Incorrect API key provided."})
    body = ask.json
    wrong = faults(body, MAKING if found[1] == "generations" else EDITING, ("model", "prompt"))
    if found[1] == "edits" and not {"image", "images"} & body.keys():
        wrong.append("image")
    if not wrong and body["model"] not in MODELS:
        return Answer(404, {"code": "not-found", "error": f"The model {body['model']} does not exist."})
    if wrong or ("quality" in body and not MODELS[body["model"]]):
        return Answer(400, {"code": "invalid-argument", "error": f"Invalid request: {', '.join(wrong or ['quality'])}"})
    if "[nonsense]" in body["prompt"]:
        return Answer(200, HTML, {"content-type": "text/html"})
    run = world.begin(body["prompt"], body)
    if run.wants("fail"):
        return Answer(500, {"error": {"message": "image generation failed"}})
    count = body.get("n", 1)
    item = {"revised_prompt": "", "mime_type": "image/jpeg", "respect_moderation": not run.wants("refuse")}
    if not run.wants("refuse"):
        item |= {"b64_json": _picture(body.get("aspect_ratio", "1:1"), body.get("resolution", "1k"))}
    return Answer(200, {"data": [item] * count, "usage": {"cost_in_usd_ticks": TICKS * count}})


def _picture(ratio: str, resolution: str) -> str:
    wide, high = (1.0, 1.0) if ratio == "auto" else (float(each) for each in ratio.split(":"))
    scale = {"1k": 1024, "2k": 2048}[resolution] / (wide * high) ** 0.5
    return base64.b64encode(media.picture(round(wide * scale), round(high * scale), "JPEG")).decode()


SIMULATED = Simulated(
    dialect="xai_images",
    provider="xai",
    key=KEY,
    job={"task": "text-to-image", "model": "xai/grok-imagine-image", "count": 2, "aspect_ratio": "16:9"},
    respond=respond,
    turns=1,
    cost_usd="0.04",
    cost_source="provider",
    refusal_cost_usd="0.04",
    throttled=Answer(429, {"code": "resource-exhausted", "error": "Too many requests."}, {"retry-after": "1"}),
    broken=Answer(500, {"error": "Internal error."}),
)
