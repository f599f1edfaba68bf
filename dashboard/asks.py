"""What people ask for on the pages that make something: bodies, and who is asked side by side. Pure; sends nothing."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from dashboard.frames import Document, Row, amount, span_s
from dashboard.standards import plain_picture, standards
from dashboard.words import short

TASKS = tuple(standards())
STARTS_FROM = {"image-edit": "source", "image-to-video": "first_frame"}
"""Task → the role of the picture that it starts from."""
CLIPS = frozenset({"text-to-video", "image-to-video"})
MOST = 4
"""Models side by side: more columns than that are too narrow to compare."""
PROMPT_CHARS = 400
"""A longer prompt is left out of the address: some mail programs and proxies cut links off at two thousand."""
PROMPTS = {
    "text-to-image": "a red fox in fresh snow", "image-edit": "make it night",
    "text-to-video": "a red fox in fresh snow", "image-to-video": "it turns its head", "text": "a haiku on fresh snow",
}  # fmt: skip


def body(task: str, prompt: str, settings: Mapping[str, Any], picture: str | None) -> dict[str, Any]:
    """The body of a job. Without the picture that a task starts from a grey one stands in, to be quoted and not run."""
    made: dict[str, Any] = {"task": task, "prompt": prompt.strip() or " "} | dict(settings)
    if task in CLIPS:
        made["strict"] = False
    if role := STARTS_FROM.get(task):
        made["inputs"] = [{"role": role} | ({"asset": picture} if picture else {"base64": plain_picture()})]
    return made


def is_whole(made: Mapping[str, Any]) -> bool:
    """Whether all is there that a run needs: words, and the picture where the task starts from one."""
    return bool(str(made["prompt"]).strip()) and all("asset" in each for each in made.get("inputs", ()))


def contenders(decision: Document) -> dict[str, Document]:
    """Each ranked model by its best offer, in the order of the ranking."""
    found: dict[str, Document] = {}
    for each in decision["ranked"]:
        found.setdefault(each["model"], each)
    return found


def preselected(ranked: Mapping[str, Document], asked: Sequence[str] = ()) -> list[str]:
    """The models that somebody asked for, as far as they can be had; else the first of the ranking."""
    return [name for name in asked if name in ranked][:MOST] or list(ranked)[:MOST]


def total(ranked: Mapping[str, Document], models: Sequence[str]) -> Decimal:
    """What these are quoted at together, in USD."""
    return sum((Decimal(ranked[name]["quote_usd"]) for name in models), Decimal(0))


def pinned(made: Mapping[str, Any], offer: str) -> dict[str, Any]:
    """The same job at this offer and no other, so that what is compared is what was quoted."""
    return dict(made) | {"model": offer, "routing": {"fallbacks": 0}}


def compared(jobs: Sequence[Document]) -> list[Row]:
    """Jobs side by side in numbers, in the order in which they were begun."""
    return [
        {
            "model": short(each["offer"]),
            "status": each["status"],
            "took": span_s(each["created_at"], each["ended_at"]),
            "quoted": amount(each["cost"]["quote_usd"]),
            "cost": None if each["cost"]["cost_usd"] is None else amount(each["cost"]["cost_usd"]),
            "made": "; ".join(_size(output) for output in each["outputs"]),
        }
        for each in jobs
    ]


def _size(output: Document) -> str:
    if output["text"] is not None:
        return f"{len(output['text'].split()):,} words"
    length = f", {output['duration_s']:g} s" if output["duration_s"] else ""
    return (f"{output['width']}×{output['height']} pixels" if output["width"] else output["mime"]) + length
