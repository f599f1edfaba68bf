import io
import struct
import zlib
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from gateway.assets.measure import PIXELS, measure
from tests.simulators import media


def facts_of(data):
    return measure(io.BytesIO(data))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_a_picture_has_its_size_and_a_cut_one_its_fault(make, format):
    data = make.picture(format)
    facts = facts_of(data)
    assert (facts.width, facts.height, facts.frames, facts.fault) == (64, 48, None, None)
    assert "does not decode" in facts_of(data[:-20]).fault


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP", "AVIF"])
def test_a_moving_picture_has_frames_and_a_length(make, format):
    facts = facts_of(make.moving_picture(format))
    assert (facts.frames, facts.duration_s, facts.fps, facts.fault) == (5, 0.5, 10.0, None)


@pytest.mark.parametrize(
    ("format", "codec"), [("mp4", "h264"), ("mov", "h264"), ("matroska", "h264"), ("webm", "libvpx-vp9")]
)
def test_the_frames_of_a_clip_are_counted(make, format, codec):
    facts = facts_of(make.clip(format, codec))
    assert (facts.width, facts.height, facts.frames, facts.fps, facts.has_audio) == (160, 96, 36, 24.0, False)
    assert facts.duration_s == pytest.approx(1.5, abs=0.002) and facts.fault is None


def test_a_film_rate_stays_a_film_rate(make):
    facts = facts_of(make.clip(fps=Fraction(24_000, 1001)))
    assert facts.fps == 23.976 and facts.frames == 36


def test_a_clip_with_sound_says_so(make):
    facts = facts_of(make.clip(sound=True))
    assert facts.has_audio and facts.frames == 36 and facts.fault is None


@pytest.mark.parametrize(
    ("format", "codec", "mime"),
    [
        ("wav", "pcm_s16le", "audio/wav"),
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("flac", "flac", "audio/flac"),
        ("adts", "aac", "audio/aac"),
        ("mp4", "aac", "audio/mp4"),
    ],
)
def test_sound_has_a_length_and_no_size(make, format, codec, mime):
    facts = facts_of(make.sound(format, codec))
    assert (facts.mime, facts.width, facts.frames, facts.has_audio, facts.fault) == (mime, None, None, True, None)
    assert facts.duration_s == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(("rate_hz", "sixteenths"), [(22_050, range(1, 81)), (44_100, range(3, 81, 4))])
def test_sound_of_any_length_decodes(rate_hz, sixteenths):
    """The last frame of an MP3 may lie in the bytes of those before it: it alone decodes to nothing."""
    found = {each: facts_of(media.sound(each / 16, rate_hz)).fault for each in sixteenths}
    assert {each: fault for each, fault in found.items() if fault} == {}


def test_sound_that_is_nothing_after_its_first_frames_is_broken():
    data = media.sound(3)
    assert "does not decode" in facts_of(data[: len(data) // 10].ljust(len(data), b"\0")).fault


def test_a_cut_mp4_is_named_as_such_wherever_its_index_is(make):
    behind, ahead = make.clip(), make.clip(movflags="faststart")
    assert "does not decode" in facts_of(behind[: len(behind) // 2]).fault  # its index was at the end
    assert "damaged" in facts_of(ahead[: len(ahead) * 2 // 3]).fault


@pytest.mark.parametrize(("format", "codec"), [("matroska", "h264"), ("webm", "libvpx-vp9")])
def test_a_cut_matroska_ends_before_its_head_says(make, format, codec):
    data = make.clip(format, codec, frames=72)
    assert "missing" in facts_of(data[: len(data) // 2]).fault


def test_a_clip_without_a_picture_that_decodes_is_broken(make):
    data = bytearray(make.clip())
    begin = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[begin:end] = bytes(end - begin)
    assert facts_of(bytes(data)).fault


def test_a_decompression_bomb_is_refused_by_its_head_alone():
    side = 30_000
    assert side * side > PIXELS

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress(bytes(side * 4))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    facts = facts_of(png + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    assert facts.fault and facts.width is None


def test_a_picture_just_over_the_limit_is_refused(make):
    assert "too many" in facts_of(make.picture("PNG", size=(8200, 8200), compress_level=1)).fault


def test_what_we_do_not_know_has_no_facts_and_no_fault():
    assert facts_of(b"%PDF-1.7").mime == "application/octet-stream"
    assert facts_of(b"").fault is None
    assert facts_of(b"<svg></svg>") == facts_of(b"<svg />")


ROTTEN = ["PNG", "JPEG", "WEBP", "GIF", "AVIF", "animation", "mp4", "webm", "mp3"]


@pytest.mark.parametrize("kind", ROTTEN)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seeds=st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6))
def test_rotten_files_are_faults_and_never_exceptions(make, kind, seeds):
    data = bytearray(_whole(make, kind))
    for place, junk in seeds:
        at = 12 + int(place * (len(data) - 12))
        data[at : at + len(junk)] = junk
    facts = facts_of(bytes(data))
    assert facts.fault is None or facts.fault


_MADE = {}


def _whole(make, kind):
    if kind not in _MADE:
        made = {
            "animation": lambda: make.moving_picture(),
            "mp4": lambda: make.clip(frames=8, sound=True),
            "webm": lambda: make.clip("webm", "libvpx-vp9", frames=8),
            "mp3": lambda: make.sound("mp3", "libmp3lame", 1),
        }
        _MADE[kind] = made.get(kind, lambda: make.picture(kind))()
    return _MADE[kind]
