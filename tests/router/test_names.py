"""A name means one thing or nothing: other spellings and tiers are followed, other models never."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, strategies as st

from adapters.schema import Model, Offer, Override, Task
from router.labels import Variant
from router.names import Auto, OneModel, OneOffer, Unknown, collect, hyphenate, key_of

VIDEO = frozenset({Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO})
IMAGE = frozenset({Task.TEXT_TO_IMAGE})
TEXT = frozenset({Task.TEXT})


def model(id, name, tasks, *aliases, **more):
    return Model(id=id, name=name, maker="A", tasks=tasks, aliases=aliases, **more)


MODELS = [
    model("google/veo-3", "Veo 3", VIDEO, family="google/veo", released=date(2025, 5, 21)),
    model("google/veo-3.1", "Veo 3.1", VIDEO, "fal-ai/veo3.1", family="google/veo", released=date(2025, 10, 15)),
    model("google/veo-3.1-fast", "Veo 3.1 Fast", VIDEO, family="google/veo-fast", released=date(2025, 10, 15)),
    model("google/veo-4", "Veo 4", VIDEO, family="google/veo", released=date(2026, 10, 1)),
    model("google/gemini-3-pro-image", "Gemini 3 Pro Image", IMAGE, "nano-banana-pro"),
    model("bfl/flux-1.1-pro", "FLUX1.1 [pro]", IMAGE, "flux-pro-1.1", family="flux-pro", released=date(2024, 10, 2)),
    model("bfl/flux-2-pro", "FLUX.2 [pro]", IMAGE, family="flux-pro", released=date(2025, 11, 25)),
    model("bfl/flux-2-dev", "FLUX.2 [dev]", IMAGE),
    model("alibaba/wan-2.5", "Wan 2.5", frozenset({Task.TEXT_TO_VIDEO})),
    model("alibaba/qwen-image", "Qwen-Image", IMAGE),
    model("alibaba/qwen-image-2512", "Qwen-Image 2512", IMAGE),
    model("krea/krea-2", "Krea 2", IMAGE),
    model("openai/gpt-5.5", "GPT-5.5", TEXT),
    model("openai/gpt-image-2", "GPT Image 2", IMAGE),
    model("one/clash", "Clash", IMAGE, "shared-name"),
    model("two/other", "Other", IMAGE, "Shared Name"),
]


def offer(provider, model, wire_id, **more):
    return Offer(provider=provider, model=model, dialect="fal", wire_id=wire_id, tasks=IMAGE, **more)


EDIT = Override(wire_id="fal-ai/flux-2-pro/edit")
OFFERS = [
    offer("fal", "google/veo-3.1", "fal-ai/veo3.1"),
    offer("fal", "google/veo-3", "fal-ai/veo3"),
    offer("replicate", "google/veo-3.1", "google/veo-3.1"),
    offer("fal", "google/veo-3.1-fast", "fal-ai/veo3.1/fast"),
    offer("fal", "bfl/flux-2-pro", "fal-ai/flux-2-pro", by_task={Task.IMAGE_EDIT: EDIT}),
    offer("fal", "bfl/flux-2-dev", "same/wire"),
    offer("other", "bfl/flux-1.1-pro", "same/wire"),
    offer("fal", "nobody/unheard-of", "fal-ai/unheard-of"),
]
NAMES = collect(MODELS, OFFERS)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("auto", Auto(None)),
        ("Auto", Auto(None)),
        ("auto:cheapest", Auto("cheapest")),
        ("google/veo-3.1", OneModel("google/veo-3.1")),
        (" Google/Veo-3.1 ", OneModel("google/veo-3.1")),
        ("veo3.1", OneModel("google/veo-3.1")),
        ("Veo 3.1", OneModel("google/veo-3.1")),
        ("veo-3-1", OneModel("google/veo-3.1")),
        ("fal-ai/veo3.1", OneModel("google/veo-3.1")),
        ("fal-ai/veo3.1/fast", OneModel("google/veo-3.1-fast")),
        ("fal-ai/flux-2-pro/edit", OneModel("bfl/flux-2-pro")),
        ("nano banana pro", OneModel("google/gemini-3-pro-image")),
        ("fal/google/veo-3.1", OneOffer("fal/google/veo-3.1", "google/veo-3.1")),
        ("fal/veo3.1", OneOffer("fal/google/veo-3.1", "google/veo-3.1")),
        ("replicate/google/veo-latest", OneOffer("replicate/google/veo-3.1", "google/veo-3.1")),
        ("google/veo-latest", OneModel("google/veo-3.1")),
        ("veo-latest", OneModel("google/veo-3.1")),
        ("google/veo-fast-latest", OneModel("google/veo-3.1-fast")),
        ("bfl/flux-pro-latest", OneModel("bfl/flux-2-pro")),
        ("flux-pro-latest", OneModel("bfl/flux-2-pro")),
    ],
)
def test_a_caller_may_write_it_in_any_of_these_ways(written, meant):
    assert NAMES.resolve(written) == meant


@pytest.mark.parametrize(
    "written",
    ["veo-3.2", "veo-31", "veo-3.1-preview", "same/wire", "shared-name", "fal-ai/unheard-of", "fal/bfl/flux-1.1-pro",
     "", "fal/", "/", "krea-latest", "x" * 100_000],
)  # fmt: skip
def test_what_means_nothing_or_two_things_is_unknown(written):
    assert isinstance(NAMES.resolve(written), Unknown)


def test_a_near_miss_is_shown_by_its_id_and_at_most_three_are():
    assert NAMES.resolve("google/veo-3.1-fsat").near[0] == "google/veo-3.1-fast"
    assert NAMES.resolve("nano-bananna-pro").near == ("google/gemini-3-pro-image",)
    assert len(NAMES.resolve("google/veo-9").near) == 3
    assert NAMES.resolve("auto:chepest").near == ("auto:cheapest",)
    assert NAMES.resolve("zzzzzz").near == ()


def test_a_pointer_skips_what_nobody_offers():
    everywhere = collect(MODELS, [*OFFERS, offer("fal", "google/veo-4", "fal-ai/veo4")])
    assert everywhere.resolve("google/veo-latest") == OneModel("google/veo-4")
    assert isinstance(collect(MODELS, []).resolve("google/veo-latest"), Unknown)


def test_a_family_that_two_makers_have_is_pointed_to_only_with_its_maker():
    twins = [model("one/a", "A1", IMAGE, family="one/same"), model("two/a", "A2", IMAGE, family="two/same")]
    names = collect(twins, [offer("fal", "one/a", "1"), offer("fal", "two/a", "2")])
    assert names.resolve("one/same-latest") == OneModel("one/a")
    assert isinstance(names.resolve("same-latest"), Unknown)


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("veo-3.1-audio", "google/veo-3.1"),
        ("veo-3.1-audio-1080p", "google/veo-3.1"),
        ("veo-3.1-fast-audio-1080p", "google/veo-3.1-fast"),
        ("veo-3-no-audio", "google/veo-3"),
        ("veo-3.0-generate-001", "google/veo-3"),
        ("veo-3.0-generate-preview", "google/veo-3"),
        ("google/veo-3.1-fast-generate-001", "google/veo-3.1-fast"),
        ("Veo 3 Preview", "google/veo-3"),
        ("Veo 3 (January)", "google/veo-3"),
        ("wan2.5-t2v-preview", "alibaba/wan-2.5"),
        ("wan-v2.5", "alibaba/wan-2.5"),
        ("gpt-image-2 (medium)", "openai/gpt-image-2"),
        ("gpt-image-2-high-fidelity (20251216)", "openai/gpt-image-2"),
        ("gemini-3-pro-image-preview-2k (nano-banana-pro)", "google/gemini-3-pro-image"),
        ("gemini-3-pro-image (nano-banana-pro) [web-search]", "google/gemini-3-pro-image"),
        ("FLUX.2 [dev]", "bfl/flux-2-dev"),
        ("qwen-image-2026-06-22", "alibaba/qwen-image"),
        ("qwen-image-20260622", "alibaba/qwen-image"),
        ("gpt-5.5-xhigh", "openai/gpt-5.5"),
        ("gpt-5.5-20260210-high-32k", "openai/gpt-5.5"),
    ],
)
def test_a_label_with_a_tier_is_still_that_model(label, meant):
    assert NAMES.resolve_label(label) == meant


@pytest.mark.parametrize(
    "label",
    [
        "veo-3.1-lite", "veo-3.1-pro", "veo-3.1-max", "veo-3.1-mini", "veo-3.1-turbo", "veo-3-fast-audio", "veo-31",
        "veo-3.1 (Agentic)", "gpt-image-2 (nano-banana-pro)", "FLUX.2 [dev] Turbo", "qwen-image-2511", "krea-2-medium",
        "gpt-image-2-high", "wan2.5-i2v-preview", "wan-25", "shared-name", "nobody/veo-3.1-audio", "preview",
        "(medium)", "", "-001", "1080p",
    ],
)  # fmt: skip
def test_a_label_that_may_be_another_model_is_not_guessed(label):
    assert NAMES.resolve_label(label) is None


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("fal-ai/veo3.1/fast/image-to-video", "google/veo-3.1-fast"),
        ("fal_ai/fal-ai/veo3.1/reference-to-video", "google/veo-3.1"),
        ("fal-ai/veo3.1/image-to-video/fast", "google/veo-3.1-fast"),
        ("google:veo-3.1-generate-preview-lte-128k", "google/veo-3.1"),
        ("vertex_ai/veo-3.1-fast-generate-001", "google/veo-3.1-fast"),
        ("veo-fast-3.1", "google/veo-3.1-fast"),
        ("flux-pro-2", "bfl/flux-2-pro"),
        ("black_forest_labs_flux-2-dev", "bfl/flux-2-dev"),
        ("flux_flux-2--pro", "bfl/flux-2-pro"),
        ("veo-3-preview-no-audio-january", "google/veo-3"),
        ("wan-2.5-t2v-260128", "alibaba/wan-2.5"),
        ("dreamina-veo-3-720p", "google/veo-3"),
    ],
)
def test_a_label_says_whose_it_is_and_where_and_how_it_ran(label, meant):
    assert NAMES.resolve_label(label) == meant


def test_what_a_label_says_besides_the_model_is_its_variant():
    variant = NAMES.read_label("google/veo-3.1-fast-audio-1080p").variant
    assert (variant.resolution, variant.audio, variant.quality) == ("1080p", True, None)
    assert NAMES.read_label("veo-3-no-audio").variant.audio is False
    assert NAMES.read_label("gpt-image-2 (medium)").variant.quality == "medium"
    assert NAMES.read_label("gpt-5.5-xhigh").variant.effort == "xhigh"
    assert NAMES.read_label("Veo 3 (January)").variant.stage == ("january",)
    assert NAMES.read_label("wan2.5-t2v-preview").variant.tasks == {Task.TEXT_TO_VIDEO}
    assert NAMES.read_label("fal-ai/veo3.1/image-to-video").variant.tasks == {Task.IMAGE_TO_VIDEO}
    assert NAMES.read_label("veo-3.1").variant == Variant()


def test_how_a_label_is_known_is_said():
    assert NAMES.read_label("fal-ai/veo3.1").how == "exact"
    assert NAMES.read_label("veo-3.1-audio").how == "rule"
    assert NAMES.read_label("google/veo-9").how == "unresolved"


def test_a_pointer_is_followed_but_no_standing_is_its_models():
    meaning = NAMES.read_label("~google/veo-latest")
    assert (meaning.model, meaning.how) == ("google/veo-3.1", "pointer")
    assert NAMES.resolve_label("~google/veo-latest") is None


def test_what_the_operator_settled_goes_before_every_rule():
    settled = {"Secret-Model": "google/veo-4", "veo-3.1-audio": None, "gone": "nobody/unheard-of"}
    names = collect(MODELS, OFFERS, settled)
    assert names.resolve_label(" secret-model ") == "google/veo-4"
    assert names.read_label("veo-3.1-audio")[::2] == (None, "settled")
    assert names.read_label("gone").how == "unresolved"
    assert names.read_label("secret-models").how == "unresolved"


def test_open_weights_that_think_are_another_model_and_closed_ones_only_think_longer():
    apart = model("a/qwen9", "Qwen9", TEXT, open_weights=True)
    names = collect([apart, model("a/gpt9", "GPT9", TEXT)], [])
    assert names.resolve_label("gpt9-thinking") == "a/gpt9"
    assert names.resolve_label("qwen9-high") == "a/qwen9"
    assert names.resolve_label("qwen9-thinking") is None
    assert names.resolve_label("qwen9-exp") is None


def test_a_name_that_many_bear_needs_its_owner():
    names = collect([model("a/video-upscaler", "Video Upscaler", VIDEO)], [])
    assert names.resolve_label("a/video-upscaler") == "a/video-upscaler"
    assert names.resolve_label("fal-ai/video-upscaler") is None
    assert names.resolve_label("video-upscaler") is None


def test_a_slug_means_its_model_only_as_it_is_written():
    names = collect([model("google/gemini-9-flash-image", "Pictures 9", IMAGE, "google_gemini-9-flash")], [])
    assert names.resolve_label("google_gemini-9-flash") == "google/gemini-9-flash-image"
    assert names.resolve_label("google/gemini-9-flash") is None
    assert names.resolve_label("replicate/google/gemini-9-flash") is None


def test_remembering_a_label_changes_no_answer():
    fresh = replace(NAMES, read={})
    assert fresh.read_label("veo-3.1-audio") == fresh.read_label("veo-3.1-audio")
    assert list(fresh.read) == ["veo-3.1-audio"] and fresh == NAMES


@given(
    st.sampled_from([model.id for model in MODELS]), st.sampled_from(["fast", "lite", "mini", "turbo", "pro", "max"])
)
def test_a_sibling_that_the_catalog_lacks_is_never_taken_for_one_that_it_has(id, sibling):
    label = f"{id.partition('/')[2]}-{sibling}"
    assert NAMES.resolve_label(label) in (None, f"{id}-{sibling}")


@given(
    st.sampled_from([model.id for model in MODELS if model.id != "one/clash"]), st.sampled_from(" _-./"), st.booleans()
)
def test_case_and_separators_never_change_what_a_name_means(id, separator, loud):
    name = id.partition("/")[2].replace("-", separator)
    assert NAMES.resolve_label(name.upper() if loud else name) == id


@given(st.text(max_size=300))
def test_any_text_at_all_gets_an_answer(text):
    assert isinstance(NAMES.resolve(text), Auto | OneModel | OneOffer | Unknown)
    assert NAMES.resolve_label(text) is None or NAMES.resolve_label(text) in NAMES.tasks
    assert hyphenate(hyphenate(text)) == hyphenate(text)
    assert len(key_of(text)) <= 200


@given(st.permutations(MODELS), st.permutations(OFFERS))
def test_the_order_of_the_catalog_does_not_matter(models, offers):
    assert collect(models, offers) == NAMES


@pytest.mark.parametrize(
    ("one", "other"),
    [("grok-imagine-pro (20260207)", "Grok Imagine Pro"), ("nobody-9.0-1080p", "nobody 9 (audio)"),
     ("mai-image-2.5-preview", "MAI-Image-2.5")],
)  # fmt: skip
def test_a_label_without_a_model_keeps_one_key_through_tiers_and_dates(one, other):
    names = collect((), ())
    assert names.bare_key(one) == names.bare_key(other) != ""
    assert names.bare_key("nobody-9-fast") != names.bare_key("nobody-9") and names.bare_key("???") == "???"
