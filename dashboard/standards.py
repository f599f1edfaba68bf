"""The standard output of each task, by which prices are compared: a body for `POST /v1/route`. Pure."""

import base64
import struct
import zlib
from functools import cache
from typing import Any, NamedTuple

SIDE_PIXELS = 1024
PROMPT = "a red fox in fresh snow"


class Standard(NamedTuple):
    """What is compared, in words, and the body that asks for it."""

    task: str
    words: str
    body: dict[str, Any]


@cache
def plain_picture() -> str:
    """A grey picture as base64 PNG, for tasks that start from one; no dearer than any other."""
    rows = (b"\x00" + b"\x80" * SIDE_PIXELS) * SIDE_PIXELS
    head = struct.pack(">IIBBBBB", SIDE_PIXELS, SIDE_PIXELS, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in parts)).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@cache
def standards() -> dict[str, Standard]:
    """By task, in the order of a menu."""
    square = f"{SIDE_PIXELS}×{SIDE_PIXELS} pixels"
    picture = {"base64": plain_picture()}
    every = (
        Standard("text-to-image", f"one picture of {square}", {"width": SIDE_PIXELS, "height": SIDE_PIXELS}),
        Standard("image-edit", "one edited picture", {"inputs": [{"role": "source"} | picture]}),
        Standard("text-to-video", "one clip of 5 seconds, at each offer's own default size", {"duration_s": 5}),
        Standard(
            "image-to-video", "one clip of 5 seconds from a picture, at each offer's own default size",
            {"duration_s": 5, "inputs": [{"role": "first_frame"} | picture]},
        ),
        Standard("text", "an answer of at most 1,000 tokens", {"max_tokens": 1000}),
    )  # fmt: skip
    return {each.task: each._replace(body={"task": each.task, "prompt": PROMPT} | each.body) for each in every}
