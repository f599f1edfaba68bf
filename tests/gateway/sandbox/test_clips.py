"""Clips: exact in length and size, moving, the same for the same prompt and seed, and marked."""

from itertools import pairwise

import av
import numpy as np
import pytest

from gateway.sandbox.clips import Film, render
from gateway.sandbox.inputs import even_size
from gateway.sandbox.pictures import NOTE, draw


def rendered(path, film, prompt="a red fox runs through snow", first_frame=None, seed=7):
    told = []
    render(path, prompt, seed, film, first_frame, told.append)
    assert told == sorted(told) and all(0 <= part < 1 for part in told)
    return path


def frames(path):
    with av.open(str(path)) as box:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in box.decode(video=0)]


@pytest.mark.parametrize(("seconds", "fps"), [(1.5, 24), (1, 8), (1.04, 25)])
def test_a_clip_has_exactly_the_frames_that_were_asked(tmp_path, seconds, fps):
    path = rendered(tmp_path / "clip.mp4", Film(seconds, fps, 160, 90))
    with av.open(str(path)) as box:
        video = box.streams.video[0]
        assert (video.codec_context.name, video.pix_fmt, video.width, video.height) == ("h264", "yuv420p", 160, 90)
        assert (video.frames, video.average_rate) == (round(seconds * fps), fps)
        assert box.metadata["comment"] == NOTE
    assert len(frames(path)) == round(seconds * fps)


def test_the_index_comes_before_the_media_so_that_playing_can_start_at_once(tmp_path):
    data = rendered(tmp_path / "clip.mp4", Film(1, 8, 160, 90)).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("prompt", ["a red fox runs through snow", "sailboat at sea", "city at night", "abc"])
def test_what_is_seen_moves_from_the_first_frame_to_the_last(tmp_path, prompt):
    shots = frames(rendered(tmp_path / "clip.mp4", Film(2, 10, 192, 108), prompt))
    steps = [np.abs(a - b).mean() for a, b in pairwise(shots)]
    assert np.median(steps) > 0.1
    assert (np.abs(shots[0] - shots[-1]).max(axis=2) > 24).mean() > 0.03


def test_the_same_prompt_and_seed_give_the_same_bytes(tmp_path):
    film = Film(1, 12, 160, 90, has_audio=True)
    once, again = (rendered(tmp_path / name, film).read_bytes() for name in ("once.mp4", "again.mp4"))
    assert once == again
    assert once != rendered(tmp_path / "other.mp4", film, seed=8).read_bytes()


def test_sound_is_as_long_as_the_pictures_and_only_there_when_asked(tmp_path):
    with av.open(str(rendered(tmp_path / "loud.mp4", Film(1.5, 8, 96, 64, has_audio=True)))) as box:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in box.decode(audio=0)])
        rate = box.streams.audio[0].rate
        assert abs(samples.size / rate - 1.5) < 0.06
        assert 0.01 < np.sqrt((samples**2).mean()) < 0.3
    with av.open(str(rendered(tmp_path / "mute.mp4", Film(1.5, 8, 96, 64)))) as box:
        assert not box.streams.audio


def test_a_first_frame_is_where_the_clip_begins_and_then_the_camera_moves(tmp_path):
    first = draw("castle in the forest", 1, 192, 108)
    shots = frames(rendered(tmp_path / "clip.mp4", Film(2, 10, 192, 108), "slowly closer", first))
    picture = np.asarray(first).astype(int)
    body = slice(0, 90)  # the clip's own caption covers the rest
    assert np.abs(shots[0][body] - picture[body]).mean() < 6
    assert np.abs(shots[-1][body] - picture[body]).mean() > 8


def test_a_draft_is_smaller_than_the_clip(tmp_path):
    full, draft = (
        rendered(tmp_path / f"{name}.mp4", Film(1, 12, 320, 180, is_draft=name == "draft"))
        for name in ("full", "draft")
    )
    detail = [np.abs(np.diff(frames(path)[0][:160], axis=1)).mean() for path in (full, draft)]
    assert detail[0] > detail[1]


@pytest.mark.parametrize(
    ("resolution", "ratio", "size"),
    [
        ("480p", (16, 9), (854, 480)),
        ("720p", (9, 16), (720, 1280)),
        ("360p", (1, 1), (360, 360)),
        ("360p", (333, 250), (480, 360)),
    ],
)
def test_a_resolution_names_the_shorter_side_and_both_are_even(resolution, ratio, size):
    assert even_size(resolution, *ratio) == size
