"""What every door is to the HTTP face: a prefix, its routes, and how it says no. It knows no door by name."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fastapi import APIRouter
from fastapi.responses import Response

from gateway.assembly import Parts


def nowhere(method: str, path: str) -> bool:
    """For doors of which every path needs a key."""
    return False


class Door(NamedTuple):
    """A door under `prefix` ("/openai/").

    `refusal` puts a problem, as RFC 9457 has it, into the door's own shape; the headers are those of our answer.
    `is_open` says of a method and a path whether they may be had without a key: then their route decides.
    """

    prefix: str
    routes: Callable[[Parts], APIRouter]
    refusal: Callable[[Mapping[str, Any], Mapping[str, str]], Response]
    is_open: Callable[[str, str], bool] = nowhere
