"""Blank files are known as such, and none that shows something is taken for one."""

import io
import tempfile

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw

from gateway.assets.blank import is_suspicious
from gateway.assets.measure import measure

SIZE = (640, 384)


def written(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def facts_of(data):
    return measure(io.BytesIO(data))


def clip(paint, codec="h264", format="mp4", frames=72):
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format=format) as container:
            stream = container.add_stream(codec, rate=24)
            stream.width, stream.height = SIZE
            stream.pix_fmt, stream.gop_size = "yuv420p", 24
            for index in range(frames):
                pixels = np.full((SIZE[1], SIZE[0], 3), paint(index), np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
        return file.read()


FORMATS = [("PNG", {}), ("JPEG", {}), ("JPEG", {"quality": 95, "subsampling": 0}), ("WEBP", {}), ("AVIF", {})]


@pytest.mark.parametrize(("format", "options"), [*FORMATS, ("GIF", {})])
@pytest.mark.parametrize("colour", ["black", "white", "teal"])
def test_a_picture_of_one_colour_is_blank(format, options, colour):
    facts = facts_of(written(Image.new("RGB", SIZE, colour), format, **options))
    assert facts.is_blank and facts.fault is None and (facts.width, facts.height) == SIZE


@pytest.mark.parametrize(("format", "options"), [*FORMATS, ("GIF", {})])
def test_a_small_mark_on_a_white_page_is_something(format, options):
    page = Image.new("RGB", SIZE, "white")
    ImageDraw.Draw(page).rectangle((300, 200, 320, 220), fill="black")
    assert not facts_of(written(page, format, **options)).is_blank


def test_a_picture_that_is_wholly_transparent_is_blank_whatever_lies_beneath():
    hidden = Image.linear_gradient("L").resize(SIZE).convert("RGBA")
    hidden.putalpha(0)
    assert facts_of(written(hidden, "PNG")).is_blank
    assert facts_of(written(Image.new("RGBA", SIZE, (0, 0, 0, 0)), "PNG")).is_blank


def test_a_small_picture_is_never_called_blank():
    assert not facts_of(written(Image.new("RGB", (64, 64), "black"), "PNG")).is_blank


@pytest.mark.parametrize(("codec", "format"), [("h264", "mp4"), ("libvpx-vp9", "webm")])
def test_a_clip_of_one_colour_is_blank(codec, format):
    facts = facts_of(clip(lambda _: 0, codec, format))
    assert facts.is_blank and facts.fault is None and facts.frames == 72


def test_a_clip_that_shows_something_in_one_second_of_three_is_not_blank():
    mark = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    mark[100:140, 100:140] = 255
    assert not facts_of(clip(lambda index: mark if 24 <= index < 48 else 0)).is_blank


def test_a_suspicious_picture_whose_pixels_are_damaged_is_a_fault_and_not_blank():
    data = bytearray(written(Image.new("RGB", SIZE, "black"), "PNG"))
    data[60:200] = bytes(range(140))
    facts = facts_of(bytes(data))
    assert facts.fault and not facts.is_blank


def test_only_files_that_are_small_for_their_pixels_are_looked_into():
    assert is_suspicious(30_000, 1024 * 1024) and not is_suspicious(60_000, 1024 * 1024)
    assert is_suspicious(5_000, 1280 * 720, 120) and not is_suspicious(600_000, 1280 * 720, 120)
    assert not is_suspicious(100, 64 * 64)
