"""What an offer accepts only together: defaults give way in silence, wishes are kept, adjusted or refused in words."""

import pytest
from hypothesis import given, strategies as st

from adapters.acceptance import allowed
from adapters.capabilities import fit
from adapters.offer_rules import offer_faults
from adapters.schema import Accept, Condition, Fields, Input, MediaRequest, Offer, WireField

ACCEPTS = {
    "resolution": {"enum": ["720p", "1080p", "4k"], "default": "720p"},
    "duration_s": {"enum": [4, 6, 8], "default": 4},
    "audio": {"enum": [True, False], "default": True},
    "count": {"range": (1, 4)},
    "fps": {"enum": [24, 50], "default": 24},
}
LONG_IN_HD = {"when": {"resolution": ["1080p", "4k"]}, "accepts": {"duration_s": {"enum": [8]}}}
MUTE_IN_4K = {"when": {"resolution": "4k"}, "accepts": {"audio": {"enum": [False]}, "count": {"range": (1, 1)}}}
WITH_REFERENCES = {"roles": ["reference"], "accepts": {"duration_s": {"enum": [8], "default": 8}}}
FIELDS: Fields = {name: WireField(name=name) for name in ACCEPTS}


def offer(*conditions, accepts=ACCEPTS) -> Offer:
    return Offer(
        provider="p", model="m/m", dialect="fal", wire_id="w", tasks={"text-to-video"}, accepts=accepts,
        conditions=conditions, inputs={"reference": (0, 3)},
    )  # fmt: skip


def request(**more) -> MediaRequest:
    return MediaRequest(task="text-to-video", prompt="an onion", **more)


REFERENCE = (Input(role="reference", asset="ast_1"),)


@pytest.mark.parametrize("strict", [True, False])
def test_a_default_gives_way_in_silence(strict):
    found = fit(request(resolution="1080p"), offer(LONG_IN_HD), strict)
    assert (found.request.duration_s, found.adjustments, found.reasons) == (8, (), ())


def test_a_wish_that_is_not_accepted_together_is_refused_in_words():
    found = fit(request(resolution="1080p", duration_s=4), offer(LONG_IN_HD))
    assert found.reasons == ("with resolution 1080p accepts duration_s 8, not 4",)
    found = fit(request(duration_s=6, inputs=REFERENCE), offer(WITH_REFERENCES))
    assert found.reasons == ("with a reference input accepts duration_s 8, not 6",)


def test_a_wish_is_moved_and_said_where_the_caller_allows_it():
    found = fit(request(resolution="1080p", duration_s=4), offer(LONG_IN_HD), strict=False)
    (adjustment,) = found.adjustments
    assert (adjustment.parameter, adjustment.asked, adjustment.sent) == ("duration_s", 4, 8)
    assert found.request.duration_s == 8 and not found.reasons


def test_what_was_moved_twice_is_said_once_from_the_wish_to_what_is_sent():
    found = fit(request(resolution="1080p", duration_s=3), offer(LONG_IN_HD), strict=False)
    assert [(each.parameter, each.asked, each.sent) for each in found.adjustments] == [("duration_s", 3, 8)]


def test_a_condition_that_does_not_hold_asks_for_nothing():
    assert fit(request(duration_s=4), offer(LONG_IN_HD, WITH_REFERENCES)).request.duration_s == 4
    assert fit(request(resolution="1080p", duration_s=8), offer(LONG_IN_HD)).reasons == ()


def test_a_condition_on_a_role_gives_its_own_default():
    assert fit(request(inputs=REFERENCE), offer(WITH_REFERENCES)).request.duration_s == 8
    unsaid = {name: accept for name, accept in ACCEPTS.items() if name != "duration_s"} | {"duration_s": {}}
    assert fit(request(inputs=REFERENCE), offer(WITH_REFERENCES, accepts=unsaid)).request.duration_s == 8


def test_several_parameters_move_with_one():
    found = fit(request(resolution="4k"), offer(LONG_IN_HD, MUTE_IN_4K))
    assert (found.request.duration_s, found.request.audio) == (8, False) and not found.adjustments


@pytest.mark.parametrize("strict", [True, False])
def test_fewer_outputs_are_never_what_was_asked(strict):
    found = fit(request(resolution="4k", count=3), offer(MUTE_IN_4K), strict)
    assert found.reasons == ("with resolution 4k accepts count from 1 to 1, not 3",)


def test_conditions_that_contradict_each_other_end_in_a_reason():
    one = {"when": {"fps": 24}, "accepts": {"duration_s": {"enum": [4]}}}
    other = {"when": {"fps": 24}, "accepts": {"duration_s": {"enum": [8]}}}
    found = fit(request(), offer(one, other))
    assert found.reasons == ("accepts no duration_s that all its conditions allow with the rest of the request",)


def test_pixels_that_mean_a_tier_are_said_as_they_were_asked():
    accepts = ACCEPTS | {"aspect_ratio": {"enum": ["16:9"], "default": "16:9"}}
    low = {"when": {"fps": 50}, "accepts": {"resolution": {"enum": ["720p"]}}}
    found = fit(request(width=1920, height=1080, fps=50), offer(low, accepts=accepts), strict=False)
    assert found.request.resolution == "720p"
    assert [(each.parameter, each.asked, each.sent) for each in found.adjustments] == [("resolution", "1080p", "720p")]


NAMES = st.sampled_from(["resolution", "duration_s", "audio", "fps", "count"])


@st.composite
def conditions(draw):
    def some(name):
        enum = ACCEPTS[name].get("enum") or [1, 2, 3]
        return draw(st.lists(st.sampled_from(enum), min_size=1, max_size=2, unique=True))

    when, moved = draw(NAMES), draw(NAMES)
    roles = draw(st.sampled_from([frozenset(), frozenset({"reference"})]))
    return Condition(when={when: some(when)}, roles=roles, accepts={moved: Accept(enum=some(moved))})


@st.composite
def requests(draw):
    asked = {name: accept.get("enum") or [1, 2, 3] for name, accept in ACCEPTS.items()}
    chosen = {name: draw(st.none() | st.sampled_from(values)) for name, values in asked.items()}
    said = {name: value for name, value in chosen.items() if value is not None}
    return request(inputs=draw(st.sampled_from([(), REFERENCE])), **said)


@given(wish=requests(), rules=st.lists(conditions(), max_size=4), strict=st.booleans())
def test_what_fits_keeps_every_condition_and_what_was_asked_is_kept_or_said(wish, rules, strict):
    found = fit(wish, offer(*rules), strict)
    if found.reasons:
        return
    for rule in rules:
        holds = all(getattr(found.request, name) in values for name, values in rule.when.items())
        if holds and (not rule.roles or wish.inputs):
            for name, accept in rule.accepts.items():
                assert allowed(getattr(found.request, name), accept)
    said = {each.parameter for each in found.adjustments}
    for name in ACCEPTS:
        asked = getattr(wish, name)
        if asked is not None and (name != "count" or asked > 1) and name not in said:
            assert getattr(found.request, name) == asked
    assert not (strict and found.adjustments) and "count" not in said


@given(wish=requests(), rules=st.lists(conditions(), max_size=4))
def test_what_fits_strictly_fits_the_same_otherwise(wish, rules):
    strictly = fit(wish, offer(*rules))
    if not strictly.reasons:
        assert fit(wish, offer(*rules), strict=False) == strictly


@given(wish=requests(), rules=st.lists(conditions(), max_size=4), strict=st.booleans())
def test_what_was_fitted_fits_again_unchanged(wish, rules, strict):
    found = fit(wish, offer(*rules), strict)
    if not found.reasons:
        assert fit(found.request, offer(*rules)) == (found.request, (), ())


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        ({"when": {"seed": 1}, "accepts": {"fps": {"enum": [24]}}}, "0.when.seed: the offer does not accept it"),
        ({"accepts": {"seed": {"enum": [1]}}}, "0.accepts.seed: the offer does not accept it"),
        ({"roles": ["mask"], "accepts": {"fps": {"enum": [24]}}}, "0.roles: the offer takes no mask input"),
        ({"accepts": {"fps": {"enum": [30]}}}, "0.accepts.fps: 30 is not accepted by the offer itself"),
        ({"accepts": {"fps": {"enum": []}}}, "0.accepts.fps: the list is empty"),
        (
            {"accepts": {"fps": {"enum": [24], "default": 50}}},
            "0.accepts.fps: the default 50 is not among what is accepted",
        ),
    ],
)  # fmt: skip
def test_a_slip_in_a_condition_is_found_at_loading(condition, fault):
    assert offer_faults(offer(condition), FIELDS, frozenset()) == [f"conditions.{fault} (for text-to-video)"]


def test_sound_conditions_have_no_fault():
    assert offer_faults(offer(LONG_IN_HD, MUTE_IN_4K, WITH_REFERENCES), FIELDS, frozenset()) == []
