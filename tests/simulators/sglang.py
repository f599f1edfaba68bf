"""SGLang's diffusion server with LoRAs, as its source and its page have them: one set for all its runs, whoever asks.

It mixes where it is asked wrongly: a picture has the colour of the set that is active when it is finished, and a run
during which the set was touched is noted in `world.kept["mixed"]`. A LoRA that is set while another is merged is an
error, as the page says; so is one whose path names nothing ("missing"). "[slow]" in a prompt takes ten times as long.
"""

import base64
import hashlib
import io
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

from PIL import Image

from tests.simulators.server import Answer, Ask, Run, Simulated, Streamed, World

RUN_S = 0.15
Set = tuple[tuple[str, float], ...]


def color(loras: Set) -> tuple[int, int, int]:
    """Of the pictures that are made with a set."""
    digest = hashlib.sha256(repr(sorted(loras)).encode()).digest()
    return digest[0], digest[1], digest[2]


def respond(ask: Ask, world: World) -> Answer:
    world.kept.setdefault("active", ())
    for name in ("mixed", "switches", "made"):
        world.kept.setdefault(name, [])
    match ask.method, ask.path.removeprefix("/v1"):
        case "GET", "/list_loras":
            return _listed(world.kept["active"])
        case "POST", "/unmerge_lora_weights":
            return _changed(world, (), "Successfully unmerged LoRA weights")
        case "POST", "/set_lora":
            return _set(ask.json, world)
        case "POST", "/images/generations":
            return _made(ask.json, world)
        case "GET", "/models":
            return Answer(200, {"object": "list", "data": [{"id": "black-forest-labs/FLUX.1-dev", "object": "model"}]})
        case "GET", "/health" | "/../health":
            return Answer(200, {})
    return Answer(404, {"detail": "Not Found"})


def _listed(active: Set) -> Answer:
    names, strengths = [name for name, _ in active], [strength for _, strength in active]
    entry = {"nicknames": names, "strengths": strengths, "merged": True, "mode": "merge"}
    loaded = [{"nickname": name, "path": name} for name in names]
    return Answer(200, {"loaded_adapters": loaded, "active": {"transformer": [entry]} if active else {}})


def _set(asked: dict[str, Any], world: World) -> Answer:
    names, paths, strengths = (_list(asked.get(name)) for name in ("lora_nickname", "lora_path", "strength"))
    if asked.keys() - {"lora_nickname", "lora_path", "strength", "target", "merge_mode"} or not names:
        return Answer(422, {"detail": "unknown or missing fields"})
    if len({len(names), len(paths), len(strengths)}) != 1:
        return Answer(400, {"detail": "as many paths and strengths as nicknames are wanted"})
    if any("missing" in str(path) for path in paths):
        return Answer(500, {"detail": "Failed to set LoRA adapter: there is no such file"})
    if world.kept["active"]:
        return Answer(500, {"detail": "Failed to set LoRA adapter: unmerge the active one first"})
    return _changed(world, tuple(zip(names, strengths, strict=True)), "Successfully set LoRA adapter(s)")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _changed(world: World, wanted: Set, message: str) -> Answer:
    if wanted != world.kept["active"]:
        world.kept["switches"].append(wanted)
        world.kept["active"] = wanted
    return Answer(200, {"status": "ok", "message": message})


def _made(asked: dict[str, Any], world: World) -> Answer:
    run = world.begin(asked["prompt"], asked)
    return Answer(200, Streamed(_pieces(run, world), pause_s=0), {"content-type": "application/json"})  # type: ignore[arg-type]


def _pieces(run: Run, world: World) -> Iterator[bytes]:
    """The answer begins at once, and ends when the picture is done."""
    before, begun = world.kept["active"], len(world.kept["switches"])
    yield b'{"id": "' + run.id.encode() + b'", "created": 1, "data": '
    for _ in itertools.repeat(None, 10 if run.wants("slow") else 1):
        time.sleep(RUN_S)
    after = world.kept["active"]
    if before != after or len(world.kept["switches"]) != begun:
        world.kept["mixed"].append(run.prompt)
    world.kept["made"].append((run.prompt, after))
    picture = io.BytesIO()
    Image.new("RGB", (run.asked["width"], run.asked["height"]), color(after)).save(picture, "PNG")
    yield json.dumps([{"b64_json": base64.b64encode(picture.getvalue()).decode()}]).encode()
    yield b', "inference_time_s": 0.15}'


SGLANG = Simulated(
    dialect="openai_images", provider="sglang", key="", respond=respond, turns=2, uploads=1, cost_usd="0",
    job={"task": "text-to-image", "model": "black-forest-labs/flux-1-dev", "width": 256, "height": 256},
)  # fmt: skip
"""Not among the providers of which every story is told: those would wait for one another here."""
