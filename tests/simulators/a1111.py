"""The sdapi of A1111 and Forge: reads the prompt's language as they do, blocks, and answers with pictures inside.

Two words in a prompt are its own: `[interrupt]` has somebody stop it, `[lacks]` leaves its checkpoint missing.
"""

import base64
import json
import re
from dataclasses import replace
from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check, bare_base64, faults, flag, listed, number, shaped, text, whole
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

SIDE = whole(64, 2_048, 8)
BODY: dict[str, Check] = {
    "prompt": text(100_000), "negative_prompt": text(20_000), "width": SIDE, "height": SIDE, "steps": whole(1, 150),
    "seed": whole(-1, 2**63 - 1), "cfg_scale": number(0, 30), "batch_size": whole(1, 8),
    "init_images": listed(bare_base64, 1, 1), "mask": bare_base64, "denoising_strength": number(0, 1),
    "sampler_name": text(100), "scheduler": text(100), "override_settings_restore_afterwards": flag,
    "override_settings": shaped({"sd_model_checkpoint": text(200)}), "send_images": flag, "save_images": flag,
    "do_not_save_samples": flag, "do_not_save_grid": flag, "inpainting_fill": whole(0, 3), "mask_blur": whole(0, 64),
}  # fmt: skip
TAG = re.compile(r"<(\w+):([^>]+)>")
PAGES: dict[str, Any] = {
    "/sdapi/v1/memory": {"ram": {"free": 1, "used": 1, "total": 2}, "cuda": {"system": {"free": 1, "total": 2}}},
    "/sdapi/v1/sd-models": [
        {"title": "sd_xl_base_1.0.safetensors [31e35c80fc]", "model_name": "sd_xl_base_1.0", "filename": "/srv/x"},
        {"title": "mine.safetensors", "model_name": "mine", "filename": "/srv/y"},
    ],
    "/sdapi/v1/loras": [
        {"name": "style", "alias": "style", "path": "/srv/z", "metadata": {"ss_base_model_version": "sdxl_base_v1-0"}},
    ],
}
THROTTLED = Answer(429, {"error": "Too many requests", "detail": "slow down"}, {"retry-after": "1"})
BROKEN = Answer(500, {"error": "OutOfMemoryError", "detail": "", "body": "", "errors": "CUDA out of memory"})


def respond(ask: Ask, world: World) -> Answer:
    if ask.method == "GET" and ask.path in PAGES:
        return Answer(200, PAGES[ask.path])
    if ask.method != "POST" or ask.path not in ("/sdapi/v1/txt2img", "/sdapi/v1/img2img"):
        return Answer(404, {"detail": "Not Found"})
    body = ask.json
    wrong = faults(body, BODY, ("init_images",) if ask.path.endswith("img2img") else ("prompt",))
    if wrong:
        return Answer(422, {"detail": [{"loc": ["body", name], "msg": "invalid"} for name in wrong]})
    tags = TAG.findall(body["prompt"])
    prompt = plain(TAG.sub("", body["prompt"]))
    read = replace(ask, body=json.dumps(prompt).encode())
    for word, answer in (("throttle", THROTTLED), ("break", BROKEN)):
        if world.first(word, read):
            return answer
    return _made(world, prompt, body, tags)


def plain(prompt: str) -> str:
    """What is left of a prompt once its language is read. A bracket that is not escaped is syntax: it weighs words."""
    weighed = re.sub(r"(?<!\\)[()\[\]]", "", prompt)
    return re.sub(r"\\([()\[\]])", r"\1", weighed)


def _made(world: World, prompt: str, body: dict[str, Any], tags: list[tuple[str, str]]) -> Answer:
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    run = world.begin(prompt, body | {"tags": tags})
    for word, complaint in (("refuse", "NSFW content detected"), ("fail", "mat1 and mat2 shapes"),
                            ("lacks", "Unknown checkpoint: it")):  # fmt: skip
        if run.wants(word):
            return Answer(500, {"error": "RuntimeError", "detail": "", "body": "", "errors": complaint})
    count = body.get("batch_size", 1) - run.wants("interrupt")
    picture = base64.b64encode(media.picture(body.get("width", 512), body.get("height", 512))).decode()
    seed = 1 if body.get("seed", -1) == -1 else body["seed"]
    info = {"prompt": prompt, "seed": seed, "all_seeds": [seed], "index_of_first_image": 0, "infotexts": [prompt]}
    return Answer(200, {"images": [picture] * count, "parameters": body, "info": json.dumps(info)})


SIMULATED = Simulated(
    dialect="a1111",
    provider="a1111",
    key="none",
    job={"task": "text-to-image", "model": "stability-ai/sdxl-1.0", "width": 512, "height": 512, "steps": 8},
    respond=respond,
    turns=1,
    cost_usd="0.002",
    own_rates=({"unit": "output_image", "usd": "0.002"},),
    throttled=THROTTLED,
    broken=BROKEN,
)
