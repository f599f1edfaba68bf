"""What each endpoint takes, in fal's spelling, and how a refusal of it reads. Renders nothing."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Stage = Literal["submit", "status", "result"]

NAMED_SIZES = {
    "square_hd": (1024, 1024), "square": (512, 512), "portrait_4_3": (768, 1024), "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768), "landscape_16_9": (1024, 576),
}  # fmt: skip

SHORT_SIDES = {"360p": 360, "480p": 480, "720p": 720}
LINK_CHARS = 64 * 2**20
"""A data URI may be as long as the largest body."""


class Closed(BaseModel):
    """An input with an unknown field is refused, as fal's own endpoints do."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Behaviour(Closed):
    """How a request is to go wrong, for tests and for trying out what the gateway makes of it.

    `fail`: "500", "503" and "422" are the answer to the submit, which is then not accepted; "error" ends in COMPLETED
    with an error, and the result answers 503. `refuse` ends in a 422 `content_policy_violation` at the result.
    `hang` stays IN_PROGRESS for ever; `vanish` is accepted and then unknown. `drop` closes the connection without an
    answer (a submit has been accepted by then), the first `times` times. `nonsense` answers 200 with HTML.
    `rate_limit`: the first so many submits with one idempotency key, or one prompt, answer 429. `huge`: the result
    declares more than 10 GB and never stops. `broken`: the media file is cut off. `short`: a clip half as long.
    """

    delay_s: float = Field(0, ge=0, le=3_600)
    fail: Literal["500", "503", "422", "error"] | None = None
    refuse: bool = False
    hang: bool = False
    vanish: bool = False
    drop: Stage | None = None
    times: int = Field(1, ge=1, le=1_000)
    nonsense: Stage | None = None
    rate_limit: int = Field(0, ge=0, le=1_000)
    huge: bool = False
    broken: bool = False
    short: bool = False


class ImageSize(Closed):
    width: int = Field(1024, ge=64, le=2048)
    height: int = Field(1024, ge=64, le=2048)


class Asked(Closed):
    """What every endpoint takes."""

    prompt: str = Field("", max_length=100_000)
    seed: int | None = Field(None, ge=0, le=2**63 - 1)
    sandbox: Behaviour = Behaviour()


class Pictures(Asked):
    prompt: str = Field(min_length=1, max_length=100_000)
    image_size: ImageSize | Literal[
        "square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"
    ] = ImageSize()  # fmt: skip
    num_images: int = Field(1, ge=1, le=4)
    output_format: Literal["png", "jpeg", "webp"] = "png"

    @property
    def pixels(self) -> tuple[int, int]:
        if isinstance(self.image_size, str):
            return NAMED_SIZES[self.image_size]
        return self.image_size.width, self.image_size.height


class Edits(Asked):
    prompt: str = Field(min_length=1, max_length=100_000)
    image_url: str | None = Field(None, max_length=LINK_CHARS)
    image_urls: tuple[str, ...] = Field((), max_length=4)
    num_images: int = Field(1, ge=1, le=4)
    output_format: Literal["png", "jpeg", "webp"] = "png"

    @property
    def links(self) -> tuple[str, ...]:
        return (*([self.image_url] if self.image_url else []), *self.image_urls)

    @model_validator(mode="after")
    def _has_a_picture(self) -> "Edits":
        if not self.links:
            raise ValueError("image_url or image_urls is required")
        return self


class Inpaints(Asked):
    prompt: str = Field(min_length=1, max_length=100_000)
    image_url: str = Field(max_length=LINK_CHARS)
    mask_url: str = Field(max_length=LINK_CHARS)
    num_images: int = Field(1, ge=1, le=4)
    output_format: Literal["png", "jpeg", "webp"] = "png"


class Upscales(Asked):
    image_url: str = Field(max_length=LINK_CHARS)
    scale: float = Field(2, gt=1, le=4)
    output_format: Literal["png", "jpeg", "webp"] = "png"


class Clips(Asked):
    prompt: str = Field(min_length=1, max_length=100_000)
    resolution: Literal["360p", "480p", "720p"] = "480p"
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    duration: float = Field(5, ge=1, le=10)
    fps: int = Field(24, ge=8, le=30)
    generate_audio: bool = False


class ImageClips(Asked):
    image_url: str = Field(max_length=LINK_CHARS)
    resolution: Literal["360p", "480p", "720p"] = "480p"
    aspect_ratio: Literal["auto", "16:9", "9:16", "1:1"] = "auto"
    duration: float = Field(5, ge=1, le=10)
    fps: int = Field(24, ge=8, le=30)
    generate_audio: bool = False


class Words(Asked):
    """`temperature` above 0 lets the seed choose the words; at 0 the choice is always the same."""

    messages: list[dict[str, Any]] = Field(default_factory=list, max_length=1_000)
    max_tokens: int = Field(512, ge=1, le=4_096)
    temperature: float = Field(1, ge=0, le=2)
    stream: bool = False

    @model_validator(mode="after")
    def _asks_something(self) -> "Words":
        if not self.prompt and not self.messages:
            raise ValueError("prompt or messages is required")
        return self


Input = Pictures | Edits | Inpaints | Upscales | Clips | ImageClips | Words

ENDPOINTS: dict[str, type[Input]] = {
    "sandbox/pictures": Pictures,
    "sandbox/pictures/draft": Pictures,
    "sandbox/pictures/edit": Edits,
    "sandbox/pictures/inpaint": Inpaints,
    "sandbox/pictures/upscale": Upscales,
    "sandbox/clips": Clips,
    "sandbox/clips/draft": Clips,
    "sandbox/clips/image-to-video": ImageClips,
    "sandbox/words": Words,
}


def app_of(endpoint: str) -> str:
    """Everything but the submit is asked at `owner/app`, whatever the rest of the endpoint's id says."""
    return "/".join(endpoint.split("/")[:2])


def even_size(resolution: str, wide: float, high: float) -> tuple[int, int]:
    """Pixels of a clip whose shorter side the resolution names; both even, as H.264 in 4:2:0 wants them."""
    scale = SHORT_SIDES[resolution] / min(wide, high)
    return round(wide * scale / 2) * 2, round(high * scale / 2) * 2


_TYPES = {"literal_error": "one_of", "string_too_short": "sequence_too_short", "string_too_long": "sequence_too_long",
          "too_long": "sequence_too_long", "too_short": "sequence_too_short"}  # fmt: skip


def detail_of(error: ValidationError) -> dict[str, Any]:
    """A model error as fal words it: a list under `detail`, each with its place, message and type."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return {
        "detail": [
            _fault(["body", *each["loc"]], each["msg"], _TYPES.get(each["type"], each["type"])) for each in found
        ]
    }


def model_error(kind: str, message: str, field: str = "prompt") -> dict[str, Any]:
    return {"detail": [_fault(["body", field], message, kind)]}


def _fault(place: list[Any], message: str, kind: str) -> dict[str, Any]:
    return {"loc": place, "msg": message, "type": kind, "url": f"https://docs.fal.ai/errors/#{kind}"}
