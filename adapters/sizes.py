"""Pixels, ratios and tiers: three ways to say a size, and how one becomes another. Pure arithmetic."""

from math import gcd, sqrt

SHORT_SIDES = {
    "240p": 240, "360p": 360, "480p": 480, "540p": 540, "720p": 720, "768p": 768, "1080p": 1080, "1440p": 1440,
    "2160p": 2160,
}  # fmt: skip
"""Video tiers name the short side in pixels."""

FILM_SIDES = {"2k": 1440, "4k": 2160}
"""The short sides that makers of clips mean by these words (2k: unsure, some mean 1080)."""

AREA_SIDES = {"0.5k": 512, "1k": 1024, "2k": 2048, "4k": 4096}
"""Image tiers name the side of the square with the same area."""


def ratio_of(aspect_ratio: str) -> tuple[int, int]:
    """`"16:9"` → (16, 9)."""
    wide, high = aspect_ratio.split(":")
    return int(wide), int(high)


def ratio_name(width: int, height: int) -> str:
    """(1280, 720) → `"16:9"`."""
    divisor = gcd(width, height)
    return f"{width // divisor}:{height // divisor}"


def parse_size(size: str) -> tuple[int, int]:
    """`"1536x1024"` → (1536, 1024)."""
    width, height = size.split("x")
    return int(width), int(height)


def pixels(aspect_ratio: str, resolution: str | None, step: int = 1, moving: bool = False) -> tuple[int, int] | None:
    """Width and height of a ratio at a tier, each a multiple of `step`; None for a tier that is not known.

    Without a tier: 1k for pictures, 720p for clips. `"auto"` has no pixels of its own and is square here.
    """
    wide, high = (1, 1) if aspect_ratio == "auto" else ratio_of(aspect_ratio)
    tier = resolution or ("720p" if moving else "1k")
    short = (FILM_SIDES.get(tier) if moving else None) or SHORT_SIDES.get(tier)
    if short:
        scale = short / min(wide, high)
    elif tier in AREA_SIDES:
        scale = AREA_SIDES[tier] / sqrt(wide * high)
    else:
        return None
    return _rounded(wide * scale, step), _rounded(high * scale, step)


def short_side(tier: str) -> int | None:
    """The short side in pixels of a clip's tier; None for a word that is no tier of clips."""
    return FILM_SIDES.get(tier) or SHORT_SIDES.get(tier)


def _rounded(length: float, step: int) -> int:
    return max(step, round(length / step) * step)


def ratio_distance(one: str, other: str) -> float:
    """How far apart two ratios are, alike in both directions: 0 for the same shape."""
    (a, b), (c, d) = ratio_of(one), ratio_of(other)
    ratio = (a * d) / (b * c)
    return max(ratio, 1 / ratio) - 1
