"""Videos of SGLang and vLLM-Omni, as their sources have them: a form in, a job, its file; strict about forms.

A deleted job is stopped (vLLM-Omni); of a job that failed, vLLM-Omni tells with a 500 whose body is the job.
"""

from tests.simulators import media
from tests.simulators.forms import FILE, form_of
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

WHOLE = ("width", "height", "num_frames", "fps", "seed", "num_inference_steps", "seconds")
NUMBERS = ("guidance_scale", "guidance_scale_2", "flow_shift", "true_cfg_scale")
KNOWN = {"prompt", "model", "negative_prompt", "size", "user", "input_reference", *WHOLE, *NUMBERS}
RUN_S = 2.5
MODELS = ("Wan-AI/Wan2.2-T2V-A14B-Diffusers", "Wan-AI/Wan2.2-I2V-A14B-Diffusers")


def respond(ask: Ask, world: World) -> Answer:
    match ask.method, ask.path.removeprefix("/v1").split("/")[1:]:
        case "POST", ["videos"]:
            return _taken(ask, world)
        case "GET", ["models"]:
            return Answer(200, {"object": "list", "data": [{"id": MODELS[0], "object": "model", "created": 1}]})
        case "GET", ["videos", id]:
            return _told(world.find(id))
        case "DELETE", ["videos", id]:
            world.runs[id].canceled = True
            return Answer(200, {"id": id, "deleted": True, "object": "video.deleted"})
        case "GET", ["videos", id, "content"]:
            return _content(world.find(id))
    return Answer(404, {"detail": "Not Found"})


def _taken(ask: Ask, world: World) -> Answer:
    form = form_of(ask)
    if form is None or not form.get("prompt"):
        return _error(422, "prompt is required, as a form")
    if unknown := sorted(form.keys() - KNOWN):
        return _error(400, f"unknown field {unknown[0]}")
    if form.get("model") not in MODELS:
        return _error(404, f"The model `{form.get('model')}` does not exist.")
    if any(name in form and not str(form[name]).isdecimal() for name in WHOLE):
        return _error(422, "a whole number is wanted")
    if "input_reference" in form and form["input_reference"] is not FILE:
        return _error(422, "input_reference must be a file")
    prompt = str(form["prompt"])
    if "[refuse]" in prompt:
        world.begin(prompt, form)
        return _error(400, "NSFW content was found in the prompt")
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    return Answer(200, _job(world.begin(prompt, form, prefix="video_gen_"), "queued"))


def _error(status: int, message: str) -> Answer:
    return Answer(status, {"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}})


def _job(run: Run, status: str, **more: object) -> dict[str, object]:
    return {"id": run.id, "object": "video", "status": status, "progress": 0, "created_at": 1_795_219_704} | more


def _told(run: Run) -> Answer:
    if run.canceled:
        return _error(404, "Video not found")
    if run.turns < 2 or run.wants("slow"):
        return Answer(200, _job(run, "in_progress", progress=40))
    if run.wants("fail"):
        error = {"code": "internal_error", "message": "CUDA out of memory"}
        return Answer(500, _job(run, "failed", error=error, inference_time_s=RUN_S))
    return Answer(200, _job(run, "completed", progress=100, inference_time_s=RUN_S, peak_memory_mb=61_000))


def _content(run: Run) -> Answer:
    asked = run.asked
    fps = int(asked.get("fps", 16))
    seconds = (int(asked["num_frames"]) - 1) / fps if "num_frames" in asked else float(asked.get("seconds", 4))
    made = media.clip(seconds, int(asked.get("width", 832)), int(asked.get("height", 480)))
    return Answer(200, made, {"content-type": "video/mp4"})


def _simulated(provider: str, asks: int, cancels: bool, unit: str, usd: str, cost_usd: str) -> Simulated:
    """`asks`: turns before the submit."""
    return Simulated(
        dialect="openai_videos",
        provider=provider,
        key="none",
        job={"task": "text-to-video", "model": "alibaba/wan-2.2-a14b", "width": 256, "height": 256, "duration_s": 1},
        respond=respond,
        turns=4 + asks,
        uploads=asks,
        cost_usd=cost_usd,
        own_rates=({"unit": unit, "usd": usd},),
        cancels=cancels,
        broken=_error(500, "internal error"),
    )


SIMULATED = (
    _simulated("sglang", 1, False, "gpu_second", "0.001", "0.0025"),  # first it is asked which LoRAs it holds
    _simulated("vllm-omni", 0, True, "request", "0.002", "0.002"),
)
