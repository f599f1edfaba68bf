"""How long it takes to check that a picture of a megapixel is what it says; the gateway does so for each output."""

import io
from statistics import median
from time import perf_counter

from PIL import Image

from gateway.assets.measure import measure

SIDE_PIXELS = 1_024
REPEATS = 20


def measure_ms() -> float:
    """The median for one PNG, in milliseconds, on one thread."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((SIDE_PIXELS, SIDE_PIXELS)).convert("RGB").save(file, "PNG")
    return median(_seconds(file.getvalue()) for _ in range(REPEATS)) * 1_000


def _seconds(picture: bytes) -> float:
    began = perf_counter()
    facts = measure(io.BytesIO(picture))
    elapsed_s = perf_counter() - began
    assert facts.fault is None and facts.width == SIDE_PIXELS, facts
    return elapsed_s
