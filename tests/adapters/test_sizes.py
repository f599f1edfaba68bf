"""Pixels, ratios and tiers become one another and back."""

import pytest
from hypothesis import given, strategies as st

from adapters import sizes

sides = st.integers(16, 16_384)
ratios = st.sampled_from(["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "3:2"])
tiers = st.sampled_from([*sizes.SHORT_SIDES, *sizes.AREA_SIDES])


@given(sides, sides)
def test_a_ratio_keeps_the_shape(width, height):
    wide, high = sizes.ratio_of(sizes.ratio_name(width, height))
    assert wide * height == high * width


@given(sides, sides)
def test_a_size_is_read_as_it_is_written(width, height):
    assert sizes.parse_size(f"{width}x{height}") == (width, height)


@pytest.mark.parametrize(
    ("ratio", "tier", "moving", "pair"),
    [
        ("16:9", "720p", True, (1280, 720)),
        ("9:16", "1080p", True, (1080, 1920)),
        ("16:9", "4k", True, (3840, 2160)),
        ("1:1", "4k", False, (4096, 4096)),
        ("1:1", None, False, (1024, 1024)),
        ("16:9", None, True, (1280, 720)),
        ("auto", "1k", False, (1024, 1024)),
        ("1:1", "9k", False, None),
    ],
)
def test_a_ratio_at_a_tier_has_known_pixels(ratio, tier, moving, pair):
    assert sizes.pixels(ratio, tier, moving=moving) == pair


@given(ratios, tiers, st.sampled_from([1, 8, 16, 64]), st.booleans())
def test_pixels_are_on_the_step_and_of_the_shape(ratio, tier, step, moving):
    width, height = sizes.pixels(ratio, tier, step, moving)
    assert width % step == 0 and height % step == 0
    assert sizes.ratio_distance(ratio, sizes.ratio_name(width, height)) < step / min(width, height) * 1.1


@given(ratios, ratios)
def test_distance_is_the_same_both_ways_and_nothing_to_oneself(one, other):
    assert sizes.ratio_distance(one, other) == pytest.approx(sizes.ratio_distance(other, one))
    assert sizes.ratio_distance(one, one) == 0
