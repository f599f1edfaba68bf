"""Black Forest Labs as its pages tell of it: a path for each model, an address to ask at, refusals inside a 200."""

from math import ceil
from typing import Any
from urllib.parse import parse_qs

from tests.simulators import media
from tests.simulators.checks import Check, bare_base64, either, faults, flag, link, listed, number, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

KEY = "bfl-key-0123456789"
PICTURE = either(link, bare_base64)
SEED = whole(0, 2**32 - 1)
MEGAPIXEL = 1024 * 1024
MOST_MEGAPIXELS = 4

COMMON: dict[str, Check] = {
    "prompt": text(100_000), "seed": SEED, "safety_tolerance": whole(0, 6), "output_format": words("jpeg", "png"),
    "webhook_url": link, "webhook_secret": text(1_000),
}  # fmt: skip
SIDES: dict[str, Check] = {"width": whole(64, 2048, 16), "height": whole(64, 2048, 16)}
OLD_SIDES: dict[str, Check] = {"width": whole(256, 1440, 32), "height": whole(256, 1440, 32)}
UPSAMPLING: dict[str, Check] = {"prompt_upsampling": flag}


def pictures(most: int) -> dict[str, Check]:
    return {"input_image" if n == 1 else f"input_image_{n}": PICTURE for n in range(1, most + 1)}


def ratios(*names: str) -> dict[str, Check]:
    return {"aspect_ratio": words(*names)}


TALL_AND_WIDE = ("16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16")
FLUX_2 = COMMON | SIDES | {"safety_tolerance": whole(0, 5)}
KONTEXT = COMMON | UPSAMPLING | pictures(4) | ratios("7:3", "21:9", *TALL_AND_WIDE, "9:21", "3:7")
TIMED = listed(either(number(0, 20), PICTURE), 2, 2)
VIDEO: dict[str, Check] = {
    "prompt": text(100_000), "mode": words("t2v", "i2v", "v2v", "draft_enhance"), "duration": whole(5, 20),
    "aspect_ratio": words("21:9", "2:1", "16:9", "4:3", "1:1", "3:4", "9:16", "auto"), "resolution": words("hd", "fhd"),
    "generate_audio": flag, "keyframes": either(listed(PICTURE, 1, 10), listed(TIMED, 1, 10)), "start_video": PICTURE,
    "safety_tolerance": whole(0, 4), "draft": flag, "draft_cache": text(1_000), "version": words("latest"),
}  # fmt: skip
STEPS: dict[str, Check] = {"steps": whole(1, 50), "guidance": number(1.5, 10)}

MODELS: dict[str, dict[str, Check]] = {
    "flux-2-pro": FLUX_2 | pictures(8),
    "flux-2-max": FLUX_2 | pictures(8),
    "flux-2-flex": FLUX_2 | pictures(8) | STEPS | UPSAMPLING,
    "flux-2-klein-4b": FLUX_2 | pictures(4),
    "flux-2-klein-9b": FLUX_2 | pictures(4),
    "flux-pro-1.1": COMMON | OLD_SIDES | UPSAMPLING | {"image_prompt": bare_base64},
    "flux-pro-1.1-ultra": COMMON | UPSAMPLING | ratios("21:9", *TALL_AND_WIDE, "9:21")
    | {"raw": flag, "image_prompt": bare_base64, "image_prompt_strength": number(0, 1)},
    "flux-kontext-pro": KONTEXT,
    "flux-kontext-max": KONTEXT,
    "flux-pro-1.0-fill": COMMON | UPSAMPLING
    | {"image": PICTURE, "mask": PICTURE, "steps": whole(15, 50), "guidance": number(1.5, 100)},
    "flux-dev": COMMON | OLD_SIDES | UPSAMPLING | {"steps": whole(1, 50), "guidance": number(1.5, 5)},
    "flux-3-video": VIDEO,
}  # fmt: skip
NEEDED = {"flux-pro-1.0-fill": ("image",), "flux-3-video": ("mode",)}
CENTS = {"flux-2-pro": (3, 1.5), "flux-2-max": (7, 3), "flux-2-flex": (5, 5), "flux-pro-1.1": (4, 0)}
"""For the first megapixel, and for each further one."""


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/"):
        return _file(ask, world)
    if ask.headers.get("x-key") != KEY:
        return Answer(403, {"detail": "Not authenticated - Invalid Authentication"})
    if ask.path == "/v1/get_result" and ask.method == "GET":
        return _result(ask, world)
    model = ask.path.removeprefix("/v1/")
    if ask.method != "POST" or model not in MODELS:
        return Answer(404, {"detail": "Not Found"})
    return _submitted(model, ask, world)


def _submitted(model: str, ask: Ask, world: World) -> Answer:
    body = ask.json
    wrong = faults(body, MODELS[model], ("prompt", *NEEDED.get(model, ())))
    if "width" in body and body["width"] * body.get("height", 1024) > MOST_MEGAPIXELS * MEGAPIXEL:
        wrong.append("width")
    if body.get("mode") == "i2v" and "keyframes" not in body:
        wrong.append("keyframes")
    if wrong:
        errors = [{"loc": ["body", name], "msg": "Input is not valid", "type": "value_error"} for name in wrong]
        return Answer(422, {"detail": errors})
    if "[nonsense]" in body["prompt"]:
        return Answer(200, HTML, {"content-type": "text/html"})
    run = world.begin(body["prompt"], body)
    made = ceil(body.get("width", 1024) * body.get("height", 1024) / MEGAPIXEL)
    given = sum(name.startswith("input_image") for name in body)
    first, further = CENTS.get(model, (5, 5))
    cost = 17 * body.get("duration", 5) if model == "flux-3-video" else first + (made - 1 + given) * further
    url = f"{ask.base}/v1/get_result?id={run.id}"
    return Answer(200, {"id": run.id, "polling_url": url, "cost": cost, "input_mp": given, "output_mp": made})


def _result(ask: Ask, world: World) -> Answer:
    id = parse_qs(ask.query).get("id", [""])[0]
    if id not in world.runs:
        return Answer(200, _told(id, "Task not found"))
    run = world.find(id)
    if run.turns < 2 or run.wants("slow"):
        return Answer(200, _told(id, "Pending", progress=0.5))
    if run.wants("refuse"):
        return Answer(200, _told(id, "Request Moderated", details={"Moderation Reasons": ["Safety Filter"]}))
    if run.wants("fail"):
        return Answer(200, _told(id, "Error", details={"error": "generation failed"}))
    ending = "mp4" if "mode" in run.asked else run.asked.get("output_format", "jpeg")
    sample = f"{ask.base}/files/{id}/sample.{ending}?se=soon&sig=x"
    return Answer(200, _told(id, "Ready", {"sample": sample, "prompt": run.prompt, "seed": 7, "duration": 1.5}))


def _told(id: str, status: str, result: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": id, "status": status, "result": result, "progress": None, "details": None, "preview": None} | more


def _file(ask: Ask, world: World) -> Answer:
    run: Run = world.runs[ask.path.split("/")[2]]
    if ask.path.endswith(".mp4"):
        return Answer(200, media.clip(run.asked.get("duration", 5)), {"content-type": "video/mp4"})
    kind = run.asked.get("output_format", "jpeg")
    size = run.asked.get("width", 1024), run.asked.get("height", 1024)
    return Answer(200, media.picture(*size, kind=kind.upper()), {"content-type": f"image/{kind}"})


SIMULATED = Simulated(
    dialect="bfl",
    provider="black-forest-labs",
    key=KEY,
    job={"task": "text-to-image", "model": "black-forest-labs/flux-2-pro", "width": 512, "height": 512},
    respond=respond,
    turns=3,
    cost_usd="0.03",
    cost_source="provider",
    throttled=Answer(429, {"detail": "Too many active tasks"}, {"retry-after": "1"}),
    broken=Answer(500, {"detail": "Internal Server Error"}),
)
