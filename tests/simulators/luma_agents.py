"""Luma's Agents API as its Python client types it and was recorded against it (2026-11-20): one path for all."""

from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check, bare_base64, either, faults, flag, link, listed, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "luma-agents-0123456789abcdef"
GRID_FPS, KEYFRAMES_MOST = 24, 64
PICTURE = either(
    shaped({"url": link, "media_type": text(100)}, ("url",)),
    shaped({"data": bare_base64, "media_type": words("image/png", "image/jpeg", "image/webp")}, ("data", "media_type")),
)
RATIOS = words("3:1", "2:1", "21:9", "16:9", "4:3", "3:2", "1:1", "3:4", "2:3", "9:16", "1:2", "1:3")
VIDEO: dict[str, Check] = {
    "resolution": words("360p", "540p", "720p", "1080p"), "duration": words("5s", "10s"), "loop": flag, "hdr": flag,
    "start_frame": PICTURE, "end_frame": PICTURE, "keyframes": listed(PICTURE, 1, KEYFRAMES_MOST),
    "keyframe_indexes": listed(whole(0, 240), 1, KEYFRAMES_MOST),
}  # fmt: skip
COMMON: dict[str, Check] = {"prompt": text(10_000), "aspect_ratio": RATIOS, "user_id": text(200)}
UNI = COMMON | {
    "model": words("uni-1", "uni-1-max"), "output_format": words("png", "jpeg"), "style": words("auto", "manga"),
    "web_search": flag,
}  # fmt: skip
KINDS: dict[str, dict[str, Check]] = {
    "image": UNI | {"image_ref": listed(PICTURE, 1, 9)},
    "image_edit": UNI | {"image_ref": listed(PICTURE, 1, 8), "source": PICTURE},
    "video": COMMON | {"model": words("ray-3.2"), "video": shaped(VIDEO)},
}
NEEDED = {"image_edit": ("prompt", "source"), "image": ("prompt",), "video": ("prompt",)}
CODES = {"refuse": "content_moderated", "fail": "generation_failed"}
HEIGHTS = {"360p": 360, "540p": 540, "720p": 720, "1080p": 1080}


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/"):
        return _file(world.runs[ask.path.split("/")[2]])
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return Answer(401, {"detail": "Invalid API key"})
    match ask.method, ask.path.split("/")[1:]:
        case "POST", ["generations"]:
            return _submitted(ask, world)
        case "GET", ["generations", id]:
            return Answer(200, _generation(ask, world.find(id)))
    return Answer(404, {"detail": "Not Found"})


def _submitted(ask: Ask, world: World) -> Answer:
    body = ask.json
    kind = body.get("type", "image")
    known = KINDS.get(kind, {}) | {"type": words(kind)}
    if wrong := faults(body, known, NEEDED.get(kind, ("model",))) + _misplaced(body.get("video") or {}):
        return Answer(400, {"detail": f"Invalid value for {', '.join(wrong)}"})
    if "[nonsense]" in body["prompt"]:
        return Answer(201, HTML, {"content-type": "text/html"})
    run = world.begin(body["prompt"], {"body": body, "kind": kind})
    return Answer(201, _generation(ask, run))


def _misplaced(video: dict[str, Any]) -> list[str]:
    """What goes wrong between fields: places without frames, frames of both kinds, a start frame of a long clip."""
    places, seconds = video.get("keyframe_indexes", []), int(str(video.get("duration", "5s")).removesuffix("s"))
    ends = "start_frame" in video or "end_frame" in video
    is_wrong = {
        "keyframe_indexes": len(places) != len(video.get("keyframes", [])) or len(set(places)) != len(places),
        "keyframes": ends and "keyframes" in video,
        "duration": (ends and seconds != 5) or any(place > seconds * GRID_FPS for place in places),
    }
    return [name for name, wrong in is_wrong.items() if wrong]


def _generation(ask: Ask, run: Run) -> dict[str, Any]:
    kind, body = run.asked["kind"], run.asked["body"]
    told = {"id": run.id, "type": kind, "model": body.get("model", "uni-1"), "created_at": "2026-11-21T00:00:00Z"}
    word = next((each for each in CODES if run.wants(each)), None)
    ended: dict[str, Any] = {"state": "queued" if not run.turns else "processing"}
    if run.turns >= 2 and word:
        ended = {"state": "failed", "failure_reason": "The generation failed", "failure_code": CODES[word]}
    elif run.turns >= 2 and not run.wants("slow"):
        made = {"type": "video" if kind == "video" else "image", "url": f"{ask.base}/files/{run.id}/made"}
        ended = {"state": "completed", "output": [made]}
    return told | {"output": None, "failure_reason": None, "failure_code": None} | ended


def _file(run: Run) -> Answer:
    body = run.asked["body"]
    if run.asked["kind"] != "video":
        kind = body.get("output_format", "png")
        return Answer(200, media.picture(2048, 2048, kind.upper()), {"content-type": f"image/{kind}"})
    height = HEIGHTS[body.get("video", {}).get("resolution", "720p")]
    seconds = float(body.get("video", {}).get("duration", "5s").removesuffix("s"))
    return Answer(200, media.clip(seconds, height * 16 // 9 // 2 * 2, height), {"content-type": "video/mp4"})


SIMULATED = Simulated(
    dialect="luma_agents",
    provider="luma-agents",
    key=KEY,
    job={"task": "text-to-image", "model": "luma/uni-1.1", "aspect_ratio": "1:1"},
    respond=respond,
    turns=3,
    cost_usd="0.0404",
    throttled=Answer(429, {"detail": "Too many requests"}, {"retry-after": "1"}),
    broken=Answer(500, {"detail": "Internal Server Error"}),
)
