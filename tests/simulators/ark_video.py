"""Ark's clips, as BytePlus' own client speaks to them: queued, running, and paid by the token."""

from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check, faults, flag, link, listed, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "ark-0123456789abcdef"
TASKS = "/contents/generations/tasks"
RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive")
SHORT_SIDES = {"480p": 480, "720p": 720, "1080p": 1080}
SECONDS = {
    "seedance-1-0-pro-250528": (2, 12), "seedance-1-0-pro-fast-251015": (2, 12), "seedance-1-5-pro-251215": (4, 15),
    "dreamina-seedance-2-0-260128": (4, 15),
}  # fmt: skip
SILENT = "seedance-1-0"
"""What a model that knows no sound is called."""
FPS = 24


def url(prefix: str) -> Check:
    return shaped({"url": lambda value: link(value) or str(value).startswith((prefix, "asset://"))}, ("url",))


ITEMS: dict[str, dict[str, Check]] = {
    "text": {"type": text(8), "text": text(10_000)},
    "image_url": {
        "type": text(16), "image_url": url("data:image/"),
        "role": words("first_frame", "last_frame", "reference_image"),
    },
}  # fmt: skip


def item(value: Any) -> bool:
    known = ITEMS.get(value.get("type")) if isinstance(value, dict) else None
    return known is not None and not faults(value, known, tuple(known))


FIELDS: dict[str, Check] = {
    "model": words(*SECONDS), "content": listed(item, 1, 12), "resolution": words(*SHORT_SIDES),
    "ratio": words(*RATIOS), "duration": whole(2, 15), "seed": whole(-1, 2**32 - 1), "camera_fixed": flag,
    "watermark": flag, "generate_audio": flag, "return_last_frame": flag, "draft": flag, "callback_url": link,
    "service_tier": words("default", "flex"), "execution_expires_after": whole(3_600, 259_200),
}  # fmt: skip


def refused(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message, "param": "", "type": "BadRequest"}})


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/cgt-"):
        run = world.runs[ask.path.removeprefix("/files/").removesuffix(".mp4")]
        return Answer(200, media.clip(run.asked["duration"], *_pixels(run.asked)), {"content-type": "video/mp4"})
    if not ask.path.startswith(TASKS):
        return refused(404, "NotFound", "no such path")
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return refused(401, "AuthenticationError", "The API key doesn't exist")
    match ask.method, ask.path.removeprefix(TASKS).strip("/"):
        case "POST", "":
            return _submitted(ask, world)
        case "GET", "":
            page = [_task(run, "succeeded", ask) for run in world.runs.values() if run.id.startswith("cgt-")]
            return Answer(200, {"items": page, "total": len(page)})
        case "GET", id:
            return _seen(world.find(id), ask)
        case "DELETE", id:
            return _deleted(world.runs[id])
        case _:
            return refused(404, "NotFound", "no such path")


def _submitted(ask: Ask, world: World) -> Answer:
    # Its own client says null for all that is not set.
    body = {name: value for name, value in ask.json.items() if value is not None}
    if wrong := faults(body, FIELDS, ("model", "content")):
        return refused(400, "InvalidParameter", f"The parameter `{wrong[0]}` specified in the request is not valid")
    low, high = SECONDS[body["model"]]
    if not low <= body.setdefault("duration", 5) <= high:
        return refused(400, "InvalidParameter", "The parameter `duration` specified in the request is not valid")
    if body["model"].startswith(SILENT) and "generate_audio" in body:
        return refused(400, "InvalidParameter", "The parameter `generate_audio` is not supported by the model")
    if body.get("ratio") == "adaptive" and all(each["type"] == "text" for each in body["content"]):
        return refused(400, "InvalidParameter", "The parameter `ratio` needs a picture to adapt to")
    prompt = next((each["text"] for each in body["content"] if each["type"] == "text"), "")
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    return Answer(200, {"id": world.begin(prompt, body, "cgt-").id})


def _seen(run: Run, ask: Ask) -> Answer:
    if run.wants("slow"):
        return Answer(200, _task(run, "cancelled" if run.canceled else "queued", ask))
    if run.turns < 2:
        return Answer(200, _task(run, "running", ask))
    if run.wants("fail"):
        error = {"code": "InternalServiceError", "message": "The service encountered an unexpected internal error."}
        return Answer(200, _task(run, "failed", ask) | {"error": error})
    if run.wants("refuse"):
        error = {"code": "OutputVideoSensitiveContentDetected", "message": "The output may contain what is sensitive."}
        return Answer(200, _task(run, "failed", ask) | {"error": error})
    return Answer(200, _task(run, "succeeded", ask))


def _task(run: Run, word: str, ask: Ask) -> dict[str, Any]:
    """The clip is one frame longer than asked, as Ark's are."""
    task = {"id": run.id, "model": run.asked["model"], "status": word, "error": None, "created_at": 1_763_700_000}
    if word != "succeeded":
        return task
    wide, high = _pixels(run.asked)
    tokens = wide * high * (run.asked["duration"] * FPS + 1) // 1024
    return task | {
        "content": {"video_url": f"{ask.base}/files/{run.id}.mp4", "last_frame_url": None},
        "usage": {"completion_tokens": tokens, "total_tokens": tokens}, "framespersecond": FPS,
        "duration": run.asked["duration"], "resolution": run.asked.get("resolution", "720p"),
    }  # fmt: skip


def _pixels(asked: dict[str, Any]) -> tuple[int, int]:
    ratio = asked.get("ratio", "16:9")
    wide, high = (16, 9) if ratio == "adaptive" else map(int, ratio.split(":"))
    short = SHORT_SIDES[asked.get("resolution", "720p")]
    sides = [round(side * short / min(wide, high) / 2) * 2 for side in (wide, high)]
    return sides[0], sides[1]


def _deleted(run: Run) -> Answer:
    if run.canceled or not run.wants("slow"):
        return refused(400, "InvalidAction.RunningTaskDeletion", "The task is running and cannot be deleted.")
    run.canceled = True
    return Answer(200, {})


SIMULATED = Simulated(
    dialect="ark_video",
    provider="byteplus",
    key=KEY,
    job={
        "task": "text-to-video", "model": "bytedance/seedance-1.5-pro", "duration_s": 4, "resolution": "720p",
        "aspect_ratio": "16:9", "audio": False,
    },
    respond=respond,
    turns=3,
    cost_usd="0.10476",
    cancels=True,
    throttled=Answer(429, {"error": {"code": "QuotaExceeded", "message": "the queue is full"}}, {"retry-after": "1"}),
    broken=refused(500, "InternalServiceError", "The service encountered an unexpected internal error."),
)  # fmt: skip
