"""OpenAI's masks as ours: theirs are transparent where the picture is to change, ours are white there. Blocks."""

from io import BytesIO

from PIL import Image

from gateway.assets.measure import PIXELS
from gateway.doors.extras import refused


def from_alpha(mask: bytes) -> bytes:
    """A mask of ours as PNG. Raises Invalid for one without transparency, which says nothing of what is to change."""
    try:
        with Image.open(BytesIO(mask), formats=("PNG", "WEBP")) as image:
            if image.width * image.height > PIXELS:
                raise refused("mask", f"has more than {PIXELS} pixels")
            if not image.has_transparency_data:
                raise refused("mask", "has no transparency: it must be transparent where the picture is to change")
            alpha = image.convert("RGBA").getchannel("A")
    except (OSError, ValueError, SyntaxError) as error:
        raise refused("mask", "is no PNG that can be read") from error
    written = BytesIO()
    alpha.point(lambda level: 255 - level).save(written, "PNG", compress_level=1)
    return written.getvalue()
