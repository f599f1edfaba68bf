"""Pictures in, pictures and clips out: base64 to Pillow, arrays to PNG and MP4. It refuses what is no picture."""

import base64
import binascii
import io
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from podium_worker.wire import Made, Unsuitable

PIXELS_MOST = 64 * 10**6
"""Of a picture that is given: a small file can unfold to gigabytes."""
X264 = {"crf": "18", "preset": "veryfast", "threads": "1", "x264-params": "threads=1:lookahead-threads=1"}
"""Hardly to be told from the frames. With several threads the same frames gave other bytes from one clip to the next,
with one they rarely do (x264 of PyAV 18.1, 64 × 64 pixels, seen 2026-11-21)."""

Pixels = NDArray[np.uint8]
"""Height × width × RGB, or frames × height × width × RGB."""


def opened(text: str, form: Literal["RGB", "L"] = "RGB") -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
        if picture.width * picture.height > PIXELS_MOST:
            raise Unsuitable(f"a picture has {PIXELS_MOST // 10**6} million pixels at most")
        return ImageOps.exif_transpose(picture).convert(form)
    except (binascii.Error, UnidentifiedImageError, OSError, SyntaxError) as error:
        raise Unsuitable("an input is no picture") from error


def eight_bit(values: Any) -> Pixels:
    """What a pipeline gives as `np`: numbers from 0 to 1."""
    return (np.asarray(values, dtype=np.float32).clip(0, 1) * 255).round().astype(np.uint8)


def picture(pixels: Pixels, form: Literal["png", "webp", "jpeg"]) -> Made:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=form.upper(), **({} if form == "png" else {"quality": 95}))
    return Made(data=file.getvalue(), mime=f"image/{form}", width=pixels.shape[1], height=pixels.shape[0])


def clip(frames: Pixels, fps: int) -> Made:
    """H.264 in MP4, its index in front so that it plays while it loads. An odd row or column is cut off."""
    frames = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clip.mp4"  # the index can only be moved to the front in a file that can be read again
        _write(file, frames, fps)
        data = file.read_bytes()
    size = {"width": frames.shape[2], "height": frames.shape[1], "frames": len(frames)}
    return Made(data=data, mime="video/mp4", fps=fps, **size)


def _write(file: Path, frames: Pixels, fps: int) -> None:
    with av.open(str(file), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options=X264)
        stream.codec_context.thread_count, stream.codec_context.time_base = 1, Fraction(1, fps)
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        for number, each in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(each), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
