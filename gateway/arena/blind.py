"""Copies of outputs that do not say who made them: assets of their own, which no job points to. It judges no picture.

A still picture is written anew as PNG, pixel for pixel, without the words that makers put into their files; so its
hash, size and type say nothing either. What else there is (clips, sound) keeps its bytes under another name.
"""

import struct
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

from PIL import Image
from PIL.Image import Transpose

from gateway import clock
from gateway.assets import tables
from gateway.assets.measure import FORMATS
from gateway.assets.service import Assets
from gateway.assets.tables import Row

STILL = ("image/png", "image/jpeg", "image/webp", "image/avif")
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
"""Pixels that PNG can hold; any other kind becomes RGB."""
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_90,
}  # fmt: skip
"""EXIF's orientation → what makes a picture upright."""
ORIENTATION = 0x0112
NONSENSE = (SyntaxError, TypeError, ValueError, LookupError, EOFError, OverflowError, struct.error)
"""What Pillow raises where EXIF is not what it says: such words turn no picture, and must stop no battle."""


class Blinded(NamedTuple):
    """What is shown of one side, and the rows of its new assets: insert them together with what shows them."""

    outputs: list[dict[str, Any]]
    rows: list[Row]


async def blinded(assets: Assets, key_id: str, outputs: Sequence[Mapping[str, Any]]) -> Blinded:
    """Copies of a job's outputs. Raises NotFound or FileNotFoundError for one that is no longer there."""
    rows = {each["asset"]: await _copied(assets, key_id, each["asset"]) for each in outputs if each["asset"]}
    shown = [_shown(each, rows.get(each["asset"])) for each in outputs]
    return Blinded(shown, list(rows.values()))


def _shown(output: Mapping[str, Any], row: Row | None) -> dict[str, Any]:
    if row is None:
        return {"asset": None, "mime": output["mime"], "text": output["text"]}
    return {"asset": row["id"], "mime": row["mime"], "text": None}


async def _copied(assets: Assets, key_id: str, asset: str) -> Row:
    row = await assets.found(asset)
    if row["mime"] in STILL and row["frames"] is None:
        kept = await assets.keep(partial(_unsigned, assets, row))
        if kept.facts.fault is None:
            return tables.new_row(key_id, kept, "output")
    return row | {"id": clock.new_id("ast"), "key_id": key_id, "job_id": None, "created_at": clock.now()}


def _unsigned(assets: Assets, row: Row) -> bytes:
    """The same pixels as PNG; of all that was said beside them only the colours' profile stays, for it is seen."""
    with closing(assets.blobs.open(row["sha256"])) as file:
        return repainted(file.read(), row["mime"])


def repainted(data: bytes, mime: str) -> bytes:
    with Image.open(BytesIO(data), formats=(FORMATS[mime],)) as image:
        turn = _turn(image)
        upright = image if turn is None else image.transpose(turn)
        plain = upright if upright.mode in MODES else upright.convert("RGB")
        bare = Image.new(plain.mode, plain.size)
        bare.paste(plain)
        if plain.mode == "P":
            bare = plain.convert("RGBA")
        written = BytesIO()
        bare.info.clear()
        profile = upright.info.get("icc_profile") if plain is upright else None  # of other colours than these
        bare.save(written, "PNG", compress_level=1, icc_profile=profile)
    return written.getvalue()


def _turn(image: Image.Image) -> Transpose | None:
    """How a picture is to be turned, as far as it can be read."""
    try:
        return TURNS.get(image.getexif().get(ORIENTATION, 1))
    except NONSENSE:
        return None
