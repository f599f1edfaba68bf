"""Four-legged animals, all drawn by one hand from a few measures, walking. Draws nothing else."""

import math
from typing import NamedTuple

from gateway.sandbox.pens import INK, WHITE, Motif, Pen, Point, smooth
from gateway.sandbox.scenes import RGB, mixed


class Beast(NamedTuple):
    """The measures that tell one four-legged animal from another, in parts of the 100 by 100 square."""

    back: float
    girth: float
    leg: float
    head: Point
    skull: float
    snout: float
    ears: str
    tail: str


BEASTS = {
    "fox": Beast(62, 8.5, 3.6, (77, 50), 7.5, 12, "point", "bushy"),
    "cat": Beast(62, 8.5, 3.6, (74, 50), 8.5, 2.5, "point", "long"),
    "dog": Beast(58, 10.5, 4.6, (77, 44), 8.5, 9.5, "flop", "up"),
    "horse": Beast(48, 12.5, 4.2, (82, 22), 7, 12, "point", "mane"),
    "deer": Beast(52, 9.5, 3.2, (76, 28), 6, 9, "antlers", "stub"),
    "bear": Beast(58, 16.5, 8.5, (80, 52), 10.5, 6.5, "round", "stub"),
    "rabbit": Beast(74, 13, 5, (70, 58), 9, 3, "long", "puff"),
}


def beast(name: str) -> Motif:
    return lambda pen, colour, phase: _walk(pen, BEASTS[name], colour, phase)


def _walk(pen: Pen, beast: Beast, colour: RGB, phase: float) -> None:
    shade = mixed(colour, INK, 0.35)
    swing = math.sin(2 * math.pi * phase)
    _legs(pen, beast, shade, -swing, 2.5)
    _tail(pen, beast, colour, swing)
    _legs(pen, beast, colour, swing, 0)
    back, girth = beast.back, beast.girth
    pen.blob(colour, (27, back), (40, back - girth), (60, back - girth), (71, back - 1), (67, back + girth * 0.8),
             (50, back + girth * 0.85), (32, back + girth))  # fmt: skip
    head_x, head_y = beast.head
    pen.blob(colour, (56, back - girth * 0.85), (head_x - beast.skull * 0.8, head_y - 1),
             (head_x + beast.skull * 0.5, head_y + 2), (70, back + girth * 0.1), (64, back + girth * 0.7),
             (52, back + girth * 0.4))  # fmt: skip
    _face(pen, beast, colour)


def _legs(pen: Pen, beast: Beast, colour: RGB, swing: float, shift: float) -> None:
    """One pair, hind and fore, which move against each other; the knee lags behind the hip."""
    foot = mixed(colour, INK, 0.45)
    for hip, sign in ((33 + shift, 1), (64 - shift, -1)):
        reach = 7 * swing * sign
        knee = (hip + reach * 0.5 + 0.8 * sign, (beast.back + 98) / 2 + 2)
        pen.limb(colour, beast.leg * 1.35, (hip, beast.back), knee)
        pen.limb(foot, beast.leg, knee, (hip + reach, 97 - 2 * max(0.0, swing * sign)))


def _tail(pen: Pen, beast: Beast, colour: RGB, swing: float) -> None:
    back, lift = beast.back, 2 * swing
    match beast.tail:
        case "bushy":
            pen.blob(colour, (33, back - 4), (21, back - 4 + lift), (8, back + 2 + lift), (3, back + 12 + lift),
                     (12, back + 13 + lift), (24, back + 8), (33, back + 4))  # fmt: skip
            pen.blob(WHITE, (10, back + 1.5 + lift), (3.2, back + 10 + lift), (4, back + 13 + lift),
                     (12, back + 12.5 + lift), (11, back + 7 + lift))  # fmt: skip
        case "long":
            pen.limb(
                colour, 4.2, *smooth(((30, back), (18, back + 4), (11, back - 8 + lift), (15, back - 22 + lift)))[:24]
            )
        case "up":
            pen.limb(colour, 4.5, (30, back - 4), (21, back - 12), (19, back - 22 + lift))
        case "mane":
            pen.blob(mixed(colour, INK, 0.5), (30, back - 6), (20, back - 2), (14, back + 16 + lift), (16, back + 30),
                     (23, back + 20), (30, back + 2))  # fmt: skip
        case "puff":
            pen.oval(WHITE, 28, back + 2, 5, 5)
        case _:
            pen.limb(colour, 5, (31, back - 3), (25, back - 1))


def _face(pen: Pen, beast: Beast, colour: RGB) -> None:
    (x, y), skull, snout = beast.head, beast.skull, beast.snout
    _ears(pen, beast, colour)
    pen.oval(colour, x, y, skull, skull * 0.88)
    tip = x + skull * 0.7 + snout
    pen.blob(colour, (x, y - skull * 0.7), (x + skull, y - skull * 0.12), (tip, y + skull * 0.3),
             (tip - 1, y + skull * 0.62), (x + skull * 0.5, y + skull * 0.8),
             (x - skull * 0.3, y + skull * 0.7))  # fmt: skip
    if beast.tail in ("bushy", "long", "up"):
        pen.blob(mixed(colour, WHITE, 0.75), (x + skull * 0.3, y + skull * 0.4), (tip - 2, y + skull * 0.5),
                 (x + skull * 0.6, y + skull * 0.85), (x - skull * 0.2, y + skull * 0.8))  # fmt: skip
    pen.oval(INK, tip - 0.4, y + skull * 0.38, 1.5, 1.3)
    pen.oval(INK, x + skull * 0.38, y - skull * 0.1, 1.25, 1.4)


def _ears(pen: Pen, beast: Beast, colour: RGB) -> None:
    (x, y), skull = beast.head, beast.skull
    dark = mixed(colour, INK, 0.4)
    match beast.ears:
        case "point":
            for shift, fill in ((-0.1, dark), (-0.62, colour)):
                left = x + skull * shift
                pen.shape(
                    fill, (left - 3, y - skull * 0.4), (left + 0.5, y - skull * 1.9), (left + 5.4, y - skull * 0.6)
                )
        case "flop":
            pen.blob(
                dark,
                (x - skull * 0.6, y - skull * 0.7),
                (x - skull * 0.1, y - skull * 0.8),
                (x - 2, y + 4),
                (x - 8, y + 5),
            )
        case "round":
            pen.oval(dark, x + skull * 0.3, y - skull * 0.8, 3.2, 3.2)
            pen.oval(colour, x - skull * 0.5, y - skull * 0.8, 3.8, 3.8)
        case "long":
            pen.blob(dark, (x + 1, y - 6), (x - 1, y - 24), (x + 4, y - 27), (x + 6, y - 8))
            pen.blob(colour, (x - 6, y - 4), (x - 10, y - 22), (x - 5, y - 26), (x, y - 7))
        case "antlers":
            for lean in (-1, 1):
                stem = ((x - 1, y - 4), (x - 2 + 5 * lean, y - 14), (x - 1 + 9 * lean, y - 24))
                pen.limb(mixed(colour, INK, 0.45), 1.7, *stem)
                pen.limb(mixed(colour, INK, 0.45), 1.4, stem[1], (stem[1][0] - 3 * lean, y - 22))
            pen.blob(colour, (x - 3, y - 4), (x - 11, y - 8), (x - 5, y))
