"""A scene set up at one size: painted once, then shown at any moment. Reads no clock: time is an argument."""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from gateway.sandbox.layers import (
    FOREGROUND,
    Frame,
    Layer,
    paint_clouds,
    paint_foreground,
    paint_land,
    paint_light,
    paint_sky,
)
from gateway.sandbox.motifs import FLIERS, SWIMMERS, WALKERS, sprite
from gateway.sandbox.scenes import Scene

STEPS_A_SECOND = 1.6
"""How often a walker's legs go round."""

STANCE = 0.11
"""The phase of the first sprite: at 0 a walker's four legs hide one another."""

PARTICLES = 170
LARGEST_SPRITE = 900
"""Pixels: past this a subject gains nothing but rendering time."""


class Actor(NamedTuple):
    """A subject on the stage: one sprite for each phase of its movement, and where it is (centre, foot; pixels)."""

    sprites: tuple[Image.Image, ...]
    motif: str
    x: float
    foot: float


class Stage(NamedTuple):
    """Everything painted; `seconds` is how long the clip will be (0 for a picture)."""

    scene: Scene
    frame: Frame
    seconds: float
    sky: Image.Image
    light: Image.Image
    light_at: tuple[float, float]
    behind: tuple[Layer, ...]
    ground: Layer
    actors: tuple[Actor, ...]
    particles: np.ndarray


def build(scene: Scene, width: int, height: int, seconds: float = 0.0, phases: int = 1) -> Stage:
    """Paint every layer once. A clip's nearest layer moves half the width in five seconds."""
    frame = Frame(width, height, round(width * 0.1 * seconds) if seconds else 0)
    dice = np.random.Generator(np.random.PCG64(scene.key))
    swims = any(subject.motif in SWIMMERS for subject in scene.subjects)
    is_water = swims or (scene.land == "sea" and not any(s.motif not in FLIERS for s in scene.subjects))
    sky, light = paint_sky(scene, frame, dice), paint_light(scene, frame)
    light_at = (width * (0.18 + 0.64 * dice.random()), height * (0.2 + 0.2 * dice.random()))
    behind = (paint_clouds(scene, frame, dice), *paint_land(scene, frame, dice))
    ground = paint_foreground(scene, frame, dice, is_water)
    actors = _cast(scene, frame, phases, dice)
    particles = dice.random((PARTICLES, 4))
    return Stage(scene, frame, seconds, sky, light, light_at, behind, ground, actors, particles)


def show(stage: Stage, at_s: float) -> Image.Image:
    """The whole stage at a moment, in seconds from the beginning."""
    picture = stage.sky.copy()
    _hang_light(picture, stage, at_s)
    for layer in stage.behind:
        _lay(picture, stage, layer, at_s)
    fliers = [actor for actor in stage.actors if actor.motif in FLIERS]
    swimmers = [actor for actor in stage.actors if actor.motif in SWIMMERS]
    for actor in (*fliers, *swimmers):
        _place(picture, stage, actor, at_s)
    _lay(picture, stage, stage.ground, at_s)
    for actor in stage.actors:
        if actor.motif not in FLIERS | SWIMMERS:
            _place(picture, stage, actor, at_s)
    _fall(picture, stage, at_s)
    return picture


def _cast(scene: Scene, frame: Frame, phases: int, dice: np.random.Generator) -> tuple[Actor, ...]:
    places = {1: (0.34 + 0.3 * dice.random(),), 2: (0.29, 0.7), 3: (0.2, 0.51, 0.82)}.get(len(scene.subjects), ())
    return tuple(
        _actor(subject.motif, subject.colour, frame, phases, place, len(places))
        for subject, place in zip(scene.subjects, places, strict=True)
    )


def _actor(motif: str, colour: tuple[int, int, int], frame: Frame, phases: int, place: float, crowd: int) -> Actor:
    share = {1: 0.42, 2: 0.35, 3: 0.29}[crowd] * (0.8 if motif in ("butterfly", "car", "flower") else 1.0)
    size = min(LARGEST_SPRITE, max(8, round(min(frame.side * 1.1, frame.width * 0.9) * share)))
    moves = phases if motif in WALKERS or motif in FLIERS else min(phases, 6)
    sprites = tuple(sprite(motif, colour, size, STANCE + step / moves) for step in range(moves))
    foot = 0.9 if motif not in FLIERS | SWIMMERS else (FOREGROUND + 0.045 if motif in SWIMMERS else 0.5)
    return Actor(sprites, motif, frame.width * place, frame.height * foot)


def _hang_light(picture: Image.Image, stage: Stage, at_s: float) -> None:
    x, y = stage.light_at
    rise = stage.frame.height * 0.012 * at_s
    half = stage.light.width / 2
    corner = (round(x - half + 0.5 * rise), round(y - half - (rise if stage.scene.is_night else -rise)))
    picture.paste(stage.light, corner, stage.light)


def _moved(stage: Stage, depth: float, at_s: float) -> float:
    """How far a layer of this depth has moved to the left by now, in pixels."""
    return stage.frame.reach * depth * at_s / stage.seconds if stage.seconds else 0.0


def _lay(picture: Image.Image, stage: Stage, layer: Layer, at_s: float) -> None:
    swing = layer.sway * (1 + math.sin(at_s * 1.7 + layer.top))
    room = layer.picture.width - stage.frame.width
    left = min(max(0, round(_moved(stage, layer.depth, at_s) + swing + layer.drift * at_s)), room)
    box = (left, 0, left + stage.frame.width, layer.picture.height)
    picture.paste(layer.picture.crop(box), (0, layer.top), layer.mask.crop(box))


def _place(picture: Image.Image, stage: Stage, actor: Actor, at_s: float) -> None:
    """Walkers and fliers advance while the land passes; what is rooted passes with it."""
    image = actor.sprites[int(at_s * STEPS_A_SECOND * len(actor.sprites)) % len(actor.sprites)]
    share = at_s / stage.seconds - 0.5 if stage.seconds else 0.0
    free = actor.motif in WALKERS | FLIERS | SWIMMERS
    x = actor.x + (0.16 * stage.frame.width * share if free else -stage.frame.reach * share)
    bob = stage.frame.side * (0.012 if actor.motif in FLIERS | SWIMMERS else 0.0) * math.sin(at_s * 2.1 + actor.x)
    left, top = round(x - image.width / 2), round(actor.foot - image.height + bob)
    if actor.motif == "rocket":
        top -= round(stage.frame.height * 0.22 * share)
    if actor.motif not in FLIERS | SWIMMERS:
        _shadow(picture, x, actor.foot - 0.015 * image.height, image.width)
    picture.paste(image, (left, top), image)


def _shadow(picture: Image.Image, x: float, foot: float, size: int) -> None:
    wide, high = max(2, round(size * 0.72)), max(2, round(size * 0.07))
    shade = Image.new("L", (wide * 2, high * 2))
    ImageDraw.Draw(shade).ellipse((0, 0, wide * 2 - 1, high * 2 - 1), fill=70)
    picture.paste((10, 12, 24), (round(x - wide / 2), round(foot - high * 0.62)), shade.reduce(2))


class Fall(NamedTuple):
    """How particles of a weather look and move: widths and heights a second, size in parts of the side."""

    colour: tuple[int, int, int]
    down: float
    along: float
    size: float
    stretch: float


FALLS = {
    "snow": Fall((255, 255, 255), 0.11, 0.02, 0.0055, 1),
    "rain": Fall((214, 226, 240), 1.3, -0.08, 0.0016, 14),
    "leaves": Fall((226, 130, 50), 0.1, 0.07, 0.0085, 0.6),
    "petals": Fall((255, 206, 222), 0.08, 0.05, 0.0065, 0.7),
    "fireflies": Fall((255, 240, 150), -0.025, 0.015, 0.0048, 1),
}


def _fall(picture: Image.Image, stage: Stage, at_s: float) -> None:
    if stage.scene.weather is None:
        return
    fall, pen = FALLS[stage.scene.weather], ImageDraw.Draw(picture, "RGBA")
    width, height, side = stage.frame.width, stage.frame.height, stage.frame.side
    for x, y, near, lag in stage.particles.tolist():
        speed = 0.45 + 0.9 * near
        wave = 0.012 * math.sin(at_s * (1 + near) + lag * 6.3)
        left = (x + (fall.along * at_s * speed) + wave) % 1 * width
        top = (y + fall.down * at_s * speed) % 1 * height
        half = max(0.35, side * fall.size * (0.4 + 0.8 * near))
        alpha = round(90 + 150 * near * (0.6 + 0.4 * math.sin(at_s * 3 + lag * 9)))
        pen.ellipse((left - half, top - half * fall.stretch, left + half, top + half * fall.stretch),
                    fill=(*fall.colour, alpha))  # fmt: skip
