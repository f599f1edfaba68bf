"""A clip's first frame as a small picture. Blocks, so it belongs in a thread."""

from io import BytesIO
from typing import Any

import av
from av.container import InputContainer
from PIL import Image

from gateway.assets.measure import BROKEN, CONTAINERS
from gateway.assets.store import Readable
from gateway.problems import NotFound

SIDE = 512
"""Pixels of the longer side: what a list of clips shows."""


def thumbnail(file: Readable, mime: str) -> bytes:
    """WebP. Raises NotFound for a clip of which no frame can be read."""
    try:
        container: InputContainer
        with av.open(file, "r", format=CONTAINERS[mime]) as container:
            frame: Any = next(container.decode(video=0))
            picture: Image.Image = frame.to_image()
    except (*BROKEN, StopIteration) as error:
        raise NotFound("no frame of this clip can be read") from error
    picture.thumbnail((SIDE, SIDE))
    written = BytesIO()
    picture.save(written, "WEBP", quality=80)
    return written.getvalue()
