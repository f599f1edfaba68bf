"""Whether a picture or a clip is of one colour all over: delivered, and worth nothing. It judges no price.

Pixels are looked at only where a file is suspiciously small for them, so what is worth its bytes costs nothing here.
"""

from collections.abc import Iterable
from typing import Any

from PIL import Image

PIXELS = 256 * 256
"""Smaller pictures are mostly head: their size says nothing of what they show."""
PICTURE_BYTES = 0.04
"""Of a picture, for each pixel: one colour takes a JPEG 0.016 to 0.03 and others less; photographs begin at 0.05."""
CLIP_BYTES = 0.002
"""Of a clip's pictures, for each pixel of each frame: one colour takes H.264 and VP9 0.00005 to 0.0005."""
LEVELS = 4
"""Of 255: by so much the pixels of one colour may differ after a lossy coder."""


def is_suspicious(size_bytes: int, pixels: int, frames: int | None = None) -> bool:
    """Whether so few bytes hold so many pixels (of each of so many frames, in a clip) that all may be of one colour."""
    most = PICTURE_BYTES if frames is None else CLIP_BYTES * frames
    return pixels >= PIXELS and size_bytes < pixels * most


def is_blank(frames: Iterable[Image.Image]) -> bool:
    """Whether there are frames, and each is of one colour or wholly transparent."""
    seen = [_is_flat(frame) for frame in frames]
    return bool(seen) and all(seen)


def _is_flat(picture: Image.Image) -> bool:
    """By the least and the most level of each band, which is the quickest that can be asked of a picture."""
    plain = picture if picture.mode in ("L", "LA", "RGB", "RGBA") else picture.convert("RGBA")
    found: Any = plain.getextrema()
    spans: list[tuple[int, int]] = [found] if len(plain.getbands()) == 1 else list(found)
    has_alpha = plain.mode in ("LA", "RGBA")
    return (has_alpha and spans[-1][1] == 0) or all(most - least <= LEVELS for least, most in spans)
