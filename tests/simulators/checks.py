"""What a vendor's validation says of a body: each field by its type and limits, and nothing that it does not know."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]
LINK = re.compile(r"https?://[^\s]+")
DATA_URI = re.compile(r"data:[a-z]+/[a-z0-9.+-]+;base64,")


def whole(low: float, high: float, step: int = 1) -> Check:
    """An integer and no string of digits, no 5.0 and no true."""
    return lambda value: type(value) is int and low <= value <= high and (value - int(low)) % step == 0


def number(low: float, high: float) -> Check:
    return lambda value: type(value) in (int, float) and low <= value <= high


def words(*known: Any) -> Check:
    """One of these, of the same type: "5" is not 5."""
    return lambda value: any(type(value) is type(each) and value == each for each in known)


def text(most: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= most


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def link(value: Any) -> bool:
    return isinstance(value, str) and LINK.fullmatch(value) is not None


def bare_base64(value: Any) -> bool:
    """Base64 as it is: a `data:` before it makes it another thing."""
    if not isinstance(value, str) or not value:
        return False
    try:
        return bool(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return False


def data_uri(value: Any) -> bool:
    return isinstance(value, str) and DATA_URI.match(value) is not None and bare_base64(value.partition(",")[2])


def either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def listed(check: Check, least: int, most: int) -> Check:
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(map(check, value))


def shaped(fields: Mapping[str, Check], needed: tuple[str, ...] = ()) -> Check:
    return lambda value: isinstance(value, dict) and not faults(value, fields, needed)


def faults(body: Mapping[str, Any], fields: Mapping[str, Check], needed: tuple[str, ...] = ()) -> list[str]:
    """The names of the fields that are unknown, wrong or missing."""
    wrong = [name for name, value in body.items() if name not in fields or not fields[name](value)]
    return wrong + [name for name in needed if name not in body]
