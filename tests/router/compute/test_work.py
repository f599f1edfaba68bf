"""Tokens, FLOP and bytes: by hand, beside published figures, and what must hold of any model."""

import pytest
from hypothesis import given, strategies as st

from gateway.catalog.machines import load_tables
from router.compute.roofline import usual_size
from router.compute.tables import Architecture
from router.compute.work import Size, communicated_bytes, flop_layer, tokens, work

TABLES = load_tables()

PUBLISHED = [
    ("flux-1-dev", 1024, 1024, 1, 28, 4_096, 2.08),
    ("flux-1-dev", 1024, 1024, 1, 50, 4_096, 3.72),
    ("sd-3.5-large", 1024, 1024, 1, 28, 4_096, 1.74),
    ("qwen-image", 1024, 1024, 1, 50, 4_096, 6.93),
    ("qwen-image", 1328, 1328, 1, 50, 6_889, 13.01),
    ("hunyuan-video", 1280, 720, 129, 50, 118_800, 603.42),
    ("hunyuan-video", 960, 960, 129, 50, 118_800, 603.42),
    ("cogvideox-2b", 720, 480, 49, 50, 17_550, 12.00),
    ("cogvideox-5b", 720, 480, 49, 50, 17_550, 33.22),
    ("cogvideox-1.5-5b", 1360, 768, 81, 50, 44_880, 147.91),
    ("wan-2.1-1.3b", 832, 480, 81, 50, 32_760, 28.30),
    ("wan-2.1-14b", 1280, 720, 81, 50, 75_600, 652.33),
    ("wan-2.2-a14b", 832, 480, 81, 40, 32_760, 134.26),
    ("wan-2.2-a14b", 1280, 720, 81, 40, 75_600, 521.86),
    ("wan-2.2-ti2v-5b", 1280, 704, 121, 50, 27_280, 51.69),
    ("mochi-1", 848, 480, 163, 50, 44_520, 166.93),
    ("mochi-1", 848, 480, 163, 64, 44_520, 213.67),
    ("ltx-video-2b", 1216, 704, 121, 40, 13_376, 6.87),
    ("ltx-video-13b", 1216, 704, 121, 30, 13_376, 40.13),
    ("movie-gen", 768, 768, 256, 50, 73_728, 1020.11),
]


def size(architecture, width, height, frames, steps):
    return Size(width, height, frames, steps, architecture.usual.forwards)


@pytest.mark.parametrize(("name", "width", "height", "frames", "steps", "n", "pflop"), PUBLISHED)
def test_tokens_and_flop_of_known_outputs(name, width, height, frames, steps, n, pflop):
    architecture = TABLES.architectures[name]
    found = work(architecture, size(architecture, width, height, frames, steps))
    assert found.tokens == n
    assert found.flop / 1e15 == pytest.approx(pflop, abs=0.006)


def bare(**changes):
    """One layer that can be counted on paper."""
    said = {"name": "bare", "title": "Bare", "layers": 1, "width": 4, "mlp_width": 8, "heads": 1, "text_tokens": 0,
            "vae": {}, "usual": {"width": 16, "height": 16, "steps": 1}, "source": "made up"}  # fmt: skip
    return Architecture.model_validate(said | changes)


def test_a_layer_counted_by_hand():
    n, d, f, t = 10, 4, 8, 3
    assert flop_layer(bare(), n) == 8 * n * d * d + 4 * n * d * f + 4 * n * n * d
    assert flop_layer(bare(mlp="swiglu"), n) == 8 * n * d * d + 6 * n * d * f + 4 * n * n * d
    assert flop_layer(bare(text_tokens=t), n) == flop_layer(bare(), n + t)
    looked_at = flop_layer(bare(text_tokens=t, attention="cross"), n) - flop_layer(bare(), n)
    assert looked_at == 4 * n * d * d + 4 * n * t * d + 4 * t * d * d


def test_bytes_counted_by_hand():
    size, n, d, f = Size(16, 16, 1, steps=3, forwards=2), 256, 4, 8
    found = work(bare(), size)
    assert found.weight_bytes == 6 * (4 * d * d + 2 * d * f) * 2
    assert found.activation_bytes == 6 * (16 * n * d + 2 * n * (d + f)) * 2
    assert work(bare(), size, "fp8").weight_bytes == found.weight_bytes / 2
    assert work(bare(), size, "fp8").activation_bytes == found.activation_bytes


def test_a_causal_vae_keeps_its_first_frame_by_itself():
    causal, plain = bare(vae={"time": 4, "causal": True}), bare(vae={"time": 4})
    assert [tokens(causal, Size(16, 16, frames, 1, 1)) // 256 for frames in (1, 5, 6, 81)] == [1, 2, 3, 21]
    assert [tokens(plain, Size(16, 16, frames, 1, 1)) // 256 for frames in (1, 4, 5, 80)] == [1, 1, 2, 20]


architectures = st.sampled_from(sorted(TABLES.architectures))


@given(architectures, st.integers(1, 16), st.integers(1, 16))
def test_doubling_both_sides_makes_four_times_the_tokens_and_more_than_four_times_the_flop(name, wide, high):
    architecture = TABLES.architectures[name]
    unit = architecture.vae.width * architecture.patch.width
    usual = usual_size(architecture)
    small = usual._replace(width=wide * unit, height=high * unit)
    large = usual._replace(width=2 * wide * unit, height=2 * high * unit)
    assert tokens(architecture, large) == 4 * tokens(architecture, small)
    text_share = architecture.text_tokens / (tokens(architecture, small) + architecture.text_tokens)
    assert work(architecture, large).flop >= (4 - 3 * text_share) * work(architecture, small).flop * (1 - 1e-12)


@given(architectures, st.integers(1, 200), st.integers(1, 200))
def test_flop_and_bytes_are_proportional_to_steps(name, one, other):
    architecture = TABLES.architectures[name]
    usual = usual_size(architecture)
    left, right = (work(architecture, usual._replace(steps=steps)) for steps in (one, other))
    assert left.flop * other == pytest.approx(right.flop * one)
    assert left.bytes * other == pytest.approx(right.bytes * one)


@given(architectures, st.integers(2, 64))
def test_what_a_device_sends_shrinks_with_their_number_and_one_alone_sends_nothing(name, devices):
    architecture = TABLES.architectures[name]
    usual = usual_size(architecture)
    assert communicated_bytes(architecture, usual, 1) == 0
    assert communicated_bytes(architecture, usual, devices + 1) <= communicated_bytes(architecture, usual, devices)
