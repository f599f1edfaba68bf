"""Pictures drawn from prompt and seed, and their encoding with the sandbox's mark. No clock, no global randomness."""

import io

import numpy as np
from PIL import Image, PngImagePlugin

from gateway.sandbox.captions import caption
from gateway.sandbox.scenes import imagine
from gateway.sandbox.stages import build, show

NOTE = "Rendered by the Podium sandbox: drawn by rules on a CPU, not by a model."
"""What every output says of itself, in the way its format allows."""

GRAIN = 3
"""Levels out of 255: enough to break up banding in the skies."""

FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
"""Format → content type."""


def draw(prompt: str, seed: int, width: int, height: int, is_draft: bool = False) -> Image.Image:
    """A picture of the prompt. A draft is painted at half the size and enlarged: softer, and four times quicker."""
    painted = (max(32, width // 2), max(32, height // 2)) if is_draft else (width, height)
    scene = imagine(prompt, seed)
    picture = show(build(scene, *painted), 0.0)
    finished = picture.resize((width, height), Image.Resampling.BILINEAR) if is_draft else _grained(picture, scene.key)
    return caption(finished, prompt)


def encode(picture: Image.Image, output_format: str) -> bytes:
    """The file's bytes, with NOTE in its metadata: PNG text, or the comment and description of JPEG and WebP."""
    sink = io.BytesIO()
    match output_format:
        case "jpeg":
            picture.convert("RGB").save(sink, "JPEG", quality=90, comment=NOTE.encode(), exif=_exif())
        case "webp":
            picture.save(sink, "WEBP", quality=88, method=2, exif=_exif())
        case _:
            text = PngImagePlugin.PngInfo()
            text.add_text("Software", "Podium sandbox")
            text.add_text("Comment", NOTE)
            picture.save(sink, "PNG", compress_level=2, pnginfo=text)
    return sink.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = NOTE  # ImageDescription
    exif[0x0131] = "Podium sandbox"  # Software
    return exif


def _grained(picture: Image.Image, key: int) -> Image.Image:
    """The same noise in all three channels, so that it looks like film and not like dirt."""
    dice = np.random.Generator(np.random.PCG64(key ^ 0x5EED))
    pixels = np.asarray(picture).astype(np.int16)
    pixels += dice.integers(-GRAIN, GRAIN + 1, (*pixels.shape[:2], 1), dtype=np.int16)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
