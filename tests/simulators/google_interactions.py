"""Google's Interactions as recorded: clips in the background, pictures at once, a failed interaction for a refusal."""

import base64
import re
from typing import Any

from tests.simulators import media
from tests.simulators.checks import (
    Check,
    bare_base64,
    either,
    faults,
    flag,
    link,
    listed,
    number,
    shaped,
    text,
    whole,
    words,
)
from tests.simulators.gemini import BROKEN, KEY, RATIOS, THROTTLED, error, unauthenticated
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

PATH = re.compile(r"(?:/v1(?:beta)?)?/interactions(?:/(int\d+)(/cancel)?)?")
FILE = re.compile(r"(?:/v1(?:beta)?)?/files/(int\d+):download")
CLIP_MODELS = {"gemini-omni-1.1-flash", "gemini-omni-1.2-flash"}
IMAGE_MODELS = {"gemini-3.1-flash-image", "gemini-3-pro-image"}

SECONDS = re.compile(r"([3-9]|10)s")
TEXT = shaped({"type": words("text"), "text": text(1_000_000)}, ("type", "text"))
IMAGE = either(
    shaped({"type": words("image"), "data": bare_base64, "mime_type": text(100)}, ("type", "data", "mime_type")),
    shaped({"type": words("image"), "uri": link, "mime_type": text(100)}, ("type", "uri")),
)
STEP = shaped({"type": words("user_input"), "content": listed(either(TEXT, IMAGE), 1, 32)}, ("type", "content"))
DELIVERY = words("inline", "uri")
FORMATS = {
    "image": shaped(
        {"type": words("image"), "aspect_ratio": RATIOS, "image_size": words("512", "1K", "2K", "4K"),
         "mime_type": words("image/png", "image/jpeg"), "delivery": DELIVERY}
    ),
    "video": shaped(
        {"type": words("video"), "aspect_ratio": words("16:9", "9:16"), "delivery": DELIVERY,
         "resolution": words("360p", "720p", "1080p", "4k"),
         "duration": lambda value: isinstance(value, str) and SECONDS.fullmatch(value) is not None}
    ),
}  # fmt: skip
TASKS = words("text_to_video", "image_to_video", "reference_to_video", "edit", "extend", "upscale")
BODY: dict[str, Check] = {
    "model": text(100), "input": either(text(1_000_000), listed(STEP, 1, 100)), "background": flag, "store": flag,
    "response_format": either(*FORMATS.values()),
    "generation_config": shaped(
        {"seed": whole(0, 2**31 - 1), "temperature": number(0, 2), "video_config": shaped({"task": TASKS})}
    ),
}  # fmt: skip
TOKENS = {"360p": 1_736, "720p": 5_792, "1080p": 8_688, "4k": 17_376}
SIDES = {"360p": (64, 36), "720p": (128, 72), "1080p": (192, 108), "4k": (384, 216)}
"""A tenth of the real sides, so that clips are made quickly."""


def respond(ask: Ask, world: World) -> Answer:
    found, fetched = PATH.fullmatch(ask.path), FILE.fullmatch(ask.path)
    if not found and not fetched:
        return error(404, "NOT_FOUND", "no such path")
    if ask.headers.get("x-goog-api-key") != KEY:
        return unauthenticated()
    if fetched:
        return _file(world.find(fetched[1]))
    assert found
    if found[2] and ask.method == "POST":
        world.runs[found[1]].canceled = True
        return Answer(200, _told(world.runs[found[1]], "cancelled"))
    return _asked(world.find(found[1])) if found[1] else _begun(ask, world)


def _begun(ask: Ask, world: World) -> Answer:
    body = ask.json
    wrong = faults(body, BODY, ("model", "input"))
    if body.get("background") and not body.get("store", True):
        wrong.append("store")
    if wrong:
        return Answer(400, {"error": {"code": "invalid_request", "message": f"Invalid value: {', '.join(wrong)}"}})
    if body["model"] not in CLIP_MODELS | IMAGE_MODELS:
        return error(404, "NOT_FOUND", f"Model {body['model']} is not found")
    prompt = body["input"] if isinstance(body["input"], str) else _words(body["input"])
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    run = world.begin(prompt, body, prefix="int")
    if body["model"] in IMAGE_MODELS:
        return Answer(200, _ended(run, _picture(body.get("response_format", {})), {"image": 1120}))
    return Answer(200, _told(run, "in_progress"))


def _words(steps: list[dict[str, Any]]) -> str:
    return " ".join(part["text"] for step in steps for part in step["content"] if part["type"] == "text")


def _asked(run: Run) -> Answer:
    if run.canceled:
        return Answer(200, _told(run, "cancelled"))
    if run.turns < 2 or run.wants("slow"):
        return Answer(200, _told(run, "in_progress"))
    form = run.asked["response_format"]
    uri = f"https://generativelanguage.googleapis.com/v1/files/{run.id}:download?alt=media"
    made = {"video": TOKENS[form.get("resolution", "720p")] * int(form.get("duration", "8s")[:-1])}
    return Answer(200, _ended(run, {"type": "video", "mime_type": "video/mp4", "uri": uri}, made))


def _ended(run: Run, part: dict[str, Any], made: dict[str, int]) -> dict[str, Any]:
    if run.wants("refuse"):
        step = {"type": "model_output", "error": {"code": 3, "message": "blocked"}}
        return _told(run, "failed", errors=[{"code": "content_blocked", "message": "blocked by safety"}], steps=[step])
    if run.wants("fail"):
        return _told(run, "failed", errors=[{"code": "internal", "message": "generation failed"}])
    usage = {
        "total_input_tokens": 7, "total_output_tokens": sum(made.values()), "total_tokens": 7 + sum(made.values()),
        "input_tokens_by_modality": [{"modality": "text", "tokens": 7}],
        "output_tokens_by_modality": [{"modality": kind, "tokens": count} for kind, count in made.items()],
    }  # fmt: skip
    return _told(run, "completed", steps=[{"type": "model_output", "content": [part]}], usage=usage)


def _told(run: Run, status: str, **more: Any) -> dict[str, Any]:
    times = {"created": "2026-11-20T00:00:00Z", "updated": "2026-11-20T00:00:01Z"}
    return {"id": run.id, "object": "interaction", "model": run.asked["model"], "status": status} | times | more


def _picture(form: dict[str, str]) -> dict[str, str]:
    wide, high = (int(each) for each in form.get("aspect_ratio", "1:1").split(":"))
    scale = 1024 / (wide * high) ** 0.5
    data = base64.b64encode(media.picture(round(wide * scale), round(high * scale))).decode()
    return {"type": "image", "mime_type": "image/png", "data": data}


def _file(run: Run) -> Answer:
    form = run.asked["response_format"]
    wide, high = SIDES[form.get("resolution", "720p")]
    size = (wide, high) if form.get("aspect_ratio", "16:9") == "16:9" else (high, wide)
    return Answer(200, media.clip(int(form.get("duration", "8s")[:-1]), *size), {"content-type": "video/mp4"})


SIMULATED = Simulated(
    dialect="google_interactions",
    provider="google",
    key=KEY,
    job={"task": "text-to-video", "model": "google/gemini-omni-1.1-flash", "duration_s": 4, "resolution": "720p"},
    respond=respond,
    turns=4,
    cost_usd="0.4054505",
    cancels=True,
    throttled=THROTTLED,
    broken=BROKEN,
)
