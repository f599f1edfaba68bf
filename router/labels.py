"""Takes a label apart: whose it is, what names a model in it, and what only says how the model was run.

Only another spelling: case, separators, a "v" before a version, ".0" after it, and where a grade stands
("imagen-ultra-4" and "imagen-4-ultra"). Added to a model's name: preview, -001, dates and months; resolution, audio and
quality, which are tiers; a task. All else names another model: fast, lite, mini, turbo, pro and max above all.
It knows no model, so it decides nothing: router.names does.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from adapters.schema import Task

NAME_CHARS = 200
"""The longest name that is looked at: no board, provider or caller has been seen to need half of it."""

_SEPARATORS = re.compile(r"[\W_]+")
_VERSION_LETTER = re.compile(r"(?:^|(?<=-))v(?=\d)")
_POINT_ZERO = re.compile(r"(?<=\d)-0(?!\d)")
_LOOSE_HYPHEN = re.compile(r"(?<!\d)-|-(?!\d)")


def hyphenate(name: str) -> str:
    """Lower case, and one hyphen for whatever separates: "FLUX.1 [dev]" → "flux-1-dev"."""
    return _SEPARATORS.sub("-", name[:NAME_CHARS].casefold()[:NAME_CHARS]).strip("-")


def key_of(name: str) -> str:
    """What all spellings of a name share: "Veo 3.0", "veo-3" and "veo3" → "veo3"; digits stay apart ("2.5", "25")."""
    plain = _POINT_ZERO.sub("", _VERSION_LETTER.sub("", hyphenate(name)))
    return _LOOSE_HYPHEN.sub("", plain)


_GRADES = frozenset({"fast", "flash", "lite", "master", "max", "mini", "plus", "pro", "turbo", "ultra"})
"""Words that name another model of a family, and that makers put before the version or after it as they please."""


def graded_key(name: str) -> str:
    """Like `key_of`, with the grades put last and in order: "FLUX1.1 [pro] Ultra", "flux-pro-1.1-ultra" are one."""
    words = hyphenate(name).split("-")
    grades = sorted(word for word in words if word in _GRADES)
    return "+".join((key_of("-".join(word for word in words if word not in _GRADES)), *grades))


class Variant(NamedTuple):
    """What a label says besides the model. `quality` is a tier of quality or of fidelity, `effort` how long a text
    model may think, `tasks` what the label was asked to do, `stage` preview, a release's number, date or month."""

    resolution: str | None = None
    audio: bool | None = None
    quality: str | None = None
    effort: str | None = None
    tasks: frozenset[Task] = frozenset()
    stage: tuple[str, ...] = ()


class Peeled(NamedTuple):
    """A label with some of its endings taken off, and what they said."""

    text: str
    variant: Variant


_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DATE = r"20\d{6}|20\d\d-\d\d-\d\d|2[3-9](?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])|(?<=preview-)(?:0\d|1[0-2])-?[0-3]\d"
"""Four digits alone stay: qwen-image-2512 is another model than qwen-image."""

_STAGE = rf"preview|exp|experimental|generate|\d{{3}}|{_DATE}|{_MONTHS}|lte-\d+k|prompt-enhancement|fal"
_RESOLUTION = r"\d{3,4}p|[1248]k"
_AUDIO = r"(?:no-|with-)?audio"
_QUALITY = r"high-res|high-fidelity|standard"
_EFFORT = r"minimal|low|medium|high|xhigh|thinking|\d{2,3}k"
"""Of text models only: krea-2-medium and krea-2-large are two models."""

_TASKS = {
    "t2i": Task.TEXT_TO_IMAGE,
    "t2v": Task.TEXT_TO_VIDEO,
    "i2v": Task.IMAGE_TO_VIDEO,
    "r2v": Task.IMAGE_TO_VIDEO,
}
"""A task in a label names the model that does that task, so it may be taken off one that does."""

_PATHS = _TASKS | {
    "text-to-image": Task.TEXT_TO_IMAGE,
    "image-to-image": Task.IMAGE_EDIT,
    "edit": Task.IMAGE_EDIT,
    "text-to-video": Task.TEXT_TO_VIDEO,
    "image-to-video": Task.IMAGE_TO_VIDEO,
    "reference-to-video": Task.IMAGE_TO_VIDEO,
    "video-to-video": Task.VIDEO_TO_VIDEO,
    "text-to-speech": Task.TEXT_TO_SPEECH,
}
"""A part of a provider's path says the task ("fal-ai/veo3.1/image-to-video"); as an ending, -edit is a name."""

_ENDING = re.compile(
    rf"-(?:(?P<stage>{_STAGE})|(?P<resolution>{_RESOLUTION})|(?P<audio>{_AUDIO})|(?P<quality>{_QUALITY})"
    rf"|(?P<effort>{_EFFORT})|(?P<task>{'|'.join(_TASKS)}))$"
)

_ENDINGS_MOST = 6
"""Endings taken off one label: the longest seen had four (two of a date, an effort and a budget of tokens)."""

_BRACKETED = re.compile(r"\s*(?:\[([^\]]*)\]|\(([^)]*)\))")

_BRACKETED_TIER = re.compile(
    rf"{_STAGE}|{_RESOLUTION}|{_AUDIO}|{_QUALITY}|{_EFFORT}|auto|web-search|thinking-minimal|canvas|foundry"
)
"""In brackets a tier cannot be part of a name."""

_QUALITY_WORD = re.compile(r"low|medium|high|xhigh|minimal|auto")

OWNERS = frozenset({
    # makers under their other names
    "alibaba", "bfl", "black-forest-labs", "bytedance", "bytedance-seed", "clarityai", "deepmind", "google",
    "ideogram", "ideogram-ai", "klingai", "kwaivgi", "leonardoai", "lightricks", "luma", "luma-ai", "microsoft",
    "minimax", "openai", "prunaai", "qwen", "recraft", "recraft-ai", "runwayml", "spacexai", "stability",
    "stability-ai", "tencent", "tongyi", "topazlabs", "wan-ai", "wan-video", "x-ai", "xai", "zai-org",
    # providers and gateways that others name in front of a model
    "aiml", "azure", "azure-ai", "bedrock", "byteplus", "dashscope", "deepinfra", "digitalocean", "fal", "fal-ai",
    "fastrouter", "fireworks", "gemini", "novita", "poe", "qiniu-ai", "qwencloud", "replicate", "runware",
    "segmind", "siliconflow", "together", "together-ai", "vercel", "vertex", "vertex-ai", "volcengine", "wavespeed",
})  # fmt: skip
"""Words in front of a model's name that say whose it is or where it runs, hyphenated, and may be taken off."""

_COMMON = frozenset({
    "audio", "avatar", "edit", "generate", "generation", "generator", "image", "model", "speech", "text", "to", "tts",
    "upscale", "upscaler", "video",
})  # fmt: skip
"""Words that say what a model does. A name made only of them is nobody's."""

EXPERIMENTAL = frozenset({"exp", "experimental"})

BRANDS = frozenset({"doubao", "dola", "dreamina"})
"""Names of a maker's own apps, which it puts in front of a model's name with only a hyphen between."""


def without_brackets(label: str) -> tuple[str, tuple[str, ...]]:
    """The label without what stands in brackets, and that. A grade in square ones ("FLUX.2 [pro]") is part of the name,
    and stays."""
    added = list[str]()

    def outside(found: re.Match[str]) -> str:
        square, round_ = found.groups()
        if square is not None and not is_tier(square):
            return f" {square}"
        added.append(square if square is not None else round_)
        return ""

    return _BRACKETED.sub(outside, label), tuple(added)


def is_tier(bracketed: str) -> bool:
    """Whether what stands in brackets only says how the model was run."""
    return _BRACKETED_TIER.fullmatch(hyphenate(bracketed)) is not None


def noted(variant: Variant, bracketed: str) -> Variant:
    """The variant, with what a tier in brackets adds."""
    word = hyphenate(bracketed)
    if _QUALITY_WORD.fullmatch(word):
        return variant._replace(quality=variant.quality or word)
    ending = _ENDING.search(f"-{word}")
    return _with(variant, ending) if ending else variant._replace(stage=(*variant.stage, word))


def tails(label: str, owners: frozenset[str] = OWNERS) -> Iterator[Peeled]:
    """What may be the model's name in a label: all of it, then what is left without its owners; hyphenated."""
    written = [part for part in re.split(r"[/:]", label[:NAME_CHARS]) if part.strip()]
    asked = {part: _PATHS.get(hyphenate(part)) for part in written[1:]}
    parts = [*written[:1], *(part for part in written[1:] if asked[part] is None)]
    said = Variant(tasks=frozenset(task for task in asked.values() if task))
    yield Peeled(hyphenate("/".join(parts)), said)
    while len(parts) > 1 and hyphenate(parts[0]) in owners and _is_name("/".join(parts[1:])):
        parts = parts[1:]
        yield Peeled(hyphenate("/".join(parts)), said)
    if rest := _disowned("/".join(parts), owners):
        yield Peeled(hyphenate(rest), said)


def _disowned(name: str, owners: frozenset[str]) -> str:
    """Without the owner in front of an underscore ("google-imagen_imagen-4" repeats the family), or a brand in front of
    a hyphen; nothing if there is neither."""
    for gap in re.finditer("_", name):
        owner, rest = hyphenate(name[: gap.start()]), name[gap.end() :]
        family = owner.rpartition("-")[2]
        if _is_name(rest) and (owner in owners or (family and hyphenate(rest).startswith(f"{family}-"))):
            return rest
    brand, _, rest = hyphenate(name).partition("-")
    return rest if brand in BRANDS and _is_name(rest) else ""


def is_slug(name: str) -> bool:
    """Whether a name is an owner and what it calls the model, joined by an underscore. Such a slug means its model only
    as it is written: google_gemini-2-5-flash is a picture model, google/gemini-2.5-flash is not."""
    gaps = re.finditer("_", name) if not re.search(r"[/:\s]", name) else ()
    return any(hyphenate(name[: gap.start()]) in OWNERS for gap in gaps)


def is_telling(name: str) -> bool:
    """Whether a name tells one model from others: "video-upscaler", without its owner, is what many are called."""
    return not _COMMON.issuperset(hyphenate(name).split("-"))


def _is_name(text: str) -> bool:
    """Whether this can name a model: a version alone ("v3", "2.1") cannot."""
    return re.match(r"(?!v\d)[^\W\d_]", text, re.IGNORECASE) is not None


def peels(peeled: Peeled) -> Iterator[Peeled]:
    """The name as it is, then with one ending after another taken off."""
    text, variant = peeled
    for _ in range(_ENDINGS_MOST + 1):
        yield Peeled(text, variant)
        ending = _ENDING.search(text)
        if ending is None or not ending.start():
            return
        text, variant = text[: ending.start()], _with(variant, ending)


def ungraded(peeled: Peeled) -> Peeled:
    """The grades put last, so that the endings before them can be taken off: "wan-2-2-t2v-fast"."""
    words = peeled.text.split("-")
    grades = [word for word in words if word in _GRADES]
    if not grades:
        return peeled
    *_, bare = peels(Peeled("-".join(word for word in words if word not in _GRADES), peeled.variant))
    return Peeled("-".join((bare.text, *grades)), bare.variant)


def _with(variant: Variant, ending: re.Match[str]) -> Variant:
    match ending.lastgroup:
        case "resolution":
            return variant._replace(resolution=variant.resolution or ending["resolution"])
        case "audio":
            return variant._replace(audio=not ending["audio"].startswith("no"))
        case "quality":
            return variant._replace(quality=variant.quality or ending["quality"])
        case "effort":
            return variant._replace(effort=variant.effort or ending["effort"])
        case "task":
            return variant._replace(tasks=variant.tasks | {_TASKS[ending["task"]]})
        case _:
            return variant._replace(stage=(*variant.stage, ending["stage"]))


def bare_key(label: str) -> str:
    """The normal form: the label with all owners, endings and brackets off, as a key. Labels of one model share it."""
    text, _ = without_brackets(label)
    *_, tail = tails(text)
    *_, bare = peels(tail)
    return graded_key(ungraded(bare).text)
