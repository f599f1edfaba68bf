"""The painted layers of a scene, far to near, each wider than the picture by what it moves. Knows no file format."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from gateway.sandbox.motifs import soft_disc
from gateway.sandbox.scenes import RGB, Scene, mixed

Numbers = NDArray[np.float32]

HORIZON = 0.58
"""Where water meets the sky, in parts of the height."""

FOREGROUND = 0.82
"""Where the ground that subjects stand on begins."""

WHITE: RGB = (255, 255, 255)
BLACK: RGB = (8, 8, 16)


class Frame(NamedTuple):
    """What is painted on: pixels, and how far the nearest layer moves to the left until the end (0 for a picture)."""

    width: int
    height: int
    reach: int

    @property
    def side(self) -> int:
        return min(self.width, self.height)

    def span(self, depth: float) -> int:
        """The width of a layer that moves `depth` as far as the nearest one."""
        return self.width + math.ceil(self.reach * depth)


class Layer(NamedTuple):
    """`mask` says where the picture covers what is behind it; `depth` 0 stands still, 1 moves with the ground.

    `sway` is how many pixels it swings to and fro, for water; `drift` pixels a second, for clouds.
    """

    picture: Image.Image
    mask: Image.Image
    top: int
    depth: float
    sway: float = 0.0
    drift: float = 0.0


def paint_sky(scene: Scene, frame: Frame, dice: np.random.Generator) -> Image.Image:
    """A gradient from top to horizon, with stars at night."""
    rows = np.linspace(0, 1 / 0.7, frame.height, dtype=np.float32).clip(0, 1)[:, None] ** 0.85
    top, low = (np.array(colour, np.float32) for colour in scene.palette[:2])
    column = top + (low - top) * rows
    sky = np.repeat(column[:, None, :], frame.width, axis=1).astype(np.float32)
    if scene.is_night:
        _strew_stars(sky, frame, dice)
    return Image.fromarray(sky.clip(0, 255).astype(np.uint8))


def _strew_stars(sky: Numbers, frame: Frame, dice: np.random.Generator) -> None:
    count = 60 + frame.width * frame.height // 6_000
    across = dice.integers(0, frame.width, count)
    down = (dice.random(count) ** 1.4 * frame.height * 0.62).astype(int)
    glow = (dice.random(count) ** 3 * 190 + 40)[:, None].astype(np.float32)
    sky[down, across] += glow
    if frame.side >= 400:
        bright = glow[:, 0] > 150
        sky[down[bright], (across[bright] + 1) % frame.width] += glow[bright] * 0.7
        sky[(down[bright] + 1) % frame.height, across[bright]] += glow[bright] * 0.7


def paint_light(scene: Scene, frame: Frame) -> Image.Image:
    """The sun or the moon, with its glow, as an RGBA square."""
    size = max(8, round(frame.side * (0.42 if scene.is_night else 0.6)))
    return soft_disc(size, scene.palette.light, 0.22)


def paint_clouds(scene: Scene, frame: Frame, dice: np.random.Generator) -> Layer:
    """Long soft clouds in the upper half; drawn small and enlarged, as they have no edges."""
    span, high = frame.span(0.15) + frame.width // 8, max(8, frame.height // 2)
    small = Image.new("L", (max(8, span // 4), max(4, high // 4)))
    pen = ImageDraw.Draw(small)
    unit = frame.side / 4
    for _ in range(5):
        x, y, size = dice.random() * small.width, small.height * (0.22 + 0.62 * dice.random()), 0.5 + dice.random()
        for _ in range(9):
            dx, wide = dice.normal() * unit * 0.11 * size, unit * (0.04 + 0.06 * dice.random()) * size
            tall = wide * (0.42 + 0.3 * dice.random())
            lift = max(0.0, 1 - abs(dx) / (unit * 0.16 * size)) * unit * 0.03
            pen.ellipse((x + dx - wide * 1.5, y - lift - tall, x + dx + wide * 1.5, y + tall * 0.55), fill=255)
    soft = small.filter(ImageFilter.GaussianBlur(max(0.6, unit * 0.012)))
    strength = 0.25 if scene.is_night else 0.75
    mask = soft.resize((span, high), Image.Resampling.BICUBIC).point([round(v * strength) for v in range(256)])
    colour = mixed(scene.palette.sky_low, WHITE, 0.15 if scene.is_night else 0.7)
    return Layer(Image.new("RGB", mask.size, colour), mask, 0, 0.15, drift=frame.width / 160)


def paint_land(scene: Scene, frame: Frame, dice: np.random.Generator) -> tuple[Layer, ...]:
    """Everything between sky and foreground, far to near."""
    return LANDS[scene.land](scene, frame, dice)


def paint_foreground(scene: Scene, frame: Frame, dice: np.random.Generator, is_water: bool) -> Layer:
    """What subjects stand on, or swim in."""
    if is_water:
        return _waves(scene, frame, dice, FOREGROUND + 0.02, 1.0, 0.85)
    ground = scene.palette.ground
    if scene.land == "sea":
        ground = mixed(mixed((232, 208, 160), scene.palette.sky_low, 0.2), BLACK, 0.55 if scene.is_night else 0.0)
    crest = _ridge(frame, dice, 1.0, FOREGROUND, 0.05, 1.2, 2)
    return _slope(frame, crest, mixed(ground, scene.palette.sky_low, 0.14), mixed(ground, BLACK, 0.3), 1.0)


def _haze(scene: Scene, nearness: float) -> RGB:
    """The colour of land at a distance: 0 is the farthest, 1 the nearest."""
    return mixed(scene.palette.far, scene.palette.near, nearness)


def _ridge(
    frame: Frame, dice: np.random.Generator, depth: float, base: float, swing: float, waves: float, octaves: int,
    is_sharp: bool = False,
) -> Numbers:  # fmt: skip
    """The height of a crest in each column, in pixels from the top: value noise, smooth or in straight lines."""
    span = frame.span(depth)
    x = np.arange(span, dtype=np.float32) / frame.side * waves
    total = np.zeros(span, np.float32)
    for octave in range(octaves):
        place = x * 2.1**octave + dice.random() * 7
        knots = dice.uniform(-1, 1, int(place[-1]) + 3).astype(np.float32)
        index = place.astype(int)
        share = place - index
        if not is_sharp:
            share = share * share * (3 - 2 * share)
        total += (knots[index] + (knots[index + 1] - knots[index]) * share) * 0.5**octave
    return ((base + swing * total) * frame.height).astype(np.float32)


def _mask_below(frame: Frame, crest: Numbers) -> tuple[int, Numbers]:
    """The first row that the crest touches, and coverage (0..1) of each pixel from there down."""
    top = int(np.clip(math.floor(float(crest.min())) - 1, 0, frame.height - 1))
    rows = np.arange(top, frame.height, dtype=np.float32)[:, None]
    return top, (rows - crest[None, :] + 0.5).clip(0, 1)


def _slope(frame: Frame, crest: Numbers, upper: RGB, lower: RGB, depth: float) -> Layer:
    """Land below a crest, in a gradient from its highest point down."""
    top, cover = _mask_below(frame, crest)
    share = np.linspace(0, 1, cover.shape[0], dtype=np.float32)[:, None]
    column = np.array(upper, np.float32) + (np.array(lower, np.float32) - np.array(upper, np.float32)) * share
    flat = np.broadcast_to(column.astype(np.uint8)[:, None, :], (*cover.shape, 3))
    return Layer(Image.fromarray(np.ascontiguousarray(flat)), _as_mask(cover), top, depth)


def _as_mask(cover: Numbers) -> Image.Image:
    return Image.fromarray((cover * 255).astype(np.uint8))


def _hills(scene: Scene, frame: Frame, dice: np.random.Generator) -> tuple[Layer, ...]:
    return tuple(_hill(scene, frame, dice, 0.54 + 0.085 * n, 0.075 - 0.006 * n, 1.4 + 0.2 * n, n / 3) for n in range(4))


def _dunes(scene: Scene, frame: Frame, dice: np.random.Generator) -> tuple[Layer, ...]:
    return tuple(_hill(scene, frame, dice, 0.57 + 0.085 * n, 0.045, 0.8 + 0.1 * n, n / 3, octaves=1) for n in range(4))


def _hill(
    scene: Scene, frame: Frame, dice: np.random.Generator, base: float, swing: float, waves: float, nearness: float,
    octaves: int = 3,
) -> Layer:  # fmt: skip
    depth = 0.2 + 0.6 * nearness
    crest = _ridge(frame, dice, depth, base, swing, waves, octaves)
    colour = _haze(scene, nearness)
    return _slope(
        frame, crest, mixed(colour, scene.palette.light, 0.12), mixed(colour, scene.palette.sky_low, 0.3), depth
    )


def _mountains(scene: Scene, frame: Frame, dice: np.random.Generator) -> tuple[Layer, ...]:
    peaks = tuple(_peaks(scene, frame, dice, 0.48 + 0.08 * n, 0.15 - 0.05 * n, 0.25 + 0.3 * n) for n in range(2))
    return (*peaks, *(_hill(scene, frame, dice, 0.67 + 0.08 * n, 0.05, 1.8, 0.6 + 0.4 * n) for n in range(2)))


def _peaks(scene: Scene, frame: Frame, dice: np.random.Generator, base: float, swing: float, nearness: float) -> Layer:
    """Sharp crests, lit on one side, with snow above a ragged line."""
    depth = 0.12 + 0.25 * nearness
    broad = _summits(frame, dice, depth, base, swing)
    crest = broad + _ridge(frame, dice, depth, 0, 0.016, 9, 3, is_sharp=True)
    top, cover = _mask_below(frame, crest)
    rows = np.arange(top, frame.height, dtype=np.float32)[:, None]
    lit = _facets(frame, broad, crest, rows, dice)
    rock, shade = (np.array(mixed(_haze(scene, nearness), to, 0.22), np.float32) for to in (scene.palette.light, BLACK))
    snow = np.array(mixed(WHITE, scene.palette.sky_top, 0.12), np.float32)
    line = (base + 0.2 * swing) * frame.height + _ridge(frame, dice, depth, 0, 0.035, 14, 2, is_sharp=True)
    white = ((line[None, :] - rows) / max(2.0, frame.height * 0.012)).clip(0, 1)
    if scene.is_night or scene.palette.near[0] > 140 > scene.palette.near[1]:
        white = white * 0.35
    colour = rock + (shade - rock) * lit[..., None]
    colour += (snow * (1 - 0.28 * lit[..., None]) - colour) * white[..., None]
    foot = ((rows - top) / max(1, frame.height - top))[..., None] * 0.75
    colour += (np.array(scene.palette.sky_low, np.float32) - colour) * foot
    return Layer(Image.fromarray(colour.clip(0, 255).astype(np.uint8)), _as_mask(cover), top, depth)


def _summits(frame: Frame, dice: np.random.Generator, depth: float, base: float, swing: float) -> Numbers:
    """Straight lines up to peaks and down to passes, by turns, at uneven distances; pixels from the top."""
    span = frame.span(depth)
    gaps = dice.uniform(0.14, 0.34, math.ceil(span / frame.side / 0.14) + 3)
    across = (np.cumsum(gaps) - gaps[0] - 0.2 * dice.random()) * frame.side
    ups = np.where(np.arange(gaps.size) % 2 == 0, -1.0, 1.0) * dice.uniform(0.25, 1.0, gaps.size)
    return ((base + swing * np.interp(np.arange(span), across, ups)) * frame.height).astype(np.float32)


def _facets(frame: Frame, broad: Numbers, crest: Numbers, rows: Numbers, dice: np.random.Generator) -> Numbers:
    """Shade (0 lit, 1 dark) of a mountain's faces: the edge between them wanders to the side on its way down."""
    slope = np.tanh(np.gradient(broad) * 3) * 0.5 + 0.5
    spurs = _ridge(frame, dice, 0, 0, 0.05, 5, 3, is_sharp=True)[: rows.size]
    wander = np.interp(np.arange(rows.size), np.arange(spurs.size), spurs).astype(np.float32)[:, None]
    below = (rows - crest[None, :]).clip(0, None)
    place = (np.arange(crest.size)[None, :] + wander + 0.32 * below).astype(np.int32).clip(0, crest.size - 1)
    shade: Numbers = slope[place] * 0.8 + 0.2 * (below / (0.25 * frame.height)).clip(0, 1)
    return shade


def _sea(scene: Scene, frame: Frame, dice: np.random.Generator) -> tuple[Layer, ...]:
    """A few far hills, flat water to the horizon with glitter on it, and waves coming nearer."""
    coast = _ridge(frame, dice, 0.1, HORIZON + 0.01, 0.05, 1.2, 3)
    far = _slope(frame, coast, mixed(_haze(scene, 0.1), scene.palette.sky_low, 0.3), _haze(scene, 0.2), 0.1)
    level = np.full(frame.span(0.1), HORIZON * frame.height, np.float32)
    water = mixed(scene.palette.near, scene.palette.sky_low, 0.45)
    flat = _slope(frame, level, water, scene.palette.near, 0.1)
    waves = (_waves(scene, frame, dice, 0.65 + 0.075 * n, 0.3 + 0.2 * n, 0.25 + 0.25 * n) for n in range(3))
    return (far, flat, _glitter(scene, frame, dice), *waves)


def _waves(scene: Scene, frame: Frame, dice: np.random.Generator, base: float, depth: float, nearness: float) -> Layer:
    sway = frame.side * 0.02 * nearness
    wide = frame._replace(width=frame.width + 2 * math.ceil(sway))
    x = np.arange(wide.span(depth), dtype=np.float32) / frame.side * 2 * math.pi
    lift = np.zeros_like(x)
    for waves in (2.0, 3.3, 5.1):
        lift += np.sin(x * waves / (0.4 + nearness) + dice.random() * 7) / waves
    crest = ((base + 0.012 * lift) * frame.height).astype(np.float32)
    colour = mixed(mixed(scene.palette.near, scene.palette.sky_low, 0.45), scene.palette.ground, nearness)
    layer = _slope(frame, crest, mixed(colour, WHITE, 0.22), mixed(colour, BLACK, 0.12), depth)
    return layer._replace(sway=sway)


def _glitter(scene: Scene, frame: Frame, dice: np.random.Generator) -> Layer:
    """Short bright strokes on the water, denser towards the horizon."""
    span, top = frame.span(0.2), round(frame.height * (HORIZON + 0.006))
    mask = Image.new("L", (span, max(2, round(frame.height * 0.3))))
    pen = ImageDraw.Draw(mask)
    for _ in range(260):
        down = dice.random() ** 1.7
        x, y, wide = dice.random() * span, down * mask.height, frame.side * (0.006 + 0.03 * down) * dice.random()
        pen.line(
            (x - wide, y, x + wide, y), fill=int(60 + 120 * dice.random()), width=max(1, round(frame.side * 0.003))
        )
    return Layer(Image.new("RGB", mask.size, scene.palette.light), mask, top, 0.2, drift=frame.width / 200)


def _city(scene: Scene, frame: Frame, dice: np.random.Generator) -> tuple[Layer, ...]:
    hills = _hill(scene, frame, dice, 0.6, 0.04, 1.2, 0.0)
    return (hills, *(_skyline(scene, frame, dice, n / 2) for n in range(3)))


def _skyline(scene: Scene, frame: Frame, dice: np.random.Generator, nearness: float) -> Layer:
    """A row of towers with lit windows."""
    depth, top = 0.25 + 0.5 * nearness, round(frame.height * (0.2 + 0.08 * nearness))
    size = (frame.span(depth), frame.height - top)
    wall = mixed(_haze(scene, nearness), scene.palette.sky_low, 0.3 - 0.25 * nearness)
    picture, mask = Image.new("RGB", size, wall), Image.new("L", size)
    x = -round(frame.side * 0.05)
    while x < size[0]:
        wide = round(frame.side * (0.055 + 0.06 * dice.random()) * (0.8 + 0.5 * nearness)) + 2
        tall = round(frame.height * (0.14 + 0.3 * dice.random() ** 1.6) * (1 - 0.3 * nearness))
        _tower(picture, mask, dice, (x, round(frame.height * (0.66 + 0.1 * nearness)) - top - tall, wide), scene, wall)
        x += wide + round(frame.side * 0.012 * dice.random())
    return Layer(picture, mask, top, depth)


def _tower(
    picture: Image.Image, mask: Image.Image, dice: np.random.Generator, place: tuple[int, int, int], scene: Scene,
    wall: RGB,
) -> None:  # fmt: skip
    left, top, wide = place
    shape, pen = ImageDraw.Draw(mask), ImageDraw.Draw(picture)
    shape.rectangle((left, top, left + wide - 1, mask.height), fill=255)
    if dice.random() < 0.3:
        shape.rectangle((left + wide * 0.45, top - wide * 0.5, left + wide * 0.5, top), fill=255)
    tone = mixed(wall, BLACK, 0.18 * dice.random())
    pen.rectangle((left, top, left + wide * 0.62, mask.height), fill=tone)
    pen.rectangle((left + wide * 0.62, top, left + wide - 1, mask.height), fill=mixed(tone, BLACK, 0.16))
    step = max(3, wide // 6)
    lamps = [mixed((255, 222, 140), scene.palette.light, 0.3), mixed(tone, BLACK, 0.2), mixed(tone, WHITE, 0.12)]
    odds = [0.42, 0.38, 0.2] if scene.is_night else [0.2, 0.4, 0.4]
    for y in range(top + step, mask.height, round(step * 1.5)):
        for x in range(left + step // 2 + 1, left + wide - step, step):
            glass = lamps[int(dice.choice(3, p=odds))]
            pen.rectangle((x, y, x + max(1, step // 2), y + max(1, round(step * 0.7))), fill=glass)


def _forest(scene: Scene, frame: Frame, dice: np.random.Generator) -> tuple[Layer, ...]:
    far = _hill(scene, frame, dice, 0.5, 0.07, 1.2, 0.0)
    return (far, *(_pines(scene, frame, dice, n / 2) for n in range(3)))


def _pines(scene: Scene, frame: Frame, dice: np.random.Generator, nearness: float) -> Layer:
    """A row of pines on a crest, drawn twice too large and reduced."""
    depth = 0.3 + 0.5 * nearness
    crest = _ridge(frame, dice, depth, 0.62 + 0.12 * nearness, 0.04, 1.3, 2)
    tall = frame.height * (0.1 + 0.11 * nearness)
    top = max(0, math.floor(float(crest.min()) - tall * 1.5))
    large = Image.new("L", (crest.size * 2, (frame.height - top) * 2))
    pen = ImageDraw.Draw(large)
    x = 0.0
    while x < crest.size:
        _pine(pen, x * 2, (float(crest[int(x)]) - top) * 2 + 4, tall * (0.6 + 0.8 * dice.random()) * 2)
        x += tall * (0.2 + 0.25 * dice.random())
    _, cover = _mask_below(frame, crest)
    ground = Image.fromarray((cover * 255).astype(np.uint8))
    mask = large.reduce(2)
    mask.paste(255, (0, mask.height - ground.height), ground)
    colour = _haze(scene, 0.25 + 0.75 * nearness)
    column = Image.linear_gradient("L").resize(mask.size)
    upper, lower = (
        Image.new("RGB", mask.size, colour),
        Image.new("RGB", mask.size, mixed(colour, scene.palette.sky_low, 0.4)),
    )
    return Layer(Image.composite(lower, upper, column), mask, top, depth)


def _pine(pen: ImageDraw.ImageDraw, x: float, foot: float, tall: float) -> None:
    wide = tall * 0.2
    pen.rectangle((x - wide * 0.12, foot - tall * 0.2, x + wide * 0.12, foot + 6), fill=255)
    for tier in range(4):
        low, high = foot - tall * (0.1 + 0.21 * tier), foot - tall * (0.46 + 0.18 * tier)
        half = wide * (1.12 - 0.25 * tier)
        pen.polygon([(x - half, low), (x, high), (x + half, low), (x, low - half * 0.18)], fill=255)


LANDS: dict[str, Callable[[Scene, Frame, np.random.Generator], tuple[Layer, ...]]] = {
    "hills": _hills, "dunes": _dunes, "mountains": _mountains, "sea": _sea, "city": _city, "forest": _forest,
}  # fmt: skip
