"""How a step speaks of what earlier steps made: `"from": "still.outputs.0"` and `{{outline.text}}`. Pure.

Two forms, in places where media and words stand in a job's body, and nowhere else. What is put in is not read again.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from adapters.schema import Modality, Role, Task

NAME = r"[A-Za-z0-9_-]{1,40}"
"""A step's id: it stands in references, and in the idempotency key of its job."""
PLACEHOLDER = "ast_of_an_earlier_step"
"""Stands for an asset that is not there yet, where a body is checked and routed before it runs."""
WORDS_IN = ("prompt", "negative_prompt")
WORDS_CHARS = 1_000_000
"""What may be put into one body of the words of earlier steps, together: a short body can mention a long text a
hundred thousand times. It is as long as the longest body that callers write."""

_OUTPUT = re.compile(rf"({NAME})\.outputs\.(0|[1-9]\d{{0,2}})")
_WORDS = re.compile(r"\{\{\s*([A-Za-z0-9_-]+)\.([A-Za-z0-9_.-]+)\s*\}\}")

Job = Mapping[str, Any]
Media = Callable[[dict[str, Any], str], dict[str, Any]]
Words = Callable[[str, str], str]


class Fault(NamedTuple):
    path: str
    message: str


class Reference(NamedTuple):
    """One mention of a step: of the output at a place, or (None) of its text. `role`, `task`: of who mentions it."""

    path: str
    step: str
    output: int | None
    role: str | None = None
    task: str | None = None


class Made(NamedTuple):
    """What a step makes."""

    task: Task
    number: int


def mapped(job: Job, media: Media, words: Words) -> dict[str, Any]:
    """A body with something done to each place where a reference may stand; what is not well formed stays as it is."""
    changes: dict[str, Any] = {name: words(job[name], name) for name in WORDS_IN if isinstance(job.get(name), str)}
    if isinstance(inputs := job.get("inputs"), list):
        changes["inputs"] = [_input(each, media, f"inputs.{index}") for index, each in enumerate(inputs)]
    if isinstance(messages := job.get("messages"), list):
        changes["messages"] = [
            _message(each, media, words, f"messages.{index}.content") for index, each in enumerate(messages)
        ]
    return {**job, **changes}


def _input(item: Any, media: Media, path: str) -> Any:
    return media(item, path) if isinstance(item, dict) else item


def _message(message: Any, media: Media, words: Words, path: str) -> Any:
    match message:
        case {"content": str(content)}:
            return message | {"content": words(content, path)}
        case {"content": list(parts)}:
            return message | {
                "content": [_part(part, media, words, f"{path}.{index}") for index, part in enumerate(parts)]
            }
        case _:
            return message


def _part(part: Any, media: Media, words: Words, path: str) -> Any:
    match part:
        case {"text": str(text)}:
            return part | {"text": words(text, f"{path}.text")}
        case dict():
            return media(part, path)
        case _:
            return part


def found(job: Job) -> tuple[list[Reference], list[Fault]]:
    """Every mention of a step in a body, and what is wrong with those that are none."""
    references: list[Reference] = []
    faults: list[Fault] = []

    def media(item: dict[str, Any], path: str) -> dict[str, Any]:
        said, role = item.get("from"), str(item.get("role", "image"))
        if item.get("base64") or str(item.get("url", ""))[:5].lower() == "data:":
            faults.append(Fault(path, "a workflow holds no media: upload them with POST /v1/assets and name the asset"))
        if "from" not in item:
            return item
        match = _OUTPUT.fullmatch(said) if isinstance(said, str) else None
        if match is None:
            faults.append(Fault(f"{path}.from", 'is written as "STEP.outputs.0", with the id of a step'))
        elif any(item.get(name) for name in ("url", "asset", "base64")):
            faults.append(Fault(path, "give exactly one of from, url and asset"))
        else:
            references.append(Reference(f"{path}.from", match[1], int(match[2]), role, str(job.get("task"))))
        return item

    def words(text: str, path: str) -> str:
        for match in _WORDS.finditer(text):
            if match[2] == "text":
                references.append(Reference(path, match[1], None))
            else:
                faults.append(Fault(path, f"{match[0]} is nothing: of an earlier step only {{{{STEP.text}}}} is known"))
        return text

    mapped(job, media, words)
    return references, faults


def unfilled(job: Job) -> dict[str, Any]:
    """A body to be checked before there is anything to put in: words as they are written, media as a placeholder."""
    return mapped(job, lambda item, _: _given(item, PLACEHOLDER) if "from" in item else item, lambda text, _: text)


def filled(job: Job, outputs: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """A body with what earlier steps made put in. `outputs`: step → what its job shows as outputs.

    Raises LookupError, with a sentence, for an output that did not come, and for words without end.
    """
    left_chars = WORDS_CHARS

    def media(item: dict[str, Any], _: str) -> dict[str, Any]:
        match = _OUTPUT.fullmatch(str(item.get("from", "")))
        return item if match is None else _given(item, _asset(match[1], int(match[2]), outputs[match[1]]))

    def words(text: str, _: str) -> str:
        nonlocal left_chars
        left_chars -= sum(len(_text(match[1], outputs[match[1]])) for match in _WORDS.finditer(text))
        if left_chars < 0:
            raise LookupError(
                f"the words of earlier steps that are put in are over {WORDS_CHARS:,} characters together"
            )
        return _WORDS.sub(lambda match: _text(match[1], outputs[match[1]]), text)

    return mapped(job, media, words)


def _given(item: Mapping[str, Any], asset: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "from"} | {"asset": asset}


def _asset(step: str, index: int, outputs: Sequence[Mapping[str, Any]]) -> str:
    if index >= len(outputs) or not outputs[index].get("asset"):
        raise LookupError(f"step {step!r} brought {len(outputs)} outputs, and no {step}.outputs.{index} among them")
    return str(outputs[index]["asset"])


def _text(step: str, outputs: Sequence[Mapping[str, Any]]) -> str:
    text = next((output["text"] for output in outputs if output.get("text")), None)
    if text is None:
        raise LookupError(f"step {step!r} brought no words")
    return str(text)


_IMAGE_ROLES = frozenset({Role.MASK, Role.FIRST_FRAME, Role.LAST_FRAME, Role.STYLE, Role.CHARACTER})
_SOURCES = dict.fromkeys((Task.IMAGE_EDIT, Task.INPAINT, Task.UPSCALE_IMAGE), Modality.IMAGE) | dict.fromkeys(
    (Task.VIDEO_TO_VIDEO, Task.UPSCALE_VIDEO), Modality.VIDEO
)


def wanted(role: str | None, task: str | None) -> Modality | None:
    """The kind of media that a place takes; None where it depends on the offer. `image`: a picture in a message."""
    if role in _IMAGE_ROLES or role == "image":
        return Modality.IMAGE
    if role == Role.AUDIO:
        return Modality.AUDIO
    return _SOURCES.get(Task(task)) if role == Role.SOURCE and task in list(Task) else None


def misfit(reference: Reference, made: Made) -> str | None:
    """Why a step cannot bring what another wants of it, as far as that is known before either runs."""
    name, kind = reference.step, made.task.modality
    if reference.output is None:
        return None if kind is Modality.TEXT else f"step {name!r} makes {_KINDS[kind]}, and has no text"
    if kind is Modality.TEXT:
        return f"step {name!r} makes words, which are no media: put {{{{{name}.text}}}} into a prompt"
    if reference.output >= made.number:
        return f"step {name!r} makes {made.number} of them, so its last is {name}.outputs.{made.number - 1}"
    needed = wanted(reference.role, reference.task)
    if needed is not None and needed is not kind:
        return f"step {name!r} makes {_KINDS[kind]}, and {_KINDS[needed]} are needed here"
    return None


_KINDS = {
    Modality.IMAGE: "pictures", Modality.VIDEO: "clips", Modality.AUDIO: "sounds", Modality.TEXT: "words",
}  # fmt: skip
