"""Google's Veo as recorded: an operation that is asked for, a file that wants the key, filtered clips with a count."""

import re

from tests.simulators import media
from tests.simulators.checks import Check, bare_base64, faults, listed, shaped, text, words
from tests.simulators.gemini import BROKEN, KEY, THROTTLED, error, unauthenticated
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

SUBMIT = re.compile(r"(?:/v1(?:beta)?)?/models/(veo-[a-z0-9.-]+):predictLongRunning")
STATUS = re.compile(r"(?:/v1(?:beta)?)?/models/(veo-[a-z0-9.-]+)/operations/(veo\d+)")
FILE = re.compile(r"(?:/v1(?:beta)?)?/files/(veo\d+):download")
MODELS = {"veo-3.1-generate-001", "veo-3.1-fast-generate-001"}

BYTES = shaped({"bytesBase64Encoded": bare_base64, "mimeType": text(100)}, ("bytesBase64Encoded", "mimeType"))
REFERENCE = shaped({"image": BYTES, "referenceType": words("asset", "style")}, ("image", "referenceType"))
INSTANCE: dict[str, Check] = {
    "prompt": text(100_000), "image": BYTES, "lastFrame": BYTES, "referenceImages": listed(REFERENCE, 1, 3),
}  # fmt: skip
PARAMETERS: dict[str, Check] = {
    "sampleCount": words(1, 2, 3, 4), "durationSeconds": words(4, 6, 8), "aspectRatio": words("16:9", "9:16"),
    "resolution": words("720p", "1080p", "4k"), "negativePrompt": text(10_000),
    "personGeneration": words("allow_all", "allow_adult", "dont_allow"),
}  # fmt: skip
"""No sound, no seed: the Developer API has no words for them."""
BODY: dict[str, Check] = {"instances": listed(shaped(INSTANCE, ("prompt",)), 1, 1), "parameters": shaped(PARAMETERS)}
SIDES = {"720p": (128, 72), "1080p": (192, 108), "4k": (384, 216)}
"""A tenth of the real sides, so that clips are made quickly."""


def respond(ask: Ask, world: World) -> Answer:
    begun, asked, fetched = (each.fullmatch(ask.path) for each in (SUBMIT, STATUS, FILE))
    if not begun and not asked and not fetched:
        return error(404, "NOT_FOUND", "no such path")
    if ask.headers.get("x-goog-api-key") != KEY:
        return unauthenticated()
    if begun:
        return _begun(begun[1], ask, world)
    return _status(asked[1], asked[2], world) if asked else _file(fetched[1], world)


def _begun(model: str, ask: Ask, world: World) -> Answer:
    if model not in MODELS:
        return error(404, "NOT_FOUND", f"models/{model} is no longer available")
    wrong = faults(ask.json, BODY, ("instances",))
    parameters = ask.json.get("parameters", {})
    if parameters.get("resolution", "720p") != "720p" and parameters.get("durationSeconds", 8) != 8:
        wrong.append("durationSeconds")
    if wrong:
        return error(400, "INVALID_ARGUMENT", f"Invalid value at {', '.join(wrong)}")
    prompt = ask.json["instances"][0]["prompt"]
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    run = world.begin(prompt, ask.json, prefix="veo")
    return Answer(200, {"name": f"models/{model}/operations/{run.id}"})


def _status(model: str, id: str, world: World) -> Answer:
    run = world.find(id)
    name = f"models/{model}/operations/{id}"
    if run.turns < 2:
        return Answer(200, {"name": name})
    if run.wants("fail"):
        return Answer(200, {"name": name, "done": True, "error": {"code": 13, "message": "internal error"}})
    made = {"generatedSamples": [{"video": {"uri": _link(id)}}]}
    if run.wants("refuse"):
        made = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["The prompt goes against the guidelines"]}
    kind = "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse"
    return Answer(200, {"name": name, "done": True, "response": {"@type": kind, "generateVideoResponse": made}})


def _link(id: str) -> str:
    """Whoever asks where, the link names Google's own host."""
    return f"https://generativelanguage.googleapis.com/v1beta/files/{id}:download?alt=media"


def _file(id: str, world: World) -> Answer:
    asked = world.find(id).asked.get("parameters", {})
    wide, high = SIDES[asked.get("resolution", "720p")]
    size = (wide, high) if asked.get("aspectRatio", "16:9") == "16:9" else (high, wide)
    return Answer(200, media.clip(asked.get("durationSeconds", 8), *size), {"content-type": "video/mp4"})


SIMULATED = Simulated(
    dialect="veo",
    provider="google",
    key=KEY,
    job={"task": "text-to-video", "model": "google/veo-3.1-fast", "duration_s": 4, "resolution": "720p"},
    respond=respond,
    turns=4,
    cost_usd="0.4",
    throttled=THROTTLED,
    broken=BROKEN,
)
