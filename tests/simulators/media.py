"""Real media for simulated providers to hand out: small, whole, and of the size and length that was asked for."""

import io
from functools import cache

import av
import numpy
from PIL import Image


@cache
def picture(width: int = 64, height: int = 64, kind: str = "PNG", color: str = "teal") -> bytes:
    """A picture of one color in one of Pillow's formats (PNG, JPEG, WEBP)."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), color).save(file, kind)
    return file.getvalue()


@cache
def clip(duration_s: float = 5, width: int = 64, height: int = 64, fps: int = 8) -> bytes:
    """An MP4 clip in H.264, `duration_s` seconds long."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for n in range(round(duration_s * fps)):
            shade = numpy.full((height, width, 3), (n * 8) % 256, numpy.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(shade, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return file.getvalue()


@cache
def sound(duration_s: float = 1, rate_hz: int = 22_050) -> bytes:
    """An MP3 of a steady tone."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate_hz, layout="mono")
        times = numpy.arange(round(duration_s * rate_hz)) / rate_hz
        wave = (numpy.sin(times * 440 * 6.283) * 8_000).astype(numpy.int16)
        for start in range(0, len(wave), 1_152):
            frame = av.AudioFrame.from_ndarray(wave[start : start + 1_152].reshape(1, -1), format="s16p", layout="mono")
            frame.sample_rate, frame.pts = rate_hz, start
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return file.getvalue()
