"""Small drawings of what prompts name (a fox, a boat, a house), as RGBA sprites. Knows no scene and no prompt."""

import math

import numpy as np
from PIL import Image, ImageDraw

from gateway.sandbox.beasts import BEASTS, beast
from gateway.sandbox.pens import INK, LIT, WHITE, Motif, Pen
from gateway.sandbox.scenes import RGB, mixed

OVERSAMPLING = 3
"""Sprites are drawn three times too large and reduced: Pillow's polygons have hard edges."""


def sprite(motif: str, colour: RGB, size: int, phase: float = 0.0) -> Image.Image:
    """The motif on a transparent square of `size` pixels."""
    large = Image.new("RGBA", (size * OVERSAMPLING, size * OVERSAMPLING), (*colour, 0))
    MOTIFS[motif](Pen(ImageDraw.Draw(large), size * OVERSAMPLING / 100), colour, phase)
    return large.reduce(OVERSAMPLING)


def _bird(pen: Pen, colour: RGB, phase: float) -> None:
    """A small flock, each bird at its own beat."""
    for x, y, size, lag in ((50, 34, 1.0, 0.0), (22, 50, 0.66, 0.3), (76, 55, 0.58, 0.6), (36, 70, 0.45, 0.8)):
        lift = 9 * size * math.cos(2 * math.pi * (phase + lag))
        for side in (-1, 1):
            half, far = side * 9 * size, side * 20 * size
            above, below = (x + half, y - 4 * size - lift * 0.7), (x + half, y + size - lift * 0.55)
            wing = ((x, y - 2 * size), above, (x + far, y - lift), below, (x, y + 3 * size))
            pen.blob(colour, *wing)
        pen.oval(colour, x, y + size, 3 * size, 5 * size)


def _butterfly(pen: Pen, colour: RGB, phase: float) -> None:
    spread = 0.35 + 0.65 * abs(math.cos(math.pi * phase))
    for side in (-1, 1):
        wide = side * spread
        pen.blob(
            colour, (50, 50), (50 + 14 * wide, 22), (50 + 36 * wide, 20), (50 + 34 * wide, 46), (50 + 16 * wide, 54)
        )
        pen.blob(mixed(colour, INK, 0.25), (50, 52), (50 + 20 * wide, 54), (50 + 28 * wide, 72), (50 + 14 * wide, 80))
        pen.oval(WHITE, 50 + 26 * wide, 32, 4 * spread, 4)
    pen.limb(INK, 3.6, (50, 34), (50, 72))
    pen.limb(INK, 1.0, (50, 34), (44, 22))
    pen.limb(INK, 1.0, (50, 34), (56, 22))


def _boat(pen: Pen, colour: RGB, phase: float) -> None:
    lean = 1.5 * math.sin(2 * math.pi * phase)
    pen.limb(mixed(INK, colour, 0.2), 1.6, (50, 82), (50 + lean, 16))
    pen.blob(WHITE, (52 + lean, 18), (70 + lean, 44), (76, 74), (62, 75), (52, 75))
    pen.blob(mixed(WHITE, colour, 0.35), (48 + lean, 24), (34 + lean, 50), (27, 74), (38, 75), (48, 75))
    pen.blob(colour, (16, 80), (50, 82), (84, 78), (76, 92), (60, 97), (36, 97), (22, 92))
    pen.shape(mixed(colour, WHITE, 0.6), (18, 82), (50, 84), (82, 81), (81, 83.5), (50, 87), (19, 85))


def _whale(pen: Pen, colour: RGB, phase: float) -> None:
    lift = 3 * math.sin(2 * math.pi * phase)
    pen.blob(colour, (14, 66), (28, 72), (44, 60), (66, 56), (86, 64), (92, 78), (80, 90), (56, 94), (34, 88), (20, 76))
    pen.blob(colour, (18, 70), (6, 56 + lift), (2, 48 + lift), (14, 52 + lift), (18, 46 + lift), (22, 58))
    pen.blob(mixed(colour, WHITE, 0.7), (90, 80), (78, 90), (58, 94), (44, 90), (62, 84))
    pen.blob(mixed(colour, INK, 0.25), (58, 82), (52, 96), (62, 98), (68, 84))
    pen.oval(INK, 80, 73, 1.6, 1.8)
    for side in (-1, 1):
        pen.limb(mixed(WHITE, (140, 200, 230), 0.3), 1.8, (70, 55), (70 + 3 * side, 42), (70 + 9 * side, 38 + lift))


def _house(pen: Pen, colour: RGB, phase: float) -> None:
    wall, roof = mixed(WHITE, colour, 0.16), mixed(colour, INK, 0.15)
    pen.box(mixed(colour, INK, 0.4), 66, 34, 74, 60)
    for puff in range(3):
        rise = (phase + puff / 3) % 1
        pen.oval(mixed(WHITE, (200, 206, 214), 0.5), 70 + 10 * rise, 30 - 22 * rise, 2.5 + 3 * rise, 2 + 2.5 * rise)
    pen.box(wall, 20, 60, 80, 99)
    pen.shape(roof, (12, 62), (32, 36), (68, 36), (88, 62))
    pen.box(mixed(colour, INK, 0.45), 44, 74, 56, 99)
    for left in (26, 62):
        pen.box(mixed(wall, INK, 0.5), left - 1, 69, left + 13, 85)
        pen.box(LIT, left, 70, left + 5.4, 84)
        pen.box(LIT, left + 6.6, 70, left + 12, 84)


def _castle(pen: Pen, colour: RGB, phase: float) -> None:
    dark = mixed(colour, INK, 0.3)
    for x, top, wide in ((18, 40, 8), (82, 40, 8), (36, 24, 7), (64, 24, 7)):
        pen.box(colour if wide == 8 else dark, x - wide, top, x + wide, 99)
        pen.shape(mixed((170, 60, 70), INK, 0.1), (x - wide - 2, top), (x, top - 20), (x + wide + 2, top))
        pen.box(LIT, x - 1.6, top + 10, x + 1.6, top + 17)
    pen.box(mixed(colour, WHITE, 0.12), 22, 58, 78, 99)
    for left in range(22, 78, 8):
        pen.box(mixed(colour, WHITE, 0.12), left, 53, left + 4.4, 59)
    pen.blob(INK, (43, 99), (43, 82), (50, 74), (57, 82), (57, 99))
    wave = 2 * math.sin(2 * math.pi * phase)
    pen.limb(INK, 0.8, (50, 54), (50, 36))
    pen.shape((220, 70, 70), (50, 36), (62, 38 + wave), (50, 44))


def _lighthouse(pen: Pen, colour: RGB, phase: float) -> None:
    pen.blob(mixed(INK, (120, 116, 120), 0.55), (18, 99), (26, 90), (44, 86), (62, 87), (78, 92), (84, 99))
    pen.shape(WHITE, (42, 28), (58, 28), (63, 90), (37, 90))
    for top in (36, 56, 76):
        spread = (top - 28) / 62 * 5
        pen.shape(colour, (42 - spread, top), (58 + spread, top), (58.8 + spread, top + 9), (41.2 - spread, top + 9))
    pen.box(INK, 39, 25, 61, 28)
    pen.box(mixed(LIT, WHITE, 0.5 + 0.5 * math.sin(2 * math.pi * phase)), 44, 15, 56, 25)
    pen.shape(mixed(colour, INK, 0.2), (41, 15), (50, 6), (59, 15))


def _person(pen: Pen, colour: RGB, phase: float) -> None:
    swing = 7 * math.sin(2 * math.pi * phase)
    skin, trousers = (226, 178, 146), mixed(INK, (70, 84, 130), 0.5)
    pen.limb(mixed(trousers, INK, 0.4), 6.4, (50, 64), (50 - swing * 0.4, 80), (49 - swing, 97))
    pen.limb(trousers, 6.4, (50, 64), (51 + swing * 0.5, 80), (51 + swing, 97))
    pen.limb(mixed(colour, INK, 0.35), 5, (50, 40), (50 + swing * 0.7, 60))
    pen.blob(colour, (43, 37), (50, 34), (57, 37), (59, 54), (58, 68), (50, 70), (42, 68), (41, 54))
    pen.limb(mixed(colour, INK, 0.12), 5, (50, 40), (48 - swing * 0.7, 52), (51 - swing * 0.9, 61))
    pen.oval(skin, 51, 25, 7.6, 8.6)
    pen.blob(mixed(INK, (110, 70, 50), 0.35), (43, 28), (43, 17), (52, 14), (59, 20), (56, 21), (48, 22))
    pen.oval(INK, 55.5, 25, 0.9, 1.1)


def _robot(pen: Pen, colour: RGB, phase: float) -> None:
    swing, dark = 5 * math.sin(2 * math.pi * phase), mixed(colour, INK, 0.4)
    for side in (-1, 1):
        pen.limb(dark, 6, (50 + 8 * side, 72), (50 + 9 * side + swing * side, 84), (50 + 9 * side + swing * side, 96))
        pen.limb(
            dark, 5, (50 + 17 * side, 48), (50 + 24 * side, 58 - swing * side), (50 + 22 * side, 68 - swing * side)
        )
    pen.box(colour, 33, 42, 67, 74)
    pen.box(mixed(colour, WHITE, 0.35), 39, 48, 61, 60)
    pen.box(mixed((70, 210, 220), WHITE, 0.2), 41, 50, 41 + 18 * (0.3 + 0.7 * phase), 58)
    pen.limb(dark, 1.6, (50, 18), (50, 10))
    pen.oval((240, 90, 80), 50, 9, 2.6, 2.6)
    pen.blob(mixed(colour, WHITE, 0.12), (36, 22), (50, 17), (64, 22), (65, 36), (50, 40), (35, 36))
    for x in (43.5, 56.5):
        pen.oval(INK, x, 29, 4.4, 4.4)
        pen.oval((110, 236, 240), x + 0.6, 29, 2.4, 2.4)


def _car(pen: Pen, colour: RGB, phase: float) -> None:
    pen.blob(mixed(colour, INK, 0.1), (26, 72), (34, 56), (46, 52), (62, 53), (76, 70), (74, 78), (28, 78))
    pen.blob((206, 228, 238), (32, 70), (38, 59), (48, 57), (48, 70))
    pen.blob((206, 228, 238), (52, 70), (52, 57), (61, 58), (70, 70))
    pen.blob(colour, (8, 76), (24, 70), (50, 69), (80, 70), (93, 76), (94, 88), (80, 91), (20, 91), (7, 88))
    pen.oval(LIT, 91, 79, 2.4, 2.2)
    for x in (27, 74):
        pen.oval(INK, x, 90, 9, 9)
        pen.oval((196, 202, 210), x, 90, 4.4, 4.4)
        angle = 2 * math.pi * phase
        pen.limb(
            INK,
            1.2,
            (x - 4 * math.cos(angle), 90 - 4 * math.sin(angle)),
            (x + 4 * math.cos(angle), 90 + 4 * math.sin(angle)),
        )


def _flower(pen: Pen, colour: RGB, phase: float) -> None:
    green = (74, 140, 74)
    for foot, head, top, size, tone in ((44, 28, 52, 0.8, 0.25), (56, 74, 46, 0.75, 0.12), (50, 50, 30, 1.0, 0.0)):
        x = head + 2.5 * math.sin(2 * math.pi * phase + head)
        pen.limb(mixed(green, INK, tone), 2.4, (foot, 99), ((foot + x) / 2 + 1, (99 + top) / 2), (x, top))
        pen.blob(green, (foot, 90), (foot + 12 * (1 if head > 50 else -1), 76), (foot + 4, 88))
        for petal in range(7):
            turn = 2 * math.pi * petal / 7 + 0.3
            pen.oval(
                mixed(colour, WHITE, tone),
                x + 9 * size * math.cos(turn),
                top + 9 * size * math.sin(turn),
                7 * size,
                7 * size,
            )
        pen.oval((246, 206, 84), x, top, 6 * size, 6 * size)


def _balloon(pen: Pen, colour: RGB, phase: float) -> None:
    sway = 1.5 * math.sin(2 * math.pi * phase)
    for x in (44, 56):
        pen.limb(INK, 0.8, (x - (x - 50) * 2.0 + sway * 0, 64), (x, 84))
    outline = ((50, 6), (70, 12), (80, 32), (74, 52), (58, 70), (42, 70), (26, 52), (20, 32), (30, 12))
    pen.blob(colour, *outline)
    for share, tone in ((0.62, 0.78), (0.24, 0.0)):
        fill = mixed(colour, WHITE, tone)
        pen.blob(fill, *((50 + (x - 50) * share, y) for x, y in outline))
    pen.box(mixed((150, 104, 62), INK, 0.1), 43 + sway, 82, 57 + sway, 93)
    pen.box(mixed((150, 104, 62), INK, 0.45), 42 + sway, 81, 58 + sway, 84)


def _rocket(pen: Pen, colour: RGB, phase: float) -> None:
    flame = 8 + 6 * math.sin(2 * math.pi * phase) ** 2
    pen.blob((255, 150, 60), (42, 74), (50, 84 + flame), (58, 74))
    pen.blob((255, 232, 150), (46, 74), (50, 78 + flame * 0.5), (54, 74))
    for side in (-1, 1):
        pen.blob((208, 64, 56), (50 + 10 * side, 50), (50 + 24 * side, 70), (50 + 22 * side, 80), (50 + 9 * side, 70))
    pen.blob(colour, (50, 6), (60, 24), (63, 48), (58, 74), (42, 74), (37, 48), (40, 24))
    pen.blob((208, 64, 56), (50, 6), (57, 18), (58, 25), (50, 26), (42, 25), (43, 18))
    pen.oval(INK, 50, 40, 6.6, 6.6)
    pen.oval((120, 196, 226), 50, 40, 4.8, 4.8)


def _tree(pen: Pen, colour: RGB, phase: float) -> None:
    sway, trunk = 1.2 * math.sin(2 * math.pi * phase), mixed((110, 76, 54), INK, 0.15)
    pen.blob(trunk, (42, 99), (47, 80), (46, 54), (54, 54), (54, 80), (60, 99))
    pen.limb(trunk, 3, (50, 66), (34, 48))
    pen.limb(trunk, 3, (50, 62), (66, 44))
    crown = (
        (32, 46, 17),
        (68, 44, 17),
        (50, 28, 20),
        (40, 34, 15),
        (62, 30, 14),
        (50, 46, 18),
        (24, 40, 9),
        (77, 38, 9),
    )
    for shift, tone in ((2.0, 0.28), (0.0, 0.0)):
        for x, y, size in crown:
            pen.oval(mixed(colour, INK, tone), x + sway, y + shift, size - 1 + shift / 2, size * 0.9 - 1 + shift / 2)
    for x, y, size in crown[:5]:
        pen.oval(mixed(colour, WHITE, 0.16), x - 4 + sway, y - 5, size * 0.45, size * 0.36)


MOTIFS: dict[str, Motif] = {name: beast(name) for name in BEASTS} | {
    "bird": _bird, "butterfly": _butterfly, "boat": _boat, "whale": _whale, "house": _house, "castle": _castle,
    "lighthouse": _lighthouse, "person": _person, "robot": _robot, "car": _car, "flower": _flower,
    "balloon": _balloon, "rocket": _rocket, "tree": _tree,
}  # fmt: skip

WALKERS = frozenset(BEASTS) | {"person", "robot", "car"}
"""Those who cross the ground when the picture moves."""

FLIERS = frozenset({"bird", "butterfly", "balloon", "rocket"})
SWIMMERS = frozenset({"boat", "whale"})


def soft_disc(size: int, colour: RGB, core: float) -> Image.Image:
    """A disc with a glow around it, on a transparent square; `core` is the disc's share of the half width."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    distance = np.sqrt(axis[:, None] ** 2 + axis[None, :] ** 2)
    edge = np.clip((core - distance) * size / 2 + 0.5, 0, 1)
    glow = np.clip(1 - (distance - core) / (1 - core), 0, 1) ** 2.4 * 0.55
    alpha = (np.maximum(edge, glow) * 255).astype(np.uint8)
    disc = Image.new("RGB", (size, size), colour)
    disc.putalpha(Image.fromarray(alpha))
    return disc
