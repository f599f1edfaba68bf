"""From a command's words to the body of a request, and to the names of the files that come back. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

from adapters.schema import Role
from gateway.assets.sniff import extension
from gateway.commands.terminal import Refused

FIRST_ROLES = {"image-to-video": Role.FIRST_FRAME, "avatar-video": Role.CHARACTER}
"""What an input without a role is for; in every other task it is the source."""
SLUG_WORDS, SLUG_CHARS = 6, 40
"""Enough of a prompt to know a file again."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line; None where nothing was said."""

    prompt: str
    task: str
    model: str
    policy: str | None
    max_cost_usd: str | None
    inputs: tuple[str, ...]
    duration_s: float | None
    width: int | None
    height: int | None
    aspect_ratio: str | None
    resolution: str | None
    seed: int | None
    count: int | None


class Given(NamedTuple):
    """An input: what it is for, and a file's path, a link, or the id of an asset."""

    role: str
    place: str


def given(text: str, task: str) -> Given:
    """`mask=mask.png` → the mask; `photo.png` → what this task takes first."""
    role, sign, place = text.partition("=")
    if sign and role in set(Role):
        return Given(role, place)
    return Given(FIRST_ROLES.get(task, Role.SOURCE), text)


def body(wanted: Wanted, inputs: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The body of `POST /v1/jobs` and `/v1/route`. What was not said is left out, for the gateway to choose."""
    routing = {"policy": wanted.policy, "max_cost_usd": _amount(wanted.max_cost_usd)}
    said = vars(wanted) | {"inputs": list(inputs) or None, "routing": _present(routing) or None}
    del said["policy"], said["max_cost_usd"]
    return _present(said)


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _amount(usd: str | None) -> str | None:
    try:
        return None if usd is None else format(Decimal(usd), "f")
    except InvalidOperation:
        raise Refused(f"{usd} is not an amount of US dollars, such as 0.25") from None


def slug(prompt: str) -> str:
    """A prompt as the beginning of a file's name."""
    words = re.findall(r"[a-z0-9]+", prompt.lower())[:SLUG_WORDS]
    return "-".join(words)[:SLUG_CHARS].rstrip("-") or "output"


def paths(job: Mapping[str, Any], prompt: str, wanted: Path | None, folder: Path) -> list[Path]:
    """Where each output goes: the file that was named (numbered after the first), or a file in a folder."""
    outputs = job["outputs"]
    if wanted is not None and not wanted.is_dir():
        return [wanted if index == 1 else _numbered(wanted, index) for index in range(1, len(outputs) + 1)]
    first = (wanted or folder) / f"{slug(prompt)}-{job['id'][-6:]}"
    named = [first.with_name(f"{first.name}.{extension(output['mime'])}") for output in outputs]
    return [path if index == 1 else _numbered(path, index) for index, path in enumerate(named, 1)]


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")
