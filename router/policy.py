"""What a caller cares about: weights that rank, limits that reject, and presets. It never looks at an offer."""

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field, PlainSerializer

from adapters.schema import Exact, Frozen, Task

Part = Literal["quality", "cost", "latency", "hazard", "local"]
"""What a score is made of. Each part is between 0 and 1 before its weight."""

SELF_HOSTED = "self-hosted"
"""What `only`, `ignore` and `order` call every offer on the operator's own machines."""

NAMES_MOST = 100
"""The most entries of `only`, `ignore` and `order`: each is compared with every candidate."""

FALLBACKS_MOST = 20
"""Offers after the first that one job may try: beyond that, the request is at fault, not the offers."""

HAZARD_FAIR_PER_DAY = 1 / 90
"""An even chance to still be there after about two months (ln 2 x 90 days), which is what the video boards show."""


def _paired(value: object) -> object:
    return dict(value) if isinstance(value, list | tuple) else value


Weights = Annotated[
    dict[Part, Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)]],
    BeforeValidator(_paired),
    PlainSerializer(lambda weights: [list(pair) for pair in weights.items()], return_type=list[list[str | float]]),
]
"""Part → how much it counts. Written as pairs in a record, so that their order is kept by every JSON store."""

Fair = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Listed = Annotated[tuple[str, ...], Field(max_length=NAMES_MOST)]


class Policy(Frozen):
    """Limits reject, weights rank. A `fair_` amount is the one at which its part has fallen to one half.

    Entries of `only`, `ignore` and `order` match a provider's name, a model's id, or an offer's id, or are
    `self-hosted`. In `only` that word is no further choice: it binds whatever else stands there.
    """

    name: str = "custom"
    weights: Weights = Field(default_factory=dict)
    fair_cost_usd: Fair = 0.04
    fair_latency_s: Fair = 8.0
    fair_hazard_per_day: Fair = HAZARD_FAIR_PER_DAY
    max_cost_usd: Exact | None = None
    max_latency_s: float | None = Field(None, gt=0, description="19 of 20 runs must be expected to end within it")
    min_quality: float | None = Field(None, ge=0, le=1)
    top: int | None = Field(None, ge=1, description="only the best so many models, by quality, of those that can serve")
    max_local_wait_s: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="an engine of our own with a longer queue is ranked after the others",
    )
    only: Listed = ()
    ignore: Listed = ()
    order: Listed = Field((), description="these come first, in this order")
    fallbacks: int = Field(3, ge=0, le=FALLBACKS_MOST)
    content_elsewhere: bool = Field(False, description="a refusal of content may be tried at another offer")
    unknown_elsewhere: bool = Field(
        False, description="an attempt of unknown fate may be followed by another elsewhere"
    )

    def changed(self, changes: Mapping[str, object]) -> "Policy":
        """This policy with some fields replaced, checked again. Given weights replace all of the preset's weights.

        Raises pydantic.ValidationError for an unknown field or a value out of range.
        """
        return Policy.model_validate({**dict(self), **changes})


class Scale(NamedTuple):
    """What a caller would call fair for one output of a task."""

    cost_usd: float
    latency_s: float


LOCAL_WAIT = 4.0
"""So many times what is fair for a task `local-first` waits for an own machine: half a minute for a picture. Ours."""

SCALES: dict[Task, Scale] = {
    # One picture of about a megapixel: the middle of list prices between 0.003 and 0.20 USD.
    Task.TEXT_TO_IMAGE: Scale(0.04, 8),
    # An edit reads a picture as well as making one; list prices and times are as for making one.
    Task.IMAGE_EDIT: Scale(0.04, 10),
    Task.INPAINT: Scale(0.04, 10),
    # An upscaler is one pass of a small network over a larger picture.
    Task.UPSCALE_IMAGE: Scale(0.02, 10),
    # A clip of five seconds at about 0.10 USD a second, made in one to two minutes.
    Task.TEXT_TO_VIDEO: Scale(0.50, 90),
    Task.IMAGE_TO_VIDEO: Scale(0.50, 90),
    Task.VIDEO_TO_VIDEO: Scale(0.50, 120),
    Task.UPSCALE_VIDEO: Scale(0.20, 120),
    # A talking head is driven by its audio and usually longer than a clip.
    Task.AVATAR_VIDEO: Scale(0.60, 180),
    # A paragraph of 500 characters at about 20 USD for a million.
    Task.TEXT_TO_SPEECH: Scale(0.01, 3),
    # A few hundred tokens in and out at about 5 USD for a million.
    Task.TEXT: Scale(0.002, 4),
}
"""Absolute scales, for each task. They set where a part is one half; they refuse nothing. Ours, not measured."""

_WEIGHTS: dict[str, dict[Part, float]] = {
    # The small parts only decide between models that voters cannot tell apart.
    "best": {"quality": 1.0, "cost": 0.02, "latency": 0.01, "hazard": 0.01},
    # Quality decides only between prices (or times) within a thousandth of what is fair.
    "cheapest": {"cost": 1.0, "quality": 0.001},
    "fastest": {"latency": 1.0, "quality": 0.001},
    "balanced": {"quality": 1.0, "cost": 0.5, "latency": 0.2, "hazard": 0.2},
    # More than all the rest together: an offer of ours comes before one that is not, while its queue is short enough.
    "local-first": {"local": 2.0, "quality": 1.0, "cost": 0.5, "latency": 0.2, "hazard": 0.2},
}

PRESETS: tuple[str, ...] = tuple(_WEIGHTS)

DEFAULT = "balanced"
"""The preset of a caller who names none."""


def preset(name: str, task: Task) -> Policy:
    """The policy of that name on the scales of a task. Raises LookupError for a name not in PRESETS."""
    if name not in _WEIGHTS:
        raise LookupError(f"no policy is named {name!r}; there are {', '.join(PRESETS)}")
    scale = SCALES[task]
    weights = dict(_WEIGHTS[name])
    wait_s = scale.latency_s * LOCAL_WAIT if name == "local-first" else None
    return Policy(
        name=name, weights=weights, fair_cost_usd=scale.cost_usd, fair_latency_s=scale.latency_s,
        max_local_wait_s=wait_s,
    )  # fmt: skip
