"""Synthesia's video API as its pages tell of it: a key without a word before it, scenes, lengths as clock time."""

from tests.simulators import media
from tests.simulators.checks import Check, faults, flag, listed, number, shaped, text, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "synthesia-0123456789abcdef"
CHARS_A_SECOND = 20
AVATARS = words("anna_costume1_cameraA", "jack_costume1_cameraA")
SCENE = shaped(
    {
        "scriptText": text(10_000),
        "scriptAudio": text(100),
        "scriptLanguage": text(10),
        "avatar": AVATARS,
        "avatarSettings": shaped({
            "voice": text(100), "horizontalAlign": words("left", "center", "right"), "scale": number(0, 4),
            "style": words("rectangular", "circular"), "backgroundColor": text(10), "seamless": flag,
        }),
        "background": text(1_000),
    },
    ("avatar",),
)  # fmt: skip
VIDEO: dict[str, Check] = {
    "test": flag, "title": text(500), "description": text(10_000), "visibility": words("private", "public"),
    "aspectRatio": words("16:9", "9:16", "1:1", "4:5", "5:4"), "callbackId": text(500), "soundtrack": text(100),
    "input": listed(SCENE, 1, 100),
}  # fmt: skip


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/"):
        return Answer(200, media.clip(_seconds(world.runs[ask.path.split("/")[2]])), {"content-type": "video/mp4"})
    if ask.headers.get("authorization") != KEY:
        return Answer(401, {"error": "Unauthorized", "context": "Invalid API key"})
    match ask.method, ask.path.split("/")[1:]:
        case "POST", ["scriptAudio"]:
            return _kept(ask, world)
        case "POST", ["videos"]:
            return _submitted(ask, world)
        case "GET", ["videos", id]:
            return Answer(200, _video(ask, world.find(id)))
        case "DELETE", ["videos", id]:
            world.runs[id].canceled = True
            return Answer(204)
    return Answer(404, {"error": "Not found"})


def _kept(ask: Ask, world: World) -> Answer:
    if ask.headers.get("content-type") != "audio/mpeg" or not ask.body:
        return Answer(400, {"error": "Unsupported content type", "context": ask.headers.get("content-type")})
    id = f"audio-{len(world.kept) + 1}"
    world.kept[id] = ask.body
    return Answer(201, {"id": id})


def _submitted(ask: Ask, world: World) -> Answer:
    body = ask.json
    wrong = faults(body, VIDEO, ("input",))
    scene = {} if wrong else body["input"][0]
    if not wrong and ("scriptText" in scene) == ("scriptAudio" in scene):
        wrong = ["input.0: one of scriptText and scriptAudio"]
    if scene.get("scriptAudio", "") not in ("", *world.kept):
        wrong = ["input.0.scriptAudio"]
    if wrong:
        return Answer(400, {"error": "Invalid request", "context": ", ".join(wrong)})
    script = scene.get("scriptText") or body.get("description", "")
    if "[nonsense]" in script:
        return Answer(201, HTML, {"content-type": "text/html"})
    return Answer(201, _video(ask, world.begin(script, body)))


def _seconds(run: Run) -> float:
    return max(1.0, len(run.prompt) / CHARS_A_SECOND)


def _video(ask: Ask, run: Run) -> dict[str, object]:
    told = {"id": run.id, "title": run.asked.get("title"), "visibility": "private", "createdAt": 1_790_000_000}
    if run.canceled:
        return told | {"status": "deleted"}
    if run.turns < 1 or run.wants("slow"):
        return told | {"status": "in_progress"}
    if run.wants("refuse") or run.wants("fail"):
        return told | {"status": "rejected" if run.wants("refuse") else "error"}
    length = f"0:00:{_seconds(run):06.3f}"
    return told | {"status": "complete", "duration": length, "download": f"{ask.base}/files/{run.id}/made.mp4?sig=x"}


SIMULATED = Simulated(
    dialect="synthesia",
    provider="synthesia",
    key=KEY,
    job={"task": "avatar-video", "model": "synthesia/avatar", "aspect_ratio": "16:9"},
    respond=respond,
    turns=2,
    cost_usd="0.25",  # five seconds
    own_rates=({"unit": "output_video_second", "usd": "0.05"},),
    cancels=True,
    throttled=Answer(429, {"error": "Too many requests"}, {"ratelimit-limit": "60", "ratelimit-reset": "1"}),
    broken=Answer(500, {"error": "Internal server error"}),
)
