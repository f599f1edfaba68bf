"""Ark's pictures, as BytePlus' own client speaks to them: a picture or an error in its place, in one reply."""

from tests.simulators import media
from tests.simulators.checks import Check, either, faults, flag, link, listed, number, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

KEY = "ark-0123456789abcdef"
MEGA = 1_000_000
LIMITS = {
    "seedream-4-0-250828": (0.92, 16.8), "seedream-4-5-251128": (3.68, 16.8), "seedream-5-0-260128": (3.68, 10.4),
    "dola-seedream-5-0-pro-260628": (0.92, 10.4),
}  # fmt: skip
"""Millions of pixels, at least and at most, by model."""
TIERS = {"1K": 1024, "2K": 2048, "3K": 3072, "4K": 4096}
FORMATS = ("png", "jpeg")


def given(value: object) -> bool:
    return isinstance(value, str) and (link(value) or value.startswith("data:image/"))


FIELDS: dict[str, Check] = {
    "model": words(*LIMITS), "prompt": text(10_000), "image": either(given, listed(given, 1, 14)), "size": text(16),
    "seed": whole(-1, 2**31 - 1), "guidance_scale": number(1, 10), "watermark": flag, "stream": flag,
    "sequential_image_generation": words("auto", "disabled"),
    "sequential_image_generation_options": shaped({"max_images": whole(1, 15)}),
    "response_format": words("url", "b64_json"), "output_format": words(*FORMATS),
    "optimize_prompt_options": shaped({"mode": words("standard", "fast")}),
}  # fmt: skip


def refused(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message, "param": "", "type": "BadRequest"}})


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/ark/"):
        return Answer(200, world.kept[ask.path], {"content-type": f"image/{ask.path.rsplit('.', 1)[1]}"})
    if (ask.method, ask.path) != ("POST", "/images/generations"):
        return refused(404, "NotFound", "no such path")
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return refused(401, "AuthenticationError", "The API key doesn't exist")
    # Its own client says null for all that is not set.
    body = {name: value for name, value in ask.json.items() if value is not None}
    if wrong := faults(body, FIELDS, ("model", "prompt")):
        return refused(400, "InvalidParameter", f"The parameter `{wrong[0]}` specified in the request is not valid")
    if body["model"].startswith("seedream-4") and "output_format" in body:
        return refused(400, "InvalidParameter", "The parameter `output_format` is not supported by the model")
    return _made(ask, world, body)


def _made(ask: Ask, world: World, body: dict) -> Answer:
    pair = _pixels(body.get("size", "2K"))
    low, high = LIMITS[body["model"]]
    if pair is None or not low * MEGA <= pair[0] * pair[1] <= high * MEGA:
        return refused(400, "InvalidParameter", "The parameter `size` specified in the request is not valid")
    run = world.begin(body["prompt"], body)
    if run.wants("nonsense"):
        return Answer(200, HTML, {"content-type": "text/html"})
    reply = {"model": body["model"], "created": 1_763_700_000}
    code = "OutputImageSensitiveContentDetected" if run.wants("refuse") else "InternalServiceError"
    if run.wants("refuse") or run.wants("fail"):
        usage = {"generated_images": 0, "output_tokens": 0, "total_tokens": 0}
        return Answer(200, reply | {"data": [{"error": {"code": code, "message": "not made"}}], "usage": usage})
    path = f"/files/ark/{run.id}.{body.get('output_format', 'jpeg')}"
    world.kept[path] = media.picture(*pair, path.rsplit(".", 1)[1].upper())
    item = {"url": ask.base + path, "size": f"{pair[0]}x{pair[1]}"}
    tokens = pair[0] * pair[1] // 256
    usage = {"generated_images": 1, "output_tokens": tokens, "total_tokens": tokens}
    return Answer(200, reply | {"data": [item], "usage": usage})


def _pixels(size: str) -> tuple[int, int] | None:
    if size in TIERS:
        return TIERS[size], TIERS[size]
    wide, _, high = size.partition("x")
    return (int(wide), int(high)) if wide.isdecimal() and high.isdecimal() else None


SIMULATED = Simulated(
    dialect="ark_images",
    provider="byteplus",
    key=KEY,
    job={"task": "text-to-image", "model": "bytedance/seedream-4.5", "width": 2560, "height": 1440},
    respond=respond,
    turns=1,
    cost_usd="0.04",
    throttled=Answer(
        429, {"error": {"code": "RateLimitExceeded.EndpointIPMExceeded", "message": "slow"}}, {"retry-after": "1"}
    ),
    broken=refused(500, "InternalServiceError", "The service encountered an unexpected internal error."),
)
