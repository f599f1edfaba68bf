"""What a worker serves, as data: the arguments of its Serve application. It refuses what would only fail at a run."""

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

TOKEN_ENV = "PODIUM_WORKER_TOKEN"
"""The one thing that is no argument: Serve shows an application's arguments to whoever may see its dashboard."""

Task = Literal["text-to-image", "image-edit", "inpaint", "text-to-video", "image-to-video"]
NAME = r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$"


class Closed(BaseModel):
    """An immutable value in which an unknown field is an error, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LoraSettings(Closed):
    """An adapter of one model. Callers name its id; where it lies is the operator's to say, never theirs."""

    id: str = Field(pattern=NAME)
    path: str = Field(description="a folder, a file of safetensors, or an id of the hub")
    weight_name: str | None = Field(None, description="the file in the folder, where it holds several")
    revision: str | None = None


class Defaults(Closed):
    """What a run has where it says nothing. What stays None is the pipeline's own."""

    width: int | None = None
    height: int | None = None
    frames: int | None = None
    fps: int | None = None
    steps: int | None = None
    guidance: float | None = None


class Limits(Closed):
    """The most that one run may ask for, so that no caller can take the whole memory."""

    side_px: int = 2_048
    frames: int = 257
    steps: int = 100
    count: int = Field(8, ge=1, le=8)


class CompileSettings(Closed):
    """torch.compile of the denoiser, done before the first run and counted as cold time.

    `blocks` compiles the repeated block once and is ready much sooner; `whole` may be a little faster in the end.
    A size that was not warmed up is compiled when it first comes, within that run.
    """

    region: Literal["blocks", "whole"] = "blocks"
    backend: str = "inductor"
    mode: str | None = Field(None, description="as torch.compile names it: max-autotune-no-cudagraphs, …")
    dynamic: bool | None = None
    lora_rank_most: int = Field(64, ge=1, description="the highest rank of any LoRA of the model: swaps keep the code")


class Scaling(Closed):
    """Replicas of one model, each with `gpus` of its own; Serve adds and takes them by the runs that wait."""

    gpus: float = Field(1, ge=0, description="0 runs on the CPU; a part shares a GPU with other replicas")
    cpus: float = Field(1, ge=0)
    replicas_least: int = Field(1, ge=0, description="0 lets a model that nobody asks for leave its GPU")
    replicas_most: int = Field(1, ge=1)
    runs_each: float = Field(2, gt=0, description="running and waiting runs for each replica that Serve aims at")
    idle_s: float = Field(600, ge=0, description="how long a replica that is not needed stays: loading is dear")


class ModelSettings(Closed):
    """One pipeline: where its weights lie, what it can do, and how it is run."""

    name: str = Field(pattern=NAME)
    path: str = Field(description="a folder in diffusers' layout, or an id of the hub")
    revision: str | None = None
    variant: str | None = None
    tasks: dict[Task, str | None] = Field(
        min_length=1,
        description="task → None, or diffusers' class that does it on the same weights: FluxImg2ImgPipeline",
    )
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    guidance_name: Literal["guidance_scale", "true_cfg_scale"] = Field(
        "guidance_scale", description="true_cfg_scale for Qwen-Image, whose other one is not used by its usual weights"
    )
    offload: bool = Field(False, description="keep on the GPU only what computes: less memory, slower")
    vae_tiling: bool = False
    compile: CompileSettings | None = None
    defaults: Defaults = Defaults()
    limits: Limits = Limits()
    loras: tuple[LoraSettings, ...] = ()
    loras_held: int = Field(8, ge=1, description="adapters that stay loaded; the one unused for longest leaves")
    scaling: Scaling = Scaling()

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> "ModelSettings":
        if len({lora.id for lora in self.loras}) < len(self.loras):
            raise ValueError(f"{self.name} names a LoRA twice")
        return self


class Keeping(Closed):
    """How long and how many ended runs stay to be fetched, and how many may wait."""

    kept_s: float = Field(3_600, gt=0)
    runs_most: int = Field(1_000, ge=1)
    output_bytes_most: int = Field(2 * 2**30, ge=0)
    waiting_most: int = Field(64, ge=1, description="of one model; one more is refused with 429")


class WorkerSettings(Closed):
    """The arguments of the application, as a Serve config file has them under `args`."""

    models: tuple[ModelSettings, ...] = Field(min_length=1)
    keeping: Keeping = Keeping()
    doors: int = Field(1, ge=1, description="replicas of the HTTP side, which computes nothing")

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> "WorkerSettings":
        if len({model.name for model in self.models}) < len(self.models):
            raise ValueError("two models have one name")
        return self


def token() -> str | None:
    """The bearer token that callers must show; None: whoever reaches the port may use it."""
    return os.environ.get(TOKEN_ENV) or None
