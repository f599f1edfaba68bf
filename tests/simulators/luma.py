"""Luma's Dream Machine as its Python client was recorded against it (2026-11-20): links only, lengths as words."""

from typing import Any
from urllib.parse import parse_qs

from tests.simulators import media
from tests.simulators.checks import Check, faults, flag, link, listed, number, shaped, text, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "luma-0123456789abcdef"
RATIOS = words("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")
FRAME = shaped({"type": words("image"), "url": link}, ("type", "url"))
WEIGHED = shaped({"url": link, "weight": number(0, 1)}, ("url",))
COMMON: dict[str, Check] = {"prompt": text(5_000), "aspect_ratio": RATIOS, "callback_url": link}
VIDEO: dict[str, Check] = COMMON | {
    "model": words("ray-2", "ray-flash-2"), "generation_type": words("video"), "duration": words("5s", "9s"),
    "resolution": words("540p", "720p", "1080p", "4k"), "loop": flag,
    "keyframes": shaped({"frame0": FRAME, "frame1": FRAME}), "concepts": listed(shaped({"key": text(100)}), 1, 10),
}  # fmt: skip
IMAGE: dict[str, Check] = COMMON | {
    "model": words("photon-1", "photon-flash-1"), "generation_type": words("image"), "format": words("jpg", "png"),
    "image_ref": listed(WEIGHED, 1, 4), "style_ref": listed(WEIGHED, 1, 4), "modify_image_ref": WEIGHED, "sync": flag,
    "sync_timeout": number(0, 60),
    "character_ref": shaped({"identity0": shaped({"images": listed(link, 1, 4)}, ("images",))}, ("identity0",)),
}  # fmt: skip
HEIGHTS = {"540p": 540, "720p": 720, "1080p": 1080}


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/"):
        return _file(world.runs[ask.path.split("/")[2]])
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return Answer(401, {"detail": "Invalid API key"})
    match ask.method, ask.path.split("/")[1:]:
        case "POST", ["generations", "video"]:
            return _submitted(ask, world, "video", VIDEO)
        case "POST", ["generations", "image"]:
            return _submitted(ask, world, "image", IMAGE)
        case "GET", ["generations"]:
            return _listed(ask, world)
        case "GET", ["generations", id]:
            return Answer(200, _generation(ask, world.find(id)))
        case "DELETE", ["generations", id]:
            del world.runs[id]
            return Answer(204)
        case "GET", ["credits"]:
            return Answer(200, {"credit_balance": 1234.0})
    return Answer(404, {"detail": "Not Found"})


def _submitted(ask: Ask, world: World, kind: str, known: dict[str, Check]) -> Answer:
    body = ask.json
    if wrong := faults(body, known, ("model",)):
        return Answer(400, {"detail": f"Invalid value for {', '.join(wrong)}"})
    if not body.get("prompt") and "keyframes" not in body:
        return Answer(400, {"detail": "Prompt is required"})
    if "[nonsense]" in body.get("prompt", ""):
        return Answer(201, HTML, {"content-type": "text/html"})
    run = world.begin(body.get("prompt", ""), {"body": body, "kind": kind})
    return Answer(201, _generation(ask, run))


def _generation(ask: Ask, run: Run) -> dict[str, Any]:
    kind, body = run.asked["kind"], run.asked["body"]
    told = {"id": run.id, "generation_type": kind, "created_at": "2026-11-21T00:00:00Z", "model": body["model"]}
    ended: dict[str, Any] = {"state": "completed", "assets": {kind: f"{ask.base}/files/{run.id}/made"}}
    if run.turns < 2 or run.wants("slow"):
        ended = {"state": "dreaming" if run.turns else "queued", "assets": None}
    elif run.wants("refuse"):
        ended = {"state": "failed", "failure_reason": "400: prompt not allowed because advanced moderation failed"}
    elif run.wants("fail"):
        ended = {"state": "failed", "failure_reason": "Internal error", "assets": None}
    return told | {"failure_reason": None, "request": body} | ended


def _listed(ask: Ask, world: World) -> Answer:
    asked = {name: int(values[0]) for name, values in parse_qs(ask.query).items()}
    limit, offset = asked.get("limit", 100), asked.get("offset", 0)
    told = [_generation(ask, run) for run in world.runs.values()]
    more = {"count": len(told), "limit": limit, "offset": offset, "has_more": offset + limit < len(told)}
    return Answer(200, {"generations": told[offset : offset + limit]} | more)


def _file(run: Run) -> Answer:
    body = run.asked["body"]
    if run.asked["kind"] == "image":
        kind = "PNG" if body.get("format") == "png" else "JPEG"
        return Answer(200, media.picture(1920, 1080, kind), {"content-type": f"image/{kind.lower()}"})
    height = HEIGHTS[body.get("resolution", "720p")]
    data = media.clip(float(body.get("duration", "5s").removesuffix("s")), height * 16 // 9 // 2 * 2, height)
    return Answer(200, data, {"content-type": "video/mp4"})


SIMULATED = Simulated(
    dialect="luma",
    provider="luma",
    key=KEY,
    job={"task": "text-to-image", "model": "luma/photon", "aspect_ratio": "16:9"},
    respond=respond,
    turns=3,
    cost_usd="0.0152",
    throttled=Answer(429, {"detail": "Too many requests"}, {"retry-after": "1"}),
    broken=Answer(500, {"detail": "Internal Server Error"}),
)
