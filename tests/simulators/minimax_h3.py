"""MiniMax as its pages tell of it, second version: a list of content in, a run that can be asked for and stopped."""

from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check, data_uri, either, faults, flag, link, listed, shaped, text, whole, words
from tests.simulators.minimax import KEY
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

MEDIA = shaped({"url": either(link, data_uri)}, ("url",))
ITEM = either(
    shaped({"type": words("text"), "text": text(7_000)}, ("type", "text")),
    shaped(
        {"type": words("image_url"), "image_url": MEDIA, "role": words("first_frame", "last_frame", "reference_image")},
        ("type", "image_url", "role"),
    ),
    shaped({"type": words("video_url"), "video_url": MEDIA, "role": words("reference_video")}, ("role", "video_url")),
    shaped({"type": words("audio_url"), "audio_url": MEDIA, "role": words("reference_audio")}, ("role", "audio_url")),
)
CLIP: dict[str, Check] = {
    "model": words("MiniMax-H3", "MiniMax-H3-Max"), "content": listed(ITEM, 1, 16), "duration": whole(4, 15),
    "ratio": words("adaptive", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"), "resolution": words("480P", "768P", "2K"),
    "callback_url": link, "aigc_watermark": flag,
}  # fmt: skip
RESOLUTIONS = {"MiniMax-H3": ("768P", "2K"), "MiniMax-H3-Max": ("480P", "768P")}
LEAST_S = {"MiniMax-H3": 4, "MiniMax-H3-Max": 5}
MOST = {"reference_image": 9, "reference_video": 3, "reference_audio": 3, "first_frame": 1, "last_frame": 1}
RUNS, QUERY = "/v2/video_generation", "/v2/query/video_generation"


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/h3/"):
        run = world.runs[ask.path.removeprefix("/h3/").removesuffix(".mp4")]
        return Answer(200, media.clip(run.asked.get("duration", 5)), {"content-type": "video/mp4"})
    if not ask.path.startswith("/v2/"):
        return Answer(404, b"404 page not found", {"content-type": "text/plain"})
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return _error(401, "authorized_error", "login fail: invalid api key")
    path, _, id = ask.path.rpartition("/")
    match ask.method, path:
        case "POST", "/v2":
            return _submitted(ask, world)
        case "GET", path if path == QUERY:
            return Answer(200, {"task": _told(world.find(id), ask)})
        case "DELETE", path if path == RUNS:
            world.runs[id].canceled = True
            return Answer(200, {"task_id": id})
    return _error(404, "not_found_error", "unknown path")


def _error(status: int, kind: str, message: str) -> Answer:
    error = {"type": kind, "message": message, "http_code": str(status)}
    return Answer(status, {"type": "error", "error": error, "request_id": "req-1"})


def _submitted(ask: Ask, world: World) -> Answer:
    body = ask.json
    wrong = faults(body, CLIP, ("model", "content")) or _conflicts(body)
    if wrong:
        return _error(400, "invalid_request_error", f"invalid params, {', '.join(wrong)}")
    prompt = " ".join(item["text"] for item in body["content"] if item["type"] == "text")
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    return Answer(200, {"task_id": world.begin(prompt, body).id})


def _conflicts(body: dict[str, Any]) -> list[str]:
    """What each field may be on its own, but not here."""
    model, roles = body["model"], [item.get("role") for item in body["content"]]
    wrong = [role for role, most in MOST.items() if roles.count(role) > most]
    if "first_frame" in roles and "reference_image" in roles:
        wrong.append("role")
    if body.get("resolution", "768P") not in RESOLUTIONS[model]:
        wrong.append("resolution")
    if body.get("duration", 5) < LEAST_S[model]:
        wrong.append("duration")
    if body.get("ratio") == "adaptive" and roles == [None]:
        wrong.append("ratio")
    return wrong


def _told(run: Run, ask: Ask) -> dict[str, Any]:
    task: dict[str, Any] = {"id": run.id, "status": "running", "resolution": "768P", "ratio": "16:9"}
    seconds = run.asked.get("duration", 5)
    if run.canceled:
        return task | {"status": "cancelled"}
    if run.turns < 2 or run.wants("slow"):
        return task | {"status": "queued" if run.turns < 2 else "running"}
    if run.wants("refuse"):
        return task | {"status": "failed", "error": {"code": "1026", "message": "input sensitive"}}
    if run.wants("fail"):
        return task | {"status": "failed", "error": {"code": "1000", "message": "unknown error"}}
    usage = {"total_seconds": seconds, "input_seconds": 0, "output_seconds": seconds, "input_image_count": 0}
    return task | {"status": "succeeded", "content": {"url": f"{ask.base}/h3/{run.id}.mp4"}, "usage": usage}


SIMULATED = Simulated(
    dialect="minimax_h3",
    provider="minimax",
    key=KEY,
    job={"task": "text-to-video", "model": "minimax/h3", "duration_s": 5},
    respond=respond,
    turns=3,
    cost_usd="0.40",
    cancels=True,
    throttled=Answer(
        429, {"type": "error", "error": {"type": "rate_limit_error", "message": "rate limit", "http_code": "429"}},
        {"retry-after": "1"},
    ),
    broken=_error(500, "api_error", "unknown error"),
)  # fmt: skip
