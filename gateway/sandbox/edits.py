"""Pictures made from a given picture: edited by the words of a prompt, painted inside a mask, enlarged."""

from collections.abc import Callable

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from gateway.sandbox.captions import SOLID, caption
from gateway.sandbox.motifs import FLIERS, sprite
from gateway.sandbox.scenes import SUBJECT_WORDS, Scene, imagine
from gateway.sandbox.stages import build, show

SIDE_MAX = 4_096
"""Pixels on the longer side of anything enlarged: 64 MB of RGB at most."""

EDIT_SIDE_MAX = 2_048
"""A given picture is brought down to what the sandbox paints."""

Change = Callable[[Image.Image, Scene], Image.Image]


def edit(picture: Image.Image, others: tuple[Image.Image, ...], prompt: str, seed: int) -> Image.Image:
    """The picture changed as the prompt's words say, what it names put in, other pictures inset, and a caption."""
    scene = imagine(prompt, seed)
    words = set(prompt.lower().replace(",", " ").split())
    done = bounded(picture)
    for change in [change for known, change in CHANGES if words & set(known.split())] or [_tinted]:
        done = change(done, scene)
    done = _with_subjects(done, scene, words)
    return caption(_with_insets(done, others), prompt, SOLID)


def inpaint(picture: Image.Image, mask: Image.Image, prompt: str, seed: int) -> Image.Image:
    """The prompt's scene where the mask is white; where it is black not one pixel changes, so there is no caption."""
    given = bounded(picture)
    painted = show(build(imagine(prompt, seed), given.width, given.height), 0.0)
    chosen = mask.convert("L").resize(given.size, Image.Resampling.BILINEAR)
    return Image.composite(painted, given, chosen)


def upscale(picture: Image.Image, scale: float) -> Image.Image:
    """The picture `scale` times larger on each side, then sharpened."""
    given = picture.convert("RGB")
    size = (round(given.width * scale), round(given.height * scale))
    larger = given.resize(size, Image.Resampling.LANCZOS)
    return larger.filter(ImageFilter.UnsharpMask(radius=1.2 * scale, percent=60, threshold=2))


def bounded(picture: Image.Image) -> Image.Image:
    """RGB, with no side above EDIT_SIDE_MAX, turned as its camera held it."""
    upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((EDIT_SIDE_MAX, EDIT_SIDE_MAX), Image.Resampling.LANCZOS)
    return upright


def _tinted(picture: Image.Image, scene: Scene) -> Image.Image:
    """Shadows, middles and lights in the colours that the prompt's scene would have."""
    palette = scene.palette
    toned = ImageOps.colorize(picture.convert("L"), palette.ground, palette.light, mid=palette.far)
    return Image.blend(picture, toned, 0.6)


def _darkened(picture: Image.Image, scene: Scene) -> Image.Image:
    blue = ImageOps.colorize(picture.convert("L"), (4, 6, 26), (150, 176, 236), mid=(30, 44, 96))
    return ImageEnhance.Brightness(Image.blend(picture, blue, 0.75)).enhance(0.8)


def _warmed(picture: Image.Image, scene: Scene) -> Image.Image:
    return Image.blend(picture, ImageOps.colorize(picture.convert("L"), (60, 20, 40), (255, 220, 150)), 0.55)


def _frozen(picture: Image.Image, scene: Scene) -> Image.Image:
    cold = ImageOps.colorize(picture.convert("L"), (40, 60, 96), (250, 253, 255), mid=(150, 178, 208))
    return Image.blend(picture, cold, 0.65)


def _greyed(picture: Image.Image, scene: Scene) -> Image.Image:
    return ImageOps.autocontrast(picture.convert("L"), cutoff=1).convert("RGB")


def _aged(picture: Image.Image, scene: Scene) -> Image.Image:
    return ImageOps.colorize(picture.convert("L"), (40, 24, 12), (252, 236, 204), mid=(150, 112, 76))


def _blurred(picture: Image.Image, scene: Scene) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(max(2, min(picture.size) / 80)))


def _posterised(picture: Image.Image, scene: Scene) -> Image.Image:
    flat = picture.filter(ImageFilter.MedianFilter(5))
    return ImageEnhance.Color(ImageOps.posterize(flat, 3)).enhance(1.5)


def _sketched(picture: Image.Image, scene: Scene) -> Image.Image:
    edges = picture.convert("L").filter(ImageFilter.GaussianBlur(1.6)).filter(ImageFilter.FIND_EDGES)
    lines = edges.point([max(0, min(255, (level - 4) * 9)) for level in range(256)])
    return ImageOps.invert(lines).convert("RGB")


def _pixelated(picture: Image.Image, scene: Scene) -> Image.Image:
    small = picture.resize((max(8, picture.width // 12), max(8, picture.height // 12)), Image.Resampling.BOX)
    return small.resize(picture.size, Image.Resampling.NEAREST)


def _inverted(picture: Image.Image, scene: Scene) -> Image.Image:
    return ImageOps.invert(picture)


def _brightened(picture: Image.Image, scene: Scene) -> Image.Image:
    return ImageEnhance.Color(ImageEnhance.Brightness(picture).enhance(1.25)).enhance(1.3)


CHANGES: tuple[tuple[str, Change], ...] = (
    ("night dark darker midnight moonlight", _darkened),
    ("sunset warm warmer golden dusk autumn", _warmed),
    ("snow winter snowy cold ice frozen", _frozen),
    ("monochrome grayscale greyscale black-and-white noir", _greyed),
    ("sepia vintage old antique", _aged),
    ("blur blurred blurry soft dreamy", _blurred),
    ("poster cartoon anime painting watercolor comic illustration", _posterised),
    ("sketch pencil drawing lineart", _sketched),
    ("pixel pixelated pixelart 8-bit", _pixelated),
    ("invert inverted negative", _inverted),
    ("bright brighter vivid sunny summer", _brightened),
)
"""Words of a prompt, and what they do; all that match are done, in this order. None matches: a tint."""


def _with_subjects(picture: Image.Image, scene: Scene, words: set[str]) -> Image.Image:
    """Only what the prompt names itself: a scene without a subject gets one, an edited picture does not."""
    size = max(16, round(min(picture.size) * 0.3))
    named = [subject for subject in scene.subjects if words & set(SUBJECT_WORDS[subject.motif].split())]
    for place, subject in enumerate(named):
        image = sprite(subject.motif, subject.colour, size, 0.11)
        left = round(picture.width * (place + 1) / (len(named) + 1) - size / 2)
        foot = 0.5 if subject.motif in FLIERS else 0.9
        picture.paste(image, (left, round(picture.height * foot) - size), image)
    return picture


def _with_insets(picture: Image.Image, others: tuple[Image.Image, ...]) -> Image.Image:
    """Further pictures, small, along the right edge."""
    side = max(12, min(picture.size) // 5)
    for place, other in enumerate(others):
        small = ImageOps.expand(ImageOps.fit(other.convert("RGB"), (side, side)), max(1, side // 24), (255, 255, 255))
        picture.paste(small, (picture.width - small.width - side // 8, side // 8 + place * (small.height + side // 8)))
    return picture
