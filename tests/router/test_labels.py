"""The normal form joins the spellings of one model and never two models."""

import pytest
from hypothesis import given, strategies as st

from router.labels import OWNERS, bare_key, graded_key, hyphenate, is_telling, key_of, peels, tails, without_brackets


@pytest.mark.parametrize(
    "same",
    [
        ["Veo 3.1", "veo-3-1-preview", "google/veo-3.1-generate-001", "fal-ai/veo3.1/image-to-video", "veo-3.1-audio"],
        ["imagen-ultra-4.0-generate-001", "google/imagen-4.0-ultra", "imagen-4.0-ultra-generate-preview-06-06"],
        ["FLUX1.1 [pro] Ultra", "flux-pro-1.1-ultra", "fal-ai/flux-pro/v1.1-ultra"],
        ["doubao-seedance-2-0-fast-260128", "bytedance/seedance-2.0/fast/text-to-video", "Seedance 2 Fast 720p"],
        ["gpt-image-2 (medium)", "openai:gpt-image-2", "gpt-image-2-high-fidelity (20260421)"],
    ],
)  # fmt: skip
def test_labels_of_one_model_share_a_normal_form(same):
    assert len({bare_key(label) for label in same}) == 1


@pytest.mark.parametrize("grade", ["fast", "lite", "mini", "turbo", "pro", "max", "ultra"])
def test_a_grade_is_another_model_wherever_it_stands(grade):
    assert bare_key(f"veo-3.1-{grade}-preview") == bare_key(f"veo-{grade}-3.1")
    assert bare_key(f"veo-3.1-{grade}") != bare_key("veo-3.1")


@pytest.mark.parametrize(
    ("one", "other"),
    [("qwen-image", "qwen-image-2512"), ("qwen-image", "qwen-image-edit"), ("veo-3.1", "veo-31"), ("wan-2.5", "wan-25"),
     ("FLUX.2 [dev]", "FLUX.2 [pro]"), ("gpt-5-image", "gpt-image-5"), ("krea-2", "krea-2-large"), ("sora", "sora-2")],
)  # fmt: skip
def test_two_models_never_share_one(one, other):
    assert bare_key(one) != bare_key(other)


def test_a_version_alone_is_no_name():
    assert [each.text for each in tails("recraft/v3")] == ["recraft-v3"]
    assert [each.text for each in tails("reve/2.1/edit")] == ["reve-2-1"]


def test_what_stands_in_brackets_is_apart_unless_it_is_a_part_of_the_name():
    assert without_brackets("a [web-search] (nano-banana)") == ("a", ("web-search", "nano-banana"))
    assert without_brackets("FLUX.2 [klein] 9B") == ("FLUX.2 klein 9B", ())


def test_names_made_of_common_words_tell_nothing():
    assert not is_telling("video-upscaler") and not is_telling("Image Upscale")
    assert is_telling("crystal-upscaler") and is_telling("topaz/video-upscaler")


def test_owners_are_written_as_labels_are_compared():
    assert all(owner == hyphenate(owner) for owner in OWNERS)


@given(st.text(max_size=300))
def test_any_text_at_all_has_a_normal_form(text):
    assert len(bare_key(text)) <= 200
    assert bare_key(text) == bare_key(f" {text} ")
    for tail in tails(text):
        assert all(len(peeled.text) <= len(tail.text) for peeled in peels(tail))


@given(st.sampled_from(["veo-3.1", "flux-2-pro", "seedance-2.0"]), st.sampled_from(sorted(OWNERS)))
def test_an_owner_never_changes_what_a_label_means(name, owner):
    assert bare_key(f"{owner}/{name}") == bare_key(name)
    assert bare_key(f"{owner}:{name}") == bare_key(name)


@given(st.permutations(["flux", "2", "pro", "ultra"]))
def test_grades_are_put_in_order(words):
    if words.index("flux") < words.index("2"):
        assert graded_key("-".join(words)) == f"{key_of('flux-2')}+pro+ultra"
