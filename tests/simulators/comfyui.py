"""ComfyUI with its page of jobs, as newer servers have it; with `kept["old"]` as version 0.3.64 was recorded.

One word in a prompt is its own: `[queued]` leaves the run waiting behind another. With `kept["pace_s"]` runs are
worked on one after the other and take so long each, by the clock; strangers' are put before them by `strangers`. With
`kept["mute"]` no file is ever handed out.
"""

import time
from typing import Any
from urllib.parse import parse_qs

from tests.simulators import media
from tests.simulators.checks import Check, number, text, whole, words
from tests.simulators.forms import FILE, form_of
from tests.simulators.server import HTML, Answer, Ask, Dropped, Run, Simulated, World

SAMPLERS, SCHEDULERS = words("euler", "dpmpp_2m"), words("simple", "karras", "normal")
SIDE, SEED = whole(16, 16_384), whole(0, 2**64 - 1)
WEIGHTS = {
    "ckpt_name": ("sd_xl_base_1.0.safetensors",),
    "unet_name": ("flux1-dev.safetensors", *(
        f"wan2.2_{each}_noise_14B_fp8_scaled.safetensors" for each in ("t2v_high", "t2v_low", "i2v_high", "i2v_low")
    )),
    "clip_name": ("umt5_xxl_fp8_e4m3fn_scaled.safetensors",),
    "clip_name1": ("t5xxl_fp16.safetensors",),
    "clip_name2": ("clip_l.safetensors",),
    "vae_name": ("ae.safetensors", "wan_2.1_vae.safetensors"),
    "model_name": ("RealESRGAN_x4plus.pth",),
    "lora_name": ("lora_a.safetensors", "lora_b.safetensors"),
}  # fmt: skip
"""What lies in the server's folders: a name that is not there is `value_not_in_list`."""

GPU = {"name": "cuda:0", "type": "cuda", "index": 0, "vram_total": 25_757_220_864, "vram_free": 20_000_000_000}

FOLDERS = {
    "checkpoints": ("ckpt_name",), "diffusion_models": ("unet_name",), "loras": ("lora_name",), "vae": ("vae_name",),
    "text_encoders": ("clip_name", "clip_name1", "clip_name2"), "upscale_models": ("model_name",),
}  # fmt: skip

START_MS, RUN_MS = 1_795_219_704_166, 2_500

Inputs = dict[str, Check | str]
"""Name → what it must be: a check for a value, or the type of a link."""
SAMPLED: Inputs = {
    "model": "MODEL", "positive": "CONDITIONING", "negative": "CONDITIONING", "latent_image": "LATENT",
    "steps": whole(1, 10_000), "cfg": number(0, 100), "sampler_name": SAMPLERS, "scheduler": SCHEDULERS,
}  # fmt: skip
LATENT: Inputs = {"width": SIDE, "height": SIDE, "batch_size": whole(1, 4096)}
NODES: dict[str, tuple[tuple[str, ...], Inputs]] = {
    "CheckpointLoaderSimple": (("MODEL", "CLIP", "VAE"), {"ckpt_name": text(200)}),
    "UNETLoader": (("MODEL",), {"unet_name": text(200), "weight_dtype": words("default", "fp8_e4m3fn")}),
    "CLIPLoader": (("CLIP",), {"clip_name": text(200), "type": words("wan", "sd3", "qwen_image")}),
    "DualCLIPLoader": (("CLIP",), {"clip_name1": text(200), "clip_name2": text(200), "type": words("flux", "sdxl")}),
    "VAELoader": (("VAE",), {"vae_name": text(200)}),
    "UpscaleModelLoader": (("UPSCALE_MODEL",), {"model_name": text(200)}),
    "LoraLoaderModelOnly": (
        ("MODEL",), {"model": "MODEL", "lora_name": text(200), "strength_model": number(-100, 100)},
    ),
    "ModelSamplingSD3": (("MODEL",), {"model": "MODEL", "shift": number(0, 100)}),
    "CLIPTextEncode": (("CONDITIONING",), {"text": text(100_000), "clip": "CLIP"}),
    "ConditioningZeroOut": (("CONDITIONING",), {"conditioning": "CONDITIONING"}),
    "FluxGuidance": (("CONDITIONING",), {"conditioning": "CONDITIONING", "guidance": number(0, 100)}),
    "EmptyLatentImage": (("LATENT",), LATENT),
    "EmptySD3LatentImage": (("LATENT",), LATENT),
    "EmptyHunyuanLatentVideo": (("LATENT",), LATENT | {"length": whole(1, 16_384, 4)}),
    "WanImageToVideo": (
        ("CONDITIONING", "CONDITIONING", "LATENT"),
        LATENT | {"length": whole(1, 16_384, 4), "positive": "CONDITIONING", "negative": "CONDITIONING", "vae": "VAE",
                  "start_image": "IMAGE"},
    ),
    "VAEEncode": (("LATENT",), {"pixels": "IMAGE", "vae": "VAE"}),
    "VAEEncodeForInpaint": (
        ("LATENT",), {"pixels": "IMAGE", "vae": "VAE", "mask": "MASK", "grow_mask_by": whole(0, 64)},
    ),
    "KSampler": (("LATENT",), SAMPLED | {"seed": SEED, "denoise": number(0, 1)}),
    "KSamplerAdvanced": (
        ("LATENT",),
        SAMPLED | {"noise_seed": SEED, "add_noise": words("enable", "disable"), "start_at_step": whole(0, 10_000),
                   "end_at_step": whole(0, 10_000), "return_with_leftover_noise": words("enable", "disable")},
    ),
    "VAEDecode": (("IMAGE",), {"samples": "LATENT", "vae": "VAE"}),
    "LoadImage": (("IMAGE", "MASK"), {"image": text(500)}),
    "LoadImageMask": (("MASK",), {"image": text(500), "channel": words("alpha", "red", "green", "blue")}),
    "ImageUpscaleWithModel": (("IMAGE",), {"upscale_model": "UPSCALE_MODEL", "image": "IMAGE"}),
    "ImageScaleBy": (
        ("IMAGE",), {"image": "IMAGE", "upscale_method": words("lanczos", "area"), "scale_by": number(0.01, 8)},
    ),
    "CreateVideo": (("VIDEO",), {"images": "IMAGE", "fps": number(1, 120)}),
    "SaveImage": ((), {"images": "IMAGE", "filename_prefix": text(200)}),
    "SaveVideo": (
        (), {"video": "VIDEO", "filename_prefix": text(200), "format": words("auto", "mp4"),
             "codec": words("auto", "h264")},
    ),
}  # fmt: skip
MESSAGES = {
    "required_input_missing": "Required input is missing",
    "value_not_in_list": "Value not in list",
    "invalid_input_type": "Failed to convert an input value",
    "return_type_mismatch": "Return type mismatch between linked nodes",
    "bad_linked_input": "Bad linked input, must be a length-2 list of [node_id, slot_index]",
    "custom_validation_failed": "Custom validation failed for node",
}


def respond(ask: Ask, world: World) -> Answer:
    match ask.method, ask.path.split("/")[1:]:
        case "POST", ["upload", "image"]:
            return _kept(ask, world)
        case method, ["prompt"]:
            return _submitted(ask, world) if method == "POST" else _told(world)
        case "GET", ["system_stats" | "models" as page, *rest]:
            return _about(page, *rest)
        case "GET", ["history", id]:
            return Answer(200, _history(world.find(world.kept[id]), id, world) if id in world.kept else {})
        case "GET", ["queue"]:
            return _queue(world)
        case "GET", ["view"]:
            return _viewed(ask, world)
        case _, ["api", "jobs", id, *rest] if "old" not in world.kept:
            return _canceled(world, [id], ("queued", "")) if rest else _job(world.find(world.kept[id]), id)
        case "POST", ["queue"]:
            return _canceled(world, ask.json["delete"], ("queued",))
        case "POST", ["interrupt"]:
            return _canceled(world, [ask.json["prompt_id"]], ("",))
    return Answer(404, b"404: Not Found", {"content-type": "text/plain"})


def _about(page: str, folder: str = "") -> Answer:
    if page == "system_stats":
        return Answer(200, {"system": {"comfyui_version": "0.3.64"}, "devices": [GPU]})
    return Answer(200, [name for each in FOLDERS[folder] for name in WEIGHTS[each]])


def _canceled(world: World, ids: list[str], kinds: tuple[str, ...]) -> Answer:
    """A removal reaches only what waits (`queued`), an interrupt only what runs; both answer alike, done or not."""
    runs = [world.runs[world.kept[id]] for id in ids if id in world.kept]
    for run in runs:
        run.canceled |= ("queued" if run.wants("queued") else "") in kinds
    return Answer(200, {"cancelled": any(run.canceled for run in runs)})


def _kept(ask: Ask, world: World) -> Answer:
    form = form_of(ask) or {}
    if form.get("image") is not FILE:
        return Answer(400, b"", {"content-type": "text/plain"})
    name = f"{len(world.kept)}.png"
    world.kept[f"input:{form['subfolder']}/{name}"] = True
    return Answer(200, {"name": name, "subfolder": form["subfolder"], "type": form["type"]})


def _submitted(ask: Ask, world: World) -> Answer:
    graph = ask.json.get("prompt")
    unknown = [id for id, node in graph.items() if node.get("class_type") not in NODES]
    if unknown:
        return _wrong(
            "invalid_prompt", f"Cannot execute because node {graph[unknown[0]].get('class_type')} does not exist."
        )
    saves = [id for id, node in graph.items() if node["class_type"].startswith("Save")]
    if not saves:
        return _wrong("prompt_no_outputs", "Prompt has no outputs")
    told = {id: wrong for id, node in graph.items() if (wrong := _faults(graph, node, world))}
    if told and len(saves) == 1:
        return _wrong("prompt_outputs_failed_validation", "Prompt outputs failed validation", told)
    prompt = max((_written(node) for node in graph.values()), key=len)
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    id = ask.json["prompt_id"]
    world.kept[id] = f"run-{len(world.runs) + 1:06}"
    if "pace_s" in world.kept:
        _queued(world, world.kept[id])
    world.begin(prompt, graph)
    return Answer(200, {"prompt_id": id, "number": len(world.runs), "node_errors": told})


def _written(node: dict[str, Any]) -> str:
    """The words of a node as its encoder reads them: escaped brackets are brackets."""
    words = node["inputs"].get("text", "") if node["class_type"] == "CLIPTextEncode" else ""
    return str(words).replace("\\(", "(").replace("\\)", ")")


def _wrong(kind: str, message: str, told: Any = None) -> Answer:
    return Answer(
        400, {"error": {"type": kind, "message": message, "details": "", "extra_info": {}}, "node_errors": told or {}}
    )


def _faults(graph: dict[str, Any], node: dict[str, Any], world: World) -> dict[str, Any] | None:
    wanted, given = NODES[node["class_type"]][1], node["inputs"]
    found = [(_fault(graph, name, check, given, world), name) for name, check in wanted.items()]
    errors = [
        {"type": kind, "message": MESSAGES[kind], "details": name, "extra_info": {"input_name": name}}
        for kind, name in found if kind
    ]  # fmt: skip
    return {"errors": errors, "dependent_outputs": [], "class_type": node["class_type"]} if errors else None


def _fault(graph: dict[str, Any], name: str, check: Check | str, given: dict[str, Any], world: World) -> str | None:
    if name not in given:
        return "required_input_missing"
    value = given[name]
    if isinstance(check, str):
        if not isinstance(value, list) or len(value) != 2 or value[0] not in graph:
            return "bad_linked_input"
        made = NODES[graph[value[0]]["class_type"]][0]
        return None if made[value[1]] == check else "return_type_mismatch"
    if name == "image":
        return None if f"input:{value}" in world.kept else "custom_validation_failed"
    if name in WEIGHTS:
        return None if value in WEIGHTS[name] else "value_not_in_list"
    return None if check(value) else "invalid_input_type"


def strangers(world: World, count: int) -> None:
    """Somebody else's runs in the queue of a server with a pace."""
    with world.gate:
        for number in range(count):
            _queued(world, f"stranger-{number}")


def _queued(world: World, run_id: str) -> None:
    """A run begins when the one before it has ended."""
    ends: dict[str, float] = world.kept.setdefault("ends", {})
    ends[run_id] = max([time.monotonic(), *ends.values()]) + world.kept["pace_s"]


def _told(world: World) -> Answer:
    """How many runs are worked on and wait."""
    if "pace_s" in world.kept:
        left = sum(end > time.monotonic() for end in world.kept.get("ends", {}).values())
    else:
        left = sum(_is_waiting(run) for run in world.runs.values())
    return Answer(200, {"exec_info": {"queue_remaining": left}})


def _is_under_way(run: Run, world: World) -> bool:
    if "pace_s" in world.kept:
        return not run.canceled and world.kept["ends"][run.id] > time.monotonic()
    return _is_waiting(run)


def _is_waiting(run: Run) -> bool:
    return not run.canceled and (run.turns < 2 or run.wants("slow") or run.wants("queued"))


def _queue(world: World) -> Answer:
    """Everybody's graphs; what was removed or has ended is in neither list."""
    listed: dict[str, list[Any]] = {"queue_running": [], "queue_pending": []}
    for id, known in world.kept.items():
        run = world.runs.get(known) if isinstance(known, str) else None
        if run is not None and _is_under_way(run, world):
            listed["queue_pending" if run.wants("queued") else "queue_running"].append([1, id, run.asked, {}, ["9"]])
    return Answer(200, listed)


def _job(run: Run, id: str) -> Answer:
    word = "cancelled" if run.canceled else "pending" if run.wants("queued") else "in_progress"
    return Answer(200, {"id": id, "status": word, "create_time": START_MS, "outputs_count": 0})


def _history(run: Run, id: str, world: World) -> dict[str, Any]:
    """Only what has ended; a run that was removed before it began is nowhere."""
    if _is_under_way(run, world) or (run.canceled and run.wants("queued")):
        return {}
    told = {"prompt_id": id, "timestamp": START_MS + int(world.kept.get("pace_s", RUN_MS / 1_000) * 1_000)}
    messages: list[Any] = [
        ["execution_start", told | {"timestamp": START_MS}],
        ["execution_cached", told | {"nodes": []}],
    ]
    ended, outputs = "execution_success", {"9": _outputs(run, id)}
    if run.canceled:
        ended, outputs = "execution_interrupted", {}
    elif run.wants("refuse") or run.wants("fail"):
        said = "NSFW content was found" if run.wants("refuse") else "mat1 and mat2 shapes cannot be multiplied"
        told |= {"node_type": "VAEDecode", "exception_type": "RuntimeError", "exception_message": said,
                 "traceback": ["File \"/srv/comfy/execution.py\""]}  # fmt: skip
        ended, outputs = "execution_error", {}
    well = ended == "execution_success"
    status = {"status_str": "success" if well else "error", "completed": well, "messages": [*messages, [ended, told]]}
    return {id: {"prompt": [1, id, run.asked, {}, ["9"]], "outputs": outputs, "status": status, "meta": {}}}


def _outputs(run: Run, id: str) -> dict[str, Any]:
    """One file for each picture of the batch, or one clip, under the prefix that the graph names."""
    [save] = [node for node in run.asked.values() if node["class_type"].startswith("Save")]
    prefix, is_clip = save["inputs"]["filename_prefix"], save["class_type"] == "SaveVideo"
    number = 1 if is_clip else _made(run).get("batch_size", 1)
    names = [f"{prefix}_{each + 1:05}_.{'mp4' if is_clip else 'png'}" for each in range(number)]
    images = [{"filename": name, "subfolder": "", "type": "output"} for name in names]
    return {"images": images} | ({"animated": [True]} if is_clip else {})


def _made(run: Run) -> dict[str, Any]:
    """The inputs of the node that sets the size."""
    sized = (node["inputs"] for node in run.asked.values() if "width" in node["inputs"])
    return next(sized, {})


def _viewed(ask: Ask, world: World) -> Answer:
    if "mute" in world.kept:
        raise Dropped
    query = {name: values[0] for name, values in parse_qs(ask.query).items()}
    run = world.find(world.kept[query["filename"].split("_")[0]])
    made = _made(run)
    size = (made.get("width", 64), made.get("height", 64))
    if query["filename"].endswith(".png"):
        return Answer(200, media.picture(*size), {"content-type": "image/png"})
    return Answer(200, media.clip(made["length"] // 16, *size, fps=16), {"content-type": "video/mp4"})


def _simulated(job: dict[str, Any]) -> Simulated:
    return Simulated(
        dialect="comfyui",
        provider="comfyui",
        key="none",
        job=job,
        respond=respond,
        turns=5,
        cost_usd="0.0025",
        own_rates=({"unit": "gpu_second", "usd": "0.001"},),
        cancels=True,
        broken=Answer(500, b"500 Internal Server Error", {"content-type": "text/plain"}),
    )


SIMULATED = (
    _simulated({"task": "text-to-image", "model": "stability-ai/sdxl-1.0", "width": 512, "height": 512, "steps": 8}),
    _simulated(
        {"task": "text-to-video", "model": "alibaba/wan-2.2-a14b", "width": 256, "height": 256, "duration_s": 1}
    ),
)
