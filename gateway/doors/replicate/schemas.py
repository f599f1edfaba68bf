"""A model's inputs and output as the OpenAPI schema that Replicate's clients read, made from what its offers accept.

Pure. A model of several tasks has the fields of all of them; required is only what every task needs.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from adapters.dialects.replicate import FIELDS
from adapters.fields import field_name
from adapters.schema import Accept, Fields, Modality, Offer, Role, Task
from gateway.doors import words
from gateway.routing.body import NEEDS_PROMPT

Offers = Mapping[Task, Sequence[Offer]]

COG = "0.9.0"
"""The version of Cog whose schemas these are like; clients read it to know how an output's type is to be taken."""


def spoken(offers: Sequence[Offer]) -> Sequence[Offer]:
    """The offers whose words are used: Replicate's own, if it has the model; else those that there are."""
    return [offer for offer in offers if offer.provider == "replicate"] or offers


def fields_of(offers: Sequence[Offer]) -> Fields:
    """Our name → theirs for a model: its own card's words over the dialect's."""
    own = [offer.fields for offer in offers if offer.provider == "replicate"]
    return FIELDS | (own[0] if own else {})


def schema(offers: Offers) -> dict[str, Any]:
    """The whole document, as far as clients look into it."""
    tasks = {task: spoken(found) for task, found in offers.items() if found}
    properties: dict[str, Any] = {}
    required: list[set[str]] = []
    for task, found in tasks.items():
        names = _properties(properties, task, found[0])
        required.append(names)
    needed = sorted(set.intersection(*required)) if required else []
    ordered = {name: each | {"x-order": place} for place, (name, each) in enumerate(properties.items())}
    said: dict[str, Any] = {"type": "object", "title": "Input", "properties": ordered}
    schemas = {"Input": said | ({"required": needed} if needed else {}), "Output": output(tasks)}
    return {"openapi": "3.0.2", "info": {"title": "Cog", "version": "0.1.0"}, "components": {"schemas": schemas}}


def version_of(model: str, document: Mapping[str, Any]) -> str:
    """64 hex digits that stand for a model as it is now: another schema is another version."""
    return hashlib.sha256(f"{model} {json.dumps(document, sort_keys=True)}".encode()).hexdigest()


def _properties(found: dict[str, Any], task: Task, offer: Offer) -> set[str]:
    """Add the fields of one task; which of them it needs."""
    fields, needed = fields_of([offer]), set()
    if "prompt" in fields:
        found.setdefault(fields["prompt"].name, {"type": "string", "title": "Prompt"})
        needed |= {fields["prompt"].name} if task in NEEDS_PROMPT else set()
    for ours, accept in offer.accepts.items():
        if ours in fields and ours != "loras":
            found.setdefault(fields[ours].name, _property(ours, accept, fields))
    for role, (least, most) in offer.inputs.items():
        if most and (name := field_name(role)) in fields:
            found.setdefault(fields[name].name, _medium(role, fields[name].many))
            needed |= {fields[name].name} if least else set()
    return needed


def _property(ours: str, accept: Accept, fields: Fields) -> dict[str, Any]:
    said: dict[str, Any] = {"type": _type(ours), "title": ours.replace("_", " ").capitalize()}
    values: list[JsonValue] = [words.written(value, fields[ours]) for value in accept.enum or ()]
    if values:
        said |= {"enum": values, "type": _type_of(values) or said["type"]}
    elif accept.range:
        low, high = (int(each) if float(each).is_integer() else each for each in accept.range)
        said |= {"minimum": low, "maximum": high}
    if accept.default is not None:
        said["default"] = words.written(accept.default, fields[ours])
    return said


def _type(ours: str) -> str:
    if ours in words.WHOLE:
        return "integer"
    return "number" if ours in words.NUMBERS else "boolean" if ours == "audio" else "string"


def _type_of(values: Sequence[JsonValue]) -> str | None:
    """The type of listed values, if they have one: a length of 5 or 10 is listed as whole numbers."""
    kinds = {"boolean" if isinstance(each, bool) else _NAMES.get(type(each)) for each in values}
    return kinds.pop() if len(kinds) == 1 else None


_NAMES: dict[type, str] = {int: "integer", float: "number", str: "string"}


def _medium(role: Role, is_many: bool) -> dict[str, Any]:
    title = role.value.replace("_", " ").capitalize()
    if is_many:
        return {"type": "array", "title": title, "items": {"type": "string", "format": "uri"}}
    return {"type": "string", "title": title, "format": "uri"}


def is_many(task: Task, offers: Sequence[Offer]) -> bool:
    """Whether a model answers with a list: where several outputs can be asked for, and for the words of a text."""
    return task is Task.TEXT or any("count" in offer.accepts for offer in spoken(offers))


def output(tasks: Offers) -> dict[str, Any]:
    """The type of a model's output."""
    if any(task.modality is Modality.TEXT for task in tasks):
        words_of = {"type": "array", "items": {"type": "string"}, "title": "Output"}
        return words_of | {"x-cog-array-type": "iterator", "x-cog-array-display": "concatenate"}
    link = {"type": "string", "format": "uri"}
    if any(is_many(task, found) for task, found in tasks.items()):
        return {"type": "array", "items": link, "title": "Output"}
    return link | {"title": "Output"}
