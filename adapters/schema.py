"""The one vocabulary: everything above this file speaks in these nouns; nothing here does I/O."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator


class Frozen(BaseModel):
    """A closed, immutable value: an unknown field is an error, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Modality(StrEnum):
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"


class Task(StrEnum):
    """What is to be done, in the words that model hubs use."""

    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_EDIT = "image-edit"
    INPAINT = "inpaint"
    UPSCALE_IMAGE = "upscale-image"
    TEXT_TO_VIDEO = "text-to-video"
    IMAGE_TO_VIDEO = "image-to-video"
    VIDEO_TO_VIDEO = "video-to-video"
    UPSCALE_VIDEO = "upscale-video"
    AVATAR_VIDEO = "avatar-video"
    TEXT_TO_SPEECH = "text-to-speech"
    TEXT = "text"

    @property
    def modality(self) -> Modality:
        """The kind of media that comes out."""
        if self is Task.TEXT:
            return Modality.TEXT
        if self is Task.TEXT_TO_SPEECH:
            return Modality.AUDIO
        return Modality.VIDEO if "video" in self else Modality.IMAGE


class Role(StrEnum):
    """What an input is for. A mask is white where the picture is to change."""

    SOURCE = "source"
    MASK = "mask"
    FIRST_FRAME = "first_frame"
    LAST_FRAME = "last_frame"
    REFERENCE = "reference"
    STYLE = "style"
    CHARACTER = "character"
    AUDIO = "audio"


class Input(Frozen):
    """One piece of media that the caller gives: exactly one of a link, an asset of ours, or base64."""

    role: Role
    url: str | None = None
    asset: str | None = None
    base64: str | None = None


class Lora(Frozen):
    """A style or a subject laid over a model: by the operator's name for it (loras.yaml), or the provider's own."""

    id: str = Field(min_length=1, max_length=500)
    scale: float | None = Field(
        None, ge=-10, le=10, allow_inf_nan=False, description="how strongly; None: as loras.yaml says, else 1"
    )


class TextPart(Frozen):
    type: Literal["text"] = "text"
    text: str


class ImagePart(Frozen):
    """A picture in a chat message: a link, a data URI, or an asset of ours."""

    type: Literal["image"] = "image"
    url: str | None = None
    asset: str | None = None


class Message(Frozen):
    role: Literal["system", "user", "assistant"]
    content: str | tuple[Annotated[TextPart | ImagePart, Field(discriminator="type")], ...]


Value = bool | int | float | str
"""A parameter's value as cards, requests and prices write it."""

PARAMETERS = (
    "negative_prompt", "aspect_ratio", "resolution", "size", "width", "height", "duration_s", "fps", "count", "seed",
    "steps", "guidance", "scale", "audio", "format", "quality", "loras", "max_tokens", "temperature", "partial_images",
)  # fmt: skip
"""Names an offer may accept. `size` stands for width and height taken as a pair from a list ("1536x1024")."""


class MediaRequest(Frozen):
    """What a caller asks for, in our words; None means "the offer's default"."""

    task: Task
    prompt: str = Field("", max_length=100_000)
    negative_prompt: str | None = Field(None, max_length=20_000)
    messages: tuple[Message, ...] = Field((), max_length=1_000)
    inputs: tuple[Input, ...] = Field((), max_length=32)
    aspect_ratio: str | None = Field(None, pattern=r"^([1-9]\d{0,3}:[1-9]\d{0,3}|auto)$")
    resolution: str | None = Field(None, max_length=16)
    width: int | None = Field(None, ge=16, le=16_384)
    height: int | None = Field(None, ge=16, le=16_384)
    duration_s: float | None = Field(None, gt=0, le=3_600, allow_inf_nan=False)
    fps: int | None = Field(None, ge=1, le=240)
    count: int = Field(1, ge=1, le=100)
    seed: int | None = Field(None, ge=0, le=2**63 - 1)
    steps: int | None = Field(None, ge=1, le=1_000)
    guidance: float | None = Field(None, ge=0, le=100, allow_inf_nan=False)
    scale: float | None = Field(None, gt=1, le=16, allow_inf_nan=False, description="times larger on each side")
    audio: bool | None = None
    format: str | None = Field(None, max_length=16)
    quality: str | None = Field(None, max_length=16)
    loras: tuple[Lora, ...] = Field((), max_length=16)
    max_tokens: int | None = Field(None, ge=1, le=1_000_000)
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False)
    partial_images: int | None = Field(
        None, ge=0, le=3, description="how often a picture is shown before it is done, where the offer can; at best"
    )
    extra: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)

    def extra_for(self, provider: str) -> dict[str, JsonValue]:
        """Options of one provider only, so that a fallback never carries them to another."""
        return self.extra.get(provider, {})

    def given(self, role: Role) -> tuple[Input, ...]:
        return tuple(item for item in self.inputs if item.role is role)


class Output(Frozen):
    """One piece of media as the provider handed it over: a link, inline base64, bytes already stored, or words."""

    mime: str
    url: str | None = None
    base64: str | None = Field(None, repr=False)
    stored: str | None = None
    text: str | None = None


Usage = dict[str, Decimal]
"""Unit → quantity. Units are listed in catalog/units.yaml."""


def _exact(value: object) -> object:
    return str(value) if isinstance(value, float) else value


Exact = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, allow_inf_nan=False)]
"""A Decimal that reads 0.003 from YAML or JSON as exactly 0.003."""


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {name: want if isinstance(want, list | tuple) else [want] for name, want in value.items()}


When = Annotated[dict[str, tuple[Value, ...]], BeforeValidator(_listed)]
"""Parameter → the values for which something holds. One value may be written without its list."""


class Rate(Frozen):
    """USD for `per` of one unit, for requests whose resolved parameters match `when`."""

    unit: str
    usd: Exact
    per: Annotated[Exact, Field(gt=0)] = Decimal(1)
    when: When = Field(default_factory=dict)


class Price(Frozen):
    """Rates that hold from a date on. A change of price is a new Price, never an edit."""

    since: date
    checked: date
    source: str
    rates: tuple[Rate, ...] = Field(min_length=1)
    unsure: str | None = None


class Expectation(Frozen):
    """An upper bound, for quotes, on a unit that the request alone does not tell (tokens of an image, say)."""

    unit: str
    quantity: Exact
    per: Literal["request", "output", "second", "partial_image"] = "output"
    when: When = Field(default_factory=dict)


class Accept(Frozen):
    """What an offer takes for one parameter. Nothing said: any value of its type."""

    range: tuple[float, float] | None = None
    step: float | None = None
    enum: tuple[Value, ...] | None = None
    default: Value | None = None


MediaForm = Literal["data_uri", "base64", "url", "link", "uploaded"]
"""How an input is put into a body. `url`: a link where we have a public address, else a data URI; `link`: a link or
nothing; `uploaded`: put into the provider's own storage first, in turns of its own (adapters/uploads.py)."""


MaskPaint = Literal["white", "alpha", "black"]
"""How a mask marks what is to change: our own masks are white there, others want it transparent or black."""


class WireField(Frozen):
    """How one provider spells one parameter: its name, and the form its value takes."""

    name: str
    form: str | None = Field(None, description='a template such as "{}s" or "{width}x{height}"; None sends it as it is')
    values: dict[str, JsonValue] | None = Field(None, description="our value → theirs")
    many: bool = Field(False, description="an input that is sent as a list")
    media: MediaForm = "data_uri"
    mask: MaskPaint = Field("white", description="for a mask: what the provider takes for the place to change")
    keys: dict[str, str | tuple[str, ...]] | None = Field(
        None, description="for loras: our `path` and `scale` → their names, or several for one"
    )
    single: bool = Field(False, description="for loras: the one there is, and no list")


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


Fields = dict[str, Annotated[WireField, BeforeValidator(_named)]]
"""Our name → theirs. `size` is width and height together; a role's name stands for the inputs of that role."""


class Condition(Frozen):
    """What an offer accepts only together with something else: where `when` and `roles` hold, `accepts` does too."""

    when: When = Field(default_factory=dict)
    roles: frozenset[Role] = Field(frozenset(), description="holds only if one of these inputs is given")
    accepts: dict[str, Accept] = Field(min_length=1)


class Override(Frozen):
    """What differs for one task of an offer: laid over the offer's own `accepts`, `fields` and `fixed`."""

    wire_id: str | None = None
    accepts: dict[str, Accept | None] = Field(default_factory=dict)
    conditions: tuple[Condition, ...] | None = None
    inputs: dict[Role, tuple[int, int]] | None = None
    fields: Fields = Field(default_factory=dict)
    fixed: dict[str, JsonValue] = Field(default_factory=dict)


LORAS_MOST = 16
"""LoRAs of one request."""


class LoraTerms(Frozen):
    """What an offer takes of LoRAs, where `loras` is among its `accepts`."""

    names: Literal["any", "listed"] = Field(
        "any", description="listed: only those that loras.yaml names; any: also what the provider itself knows by name"
    )
    most: int = Field(LORAS_MOST, ge=1, le=LORAS_MOST, description="of one request")
    scales: tuple[float, float] | None = Field(None, description="from and to; None: any")


class Offer(Frozen):
    """One model at one provider: the thing the router chooses."""

    provider: str
    model: str
    dialect: str
    wire_id: str
    tasks: frozenset[Task] = Field(min_length=1)
    accepts: dict[str, Accept] = Field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    inputs: dict[Role, tuple[int, int]] = Field(default_factory=dict)
    fields: Fields = Field(default_factory=dict)
    fixed: dict[str, JsonValue] = Field(default_factory=dict)
    by_task: dict[Task, Override] = Field(default_factory=dict)
    prices: tuple[Price, ...] = ()
    expects: tuple[Expectation, ...] = ()
    loras: LoraTerms = LoraTerms()
    eta_s: dict[Task, float] = Field(default_factory=dict)
    ends: date | None = None
    refusals_billed: bool = False
    unsure: str | None = None

    @property
    def id(self) -> str:
        return f"{self.provider}/{self.model}"

    def for_task(self, task: Task) -> "Offer":
        """This offer as it is for one task, with that task's differences laid over it."""
        other = self.by_task.get(task)
        if other is None:
            return self
        accepts = {name: accept for name, accept in (self.accepts | other.accepts).items() if accept is not None}
        changes = {
            "wire_id": other.wire_id or self.wire_id,
            "accepts": accepts,
            "conditions": self.conditions if other.conditions is None else other.conditions,
            "inputs": self.inputs if other.inputs is None else other.inputs,
            "fields": self.fields | other.fields,
            "fixed": self.fixed | other.fixed,
            "by_task": {},
        }
        return self.model_copy(update=changes)


CallbackSignature = Literal[
    "fal_ed25519", "standard_webhooks", "ideogram_ed25519", "wavespeed_hmac", "synthesia_hmac", "unsigned"
]


class OwnMachine(Frozen):
    """The operator's own machine under an engine. All sums are of the whole machine, not of one accelerator.

    Without `usd_per_hour` or `purchase_usd` it has no price; `name` is for estimates of seconds only.
    """

    name: str | None = Field(None, description="a machine of the table in compute/machines.yaml")
    accelerators: int = Field(1, ge=1, le=1_024, description="that work together on each output")
    usd_per_hour: Exact | None = None
    purchase_usd: Exact | None = Field(None, description="spread over `months`; power comes beside it")
    months: int = Field(36, ge=1, le=240)
    power_w: float = Field(0, ge=0, allow_inf_nan=False, description="at work")
    usd_per_kwh: Exact = Decimal("0.15")
    since: date | None = Field(None, description="the price holds from this day on; None: from the gateway's start")

    @model_validator(mode="after")
    def _paid_once(self) -> "OwnMachine":
        if self.usd_per_hour is not None and self.purchase_usd is not None:
            raise ValueError("a machine is rented or bought: usd_per_hour or purchase_usd, not both")
        return self


EngineKind = Literal["comfyui", "a1111", "vllm", "sglang", "vllm-omni", "ollama", "plain"]
"""How an engine tells of itself (adapters/engine_readings.py); `plain` only whether it answers."""


class EngineHealth(Frozen):
    """How the readings of an engine are taken."""

    kind: EngineKind
    path: str | None = Field(None, pattern=r"^/", description="for `plain`: what answers when it is well; else its own")
    slots: int = Field(1, ge=1, le=10_000, description="runs that it works on side by side")


class LoraHold(Frozen):
    """An engine that holds one set of LoRAs at a time, for all its runs: runs of different sets must never meet there.

    `kind` is how it is told of a set (adapters/holding.py).
    """

    kind: Literal["sglang"]


class ProviderCard(Frozen):
    """A provider as data: where it is, how it wants its key, what it offers."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    dialect: str
    base_url: str
    hosts: dict[str, str] = Field(
        default_factory=dict,
        description='other hosts of the provider that get its key: a call to "{name}/path" goes to the host of that '
        "name. Where an operator moves the base url, all of them move there",
    )
    needs_base_url: bool = Field(False, description="base_url is only an example: the operator must set the real one")
    key_env: str | None = Field(
        None, description='variable of the key; "A:B" joins two by a colon; "X | A:B" takes the first that is all set'
    )
    auth_header: str = "authorization"
    auth: str = "Bearer {key}"
    signing: Literal["sigv4", "kling_jwt"] | None = Field(None, description="how a key of several parts signs calls")
    signing_scope: str = Field(
        "us-east-1/bedrock", pattern=r"^[a-z0-9-]+/[a-z0-9-]+$",
        description="for sigv4: region/service, where the host does not say them",
    )  # fmt: skip
    headers: dict[str, str] = Field(default_factory=dict, description="sent with every call to the provider's hosts")
    callbacks: CallbackSignature | None = Field(None, description="how its webhooks are signed; None: it sends none")
    callback_secret_env: str | None = Field(
        None, description="variable of the secret that its webhooks are signed with"
    )
    callback_keys: str | None = Field(
        None, description="where its public keys for webhooks are, as a call's url; None: where they are known to be"
    )
    idempotency_header: str | None = Field(None, description="a header under which a submit may safely be sent again")
    stand_in: bool = Field(False, description="leaves `auto` as soon as another provider has a key")
    timeout_s: float = Field(120, gt=0, description="the longest that one call may take")
    deadline_s: float = Field(1_800, gt=0, description="the longest that one attempt may take, polls included")
    unsure: str | None = None
    self_hosted: bool = Field(False, description="the operator's own machine: nothing sent there leaves the house")
    machine: OwnMachine | None = None
    health: EngineHealth | None = Field(None, description="None: its readings are not taken")
    holds_loras: LoraHold | None = Field(None, description="None: LoRAs are a matter of each run alone")
    offers: tuple[Offer, ...]


class Model(Frozen):
    """A set of weights, wherever it runs."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*/[a-z0-9][a-z0-9.-]*$")
    name: str
    maker: str
    tasks: frozenset[Task] = Field(min_length=1)
    family: str | None = Field(None, description="`<family>-latest` points to its newest member")
    released: date | None = None
    aliases: tuple[str, ...] = ()
    open_weights: bool = False
    unsure: str | None = None


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


class NamedLora(Frozen):
    """A LoRA that the operator has given a name: what it is for, and what each provider calls it."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")
    title: str | None = None
    models: Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)] = Field(
        description="its base model, or several: ids of ours"
    )
    scale: float = Field(1.0, ge=-10, le=10, allow_inf_nan=False, description="unless the caller says another")
    at: dict[str, Annotated[str, Field(min_length=1, max_length=500)]] = Field(
        description="provider → its name for it: a file, a path, an adapter, a link"
    )
    triggers: tuple[str, ...] = Field((), description="words that wake it; told to callers, put into no prompt")
    unsure: str | None = None


class Unit(Frozen):
    """Something that is counted and priced."""

    name: str
    title: str
    modality: Modality | None = None
