"""Multipart forms as a vendor's server reads them: each part by its name, a file as `FILE`."""

import re

from tests.simulators.server import Ask

FILE = object()
"""What stands for the bytes of a part that is a file and is not empty."""


def form_of(ask: Ask) -> dict[str, object] | None:
    """The parts of a form by name; None for any other body."""
    found = re.fullmatch(r'multipart/form-data; boundary="?([^"]+)"?', ask.headers.get("content-type", ""))
    if not found:
        return None
    form: dict[str, object] = {}
    for part in ask.body.split(b"--" + found[1].encode())[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        name = re.search(rb'[; ]name="([^"]+)"', head)
        assert name, head
        form[name[1].decode()] = FILE if b"filename=" in head and len(body) > 2 else body[:-2].decode()
    return form


def file(value: object) -> bool:
    return value is FILE
