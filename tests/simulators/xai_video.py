"""xAI's clips: a 202 while it runs, empty at first; done, the link and the cost in ticks; moderation is charged."""

import re

from tests.simulators import media
from tests.simulators.checks import Check, data_uri, either, faults, flag, link, listed, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World
from tests.simulators.xai_images import KEY

PATH = re.compile(r"(?:/v1)?/videos/(generations|edits)")
STATUS = re.compile(r"(?:/v1)?/videos/(vid\d+)")
FILE = re.compile(r"/files/(vid\d+)\.mp4")
CENTS = {
    "grok-imagine-video": {"480p": 5, "720p": 7},
    "grok-imagine-video-1.5": {"480p": 8, "720p": 14, "1080p": 25},
    "grok-imagine-video-1.5-lite": {"480p": 2, "720p": 3, "1080p": 14},
}
"""For a second."""
MEDIA = shaped({"url": either(link, data_uri)}, ("url",))
MAKING: dict[str, Check] = {
    "model": words(*CENTS), "prompt": text(100_000), "duration": whole(1, 15), "generate_audio": flag,
    "aspect_ratio": words("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3"),
    "resolution": words("480p", "720p", "1080p"), "image": MEDIA, "last_frame": MEDIA,
    "reference_images": listed(MEDIA, 1, 7), "user": text(100),
}  # fmt: skip
EDITING: dict[str, Check] = {"model": words(*CENTS), "prompt": text(100_000), "video": MEDIA, "user": text(100)}
SIDES = {"480p": 48, "720p": 72, "1080p": 108}
"""A tenth of the real sides, so that clips are made quickly."""


def respond(ask: Ask, world: World) -> Answer:
    if fetched := FILE.fullmatch(ask.path):
        return _file(world.runs[fetched[1]])
    begun, asked = PATH.fullmatch(ask.path), STATUS.fullmatch(ask.path)
    if not begun and not asked:
        return Answer(404, {"code": "not-found", "error": "The requested resource was not found."})
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return Answer(401, {"code": "unauthenticated", "error": "Incorrect API key provided."})
    return _begun(begun[1], ask, world) if begun else _asked(ask, world.find(asked[1]))


def _begun(path: str, ask: Ask, world: World) -> Answer:
    body = ask.json
    needed = ("model", "prompt", "video") if path == "edits" else ("model", "prompt")
    wrong = faults(body, EDITING if path == "edits" else MAKING, needed)
    if not wrong and body.get("resolution", "720p") not in CENTS[body["model"]]:
        wrong.append("resolution")
    if wrong:
        return Answer(422, {"code": "invalid-argument", "error": f"Invalid request: {', '.join(wrong)}"})
    if "[nonsense]" in body["prompt"]:
        return Answer(200, HTML, {"content-type": "text/html"})
    return Answer(200, {"request_id": world.begin(body["prompt"], body, prefix="vid").id})


def _asked(ask: Ask, run: Run) -> Answer:
    if run.turns < 2:
        return Answer(202)
    if run.turns < 3:
        return Answer(202, {"status": "pending", "progress": 50})
    if run.wants("fail"):
        return Answer(200, {"status": "failed", "error": {"code": "internal", "message": "render failed"}})
    duration = run.asked.get("duration", 6)
    video = {"duration": duration, "respect_moderation": not run.wants("refuse")}
    if not run.wants("refuse"):
        video |= {"url": f"{ask.base}/files/{run.id}.mp4"}
    cents = CENTS[run.asked["model"]][run.asked.get("resolution", "720p")] * duration
    told = {"status": "done", "model": run.asked["model"], "progress": 100, "video": video}
    return Answer(200, told | {"usage": {"cost_in_usd_ticks": cents * 10**8}})


def _file(run: Run) -> Answer:
    short = SIDES[run.asked.get("resolution", "720p")]
    wide, high = (int(each) for each in run.asked.get("aspect_ratio", "16:9").split(":"))
    size = [round(short * side / min(wide, high) / 2) * 2 for side in (wide, high)]
    return Answer(200, media.clip(run.asked.get("duration", 6), *size), {"content-type": "video/mp4"})


SIMULATED = Simulated(
    dialect="xai_video",
    provider="xai",
    key=KEY,
    job={"task": "text-to-video", "model": "xai/grok-imagine-video", "duration_s": 3, "resolution": "480p"},
    respond=respond,
    turns=4,
    cost_usd="0.15",
    cost_source="provider",
    refusal_cost_usd="0.15",
    throttled=Answer(429, {"code": "resource-exhausted", "error": "Too many requests."}, {"retry-after": "1"}),
    broken=Answer(500, {"error": "Internal error."}),
)
