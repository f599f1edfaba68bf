"""A clip's first frame as a small picture. Blocks, so it belongs in a thread."""

from io import BytesIO

import av
from av.video.frame import VideoFrame

from gateway.assets.measure import BROKEN, CONTAINERS
from gateway.assets.store import Readable
from gateway.problems import NotFound

SIDE = 512
"""Pixels of the longer side: what a list of clips shows."""


def thumbnail(file: Readable, mime: str) -> bytes:
    """WebP. Raises NotFound for a clip of which no frame can be read."""
    try:
        with av.open(file, format=CONTAINERS[mime]) as container:
            frame = next(container.decode(video=0))
            assert isinstance(frame, VideoFrame)
            picture = frame.to_image()
    except (*BROKEN, StopIteration) as error:
        raise NotFound("no frame of this clip can be read") from error
    picture.thumbnail((SIDE, SIDE))
    written = BytesIO()
    picture.save(written, "WEBP", quality=80)
    return written.getvalue()
