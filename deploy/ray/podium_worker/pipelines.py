"""diffusers' pipelines, loaded and called with the parameters that they take. It knows no HTTP and no Ray."""

import inspect
from collections.abc import Callable
from typing import Any

import diffusers
import torch

from podium_worker import media
from podium_worker.loras import Adapters, Shelf, Slots
from podium_worker.running import Meter, Watch, after_each_step
from podium_worker.settings import CompileSettings, ModelSettings, Task
from podium_worker.wire import Ending, LoraBody, Made, Problem, RunBody, Unsuitable

DENOISERS = ("transformer", "transformer_2", "unet")
"""Where pipelines keep what runs at every step."""
FPS = 24
"""Of a clip for which neither the run nor the model's defaults say any."""
WARM_STEPS = 2


Read = Callable[[ModelSettings, torch.device], Any]
"""Where a pipeline comes from: its files, unless measure.py makes one of random weights."""


class Loaded:
    """One model on one device. It serves one run at a time: adapters act on the weights that all tasks share."""

    def __init__(self, model: ModelSettings, device: torch.device, read: Read | None = None) -> None:
        self.model, self.device, self.meter = model, device, Meter(device)
        with self.meter.loading():
            self.pipe = (read or _read)(model, device)
            self.adapters = _adapters(self.pipe, model)
            self.by_class: dict[str, Any] = {type(self.pipe).__name__: self.pipe}
            if model.compile is not None:
                # A place for adapters must be in the model before it is compiled.
                self.adapters.use(self._first())
                _compile(self.pipe, model.compile)
                self._warm_up()

    def pipe_for(self, task: Task) -> Any:
        """The pipeline that does a task, on the same weights."""
        name = self.model.tasks[task] or type(self.pipe).__name__
        if name not in self.by_class:
            made = getattr(diffusers, name).from_pipe(self.pipe, dtype=_dtype(self.model))
            made.set_progress_bar_config(disable=True)
            self.by_class[name] = made
        return self.by_class[name]

    def generate(self, body: RunBody, watch: Watch, meter: Meter) -> Ending:
        """Outputs one after another, so that each is what it would be alone. Raises Stopped and Unsuitable."""
        self._put_on(body.loras, meter)
        pipe, made = self.pipe_for(body.task), []
        given = _pictures(body)
        for number in range(body.count):
            watch.check()
            wanted = _arguments(pipe, self.model, body, given)
            generator = torch.Generator("cpu").manual_seed((int(body.seed or 0) + number) % 2**63)
            step = after_each_step(watch, self.device, number, body.count)
            with meter.working():
                output = self._called(pipe, wanted | {"generator": generator, "callback_on_step_end": step})
            if any(getattr(output, "nsfw_content_detected", None) or ()):
                return Ending(status="failed", error=_rejected())
            made.append(_encoded(output, body))
        return Ending(status="succeeded", made=tuple(made))

    def _put_on(self, loras: tuple[LoraBody, ...], meter: Meter) -> None:
        with (spent := Meter(self.device)).loading():
            is_read = self.adapters.use(loras)
        if is_read:
            meter.cold_seconds += spent.cold_seconds
        else:
            meter.gpu_seconds += spent.cold_seconds

    def _called(self, pipe: Any, wanted: dict[str, Any]) -> Any:
        try:
            return pipe(**wanted, output_type="np")
        finally:
            # A run that was stopped never came to the end of the pipeline's own call, where this is done.
            pipe.maybe_free_model_hooks()

    def _first(self) -> tuple[LoraBody, ...]:
        return tuple(LoraBody(id=lora.id) for lora in self.model.loras[:1])

    def _warm_up(self) -> None:
        """Compile for the default size, without a LoRA and with one, as far as the settings have them."""
        task = next(iter(self.model.tasks))
        if task not in ("text-to-image", "text-to-video"):
            return
        sizes = self.model.defaults.model_dump(exclude={"steps", "fps", "guidance"})
        if task == "text-to-image":
            sizes["frames"] = None
        for loras in {self._first(): None, (): None}:
            body = RunBody(task=task, model=self.model.name, prompt="warm", steps=WARM_STEPS, loras=loras, **sizes)
            self.generate(body, Watch(), Meter(self.device))


def _dtype(model: ModelSettings) -> torch.dtype:
    dtype: torch.dtype = getattr(torch, model.dtype)
    return dtype


def _read(model: ModelSettings, device: torch.device) -> Any:
    """Weights as safetensors only: a pickle is a program. Code that comes with weights is never run."""
    pipe = diffusers.DiffusionPipeline.from_pretrained(
        model.path, revision=model.revision, variant=model.variant, dtype=_dtype(model), use_safetensors=True
    )
    pipe.set_progress_bar_config(disable=True)
    if model.vae_tiling:
        pipe.vae.enable_tiling()
    if model.offload and device.type == "cuda":
        pipe.enable_model_cpu_offload(device=device)
        return pipe
    return pipe.to(device)


def _adapters(pipe: Any, model: ModelSettings) -> Adapters:
    known = {lora.id: lora for lora in model.loras}
    if known and model.compile is not None:
        return Slots(pipe, known, model.compile.lora_rank_most)
    return Shelf(pipe, known, model.loras_held)


def _compile(pipe: Any, how: CompileSettings) -> None:
    """In place, so that pipelines of other tasks, which share the modules, run the compiled code too."""
    for name in DENOISERS:
        if (module := getattr(pipe, name, None)) is not None:
            compiled: Callable[..., Any] = module.compile_repeated_blocks if how.region == "blocks" else module.compile
            compiled(backend=how.backend, mode=how.mode, dynamic=how.dynamic)


def _pictures(body: RunBody) -> dict[str, Any]:
    """diffusers' names for the pictures that are given."""
    main = [media.opened(each.base64) for role in ("source", "first_frame", "reference") for each in body.given(role)]
    masks = [media.opened(each.base64, "L") for each in body.given("mask")]
    last = [media.opened(each.base64) for each in body.given("last_frame")]
    named = {"image": main if len(main) > 1 else main[0] if main else None}
    return named | {"mask_image": masks[0] if masks else None, "last_image": last[0] if last else None}


def _arguments(pipe: Any, model: ModelSettings, body: RunBody, given: dict[str, Any]) -> dict[str, Any]:
    """What is passed on. A wish that the pipeline has no parameter for is refused, never dropped."""
    takes = inspect.signature(pipe.__call__).parameters
    size = {"width": body.width, "height": body.height}
    if "width" not in takes and given["image"] is not None:
        given, size = {name: _resized(each, body) for name, each in given.items()}, {}
    wishes = {
        "prompt": body.prompt,
        "negative_prompt": body.negative_prompt,
        "num_inference_steps": body.steps,
        model.guidance_name: body.guidance,
        "num_frames": body.frames,
        "strength": body.strength,
    }
    wanted = {name: each for name, each in (wishes | size | given).items() if each is not None}
    if lacking := sorted(wanted.keys() - takes.keys()):
        raise Unsuitable(f"{type(pipe).__name__} takes no {', '.join(lacking)}")
    # Few pipelines ask how fast their frames will be shown; the file says it in any case.
    rate = {"frame_rate": body.fps} if "frame_rate" in takes and body.fps is not None else {}
    return wanted | rate


def _resized(picture: Any, body: RunBody) -> Any:
    if picture is None or body.width is None or body.height is None:
        return picture
    if isinstance(picture, list):
        return [_resized(each, body) for each in picture]
    return picture.resize((body.width, body.height))


def _encoded(output: Any, body: RunBody) -> Made:
    if hasattr(output, "frames"):
        return media.clip(media.eight_bit(output.frames[0]), body.fps or FPS)
    return media.picture(media.eight_bit(output.images[0]), body.format or "png")


def _rejected() -> Problem:
    return Problem(code="content_rejected", message="the model's own checker rejected what was made")
