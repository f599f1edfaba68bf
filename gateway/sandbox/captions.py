"""The tidy band under a sandbox picture: what was asked, and the word that says where it was drawn."""

import unicodedata
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

MARK = "sandbox"
SMALLEST_BAND = 120
"""Pixels of width under which no word of a prompt would fit beside the mark."""

SHEER, SOLID = 178, 255
"""How much a band hides, of 255: all of it where an older caption may lie under it."""

LARGEST_CAPTION = 300
"""Characters of a prompt that are ever set: more than the widest picture holds."""


class Type(NamedTuple):
    """A font at a size, and the measures of the band it is set in."""

    font: ImageFont.FreeTypeFont
    pad: int
    band: int


def caption(picture: Image.Image, prompt: str, opacity: int = SHEER) -> Image.Image:
    """The picture with its band; the picture itself is not changed."""
    band = band_of(picture.width, picture.height, prompt, opacity)
    done = picture.convert("RGB")
    done.paste(band.convert("RGB"), (0, picture.height - band.height), band.getchannel("A"))
    return done


def band_of(width: int, height: int, prompt: str, opacity: int = SHEER) -> Image.Image:
    """The band alone, RGBA, `width` wide: painted once for all the frames of a clip."""
    style = _type_for(width, height)
    band = Image.new("RGBA", (width, style.band), (14, 16, 24, opacity))
    pen = ImageDraw.Draw(band)
    middle = style.band / 2
    mark = style.font.getlength(MARK)
    if width < SMALLEST_BAND:
        pen.text((width / 2, middle), MARK, font=style.font, fill=(255, 255, 255, 255), anchor="mm")
        return band
    left = width - style.pad - mark - style.pad
    pen.rounded_rectangle((left, style.band * 0.18, width - style.pad * 0.5, style.band * 0.82), style.band * 0.3,
                          fill=(74, 80, 100, 215))  # fmt: skip
    pen.text(
        ((left + width - style.pad * 0.5) / 2, middle), MARK, font=style.font, fill=(255, 255, 255, 230), anchor="mm"
    )
    words = _fitted(style.font, plain(prompt), left - 2 * style.pad)
    pen.text((style.pad, middle), words, font=style.font, fill=(255, 255, 255, 255), anchor="lm")
    return band


def plain(prompt: str) -> str:
    """The prompt in the letters that the bundled font has: accents folded, other scripts left out."""
    folded = unicodedata.normalize("NFKD", prompt[:LARGEST_CAPTION])
    kept = folded.encode("ascii", "ignore").decode()
    return " ".join(kept.split())


def _type_for(width: int, height: int) -> Type:
    size = max(9.0, min(34.0, min(width, height) * 0.026))
    if width < SMALLEST_BAND:
        size = min(size, width / 5.2)
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType, so captions cannot be set")
    return Type(font, round(size * 0.9), round(size * 2.15))


def _fitted(font: ImageFont.FreeTypeFont, words: str, room: float) -> str:
    if font.getlength(words) <= room:
        return words
    while words and font.getlength(words + "...") > room:
        words = words[:-1]
    return words.rstrip() + "..." if words.strip() else ""
