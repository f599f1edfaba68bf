"""What is known of models, machines and published runs, as far as estimates depend on it. No arithmetic here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from adapters.schema import Exact, Frozen, Modality, Task

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=100)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Factor = Annotated[int, Field(ge=1, le=64)]
Pixels = Annotated[int, Field(ge=16, le=16_384)]
Frames = Annotated[int, Field(ge=1, le=20_000)]
Steps = Annotated[int, Field(ge=1, le=1_000)]
Forwards = Annotated[int, Field(ge=1, le=8)]
Devices = Annotated[int, Field(ge=1, le=1_024)]

WEIGHT_BYTES: Mapping[str, float] = {"bf16": 2, "fp16": 2, "bfp8": 1.0625, "fp8": 1, "fp4": 0.5}
"""Bytes of one weight at each precision; a block of bfp8 shares one exponent among sixteen values."""

Precision = Literal["bf16", "fp16", "bfp8", "fp8", "fp4"]


class Block(Frozen):
    """How many frames, rows and columns become one."""

    time: Factor = 1
    height: Factor = 1
    width: Factor = 1


class Vae(Block):
    """From pixels to latents. A causal one keeps its first frame by itself: 1 + 4 k frames become 1 + k."""

    causal: bool = False


class Usual(Frozen):
    """What is made where nothing else is asked: the defaults of the model's own code."""

    width: Pixels
    height: Pixels
    frames: Frames = 1
    fps: Positive | None = None
    steps: Steps
    forwards: Forwards = Field(1, description="passes through the model at each step: 2 with a negative prompt's")


class Architecture(Frozen):
    """A diffusion transformer. Counts of parameters are single weights, not billions."""

    name: Name
    title: str
    models: tuple[str, ...] = Field((), description="ids of our catalog that run these weights")
    params: Positive | None = Field(None, description="None: what the layers make")
    params_read: Positive | None = Field(None, description="read by one forward, where only some weights work")
    layers: Annotated[int, Field(ge=1, le=1_000)]
    width: Annotated[int, Field(ge=1, le=100_000)]
    mlp: Literal["gelu", "swiglu"] = "gelu"
    mlp_width: Annotated[int, Field(ge=1, le=1_000_000)]
    heads: Annotated[int, Field(ge=1, le=1_000)]
    attention: Literal["joint", "cross"] = Field("joint", description="text among the tokens, or looked at by them")
    text_tokens: Annotated[int, Field(ge=0, le=100_000)]
    text_encoder_params: Amount = 0
    vae: Vae
    patch: Block = Block()
    usual: Usual
    text_s: Amount = Field(0, description="to encode the words, on an H100")
    vae_s: Amount = Field(0, description="to decode a megapixel of one frame, on an H100")
    source: str
    unsure: str | None = None

    @property
    def modality(self) -> Modality:
        return Modality.VIDEO if self.usual.frames > 1 else Modality.IMAGE


class Utilisation(Frozen):
    """The share of the dense peak that runs reach with one kind of software."""

    stack: Name
    share: Share
    modality: Modality | None = None
    fitted: bool = Field(False, description="the median of published runs; else taken over or guessed")


class Scaling(Frozen):
    """n devices are n^x times as fast as one."""

    image: Annotated[float, Field(ge=0, le=1)] = 1
    video: Annotated[float, Field(ge=0, le=1)] = 1

    def of(self, modality: Modality) -> float:
        return self.video if modality is Modality.VIDEO else self.image


class Machine(Frozen):
    """Accelerators of one kind; all figures but `count` are of one of them."""

    name: Name
    title: str
    count: Devices = 1
    chips: Devices = Field(1, description="that every figure here counts together as one")
    peak_tflops: dict[Precision, Positive] = Field(min_length=1)
    memory_gib: Positive
    bandwidth_gb_s: Positive
    link_gb_s: Positive | None = None
    scaling: Scaling = Scaling()
    usd_per_hour: Exact | None = None
    purchase_usd: Exact | None = None
    power_w: Amount | None = None
    utilisation: tuple[Utilisation, ...] = Field(min_length=1)
    source: str
    unsure: str | None = None

    @property
    def precision(self) -> Precision:
        """The one that is taken where none is asked for."""
        return next(iter(self.peak_tflops))


class PublishedRun(Frozen):
    """A run that somebody measured and published."""

    architecture: Name
    task: Task | None = Field(None, description="None: from words alone")
    width: Pixels
    height: Pixels
    frames: Frames = 1
    steps: Steps
    machine: Name
    count: Devices = 1
    stack: Name
    seconds: Positive
    part: Literal["whole", "denoise"] = "whole"
    source: str
    unsure: str | None = None


class PublishedPeak(Frozen):
    """The most memory that a published run held. Bytes are of one weight, or of one value of the VAE."""

    architecture: Name
    width: Pixels
    height: Pixels
    frames: Frames = 1
    peak_mib: Positive
    text_encoder_bytes: Amount
    vae_bytes: Positive
    source: str
    unsure: str | None = None


@dataclass(frozen=True)
class Tables:
    """Everything of the kind that is known here, by name."""

    architectures: Mapping[str, Architecture]
    machines: Mapping[str, Machine]
    runs: tuple[PublishedRun, ...] = ()
    peaks: tuple[PublishedPeak, ...] = ()
