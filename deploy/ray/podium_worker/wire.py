"""What goes over HTTP: the body of a run and the run as callers see it. README.md has the protocol in words."""

from typing import Literal

from pydantic import Field

from podium_worker.settings import Closed, Task

PROTOCOL = 1
BODY_BYTES_MOST = 64 * 2**20
"""A few pictures in base64; a clip is never an input."""

Status = Literal["queued", "running", "succeeded", "failed", "canceled"]
ENDED: frozenset[Status] = frozenset({"succeeded", "failed", "canceled"})
Role = Literal["source", "mask", "first_frame", "last_frame", "reference"]
Code = Literal[
    "unauthorized", "invalid_request", "too_large", "conflict", "queue_full", "model_missing", "lora_missing",
    "run_missing", "output_missing", "content_rejected", "out_of_memory", "pipeline_failed", "worker_lost",
]  # fmt: skip


class LoraBody(Closed):
    id: str = Field(max_length=100)
    scale: float = Field(1.0, ge=-10, le=10, allow_inf_nan=False)


class InputBody(Closed):
    role: Role
    base64: str


class RunBody(Closed):
    """What is asked for. None is the model's default; pixels, frames, frames a second."""

    task: Task
    model: str = Field(max_length=100)
    prompt: str = Field("", max_length=100_000)
    negative_prompt: str | None = Field(None, max_length=20_000)
    width: int | None = Field(None, ge=8)
    height: int | None = Field(None, ge=8)
    frames: int | None = Field(None, ge=1)
    fps: int | None = Field(None, ge=1, le=240)
    steps: int | None = Field(None, ge=1)
    guidance: float | None = Field(None, ge=0, le=100, allow_inf_nan=False)
    strength: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    seed: int | None = Field(None, ge=0, le=2**63 - 1)
    count: int = Field(1, ge=1)
    loras: tuple[LoraBody, ...] = Field((), max_length=8)
    inputs: tuple[InputBody, ...] = Field((), max_length=16)
    format: Literal["png", "webp", "jpeg"] | None = None

    def lora_set(self) -> str:
        """The LoRAs as one name, whatever their order and scales: what a replica can hold ready."""
        return "+".join(sorted(lora.id for lora in self.loras))

    def given(self, role: Role) -> tuple[InputBody, ...]:
        return tuple(each for each in self.inputs if each.role == role)


class Problem(Closed):
    code: Code
    message: str


class OutputView(Closed):
    url: str
    mime: str
    width: int
    height: int
    frames: int
    fps: int | None
    size_bytes: int


class RunView(Closed):
    """A run as callers see it. `gpu_seconds` are its own, loading left out; these are `cold_seconds`."""

    id: str
    model: str
    status: Status
    step: int = 0
    steps: int = 0
    queue_ahead: int = 0
    gpu_seconds: float = 0.0
    cold_seconds: float = 0.0
    seed: int | None = None
    outputs: tuple[OutputView, ...] = ()
    error: Problem | None = None


class Made(Closed):
    """One picture or clip, encoded."""

    data: bytes = Field(repr=False)
    mime: str
    width: int
    height: int
    frames: int = 1
    fps: int | None = None


class Ending(Closed):
    """How a run ended on its replica, and what it took until then, whatever came of it."""

    status: Literal["succeeded", "failed", "canceled"]
    gpu_seconds: float = 0.0
    cold_seconds: float = 0.0
    made: tuple[Made, ...] = ()
    error: Problem | None = None


class Presence(Closed):
    """What a replica last said of itself. On a CPU there is no VRAM."""

    model: str
    devices: tuple[str, ...]
    loras: tuple[str, ...] = ()
    vram_free_bytes: int | None = None
    vram_total_bytes: int | None = None


class Unsuitable(ValueError):
    """What was asked for cannot be done by this pipeline, however often it is asked: `invalid_request`."""
