"""A door's words in ours, and ours in the door's: one table says both. Pure; it knows no vendor and chooses nothing.

A table begins with the dialect that speaks the same protocol to the vendor, read backwards; the cards of the vendor's
own offers go before it, for models have fields of their own; a door adds the further names that its callers use.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import JsonValue

from adapters import sizes
from adapters.fields import shaped
from adapters.schema import PARAMETERS, Fields, Offer, Role, WireField

WHOLE = frozenset({"count", "seed", "steps", "fps", "width", "height", "max_tokens", "frames"})
NUMBERS = frozenset({"guidance", "scale", "temperature", "duration_s"})
LOWERED = frozenset({"resolution", "format"})
"""Words whose case the vendors write as they like ("2K", "PNG"); ours are small."""
RATIOS = dict.fromkeys(("match_input_image", "adaptive"), "auto")
MEDIA = frozenset({"picture", "video", "audio_input", "mask", "first_frame", "last_frame", "reference"})
"""What a field of media can be for. A picture's role, and a clip's, depends on the task."""
MOVING = frozenset({"duration_s", "frames", "fps", "first_frame", "last_frame"})
ROLES = frozenset(role.value for role in Role)
SAYINGS = frozenset(PARAMETERS) | {"prompt", "frames"}

LARGEST = 2**63
"""What a whole number in a database holds: no field of anybody's has larger ones, and they break arithmetic."""

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(?:s|sec|seconds|x|k|fps)?", re.IGNORECASE)


class Unreadable(ValueError):
    """A value that its field cannot have; the message says why, in words for the caller."""


class Word(NamedTuple):
    """One of their fields: the parameter or the kind of media that it says, and the form its value takes."""

    ours: str
    field: WireField | None = None


Table = Mapping[str, Word]
"""Their name → what it says in our words."""


def table(defaults: Fields, more: Mapping[str, str], offers: Iterable[Offer] = ()) -> dict[str, Word]:
    """All that a caller of a door may write. `more` are the door's own names: theirs → ours."""
    found = {theirs: Word(ours) for theirs, ours in more.items()}
    found |= {field.name: Word(ours, field) for ours, field in defaults.items() if ours in SAYINGS}
    for offer in offers:
        said = {field.name: Word(_kind(ours, field), field) for ours, field in offer.fields.items()}
        found |= {theirs: word for theirs, word in said.items() if more.get(theirs) not in MEDIA}
    return found


def _kind(ours: str, field: WireField) -> str:
    """What one field of a card is: a parameter, or a kind of media."""
    if ours not in ROLES and ours != "audio_input":
        return ours
    if ours == Role.SOURCE:
        return "video" if "video" in field.name else "picture"
    return "reference" if ours in (Role.STYLE, Role.CHARACTER) else ours


def read(value: JsonValue, word: Word) -> JsonValue:
    """One value in our words. Raises Unreadable."""
    value = _unshaped(value, word.field)
    match word.ours:
        case name if name in WHOLE:
            return _whole(value)
        case name if name in NUMBERS:
            return _number(value)
        case "audio":
            return _truth(value)
        case "size":
            return value
        case "loras":
            return _loras(value)
        case name:
            return _text(name, value)


def _unshaped(value: JsonValue, field: WireField | None) -> JsonValue:
    """The value out of the form in which its card sends it: its template, its mapping, the names of its keys."""
    if field is None:
        return value
    if field.values is not None:
        ours = next((ours for ours, theirs in field.values.items() if theirs == value), None)
        return value if ours is None else ours
    if field.keys is not None and isinstance(value, list):
        several = {ours: (theirs,) if isinstance(theirs, str) else theirs for ours, theirs in field.keys.items()}
        ours_by_theirs = {name: ours for ours, theirs in several.items() for name in theirs}
        return [_renamed(one, ours_by_theirs) for one in value]
    if field.form is not None and isinstance(value, str) and "{}" in field.form:
        before, _, after = field.form.partition("{}")
        if value.startswith(before) and value.endswith(after):
            return value[len(before) : len(value) - len(after)]
    return value


def _renamed(value: JsonValue, names: Mapping[str, str]) -> JsonValue:
    return {names.get(name, name): each for name, each in value.items()} if isinstance(value, dict) else value


def _whole(value: JsonValue) -> int:
    number = _number(value)
    if number != int(number):
        raise Unreadable("must be a whole number")
    return int(number)


def _number(value: JsonValue) -> float:
    """A number, or the same as text, with the unit that vendors write behind it ("8s")."""
    if isinstance(value, str) and (found := _NUMBER.fullmatch(value.strip())):
        value = float(found[1])
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        raise Unreadable("must be a number")  # nor is one what our reader takes for one: NaN, Infinity
    return value


def _truth(value: JsonValue) -> bool:
    if value in ("true", "True", "false", "False"):
        return value in ("true", "True")
    if not isinstance(value, bool):
        raise Unreadable("must be true or false")
    return value


def _text(name: str, value: JsonValue) -> str:
    if not isinstance(value, str):
        raise Unreadable("must be a string")
    return RATIOS.get(value, value) if name == "aspect_ratio" else value.lower() if name in LOWERED else value


def _loras(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise Unreadable("must be a list of LoRAs")
    return [_lora(each) for each in value]


def _lora(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return {"id": value}
    if not isinstance(value, dict) or not isinstance(value.get("path"), str) or value.keys() - {"path", "scale"}:
        raise Unreadable("each LoRA has a path and, if you like, a scale")
    return {"id": value["path"]} | ({"scale": value["scale"]} if "scale" in value else {})


def links(value: JsonValue) -> list[str]:
    """One link or several, each a URL or a data URI. Raises Unreadable."""
    several = value if isinstance(value, list) else [value]
    found = [each.get("url") if isinstance(each, dict) else each for each in several]
    right = [each for each in found if isinstance(each, str) and re.match(r"(https?|data):", each)]
    if len(right) < len(found):
        raise Unreadable("must be a URL or a data URI")
    return right


def seconds(frames: int, fps: float) -> float:
    """How long so many frames last. A clip of 4n + 1 frames shows the first before its time begins: 81 at 16 last 5."""
    counted = frames - 1 if frames % 4 == 1 else frames
    return round(counted / fps, 3)


def pair(value: JsonValue) -> tuple[int, int] | None:
    """`{"width": 640, "height": 480}` or "640x480" as a pair; None for another way of saying a size."""
    match value:
        case {"width": int(width), "height": int(height)}:
            return width, height
        case str() if re.fullmatch(r"\d{2,5}[x*]\d{2,5}", value):
            return sizes.parse_size(value.replace("*", "x"))
        case _:
            return None


def written(value: JsonValue, field: WireField) -> JsonValue:
    """One value of ours in their words: `read` backwards. A value that the card does not list stays as it is."""
    try:
        return shaped(value, field)
    except KeyError:
        return value
