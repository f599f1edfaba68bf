"""Fitting a request to an offer: nothing dropped in silence, nothing changed that is accepted."""

import pytest
from hypothesis import given, strategies as st

from adapters.acceptance import allowed, nearest
from adapters.capabilities import fit
from adapters.schema import Accept, Input, Lora, MediaRequest, Offer

SIDE = {"range": (256, 1440), "step": 16}
CLIP_TIERS = {"enum": ["720p", "1080p", "4k"], "default": "720p"}
SIZES = [
    {},
    {"size": {"enum": ["auto", "1024x1024", "1536x1024", "1024x1536", "512x512"], "default": "auto"}},
    {"size": {"enum": ["1280x720", "720x1280"], "default": "720x1280"}},
    {"width": SIDE | {"default": 1024}, "height": SIDE | {"default": 768}},
    {"width": {"range": (100, 1000), "step": 7}, "height": {"range": (64, 4096)}},
    {"aspect_ratio": {"enum": ["auto", "1:1", "16:9", "9:16"], "default": "auto"}},
    {"aspect_ratio": {"enum": ["16:9", "9:16"], "default": "16:9"}, "resolution": CLIP_TIERS},
    {"resolution": {"enum": ["1k", "2k"], "default": "1k"}},
    {"aspect_ratio": {}},
]
OTHERS = {
    "count": {"range": (1, 4)},
    "seed": {"range": (0, 2**32 - 1)},
    "steps": {"range": (4, 50), "step": 2, "default": 28},
    "guidance": {"range": (1.5, 9.5), "step": 0.5},
    "duration_s": {"enum": [5, 10], "default": 5},
    "audio": {"default": False},
    "quality": {"enum": ["low", "high"], "default": "low"},
    "loras": {},
    "fps": {"enum": [24], "default": 24},
    "max_tokens": {"range": (1, 100), "default": 50},
    "negative_prompt": {},
}


def an_offer(accepts, task="text-to-image", **more) -> Offer:
    named = {"provider": "p", "model": "m/m", "dialect": "fal", "wire_id": "w", "tasks": {task}}
    return Offer(**(named | {"accepts": accepts} | more))


def a_request(task="text-to-image", **more) -> MediaRequest:
    return MediaRequest(task=task, prompt="an onion", **more)


@st.composite
def offers(draw):
    names = draw(st.sets(st.sampled_from(sorted(OTHERS))))
    task = draw(st.sampled_from(["text-to-image", "text-to-video"]))
    return an_offer(draw(st.sampled_from(SIZES)) | {name: OTHERS[name] for name in names}, task)


maybe = st.none


@st.composite
def requests(draw, task):
    wish = {
        "count": draw(st.integers(1, 6)),
        "seed": draw(maybe() | st.integers(0, 2**63 - 1)),
        "steps": draw(maybe() | st.integers(1, 1000)),
        "guidance": draw(maybe() | st.floats(0, 100)),
        "duration_s": draw(maybe() | st.floats(0.1, 3600)),
        "fps": draw(maybe() | st.integers(1, 240)),
        "audio": draw(maybe() | st.booleans()),
        "quality": draw(maybe() | st.sampled_from(["low", "high", "divine"])),
        "loras": draw(st.just(()) | st.just((Lora(id="a"),))),
        "max_tokens": draw(maybe() | st.integers(1, 1000)),
        "negative_prompt": draw(maybe() | st.just("blur")),
    }
    ratio = maybe() | st.sampled_from(["auto", "1:1", "16:9", "9:16", "21:9", "1:100"])
    tier = maybe() | st.sampled_from(["720p", "1080p", "1k", "2k", "4k", "8k"])
    if draw(st.booleans()):
        wish |= {"aspect_ratio": draw(ratio), "resolution": draw(tier)}
    else:
        side = st.sampled_from([512, 720, 768, 1024, 1080, 1280, 1536, 1920]) | st.integers(16, 16_384)
        wish |= {"width": draw(side), "height": draw(side)}
    return a_request(task, **wish)


@given(st.data())
def test_what_is_lenient_once_is_strict_ever_after(data):
    offer = data.draw(offers())
    request = data.draw(requests(min(offer.tasks)))
    lenient = fit(request, offer, strict=False)
    if lenient.reasons:
        assert lenient.request == request
        return
    again = fit(lenient.request, offer)
    assert again == (lenient.request, (), ())
    assert MediaRequest.model_validate_json(lenient.request.model_dump_json()) == lenient.request


@given(st.data())
def test_strict_never_changes_what_was_asked_except_how_a_size_is_said(data):
    offer = data.draw(offers())
    request = data.draw(requests(min(offer.tasks)))
    strict = fit(request, offer)
    assert not strict.adjustments
    if strict.reasons:
        return
    for name in OTHERS:
        asked = getattr(request, name)
        if asked is not None and asked != ():
            assert getattr(strict.request, name) == asked
    if request.width and strict.request.width:
        assert (strict.request.width, strict.request.height) == (request.width, request.height)


@given(st.data())
def test_lenient_changes_nothing_that_strict_accepts_and_names_all_it_changes(data):
    offer = data.draw(offers())
    request = data.draw(requests(min(offer.tasks)))
    strict, lenient = fit(request, offer), fit(request, offer, strict=False)
    if not strict.reasons:
        assert lenient == strict
    elif not lenient.reasons:
        assert lenient.adjustments
    named = {adjustment.parameter for adjustment in lenient.adjustments}
    for name in OTHERS:
        asked = getattr(request, name)
        if not lenient.reasons and asked not in (None, (), False) and getattr(lenient.request, name) != asked:
            assert name in named


@given(st.data())
def test_what_is_sent_is_within_what_is_accepted(data):
    offer = data.draw(offers())
    fitted = fit(data.draw(requests(min(offer.tasks))), offer, strict=False)
    for name, accept in offer.accepts.items():
        value = None if name == "size" else getattr(fitted.request, name)
        if not fitted.reasons and value is not None and not isinstance(value, tuple):
            assert allowed(value, accept), name


@given(st.floats(-1e6, 1e6), st.floats(0, 100), st.floats(0.1, 1000), st.floats(0, 10))
def test_the_nearest_value_is_allowed_and_no_allowed_one_is_nearer(value, low, span, step):
    accept = Accept(range=(low, low + span), step=step if step > 0.01 else None)
    near = nearest(value, accept)
    assert allowed(near, accept)
    if allowed(value, accept):
        assert near == pytest.approx(value, abs=1e-6)  # a step is met where it is missed by a billionth


def test_defaults_are_filled_in():
    offer = an_offer(SIZES[3] | OTHERS)
    request = fit(a_request(), offer).request
    assert (request.width, request.height, request.steps, request.audio, request.duration_s) == (
        1024,
        768,
        28,
        False,
        5,
    )
    assert request.guidance is None and request.count == 1


@pytest.mark.parametrize(
    ("accepts", "wish", "sent"),
    [
        (SIZES[1], {}, (1024, 1024, None, None)),
        (SIZES[1], {"aspect_ratio": "3:2"}, (1536, 1024, None, None)),
        (SIZES[1], {"aspect_ratio": "1:1", "resolution": "0.5k"}, (512, 512, None, None)),
        (SIZES[2], {"aspect_ratio": "16:9", "resolution": "720p"}, (1280, 720, None, None)),
        (SIZES[2], {"resolution": "720p"}, (720, 1280, None, None)),
        (SIZES[3], {"aspect_ratio": "1:1"}, (1024, 1024, None, None)),
        (SIZES[5], {"width": 1024, "height": 1024}, (None, None, "1:1", None)),
        (SIZES[6], {"width": 1080, "height": 1920}, (None, None, "9:16", "1080p")),
        (SIZES[6], {"aspect_ratio": "9:16"}, (None, None, "9:16", "720p")),
    ],
)
def test_one_size_is_said_in_each_offers_own_way(accepts, wish, sent):
    task = "text-to-video" if accepts in (SIZES[2], SIZES[6]) else "text-to-image"
    fitted = fit(a_request(task, **wish), an_offer(accepts, task))
    assert not fitted.reasons
    request = fitted.request
    assert (request.width, request.height, request.aspect_ratio, request.resolution) == sent


@pytest.mark.parametrize(
    ("accepts", "wish", "reason"),
    [
        ({}, {"seed": 1}, "does not accept seed"),
        ({}, {"count": 2}, "does not accept count of 2"),
        ({}, {"width": 512, "height": 512}, "does not accept a size (512x512)"),
        (SIZES[3], {"width": 512}, "needs width and height together"),
        (SIZES[3], {"width": 512, "height": 512, "aspect_ratio": "1:1"}, "takes width and height, or aspect_ratio"),
        (SIZES[3], {"width": 500, "height": 512}, "accepts width from 256 to 1440 in steps of 16, not 500"),
        (SIZES[3], {"aspect_ratio": "16:9", "resolution": "4k"}, "not 16:9 4k (5456x3072)"),
        (SIZES[3], {"resolution": "9k"}, "not 9k"),
        (SIZES[5], {"width": 1000, "height": 900}, "accepts aspect_ratio auto or 1:1 or 16:9 or 9:16, not 1000x900"),
        (SIZES[6], {"width": 1000}, "needs width and height together"),
        (SIZES[7], {"aspect_ratio": "1:1"}, "does not accept aspect_ratio"),
        ({"duration_s": OTHERS["duration_s"]}, {"duration_s": 7}, "accepts duration_s 5 or 10, not 7.0"),
        ({"count": OTHERS["count"]}, {"count": 5}, "accepts count from 1 to 4, not 5"),
    ],
)
def test_a_reason_says_what_is_accepted_and_what_was_asked(accepts, wish, reason):
    (said,) = fit(a_request(**wish), an_offer(accepts)).reasons
    assert reason in said


@pytest.mark.parametrize("count", [2, 5])
def test_fewer_outputs_are_never_the_nearest_thing(count):
    assert fit(a_request(count=count), an_offer({}), strict=False).reasons
    assert fit(a_request(count=5), an_offer({"count": OTHERS["count"]}), strict=False).reasons


def test_a_size_too_large_becomes_smaller_as_a_whole():
    fitted = fit(a_request(aspect_ratio="16:9", resolution="4k"), an_offer(SIZES[3]), strict=False)
    assert (fitted.request.width, fitted.request.height) == (1440, 816)
    assert fitted.adjustments[0].model_dump() == {"parameter": "size", "asked": "16:9 4k", "sent": "1440x816"}


def test_inputs_are_counted_by_role():
    offer = an_offer({}, "inpaint", inputs={"source": (1, 1), "mask": (1, 1), "style": (0, 2)})
    source, mask, style, frame = (Input(role=role, asset="a") for role in ("source", "mask", "style", "first_frame"))
    assert not fit(a_request("inpaint", inputs=(source, mask)), offer).reasons
    assert fit(a_request("inpaint", inputs=(source,)), offer).reasons == ("needs 1 mask input",)
    assert fit(a_request("inpaint", inputs=(source, mask, style, style, style)), offer).reasons == (
        "accepts at most 2 style inputs",
    )
    assert fit(a_request("inpaint", inputs=(source, mask, frame)), offer).reasons == (
        "does not accept first_frame inputs",
    )


def test_an_unwanted_sound_needs_no_acceptance_and_another_task_is_refused():
    assert not fit(a_request(audio=False), an_offer({})).reasons
    assert fit(a_request("text"), an_offer({})).reasons == ("does not do text",)


@pytest.mark.parametrize("extra", [{"num_images": 9}, {"prompt": "x"}, {"image_size": "square"}, {"watermark": False}])
def test_extras_do_not_get_round_the_price(extra):
    offer = an_offer({}, fixed={"watermark": True})
    (reason,) = fit(a_request(extra={"p": extra}), offer, strict=False).reasons
    assert "not from extra" in reason
    assert not fit(a_request(extra={"q": extra}), offer).reasons


def test_extras_nested_without_end_are_refused():
    deep: list = []
    for _ in range(100):
        deep = [deep]
    assert fit(a_request(extra={"p": {"x": deep}}), an_offer({})).reasons


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("accepts", "wish", "sent"),
    [
        ({}, {"partial_images": 2}, None),
        ({"partial_images": {"range": (0, 3), "step": 1}, "count": {}}, {"partial_images": 2, "count": 2}, None),
        ({"partial_images": {"range": (0, 3), "step": 1}}, {"partial_images": 2}, 2),
        ({"partial_images": {"range": (0, 3), "step": 1}}, {"partial_images": 0}, 0),
        ({}, {"partial_images": 0}, 0),
    ],
)
def test_partial_pictures_are_a_wish_that_is_never_a_reason_against_an_offer(strict, accepts, wish, sent):
    found = fit(a_request(**wish), an_offer(accepts), strict)
    assert found.reasons == () and found.request.partial_images == sent
    changed = [(each.parameter, each.asked, each.sent) for each in found.adjustments]
    assert changed == ([] if sent == wish["partial_images"] else [("partial_images", wish["partial_images"], None)])
