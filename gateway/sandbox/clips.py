"""Clips drawn from prompt and seed, or by moving a camera over a given picture, as H.264 MP4. Reads no clock."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image, ImageOps

from gateway.sandbox.captions import band_of
from gateway.sandbox.pictures import NOTE
from gateway.sandbox.scenes import imagine
from gateway.sandbox.stages import build, show

SAMPLE_RATE = 44_100
AUDIO_FRAME = 1_024
"""Samples in one AAC frame."""

LOUDNESS = 0.12
"""Of full scale: gentle."""

WALK_PHASES = 12
"""Drawings of one step cycle: enough at 24 frames a second, little to keep."""

ZOOM = 0.14
"""How much closer the camera comes to a given picture by the end."""

Progressed = Callable[[float], None]


class Film(NamedTuple):
    """What to render: seconds, frames a second, pixels (even numbers: yuv420p halves them)."""

    seconds: float
    fps: int
    width: int
    height: int
    has_audio: bool = False
    is_draft: bool = False

    @property
    def frames(self) -> int:
        return max(1, round(self.seconds * self.fps))


def render(
    path: Path, prompt: str, seed: int, film: Film, first_frame: Image.Image | None, progressed: Progressed
) -> None:
    """Write the MP4 to `path` (its index is moved to the front afterwards, which needs a real file).

    `progressed` is told the done part (0..1) from time to time.
    """
    scale = 2 if film.is_draft else 1
    small = (film.width // scale, film.height // scale)
    shots = _scene_shots(prompt, seed, film, small) if first_frame is None else _camera_shots(first_frame, film, small)
    band = band_of(film.width, film.height, prompt)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as box:
        box.metadata["comment"] = NOTE
        box.metadata["title"] = "Podium sandbox"
        video = _video_stream(box, film)
        audio = _audio_stream(box) if film.has_audio else None
        for index, shot in enumerate(shots):
            _write_picture(box, video, _finished(shot, band, film), index)
            if index % film.fps == 0:
                progressed(index / film.frames)
        box.mux(video.encode())
        if audio is not None:
            _write_tone(box, audio, film, imagine(prompt, seed).key)


def _video_stream(box: OutputContainer, film: Film) -> VideoStream:
    """One thread and bit-exact flags: the bytes must not depend on the machine's cores or on the encoder's banner."""
    options = {"preset": "ultrafast" if film.is_draft else "veryfast", "crf": "30" if film.is_draft else "21",
               "threads": "1", "x264-params": "threads=1:lookahead-threads=1:sliced-threads=0"}  # fmt: skip
    stream = box.add_stream("libx264", rate=film.fps, options=options)
    stream.width, stream.height, stream.pix_fmt = film.width, film.height, "yuv420p"
    stream.codec_context.time_base = Fraction(1, film.fps)
    stream.codec_context.thread_count = 1
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    return stream


def _audio_stream(box: OutputContainer) -> AudioStream:
    stream = box.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
    stream.bit_rate = 64_000
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    return stream


def _scene_shots(prompt: str, seed: int, film: Film, size: tuple[int, int]) -> Iterator[Image.Image]:
    stage = build(imagine(prompt, seed), *size, seconds=film.frames / film.fps, phases=WALK_PHASES)
    return (show(stage, index / film.fps) for index in range(film.frames))


def _camera_shots(first_frame: Image.Image, film: Film, size: tuple[int, int]) -> Iterator[Image.Image]:
    """A slow approach with a pan: the first shot is the picture as it was given, filled to the frame."""
    ground = ImageOps.fit(first_frame.convert("RGB"), size, Image.Resampling.LANCZOS)
    for index in range(film.frames):
        share = index / max(1, film.frames - 1)
        eased = share * share * (3 - 2 * share)
        wide, high = size[0] * (1 - ZOOM * eased), size[1] * (1 - ZOOM * eased)
        left = (size[0] - wide) * (0.5 + 0.4 * math.sin(share * math.pi * 0.9))
        top = (size[1] - high) * 0.45
        yield ground.resize(size, Image.Resampling.BILINEAR, box=(left, top, left + wide, top + high))


def _finished(shot: Image.Image, band: Image.Image, film: Film) -> Image.Image:
    picture = shot
    if shot.size != (film.width, film.height):
        picture = shot.resize((film.width, film.height), Image.Resampling.BILINEAR)
    picture.paste(band, (0, film.height - band.height), band)
    return picture


def _write_picture(box: OutputContainer, stream: VideoStream, picture: Image.Image, index: int) -> None:
    frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
    frame.pts, frame.time_base = index, Fraction(1, stream.codec_context.framerate)
    box.mux(stream.encode(frame))


def _write_tone(box: OutputContainer, stream: AudioStream, film: Film, key: int) -> None:
    """A soft chord that swells and fades, as long as the pictures."""
    count = round(film.frames / film.fps * SAMPLE_RATE)
    at_s = np.arange(count, dtype=np.float32) / SAMPLE_RATE
    root = 174.6 * 2 ** ((key % 7) / 12)
    chord = sum(np.sin(2 * np.pi * root * ratio * at_s) / ratio for ratio in (1.0, 1.25, 1.5))
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * at_s / 3.7)
    edge = np.minimum(1, np.minimum(at_s, at_s[::-1]) / 0.25)
    samples = (LOUDNESS * chord * swell * edge).astype(np.float32)
    for start in range(0, count, AUDIO_FRAME):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + AUDIO_FRAME], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        box.mux(stream.encode(frame))
    box.mux(stream.encode())
