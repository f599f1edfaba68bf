"""The pen that motifs are drawn with: shapes, curves and limbs in a square of 100 by 100. Knows no motif."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PIL import ImageDraw

from gateway.sandbox.scenes import RGB

Point = tuple[float, float]

WHITE: RGB = (250, 248, 242)
INK: RGB = (38, 34, 44)
LIT: RGB = (255, 224, 140)


class Pen(NamedTuple):
    """Draws in a square of 100 by 100, y downwards, the ground at 100."""

    canvas: ImageDraw.ImageDraw
    scale: float

    def _to_pixels(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.scale, y * self.scale) for x, y in points]

    def shape(self, fill: RGB, *points: Point) -> None:
        self.canvas.polygon(self._to_pixels(points), fill=fill)

    def blob(self, fill: RGB, *points: Point) -> None:
        self.canvas.polygon(self._to_pixels(smooth(points)), fill=fill)

    def oval(self, fill: RGB, x: float, y: float, wide: float, high: float) -> None:
        self.canvas.ellipse(self._to_pixels([(x - wide, y - high), (x + wide, y + high)]), fill=fill)

    def box(self, fill: RGB, left: float, top: float, right: float, bottom: float) -> None:
        self.canvas.rectangle(self._to_pixels([(left, top), (right, bottom)]), fill=fill)

    def limb(self, fill: RGB, thick: float, *points: Point) -> None:
        self.canvas.line(self._to_pixels(points), fill=fill, width=max(1, round(thick * self.scale)), joint="curve")
        for x, y in points:
            self.oval(fill, x, y, thick / 2, thick / 2)


Motif = Callable[[Pen, RGB, float], None]
"""Draws one motif in a colour, at a phase of its movement (0..1, a whole cycle)."""


def smooth(points: Sequence[Point], steps: int = 8) -> list[Point]:
    """A closed Catmull-Rom curve through the points."""
    count = len(points)
    return [
        _between(points[i - 1], points[i], points[(i + 1) % count], points[(i + 2) % count], step / steps)
        for i in range(count)
        for step in range(steps)
    ]


def _between(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    x, y = (
        0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
        for p, q, r, s in zip(a, b, c, d, strict=True)
    )
    return x, y
