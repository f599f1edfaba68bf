"""What a file really is: its size, length and frames, and whether it decodes. Blocks, so it belongs in a thread.

Nothing is held whole: a clip is read packet by packet, and of its frames only the first and the last ones are decoded.
A file that does not decode is no error here but a Facts with its fault.
"""

import io
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import AvifImagePlugin, Image, ImageSequence, WebPImagePlugin

from gateway.assets.blank import is_blank, is_suspicious
from gateway.assets.rules import Facts
from gateway.assets.sniff import HEAD_BYTES, kind, sniff
from gateway.assets.store import Readable

if TYPE_CHECKING:
    from av.container import InputContainer as Container

PIXELS = 8192 * 8192
"""The largest picture: decoded it takes 256 MiB. It is below the size at which Pillow itself would warn of a bomb."""
PICTURE_BYTES = 256 * 1024 * 1024
"""Pillow's decoders of AVIF and WebP take a whole file into memory."""
MOVING_PIXELS = 64 * PIXELS
"""All frames of a moving picture together: more would be minutes of decoding."""
PACKETS = 2_000_000
"""An hour at 240 frames a second, with sound; what has more packets is not a clip."""
TAIL_FRAMES = 1_000
"""Frames decoded at most at the end of a clip: more than lie between two key frames in practice."""
LEAD_PACKETS = 32
"""Sound is decoded from so many packets before its end: an MP3 frame may lie in up to 511 bytes of those before it
(ISO 11172-3, main_data_begin), which at the lowest rates are about twenty; AAC, Vorbis and Opus want fewer."""

SAMPLES = 4
"""Places at which a clip that may be blank is looked at."""
SAMPLE_FRAMES = 12
"""Frames that are looked at there: half a second, so that a fade from black is seen to become something."""

MISSING_S = 0.5
"""How much shorter than announced a clip may be: heads are rounded, and sound ends with a whole packet."""
MICROS = 1_000_000
"""FFmpeg gives a file's length in microseconds."""

FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/avif": "AVIF",
}
"""Our type → Pillow's only decoder for it. No other decoder ever sees a caller's bytes."""
assert (
    AvifImagePlugin and WebPImagePlugin
)  # imported for their registration: Pillow loads them last, after forty others

CONTAINERS = {
    "video/mp4": "mp4",
    "audio/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
}
"""Our type → FFmpeg's only reader for it: its playlists and network protocols are out of reach."""

BROKEN = (
    OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, MemoryError, RuntimeError,
)  # fmt: skip
"""What decoders raise for bytes that are not what they should be; found by feeding them rotten files."""
BROKEN_PICTURE = (
    *BROKEN, SyntaxError, AssertionError, struct.error, zlib.error,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


PNG_HEAD_BYTES = 8
PNG_FRAME_BYTES = 12
"""Length, kind and checksum: what a chunk has around its data."""


def measure(file: Readable) -> Facts:
    """The facts of a file, which is left open."""
    mime = sniff(file.read(HEAD_BYTES))
    file.seek(0)
    if mime in FORMATS:
        return _picture(file, mime)
    if mime in CONTAINERS:
        return _clip(file, mime)
    return Facts(mime)


def _picture(file: Readable, mime: str) -> Facts:
    size_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size_bytes > PICTURE_BYTES:
        return Facts(mime, fault=f"a picture of {size_bytes} bytes is too large; {PICTURE_BYTES} are allowed")
    try:
        with Image.open(file, formats=(FORMATS[mime],)) as image:  # type: ignore[arg-type] # needs no more than we have
            width, height = image.size
            if width * height > PIXELS:
                return Facts(mime, width, height, fault=f"{width}x{height} pixels are too many; {PIXELS} are allowed")
            facts = _still_or_moving(image, Facts(mime, width, height))
            if facts.frames is None and is_suspicious(size_bytes, width * height):
                facts = facts._replace(is_blank=is_blank([image]))
            if mime == "image/png" and facts.frames is None:
                _check_png(file, size_bytes)
            return facts
    except BROKEN_PICTURE as error:
        return Facts(mime, fault=f"the picture does not decode: {error}"[:200])


def _still_or_moving(image: Image.Image, facts: Facts) -> Facts:
    frames = getattr(image, "n_frames", 1)
    if frames == 1:
        if image.format == "JPEG":  # all of its data is read, but an eighth of its pixels is made: three times as fast
            image.draft(None, (image.width // 8, image.height // 8))
        if image.format != "PNG":
            image.load()
        return facts
    if image.width * image.height * frames > MOVING_PIXELS:
        return facts._replace(frames=frames, fault=f"{frames} frames of {image.width}x{image.height} are too many")
    duration_ms = 0.0
    for frame in ImageSequence.Iterator(image):
        frame.load()
        duration_ms += float(frame.info.get("duration", 0))
    duration_s = round(duration_ms / 1000, 3) or None
    return facts._replace(
        frames=frames, duration_s=duration_s, fps=round(frames / duration_s, 3) if duration_s else None
    )


def _check_png(file: Readable, size_bytes: int) -> None:
    """Prove a PNG whole by the checksum of every chunk, up to its last; inflating its pixels costs fifty times that.

    Raises SyntaxError for a wrong checksum, and ValueError for bytes that end too soon.
    """
    place = PNG_HEAD_BYTES
    while place + PNG_FRAME_BYTES <= size_bytes:
        file.seek(place)
        length = int.from_bytes(file.read(4), "big")
        if place + PNG_FRAME_BYTES + length > size_bytes:
            break
        kind = file.read(4)
        checksum, left = zlib.crc32(kind), length
        while left:
            part = file.read(min(left, 1 << 20))
            checksum, left = zlib.crc32(part, checksum), left - len(part)
        if int.from_bytes(file.read(4), "big") != checksum:
            raise SyntaxError(f"the chunk {kind!r} is damaged")
        if kind == b"IEND":
            return
        place += PNG_FRAME_BYTES + length
    raise ValueError("it is cut off")


def _clip(file: Readable, mime: str) -> Facts:
    import av  # here, because it takes 15 MB that a gateway without clips never needs

    try:
        with av.open(file, "r", format=CONTAINERS[mime], metadata_errors="replace") as container:
            if container.streams.video:
                return _film(container, mime)
            if container.streams.audio:
                return _sound(container, mime)
    except (av.FFmpegError, *BROKEN) as error:
        reason = getattr(error, "strerror", None) or error
        return Facts(mime, fault=f"the file does not decode: {reason}"[:200])
    return Facts(mime, fault="the file holds neither pictures nor sound")


class Track(NamedTuple):
    """What the packets of one stream say; times are seconds, `last_key` is in the stream's own time base: from there on
    all can be decoded. Every packet of sound calls itself a key, and needs some of those before it all the same.

    `missing_s`: how much earlier the packets of all streams end than the file's head promises. `size_bytes`: its own.
    """

    packets: int
    begin_s: float
    end_s: float
    last_key: int
    missing_s: float
    size_bytes: int


def _film(container: "Container", mime: str) -> Facts:
    stream = container.streams.video[0]
    facts = Facts(mime, stream.width, stream.height, has_audio=bool(container.streams.audio))
    if stream.width * stream.height > PIXELS:
        return facts._replace(fault=f"{stream.width}x{stream.height} pixels are too many; {PIXELS} are allowed")
    track = _track(container, stream)
    fps = round(float(stream.average_rate), 3) if stream.average_rate else None
    duration_s = round(track.end_s - track.begin_s, 3)
    facts = facts._replace(frames=track.packets, duration_s=duration_s, fps=fps)
    if track.packets < stream.frames:  # an MP4 counts its frames; Matroska and WebM only say how long they are
        return facts._replace(fault=f"the clip is cut off: {track.packets} of {stream.frames} frames are there")
    if track.missing_s > MISSING_S + duration_s / 10:
        return facts._replace(fault=f"the clip is cut off: its last {track.missing_s:.1f} s are missing")
    facts = facts._replace(fault=_undecodable(container, stream, track))
    is_small = is_suspicious(track.size_bytes, stream.width * stream.height, track.packets)
    return facts._replace(is_blank=not facts.fault and is_small and is_blank(_samples(container, stream, track)))


def _samples(container: "Container", stream: Any, track: Track) -> Iterator[Image.Image]:
    """Frames from the whole length of a clip; fewer where it has fewer key frames."""
    for index in range(SAMPLES):
        time_s = track.begin_s + (track.end_s - track.begin_s) * index / SAMPLES
        container.seek(int(time_s / stream.time_base), stream=stream)
        for frame in islice(container.decode(stream), SAMPLE_FRAMES):
            yield frame.to_image()


def _sound(container: "Container", mime: str) -> Facts:
    stream = container.streams.audio[0]
    track = _track(container, stream)
    heard = f"audio/{mime.partition('/')[2]}" if kind(mime) == "video" else mime
    facts = Facts(heard, duration_s=round(track.end_s - track.begin_s, 3), has_audio=True)
    return facts._replace(fault=_undecodable(container, stream, track))


def _track(container: "Container", stream: Any) -> Track:
    """Read every packet once, and decode none."""
    count, begin, end, until_s, size_bytes = 0, None, 0, 0.0, 0
    keys: deque[int] = deque([0], maxlen=LEAD_PACKETS if stream.type == "audio" else 1)
    for number, packet in enumerate(_packets(container)):
        if number == PACKETS or packet.is_corrupt:
            raise ValueError(f"packet {number} is damaged" if number < PACKETS else f"more than {PACKETS} packets")
        time = packet.pts if packet.pts is not None else end
        over = time + (packet.duration or 0)
        until_s = max(until_s, float(over * packet.time_base))
        if packet.stream_index == stream.index:
            count, size_bytes = count + 1, size_bytes + packet.size
            begin, end = time if begin is None else min(begin, time), max(end, over)
            if packet.is_keyframe:
                keys.append(time)
    base = float(stream.time_base)
    promised_s = (container.duration or 0) / MICROS
    return Track(count, (begin or 0) * base, end * base, keys[0], promised_s - until_s, size_bytes)


def _packets(container: "Container") -> Iterator[Any]:
    """The packets of pictures and sound that a player would show."""
    for packet in container.demux(*container.streams.video, *container.streams.audio):
        if packet.size and not packet.is_discard:
            yield packet


def _undecodable(container: "Container", stream: Any, track: Track) -> str | None:
    """Decode the first frame, then all from the last key frame on: why that fails, or None."""
    for place, frames in ((0, 1), (track.last_key, TAIL_FRAMES)):
        container.seek(place, stream=stream)
        if not any(True for _ in _first(container.decode(stream), frames)):
            return "the file holds no frame that decodes"
    return None


def _first(frames: Iterator[Any], count: int) -> Iterator[Any]:
    """At most so many frames, all of them really decoded: `any` alone would stop at the first."""
    decoded = [True for _, _ in zip(range(count), frames, strict=False)]
    return iter(decoded)
