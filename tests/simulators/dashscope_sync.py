"""DashScope's pictures at once, as its own client speaks to them: a message in, a message with links out."""

from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check, faults, flag, listed, shaped, text, whole, words
from tests.simulators.dashscope import KEY, SEED, given, refused, size
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

PATH = "/services/aigc/multimodal-generation/generation"
MOST = {"qwen-image-3.0": 6, "qwen-image-2.0": 6, "qwen-image-2.0-pro": 6, "wan2.6-t2i": 4}
"""How many pictures a model makes at once."""


def part(value: Any) -> bool:
    return shaped({"text": text(5_000)}, ("text",))(value) or shaped({"image": given}, ("image",))(value)


MESSAGES = listed(shaped({"role": words("user"), "content": listed(part, 1, 4)}, ("role", "content")), 1, 1)


def parameters(most: int) -> dict[str, Check]:
    return {
        "size": size, "n": whole(1, most), "seed": SEED, "negative_prompt": text(500), "prompt_extend": flag,
        "watermark": flag,
    }  # fmt: skip


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/sync-"):
        run = world.runs[ask.path.removeprefix("/files/").removesuffix(".png")]
        wide, high = map(int, run.asked["parameters"].get("size", "1024*1024").split("*"))
        return Answer(200, media.picture(wide, high), {"content-type": "image/png"})
    if (ask.method, ask.path) != ("POST", PATH):
        return refused(404, "NotFound", "no such path")
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return refused(401, "InvalidApiKey", "Invalid API-key provided.")
    body = ask.json
    if body.get("model") not in MOST:
        return refused(404, "ModelNotFound", "Model can not be found.")
    asked, known = body.get("parameters", {}), parameters(MOST[body["model"]])
    if wrong := faults(body["input"], {"messages": MESSAGES}, ("messages",)) + faults(asked, known):
        return refused(400, "InvalidParameter", f"{wrong[0]} is not valid")
    words_given = [each["text"] for each in body["input"]["messages"][0]["content"] if "text" in each]
    if len(words_given) != 1:
        return refused(400, "InvalidParameter", "content must have exactly one text")
    return _answered(world.begin(words_given[0], body, "sync-"), ask)


def _answered(run: Run, ask: Ask) -> Answer:
    if run.wants("nonsense"):
        return Answer(200, HTML, {"content-type": "text/html"})
    if run.wants("refuse"):
        return refused(400, "DataInspectionFailed", "Input data may contain inappropriate content.")
    if run.wants("fail"):
        return refused(500, "InternalError.Timeout", "An internal timeout error has occured.")
    count = run.asked["parameters"].get("n", 1)
    content = [{"image": f"{ask.base}/files/{run.id}.png"} for _ in range(count)]
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    return Answer(200, {"request_id": "r-1", "output": {"choices": [choice]}, "usage": {"image_count": count}})


SIMULATED = Simulated(
    dialect="dashscope_sync",
    provider="dashscope",
    key=KEY,
    job={"task": "text-to-image", "model": "alibaba/qwen-image-2.0", "width": 1328, "height": 1328, "count": 2},
    respond=respond,
    turns=1,
    cost_usd="0.07",
    throttled=Answer(429, {"code": "Throttling.BurstRate", "message": "Too quick."}, {"retry-after": "1"}),
    broken=refused(500, "InternalError", "An internal error has occured."),
)
