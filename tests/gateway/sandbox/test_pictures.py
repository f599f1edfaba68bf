"""Pictures: the same for the same prompt and seed, different otherwise, and marked as the sandbox's."""

import io

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from gateway.sandbox.edits import edit, inpaint, upscale
from gateway.sandbox.motifs import MOTIFS, sprite
from gateway.sandbox.pictures import NOTE, draw, encode
from gateway.sandbox.scenes import MOODS, SUBJECT_WORDS, USUAL_COLOURS, imagine


def pixels(picture):
    return np.asarray(picture.convert("RGB")).astype(int)


def difference(one, other):
    """Mean distance of the pixels, in levels out of 255."""
    return np.abs(pixels(one) - pixels(other)).mean()


def test_the_same_prompt_and_seed_give_the_same_bytes():
    once, again = (encode(draw("a red fox runs through snow", 7, 256, 192), "png") for _ in range(2))
    assert once == again


def test_another_seed_or_another_prompt_is_another_picture():
    fox = draw("a red fox runs through snow", 7, 256, 192)
    assert difference(fox, draw("a red fox runs through snow", 8, 256, 192)) > 3
    assert difference(fox, draw("a sailboat on the sea at night", 7, 256, 192)) > 25


def test_prompts_without_a_known_word_differ_too():
    assert difference(draw("quarterly report", 1, 256, 256), draw("annual report", 1, 256, 256)) > 3


@settings(max_examples=12, deadline=None)
@given(st.integers(64, 300), st.integers(64, 300), st.text(min_size=1, max_size=60), st.integers(0, 2**63 - 1))
def test_every_size_and_every_text_can_be_drawn(width, height, prompt, seed):
    assert draw(prompt, seed, width, height).size == (width, height)


@pytest.mark.parametrize("size", [(64, 64), (2048, 64), (64, 2048)])
def test_the_extreme_sizes_can_be_drawn(size):
    assert draw("a castle in the forest", 1, *size).size == size


def test_a_draft_is_softer_than_the_picture():
    sharp, soft = (pixels(draw("tokyo at night", 3, 256, 256, is_draft=draft))[:200] for draft in (False, True))
    assert np.abs(np.diff(sharp, axis=1)).mean() > 1.3 * np.abs(np.diff(soft, axis=1)).mean()


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_every_format_says_that_it_is_a_sandbox_rendering(output_format):
    with Image.open(io.BytesIO(encode(draw("a fox", 1, 128, 128), output_format))) as picture:
        assert picture.format == output_format.upper()
        said = picture.info.get("Comment") or picture.info.get("comment", b"").decode()
        assert NOTE in (said, picture.getexif().get(0x010E))


def test_every_subject_that_a_word_names_can_be_painted():
    assert set(SUBJECT_WORDS) == set(MOTIFS) == set(USUAL_COLOURS)
    for motif, colour in USUAL_COLOURS.items():
        assert (np.asarray(sprite(motif, colour, 64, 0.3))[..., 3] > 128).mean() > 0.04


def test_a_colour_word_colours_its_own_subject():
    subjects = {subject.motif: subject.colour for subject in imagine("a white fox and a black car", 1).subjects}
    assert min(subjects["fox"]) > 200 and max(subjects["car"]) < 60


def test_words_of_the_prompt_choose_land_weather_and_light():
    scene = imagine("snow on the mountains at night", 5)
    assert (scene.land, scene.weather, scene.is_night) == ("mountains", "snow", True)
    assert all(imagine(mood, 1).palette for mood in MOODS)


def test_an_edit_changes_the_picture_and_still_shows_it():
    given_picture = draw("castle in the forest", 3, 200, 200)
    dark = edit(given_picture, (), "make it night", 1)
    assert dark.size == (200, 200)
    assert pixels(dark)[:150].mean() < 0.75 * pixels(given_picture)[:150].mean()
    flat = [pixels(each)[:150].mean(axis=2).ravel() for each in (given_picture, dark)]
    assert np.corrcoef(*flat)[0, 1] > 0.8


def test_different_edits_of_one_picture_differ():
    given_picture = draw("castle in the forest", 3, 160, 160)
    results = [edit(given_picture, (), words, 1) for words in ("sepia", "pencil sketch", "winter", "add a red balloon")]
    assert all(difference(a, b) > 2 for i, a in enumerate(results) for b in results[i + 1 :])


def test_a_further_picture_is_seen_in_the_edit():
    given_picture, other = draw("sea", 1, 200, 200), Image.new("RGB", (50, 50), (255, 0, 0))
    assert difference(edit(given_picture, (), "sepia", 1), edit(given_picture, (other,), "sepia", 1)) > 1


def test_inpainting_changes_only_what_is_white_in_the_mask():
    given_picture = draw("castle in the forest", 3, 200, 160)
    mask = Image.new("L", (200, 160), 0)
    mask.paste(255, (60, 40, 140, 120))
    changed = np.abs(pixels(inpaint(given_picture, mask, "a sunset", 1)) - pixels(given_picture)).sum(axis=2)
    inside = np.asarray(mask) == 255
    assert changed[~inside].max() == 0
    assert (changed[inside] > 0).mean() > 0.9


def test_an_upscale_is_larger_by_its_scale_and_remains_the_same_picture():
    given_picture = draw("a red fox", 3, 120, 80)
    larger = upscale(given_picture, 2.5)
    assert larger.size == (300, 200)
    assert difference(larger.resize((120, 80), Image.Resampling.BOX), given_picture) < 6
