"""InvokeAI, as its sources have it: models by attributes, a queue of graphs, images by name; graphs are checked."""

from typing import Any
from urllib.parse import parse_qs

from tests.simulators import media
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

MODELS = (
    {"key": "4f1c", "hash": "blake3:aa", "name": "stable-diffusion-xl-base-1.0", "base": "sdxl", "type": "main"},
    {"key": "9b22", "hash": "blake3:bb", "name": "style-a", "base": "sdxl", "type": "lora"},
)
PORTS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "sdxl_model_loader": ({"unet", "clip", "clip2", "vae"}, set(), {"model"}),
    "sdxl_lora_loader": ({"unet", "clip", "clip2"}, {"unet", "clip", "clip2"}, {"lora", "weight"}),
    "string": ({"value"}, set(), {"value"}),
    "sdxl_compel_prompt": ({"conditioning"}, {"prompt", "style", "clip", "clip2"}, set()),
    "noise": ({"noise"}, set(), {"seed", "width", "height", "use_cpu"}),
    "denoise_latents": (
        {"latents"}, {"unet", "noise", "positive_conditioning", "negative_conditioning"},
        {"steps", "cfg_scale", "scheduler", "denoising_start", "denoising_end"},
    ),
    "l2i": ({"image"}, {"latents", "vae"}, {"fp32", "use_cache"}),
}  # fmt: skip
"""Class of node → what comes out, what is wired in, and what is set."""
BEGAN, ENDED = "2026-11-21 08:00:00.000", "2026-11-21 08:00:02.500"


def respond(ask: Ask, world: World) -> Answer:
    match ask.method, ask.path.split("/")[1:]:
        case "GET", ["api", "v2", "models", "get_by_attrs"]:
            return _model(parse_qs(ask.query))
        case "GET", ["api", "v1", "app", "version"]:
            return Answer(200, {"version": "6.13.0"})
        case "GET", ["api", "v2", "models", ""]:
            return Answer(200, {"models": [each | {"path": "/srv/models/x"} for each in MODELS]})
        case "POST", ["api", "v1", "queue", "default", "enqueue_batch"]:
            return _queued(ask, world)
        case "GET", ["api", "v1", "queue", "default", "i", id]:
            return Answer(200, _item(world.find(f"run-{int(id):06}")))
        case "PUT", ["api", "v1", "queue", "default", "i", id, "cancel"]:
            world.runs[f"run-{int(id):06}"].canceled = True
            return Answer(200, {"item_id": int(id), "status": "canceled"})
        case "GET", ["api", "v1", "images", "i", name, "full"]:
            noise = _node(world.find(name.removesuffix(".png")).asked, "noise")
            return Answer(200, media.picture(noise["width"], noise["height"]), {"content-type": "image/png"})
    return Answer(404, {"detail": "Not Found"})


def _model(query: dict[str, list[str]]) -> Answer:
    wanted = {name: values[0] for name, values in query.items()}
    found = next((each for each in MODELS if wanted.items() <= each.items()), None)
    return Answer(200, found | {"path": "/srv/models/x"}) if found else Answer(404, {"detail": "No model found"})


def _node(graph: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(node for node in graph["nodes"].values() if node["type"] == kind)


def _queued(ask: Ask, world: World) -> Answer:
    graph = ask.json["batch"]["graph"]
    if wrong := _fault(graph):
        return Answer(422, {"detail": [{"type": "value_error", "loc": ["body", "batch", "graph"], "msg": wrong}]})
    prompt = max((node["value"] for node in graph["nodes"].values() if node["type"] == "string"), key=len)
    prompt = prompt.replace("\\(", "(").replace("\\)", ")")
    if "[nonsense]" in prompt:
        return Answer(201, HTML, {"content-type": "text/html"})
    full = "[full]" in prompt
    ids = [] if full else [int(world.begin(prompt, graph).id.removeprefix("run-"))]
    batch = {"batch_id": "b1", "origin": ask.json["batch"]["origin"]}
    return Answer(
        201,
        {"queue_id": "default", "enqueued": len(ids), "requested": 1, "batch": batch, "priority": 0, "item_ids": ids},
    )


def _fault(graph: dict[str, Any]) -> str | None:
    """Every node of a known class, every model known by its key, every edge between ports that are there."""
    nodes = graph["nodes"]
    for id, node in nodes.items():
        if node.get("id") != id or node["type"] not in PORTS:
            return f"node {id} is not valid"
        if unknown := node.keys() - {"id", "type", "is_intermediate"} - PORTS[node["type"]][2]:
            return f"node {id} has no field {sorted(unknown)[0]}"
        if any(node.get(name) not in (None, *MODELS) for name in ("model", "lora")):
            return f"node {id}: the model is not known"
    wired = set()
    for edge in graph["edges"]:
        source, destination = edge["source"], edge["destination"]
        if source["node_id"] not in nodes or destination["node_id"] not in nodes:
            return "an edge leads nowhere"
        if source["field"] not in PORTS[nodes[source["node_id"]]["type"]][0]:
            return f"{source} gives nothing"
        if destination["field"] not in PORTS[nodes[destination["node_id"]]["type"]][1]:
            return f"{destination} takes nothing"
        wired.add((destination["node_id"], destination["field"]))
    if len(wired) != len(graph["edges"]):
        return "two edges end at one port"
    return None


def _item(run: Run) -> dict[str, Any]:
    about = {"item_id": int(run.id.removeprefix("run-")), "batch_id": "b1", "queue_id": "default", "priority": 0}
    if run.canceled:
        return about | {"status": "canceled"}
    if run.turns < 2 or run.wants("slow"):
        return about | {"status": "in_progress", "started_at": BEGAN, "completed_at": None}
    about |= {"started_at": BEGAN, "completed_at": ENDED}
    for word, said in (("refuse", "NSFW content was found"), ("fail", "CUDA out of memory")):
        if run.wants(word):
            told = {"error_type": "RuntimeError", "error_message": said, "error_traceback": "File /srv/invoke/x.py"}
            return about | {"status": "failed"} | told
    results = {
        "p-7": {"type": "latents_output", "latents": {"latents_name": "x"}},
        "p-8": {"type": "image_output", "image": {"image_name": f"{run.id}.png"}, "width": 1, "height": 1},
    }
    session = {"results": results, "prepared_source_mapping": {"p-7": "7", "p-8": "8"}}
    return about | {"status": "completed", "session": session}


SIMULATED = Simulated(
    dialect="invokeai",
    provider="invokeai",
    key="none",
    job={"task": "text-to-image", "model": "stability-ai/sdxl-1.0", "width": 512, "height": 512, "steps": 8},
    respond=respond,
    turns=5,
    uploads=1,
    cost_usd="0.0025",
    own_rates=({"unit": "gpu_second", "usd": "0.001"},),
    cancels=True,
    throttled=Answer(429, {"detail": "slow down"}, {"retry-after": "1"}),
    broken=Answer(500, {"detail": "internal error"}),
)
