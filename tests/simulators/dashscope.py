"""DashScope's tasks, as its own client speaks to them: a header makes them, and a task that is missing is UNKNOWN."""

from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check, faults, flag, link, listed, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "sk-dashscope0123456789"
VIDEO = "/services/aigc/video-generation/video-synthesis"
IMAGE = "/services/aigc/text2image/image-synthesis"
TIERS = {"480P": 480, "720P": 720, "1080P": 1080}
SIZED = {"wan2.6-t2v": (5, 10, 15), "wan2.5-t2v-preview": (5, 10)}
"""Models that take a size in pixels, and the seconds that they know."""
TIERED = (
    "wan3.0-video", "wan3.0-video-prime", "wan2.7-t2v", "wan2.7-i2v", "happyhorse-1.1-t2v", "happyhorse-1.1-i2v",
    "happyhorse-1.0-t2v", "happyhorse-1.0-i2v",
)  # fmt: skip
PICTURES = ("wan2.5-t2i-preview",)
SEED = whole(0, 2**31 - 1)


def given(value: Any) -> bool:
    return isinstance(value, str) and (link(value) or value.startswith(("data:image/", "oss://")))


def size(value: Any) -> bool:
    """1280*720; with any other sign between, it is refused."""
    sides = value.split("*") if isinstance(value, str) else ()
    return len(sides) == 2 and all(side.isdecimal() for side in sides)


INPUT: dict[str, Check] = {
    "prompt": text(5_000), "negative_prompt": text(500), "extend_prompt": flag, "function": text(64),
    "media": listed(
        shaped({"type": words("first_frame", "last_frame", "reference_image"), "url": given}, ("type", "url")), 1, 10
    ),
}  # fmt: skip
COMMON: dict[str, Check] = {"seed": SEED, "prompt_extend": flag, "watermark": flag}
BY_TIER = COMMON | {
    "resolution": words(*TIERS), "ratio": words("16:9", "9:16", "1:1", "4:3", "3:4"), "duration": whole(2, 15),
    "audio": flag,
}  # fmt: skip


def refused(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message, "request_id": "r-1"})


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/task-"):
        return _file(ask, world)
    if ask.path not in (VIDEO, IMAGE) and not ask.path.startswith("/tasks/"):
        return refused(404, "NotFound", "no such path")
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return refused(401, "InvalidApiKey", "Invalid API-key provided.")
    match ask.method, ask.path.strip("/").split("/"):
        case "POST", ["services", *_]:
            return _submitted(ask, world)
        case "GET", ["tasks", id]:
            return _seen(world.find(id), ask) if id in world.runs else _status(id, "UNKNOWN")
        case "POST", ["tasks", id, "cancel"]:
            return _canceled(world.runs[id])
        case _:
            return refused(404, "NotFound", "no such path")


def _submitted(ask: Ask, world: World) -> Answer:
    if ask.headers.get("x-dashscope-async") != "enable":
        return refused(403, "AccessDenied", "current user api does not support synchronous calls.")
    body = ask.json
    if wrong := _wrong(body, ask.path):
        return refused(400, "InvalidParameter", f"{wrong[0]} is not valid")
    prompt = body["input"]["prompt"]
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    return _status(world.begin(prompt, body, "task-").id, "PENDING")


def _wrong(body: dict[str, Any], path: str) -> list[str]:
    model, asked = body.get("model"), body.get("parameters", {})
    if path == IMAGE and model in PICTURES:
        known: dict[str, Check] = COMMON | {"size": size, "n": whole(1, 4)}
    elif path == VIDEO and model in SIZED:
        known = COMMON | {"size": size, "duration": words(*SIZED[model])}
    elif path == VIDEO and model in TIERED:
        known = BY_TIER
    else:
        return ["model"]
    kinds = {each["type"] for each in body["input"].get("media", ())}
    if str(model).endswith("-i2v") and "first_frame" not in kinds:
        return ["media"]
    return faults(body["input"], INPUT, ("prompt",)) + faults(asked, known)


def _status(id: str, word: str, usage: dict[str, Any] | None = None, **more: Any) -> Answer:
    reply: dict[str, Any] = {"request_id": "r-1", "output": {"task_id": id, "task_status": word, **more}}
    return Answer(200, reply | ({"usage": usage} if usage else {}))


def _seen(run: Run, ask: Ask) -> Answer:
    if run.wants("slow"):
        return _status(run.id, "CANCELED" if run.canceled else "PENDING")
    if run.turns < 2:
        return _status(run.id, "RUNNING")
    if run.wants("fail"):
        return _status(run.id, "FAILED", code="InternalError.Algo", message="An internal error has occured.")
    if run.wants("refuse"):
        return _status(run.id, "FAILED", code="DataInspectionFailed", message="Output data may be inappropriate.")
    if run.asked["model"] in PICTURES:
        count = run.asked["parameters"].get("n", 4)
        links = [{"orig_prompt": run.prompt, "url": f"{ask.base}/files/{run.id}.png"} for _ in range(count)]
        counts = {"TOTAL": count, "SUCCEEDED": count, "FAILED": 0}
        return _status(run.id, "SUCCEEDED", {"image_count": count}, results=links, task_metrics=counts)
    seconds = run.asked["parameters"].get("duration", 5)
    usage = {"duration": seconds, "input_video_duration": 0, "output_video_duration": seconds, "video_count": 1}
    return _status(run.id, "SUCCEEDED", usage, video_url=f"{ask.base}/files/{run.id}.mp4", orig_prompt=run.prompt)


def _canceled(run: Run) -> Answer:
    if not run.wants("slow") or run.canceled:
        return refused(400, "UnsupportedOperation", "Only a task that is PENDING can be canceled.")
    run.canceled = True
    return Answer(200, {"request_id": "r-1"})


def _file(ask: Ask, world: World) -> Answer:
    run = world.runs[ask.path.removeprefix("/files/").split(".")[0]]
    asked = run.asked["parameters"]
    if ask.path.endswith(".png"):
        return Answer(200, media.picture(*_pixels(asked)), {"content-type": "image/png"})
    return Answer(200, media.clip(asked.get("duration", 5), *_pixels(asked)), {"content-type": "video/mp4"})


def _pixels(asked: dict[str, Any]) -> tuple[int, int]:
    if "size" in asked:
        wide, high = map(int, asked["size"].split("*"))
        return wide, high
    wide, high = map(int, asked.get("ratio", "16:9").split(":"))
    short = TIERS[asked.get("resolution", "1080P")]
    sides = [round(side * short / min(wide, high) / 2) * 2 for side in (wide, high)]
    return sides[0], sides[1]


SIMULATED = Simulated(
    dialect="dashscope",
    provider="dashscope",
    key=KEY,
    job={"task": "text-to-video", "model": "alibaba/wan-2.7", "duration_s": 2, "resolution": "720p"},
    respond=respond,
    turns=3,
    cost_usd="0.2",
    cancels=True,
    throttled=Answer(429, {"code": "Throttling.RateQuota", "message": "Too many."}, {"retry-after": "1"}),
    broken=refused(500, "InternalError", "An internal error has occured."),
)
