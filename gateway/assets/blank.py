"""Whether a picture or a clip is of one colour all over: delivered, and worth nothing. It judges no price.

Pixels are looked at only where a file is suspiciously small for them, so what is worth its bytes costs nothing here.
"""

from collections.abc import Iterable

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
    bands = picture.convert("RGBA").split()
    return _levels(bands[-1])[-1] == 0 or all(_spread(_levels(band)) <= LEVELS for band in bands)


def _levels(band: Image.Image) -> list[int]:
    """Those that its pixels have, from 0 to 255."""
    return [level for level, pixels in enumerate(band.histogram()) if pixels]


def _spread(levels: list[int]) -> int:
    return levels[-1] - levels[0]
