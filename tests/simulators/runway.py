"""Runway's tasks as its Python client was recorded against them (2026-11-20), its bodies as that client types them.

A task costs its credits when it succeeds, and when moderation finds its input wanting; a failed one costs nothing.
"""

import base64
from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check, either, faults, flag, listed, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "key_0123456789abcdef"
VERSION = "2024-11-06"
PNG, MP4 = "image/png", "video/mp4"


def uri(value: Any) -> bool:
    """A public link, a data URI, or a file in Runway's own storage."""
    return isinstance(value, str) and value.startswith(("https://", "data:image/", "data:video/", "runway://"))


def frames(*places: str) -> Check:
    return either(uri, listed(shaped({"uri": uri, "position": words(*places)}, ("uri", "position")), 1, len(places)))


def references(most: int) -> Check:
    return listed(shaped({"uri": uri, "tag": text(16)}, ("uri",)), 1, most)


SEED = whole(0, 2**32 - 1)
SMALL = ("1280:720", "720:1280", "1104:832", "960:960", "832:1104", "1584:672")
VEO_SIZES = ("1280:720", "720:1280", "1080:1920", "1920:1080")
SIDES = (
    "1024:1024", "1080:1080", "1168:880", "1360:768", "1440:1080", "1080:1440", "1808:768", "1920:1080", "1080:1920",
    "2112:912", "1280:720", "720:1280", "720:720", "960:720", "720:960", "1680:720",
)  # fmt: skip
PICTURE: dict[str, Check] = {
    "promptText": text(1_000), "ratio": words(*SIDES), "seed": SEED, "referenceImages": references(3),
}  # fmt: skip
VEO: dict[str, Check] = {
    "promptText": text(1_000), "ratio": words(*VEO_SIZES), "duration": words(4, 6, 8), "audio": flag, "seed": SEED,
    "negativePrompt": text(1_000), "promptImage": frames("first", "last"),
}  # fmt: skip
GEN: dict[str, Check] = {
    "promptText": text(1_000), "ratio": words(*SMALL), "duration": whole(2, 10), "seed": SEED,
    "promptImage": frames("first"),
}  # fmt: skip
MODELS: dict[tuple[str, str], tuple[dict[str, Check], tuple[str, ...]]] = {
    ("text_to_image", "gen4_image"): (PICTURE, ("promptText", "ratio")),
    ("text_to_image", "gen4_image_turbo"): (PICTURE, ("promptText", "ratio", "referenceImages")),
    ("text_to_video", "gen4.5"): (
        GEN | {"ratio": words("1280:720", "720:1280"), "promptImage": words()},
        ("promptText", "ratio", "duration"),
    ),
    ("image_to_video", "gen4.5"): (GEN, ("promptImage", "promptText", "ratio", "duration")),
    ("image_to_video", "gen4_turbo"): (GEN, ("promptImage", "ratio")),
    ("text_to_video", "veo3.1"): (VEO | {"promptImage": words()}, ("promptText", "ratio")),
    ("image_to_video", "veo3.1"): (VEO, ("promptImage", "ratio")),
    ("video_to_video", "aleph2"): ({"promptText": text(1_000), "videoUri": uri, "seed": SEED}, ("videoUri",)),
}
CREDITS = {"gen4_image_turbo": 2, "gen4.5": 12, "gen4_turbo": 5, "veo3.1": 40, "aleph2": 28}
"""For a picture, or for a second."""


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith(("/files/", "/bucket/")):
        return _storage(ask, world)
    if not ask.path.startswith("/v1/"):
        return Answer(404, {"error": "Not found"})
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return Answer(401, {"error": "Unauthorized: missing or invalid authentication credentials"})
    if ask.headers.get("x-runway-version") != VERSION:
        return Answer(400, {"error": "Unsupported API version", "docUrl": "https://docs.dev.runwayml.com"})
    match ask.method, ask.path.split("/")[2:]:
        case "POST", ["uploads"]:
            return _place(ask, world)
        case "GET", ["organization"]:
            return _organization()
        case "POST", [path]:
            return _submitted(path, ask, world)
        case "GET", ["tasks", id]:
            return _task(ask, world.find(id))
        case "DELETE", ["tasks", id]:
            world.runs[id].canceled = True
            return Answer(204)
    return Answer(405, {"error": "Method not allowed"})


def _place(ask: Ask, world: World) -> Answer:
    if wrong := faults(ask.json, {"filename": text(255), "type": words("ephemeral")}, ("filename", "type")):
        return _refused(wrong)
    name = f"file-{len(world.kept) + 1}"
    world.kept[name] = None
    fields = {"key": name, "policy": "p", "x-amz-signature": "s"}
    return Answer(200, {"uploadUrl": f"{ask.base}/bucket/{name}", "fields": fields, "runwayUri": f"runway://{name}"})


def _storage(ask: Ask, world: World) -> Answer:
    """The bucket takes a form with all the fields that it was promised, the file after them."""
    name = ask.path.split("/")[2]
    if ask.path.startswith("/files/"):
        return _file(world.runs[name])
    places = [ask.body.find(b'name="%s"' % each) for each in (b"key", b"policy", b"x-amz-signature", b"file")]
    if name not in world.kept or -1 in places or places != sorted(places) or ask.part("key") != name:
        return Answer(400, b"<Error><Code>InvalidArgument</Code></Error>", {"content-type": "application/xml"})
    world.kept[name] = "there"
    return Answer(204)


def _submitted(path: str, ask: Ask, world: World) -> Answer:
    body = ask.json
    known, needed = MODELS.get((path, body.get("model")), ({}, ("model",)))
    wrong = faults(body, known | {"model": text(100)}, needed) if known else ["model"]
    if wrong := wrong + [each for each in _given(body) if world.kept.get(each, "") is None]:
        return _refused(wrong)
    if "[nonsense]" in body.get("promptText", ""):
        return Answer(200, HTML, {"content-type": "text/html"})
    run = world.begin(body.get("promptText", ""), {"body": body, "is_picture": path == "text_to_image"})
    return Answer(200, {"id": run.id, "estimatedCost": {"credits": _credits(run)}})


def _given(body: dict[str, Any]) -> list[str]:
    """The names of Runway's own files that a body speaks of."""
    items = [
        *body.get("referenceImages", ()),
        *(body["promptImage"] if isinstance(body.get("promptImage"), list) else ()),
    ]
    links = [item["uri"] for item in items if isinstance(item, dict)] + [body.get("videoUri", "")]
    return [link.removeprefix("runway://") for link in links if link.startswith("runway://")]


def _refused(wrong: list[str]) -> Answer:
    issues = [{"code": "invalid_union", "path": [name], "message": "Invalid input"} for name in wrong]
    return Answer(400, {"error": "Validation of body failed", "issues": issues})


def _credits(run: Run) -> int:
    body = run.asked["body"]
    if body["model"] == "gen4_image":
        return 5 if "720" in body["ratio"].split(":") else 8
    return CREDITS[body["model"]] * (1 if run.asked["is_picture"] else body.get("duration", 5))


def _task(ask: Ask, run: Run) -> Answer:
    told = {"id": run.id, "createdAt": "2026-11-21T00:00:00.000Z"}
    if run.canceled:
        return Answer(200, told | {"status": "CANCELLED", "cost": {"credits": 0}})
    if run.turns < 2 or run.wants("slow"):
        running = {"status": "RUNNING", "progress": 0.4} if run.turns > 1 else {"status": "THROTTLED"}
        return Answer(200, told | running | {"estimatedCost": {"credits": _credits(run)}})
    if run.wants("refuse"):
        failure = {"failure": "The input was flagged by moderation.", "failureCode": "SAFETY.INPUT.TEXT"}
        return Answer(200, told | {"status": "FAILED", "cost": {"credits": _credits(run)}} | failure)
    if run.wants("fail"):
        failure = {"failure": "An unexpected error occurred.", "failureCode": "INTERNAL.BAD_OUTPUT.CODE01"}
        return Answer(200, told | {"status": "FAILED", "cost": {"credits": 0}} | failure)
    output = [f"{ask.base}/files/{run.id}/made?_jwt=x"]
    return Answer(200, told | {"status": "SUCCEEDED", "output": output, "cost": {"credits": _credits(run)}})


def _file(run: Run) -> Answer:
    width, height = map(int, run.asked["body"].get("ratio", "1280:720").split(":"))
    if run.asked["is_picture"]:
        return Answer(200, media.picture(width, height), {"content-type": PNG})
    return Answer(200, media.clip(run.asked["body"].get("duration", 5)), {"content-type": MP4})


def _organization() -> Answer:
    names = sorted({model for _, model in MODELS})
    tiers = {name: {"maxConcurrentGenerations": 1, "maxDailyGenerations": 50} for name in names}
    used = {name: {"dailyGenerations": 1} for name in names}
    tier = {"maxMonthlyCreditSpend": 1_000, "models": tiers}
    return Answer(200, {"creditBalance": 100, "tier": tier, "usage": {"models": used}})


PHOTO = base64.b64encode(media.picture()).decode()
COMMON: dict[str, Any] = {
    "dialect": "runway",
    "provider": "runway",
    "key": KEY,
    "respond": respond,
    "cost_source": "provider",
    "cancels": True,
    "throttled": Answer(429, {"error": "You have reached your daily generation limit"}, {"retry-after": "1"}),
    "broken": Answer(500, {"error": "Internal server error"}),
}
SIMULATED = (
    Simulated(
        job={"task": "text-to-image", "model": "runway/gen-4-image", "width": 720, "height": 720},
        turns=3,
        cost_usd="0.05",
        refusal_cost_usd="0.05",
        **COMMON,
    ),
    Simulated(
        job={
            "task": "image-to-video", "model": "runway/gen-4-turbo", "duration_s": 2,
            "inputs": [{"role": "first_frame", "base64": PHOTO}],
        },
        turns=5,
        uploads=2,
        cost_usd="0.10",
        refusal_cost_usd="0.10",
        **COMMON,
    ),
)  # fmt: skip
