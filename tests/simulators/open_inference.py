"""A predictor behind KServe's open inference protocol: tensors of one element in, pictures as base64 out."""

import base64
from typing import Any

from tests.simulators import media
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

TENSORS = {
    "prompt": "BYTES", "negative_prompt": "BYTES", "width": "INT64", "height": "INT64", "seed": "INT64",
    "num_inference_steps": "INT64", "guidance_scale": ("FP32", "INT64"),
}  # fmt: skip


def respond(ask: Ask, world: World) -> Answer:
    match ask.method, ask.path.split("/")[1:]:
        case "GET", ["v2"]:
            return Answer(200, {"name": "kserve", "version": "0.17.0", "extensions": ["model_repository_extension"]})
        case "GET", ["v2", "models"]:
            return Answer(200, {"models": ["sdxl"]})
        case "POST", ["v2", "models", name, "infer"]:
            return (
                _inferred(ask, world)
                if name == "sdxl"
                else Answer(404, {"error": f"Model with name {name} does not exist."})
            )
    return Answer(404, {"error": "Not Found"})


def _inferred(ask: Ask, world: World) -> Answer:
    tensors = ask.json.get("inputs", [])
    if wrong := [each["name"] for each in tensors if not _is_sound(each)]:
        return Answer(400, {"error": f"Unrecognized input or type: {wrong[0]}"})
    asked = {each["name"]: each["data"][0] for each in tensors}
    if "prompt" not in asked or ask.json.get("outputs") != [{"name": "images"}]:
        return Answer(400, {"error": "prompt and images are wanted"})
    if "[nonsense]" in asked["prompt"]:
        return Answer(200, HTML, {"content-type": "text/html"})
    run = world.begin(asked["prompt"], asked)
    if run.wants("refuse"):
        return Answer(500, {"error": "ValueError : the safety check found NSFW content"})
    if run.wants("fail"):
        return Answer(500, {"error": "RuntimeError : CUDA out of memory"})
    made = base64.b64encode(media.picture(asked.get("width", 1024), asked.get("height", 1024))).decode()
    outputs = [{"name": "images", "shape": [1], "datatype": "BYTES", "data": [made]}]
    return Answer(200, {"model_name": "sdxl", "model_version": None, "id": "1", "parameters": None, "outputs": outputs})


def _is_sound(tensor: dict[str, Any]) -> bool:
    kinds = TENSORS.get(tensor["name"], ())
    return tensor["datatype"] in (kinds if isinstance(kinds, tuple) else (kinds,)) and tensor["shape"] == [1]


SIMULATED = Simulated(
    dialect="open_inference",
    provider="kserve",
    key="none",
    job={"task": "text-to-image", "model": "stability-ai/sdxl-1.0", "width": 512, "height": 512, "steps": 8},
    respond=respond,
    turns=1,
    cost_usd="0.002",
    own_rates=({"unit": "output_image", "usd": "0.002"},),
    throttled=Answer(429, {"error": "slow down"}, {"retry-after": "1"}),
    broken=Answer(500, {"error": "internal error"}),
)
