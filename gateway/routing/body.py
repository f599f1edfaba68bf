"""The body of a job as callers write it, and what its routing wishes mean. Pure; it chooses nothing."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from adapters.capabilities import allowed
from adapters.schema import Accept, Exact, Frozen, ImagePart, MediaRequest, Task, TextPart
from gateway.routing.fitting import OWN, word_class
from router.names import Auto, Named
from router.policy import DEFAULT, Policy, preset

METADATA_ENTRIES = 50
"""Labels on a job: it is found again by them, it is no place for documents."""

NEEDS_PROMPT = frozenset(Task) - {Task.UPSCALE_IMAGE, Task.UPSCALE_VIDEO, Task.TEXT}


class Weights(BaseModel):
    """How much each part of a score counts; those left out count as the policy says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quality: float | None = Field(None, ge=0, le=1_000, allow_inf_nan=False)
    cost: float | None = Field(None, ge=0, le=1_000, allow_inf_nan=False)
    latency: float | None = Field(None, ge=0, le=1_000, allow_inf_nan=False)
    hazard: float | None = Field(None, ge=0, le=1_000, allow_inf_nan=False)
    local: float | None = Field(None, ge=0, le=1_000, allow_inf_nan=False)


class Wishes(Frozen):
    """What the caller cares about. Limits reject, weights rank; what is left out is as the named policy has it."""

    policy: Literal["best", "cheapest", "fastest", "balanced", "local-first"] | None = None
    weights: Weights | None = None
    max_cost_usd: Exact | None = Field(None, description="for the whole job, whatever is tried")
    max_latency_s: float | None = Field(None, gt=0, allow_inf_nan=False)
    max_local_wait_s: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="an own machine with a longer queue is ranked after the others"
    )
    min_quality: float | None = Field(None, ge=0, le=1)
    top: int | None = Field(None, ge=1, description="only the best so many models by quality")
    only: tuple[str, ...] = Field(
        (), max_length=100, description="providers, models or offers; no others are tried. self-hosted: own machines"
    )
    ignore: tuple[str, ...] = Field((), max_length=100)
    order: tuple[str, ...] = Field((), max_length=100, description="tried first, in this order")
    fallbacks: int | None = Field(None, ge=0, le=20)
    replace: bool = Field(False, description="a pinned model that has retired may be replaced by its successor")
    content_elsewhere: bool = Field(False, description="a refusal of content may be tried at another offer")
    unknown_elsewhere: bool = Field(False, description="a submit of unknown fate may be followed by another elsewhere")


class JobBody(MediaRequest):
    """What `POST /v1/jobs` and `POST /v1/route` take."""

    model: str = Field(
        "auto", min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$",
        description="auto, auto:<policy>, a model, or an offer",
    )  # fmt: skip
    strict: bool = Field(True, description="false: the nearest value an offer accepts will do, and is reported")
    routing: Wishes = Wishes()
    quote: str | None = Field(None, max_length=100, pattern=r"^[\w-]+$", description="settle at this quote's prices")
    webhook_url: str | None = Field(None, max_length=2_000, description="told of the job's end")
    metadata: dict[str, JsonValue] = Field(default_factory=dict, max_length=METADATA_ENTRIES)

    @field_validator("metadata", "extra")
    @classmethod
    def _is_json(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Refuse what our reader takes for a number and JSON does not know: it would be sent on, and answered."""
        try:
            json.dumps(value, allow_nan=False)
        except ValueError as error:
            raise ValueError("NaN and Infinity are no JSON values") from error
        return value

    @model_validator(mode="after")
    def _says_what_is_wanted(self) -> Self:
        if self.task in NEEDS_PROMPT and not self.prompt.strip():
            raise ValueError(f"{self.task} needs a prompt")
        if self.task is Task.TEXT and not (self.prompt.strip() or self.messages):
            raise ValueError("text needs messages or a prompt")
        if self.task is Task.TEXT and self.prompt and self.messages:
            raise ValueError("give messages or a prompt, not both")
        if (self.width or self.height) and (self.aspect_ratio or self.resolution):
            raise ValueError("give width and height, or aspect_ratio and resolution, not both")
        return self

    def media(self) -> MediaRequest:
        """The request alone, without what is the gateway's business."""
        return MediaRequest.model_construct(**{name: getattr(self, name) for name in MediaRequest.model_fields})

    def digest(self) -> str:
        """A hash of all that was asked, to tell a repeated call from another under the same idempotency key.

        What is as if it had not been said is left out, so that a field of a later version changes no hash of today's.
        """
        return hashlib.sha256(self.model_dump_json(exclude_defaults=True).encode()).hexdigest()


def asked_digest(body: JobBody) -> str:
    """A hash of what is to be made and how it is to be chosen: what a quote is given for."""
    asked = body.model_dump_json(exclude={"quote", "webhook_url", "metadata"}, exclude_defaults=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def policy_of(body: JobBody, named: Named) -> Policy:
    """The caller's policy: the one named by `auto:<policy>` or `routing.policy`, with the wishes laid over it."""
    wishes = body.routing
    name = wishes.policy or (named.policy if isinstance(named, Auto) else None) or DEFAULT
    base = preset(name, body.task)
    changes: dict[str, object] = {
        field: value
        for field in ("max_cost_usd", "max_latency_s", "max_local_wait_s", "min_quality", "top", "fallbacks")
        if (value := getattr(wishes, field)) is not None
    }
    if wishes.weights:
        changes["weights"] = base.weights | wishes.weights.model_dump(exclude_none=True)
    lists = {field: getattr(wishes, field) for field in ("only", "ignore", "order") if getattr(wishes, field)}
    flags = {"content_elsewhere": wishes.content_elsewhere, "unknown_elsewhere": wishes.unknown_elsewhere}
    return base.changed(changes | lists | flags)


Minded = Mapping[str, Sequence[Accept]]
"""Of the parameters in OWN, the limits that some offers set all the same."""


def shape_of(body: JobBody, minded: Minded) -> tuple[object, ...]:
    """All of a body that a decision can depend on: two bodies of one shape get the same decision.

    Words, seeds and pictures themselves are not part of it; that they are there, and about how long the words are, is.
    """
    given = tuple(sorted(item.role for item in body.inputs))
    prompt_bytes = word_class(len(body.prompt.encode()))
    words = prompt_bytes, tuple(_size(message.content) for message in body.messages)
    extra = json.dumps(body.extra, sort_keys=True) if body.extra else ""
    own = tuple(_own(getattr(body, name), body.strict, minded.get(name, ())) for name in OWN)
    values = tuple(getattr(body, name) for name in _SHAPING)
    what = body.model, body.task, given, words, own, body.loras, values, extra, body.strict
    return (*what, *_key_of(body.routing))


def _own(value: float | str | None, strict: bool, limits: Sequence[Accept]) -> object:
    """Whether there is a value; the value itself where an offer may refuse or change it, and then says so."""
    if value is None or (strict and all(allowed(value, accept) for accept in limits)):
        return value is not None
    return "own", value


_SHAPING = (
    "aspect_ratio", "resolution", "width", "height", "duration_s", "fps", "count", "steps", "guidance", "scale",
    "audio", "format", "quality", "max_tokens", "partial_images",
)  # fmt: skip


def _size(content: str | tuple[TextPart | ImagePart, ...]) -> object:
    if isinstance(content, str):
        return len(content.encode())
    return tuple(len(part.text.encode()) if isinstance(part, TextPart) else "image" for part in content)


def _key_of(wishes: Wishes) -> tuple[object, ...]:
    weights = tuple(wishes.weights.model_dump().items()) if wishes.weights else None
    return (*(getattr(wishes, name) for name in Wishes.model_fields if name != "weights"), weights)
