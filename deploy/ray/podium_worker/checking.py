"""Is a run one that this worker can do, and what are its defaults? Pure: it sees settings, never a pipeline."""

from podium_worker.settings import ModelSettings, WorkerSettings
from podium_worker.wire import Problem, Role, RunBody

NEEDED: dict[str, tuple[Role, ...]] = {
    "image-edit": ("source",), "inpaint": ("source", "mask"), "image-to-video": ("first_frame",),
}  # fmt: skip
TAKEN: dict[str, tuple[Role, ...]] = {
    "image-edit": ("source", "reference"), "inpaint": ("source", "mask"),
    "image-to-video": ("first_frame", "last_frame"),
}  # fmt: skip


def model_of(settings: WorkerSettings, body: RunBody) -> ModelSettings | Problem:
    """The model that is asked for, if all that is asked of it is within its settings."""
    model = next((each for each in settings.models if each.name == body.model), None)
    if model is None:
        return Problem(code="model_missing", message=f"no model {body.model} here")
    known = {lora.id for lora in model.loras}
    if missing := [lora.id for lora in body.loras if lora.id not in known]:
        return Problem(code="lora_missing", message=f"{model.name} has no LoRA {', '.join(missing)} here")
    if wrong := _wrong(model, body):
        return Problem(code="invalid_request", message=wrong)
    return model


def _wrong(model: ModelSettings, body: RunBody) -> str | None:
    if body.task not in model.tasks:
        return f"{model.name} does not do {body.task}"
    if len({lora.id for lora in body.loras}) < len(body.loras):
        return "a LoRA is named twice"
    if (body.width is None) != (body.height is None):
        return "width and height belong together"
    if not body.task.endswith("video") and (body.frames is not None or body.fps is not None):
        return "a picture has neither frames nor fps"
    return _too_much(model, body) or _wrong_inputs(body)


def _too_much(model: ModelSettings, body: RunBody) -> str | None:
    limits = model.limits
    pairs = (
        ("width", body.width, limits.side_px), ("height", body.height, limits.side_px),
        ("frames", body.frames, limits.frames), ("steps", body.steps, limits.steps),
        ("count", body.count, limits.count),
    )  # fmt: skip
    return next(
        (f"{name} is {most} at most" for name, value, most in pairs if value is not None and value > most), None
    )


def _wrong_inputs(body: RunBody) -> str | None:
    given, taken = [each.role for each in body.inputs], TAKEN.get(body.task, ())
    if strange := [role for role in given if role not in taken]:
        return f"{body.task} takes no {strange[0]}"
    if lacking := [role for role in NEEDED.get(body.task, ()) if role not in given]:
        return f"{body.task} needs a {lacking[0]}"
    if twice := [role for role in ("source", "mask", "first_frame", "last_frame") if given.count(role) > 1]:
        return f"one {twice[0]} at most"
    return None


def settled(model: ModelSettings, body: RunBody, seed: int) -> RunBody:
    """The run with the model's defaults in it. A picture that is edited keeps its own size unless another is named."""
    defaults = model.defaults
    changes: dict[str, object] = {
        "seed": seed,
        "steps": defaults.steps if body.steps is None else body.steps,
        "guidance": defaults.guidance if body.guidance is None else body.guidance,
    }
    if body.width is None and not body.given("source"):
        changes |= {"width": defaults.width, "height": defaults.height}
    if body.task.endswith("video"):
        changes["frames"] = defaults.frames if body.frames is None else body.frames
        changes["fps"] = defaults.fps if body.fps is None else body.fps
    return body.model_copy(update=changes)
