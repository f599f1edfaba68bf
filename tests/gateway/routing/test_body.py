"""The body of a job: what is understood, what is refused, and what a decision can depend on."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from adapters.schema import Accept, MediaRequest
from gateway.routing import body as bodies
from gateway.routing.body import JobBody, Wishes
from router.names import Auto, OneModel
from router.policy import preset

PICTURE = {"task": "text-to-image", "prompt": "a red fox"}
WORDS = {"task": "text", "prompt": "hello"}
LINK = "https://example.com/a.png"

REFUSED = {
    "no task": {"prompt": "a fox"},
    "an unknown task": PICTURE | {"task": "text-to-smell"},
    "an unknown field": PICTURE | {"promt": "a fox"},
    "an unknown wish": PICTURE | {"routing": {"cheap": True}},
    "an unknown policy": PICTURE | {"routing": {"policy": "luckiest"}},
    "an unknown weight": PICTURE | {"routing": {"weights": {"luck": 1}}},
    "a negative weight": PICTURE | {"routing": {"weights": {"cost": -1}}},
    "no prompt": {"task": "text-to-image"},
    "a blank prompt": PICTURE | {"prompt": " \n"},
    "neither messages nor a prompt": {"task": "text"},
    "messages and a prompt": WORDS | {"messages": [{"role": "user", "content": "hello"}]},
    "an unknown role": {"task": "text", "messages": [{"role": "cat", "content": "meow"}]},
    "an unknown input": PICTURE | {"inputs": [{"role": "smell", "url": LINK}]},
    "a size said twice": PICTURE | {"width": 640, "aspect_ratio": "1:1"},
    "a size and a resolution": PICTURE | {"height": 640, "resolution": "720p"},
    "a width of nothing": PICTURE | {"width": 0},
    "a ratio of nothing": PICTURE | {"aspect_ratio": "0:1"},
    "no pictures": PICTURE | {"count": 0},
    "too many pictures": PICTURE | {"count": 101},
    "a negative seed": PICTURE | {"seed": -1},
    "an endless clip": PICTURE | {"duration_s": 1e9},
    "half a picture": PICTURE | {"count": 1.5},
    "an empty model": PICTURE | {"model": ""},
    "a model with a NUL": PICTURE | {"model": "auto\x00"},
    "a model of a page": PICTURE | {"model": "m" * 201},
    "a prompt of a book": PICTURE | {"prompt": "m" * 100_001},
    "a negative limit": PICTURE | {"routing": {"max_cost_usd": "-1"}},
    "a limit that is no number": PICTURE | {"routing": {"max_cost_usd": "NaN"}},
    "no latency at all": PICTURE | {"routing": {"max_latency_s": 0}},
    "better than perfect": PICTURE | {"routing": {"min_quality": 1.1}},
    "the best none": PICTURE | {"routing": {"top": 0}},
    "endless fallbacks": PICTURE | {"routing": {"fallbacks": 21}},
    "a quote of two words": PICTURE | {"quote": "quo 1"},
    "a webhook that is no address": PICTURE | {"webhook_url": 7},
    "metadata of a book": PICTURE | {"metadata": {str(number): 1 for number in range(51)}},
    "metadata that are a list": PICTURE | {"metadata": [1]},
}


def parse(document):
    return JobBody.model_validate_json(json.dumps(document))


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
def test_a_body_with_a_fault_is_refused(document):
    with pytest.raises(ValidationError):
        parse(document)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "[1, NaN]"])
@pytest.mark.parametrize("field", ["metadata", "extra"])
def test_numbers_that_json_does_not_know_are_refused(field, literal):
    value = f'{{"fal": {{"x": {literal}}}}}'
    with pytest.raises(ValidationError):
        JobBody.model_validate_json(f'{{"task": "text-to-image", "prompt": "a fox", "{field}": {value}}}')


ACCEPTED = [
    PICTURE,
    PICTURE | {"negative_prompt": None, "width": None, "quote": None, "webhook_url": None, "routing": {}},
    WORDS,
    {"task": "text", "messages": [{"role": "user", "content": [{"type": "image", "url": LINK}]}]},
    {"task": "upscale-image", "inputs": [{"role": "source", "url": LINK}]},
    PICTURE | {"routing": {"max_cost_usd": 0.05, "only": ["fal"], "weights": {"quality": 1}}},
    PICTURE | {"metadata": {"a": {"b": [1, None, "ü\x00"]}}, "extra": {"fal": {"enable_safety_checker": True}}},
]


@pytest.mark.parametrize("document", ACCEPTED)
def test_a_body_that_is_right_is_understood_and_written_again_as_it_was(document):
    body = parse(document)
    assert JobBody.model_validate_json(body.model_dump_json()) == body
    assert body.digest() == parse(document).digest()


def test_the_request_is_the_body_without_what_is_the_gateways_business():
    body = parse(PICTURE | {"seed": 7, "metadata": {"a": 1}, "model": "fal/veo3.1"})
    assert body.media() == MediaRequest(task="text-to-image", prompt="a red fox", seed=7)


def test_any_difference_between_two_bodies_is_in_their_digests():
    variants = [{}, {"seed": 1}, {"prompt": "a blue fox"}, {"metadata": {"a": 1}}, {"routing": {"top": 1}}]
    assert len({parse(PICTURE | each).digest() for each in variants}) == len(variants)


def policy(wishes=None, named=None, task="text-to-image"):
    return bodies.policy_of(parse(PICTURE | {"task": task, "routing": wishes or {}}), named or Auto(None))


def test_who_says_nothing_gets_the_balanced_policy_on_the_scale_of_the_task():
    assert policy() == preset("balanced", "text-to-image")
    assert policy(task="text-to-video").fair_cost_usd > policy().fair_cost_usd


def test_a_policy_can_be_named_with_the_model_and_the_wishes_go_before_it():
    assert policy(named=Auto("best")).name == "best"
    assert policy({"policy": "cheapest"}, Auto("best")).name == "cheapest"
    assert policy({"policy": "fastest"}, OneModel("google/veo-3.1")).name == "fastest"


def test_weights_are_laid_over_the_policys_own():
    weights = policy({"policy": "balanced", "weights": {"cost": 3, "local": 1}}).weights
    assert weights == preset("balanced", "text-to-image").weights | {"cost": 3, "local": 1}
    assert policy({"weights": {"quality": 0}}).weights["quality"] == 0


def test_wishes_replace_what_the_policy_says_and_leave_the_rest():
    wishes = {
        "max_cost_usd": "0.05", "max_latency_s": 9, "min_quality": 0.0, "top": 2, "fallbacks": 0, "only": ["fal"],
        "ignore": ["openai"], "order": ["fal"], "content_elsewhere": True, "unknown_elsewhere": True,
    }  # fmt: skip
    changed = policy(wishes)
    assert {name: getattr(changed, name) for name in wishes} == {
        **wishes, "max_cost_usd": Decimal("0.05"), "only": ("fal",), "ignore": ("openai",), "order": ("fal",)
    }  # fmt: skip
    assert changed.weights == policy().weights


FULL = PICTURE | {
    "task": "image-to-video", "model": "auto", "negative_prompt": "a wolf", "seed": 7, "count": 2, "steps": 4,
    "inputs": [{"role": "first_frame", "url": LINK}], "aspect_ratio": "16:9", "resolution": "720p", "duration_s": 5,
    "fps": 24, "guidance": 3.5, "scale": 2, "audio": True, "format": "mp4", "quality": "high", "max_tokens": 50,
    "loras": [{"id": "a"}], "temperature": 1, "extra": {"fal": {"a": 1}}, "strict": True,
    "partial_images": 1,
}  # fmt: skip

OTHERWISE = {
    "task": "text-to-video", "model": "auto:best", "prompt": "a fox" * 50, "negative_prompt": None, "seed": None,
    "count": 3, "steps": 5, "inputs": [{"role": "last_frame", "url": LINK}], "aspect_ratio": "9:16",
    "resolution": "1080p", "duration_s": 6, "fps": 30, "guidance": 4, "scale": 3, "audio": None, "format": "webm",
    "quality": "low", "max_tokens": 51, "loras": [], "temperature": None, "extra": {"fal": {"b": 1}}, "strict": False,
    "partial_images": 2,
}  # fmt: skip

WISHED = {
    "policy": "best", "weights": {"cost": 2}, "max_cost_usd": "1", "max_latency_s": 9, "min_quality": 0.5, "top": 3,
    "only": ["fal"], "ignore": ["fal"], "order": ["fal"], "fallbacks": 2, "content_elsewhere": True,
    "max_local_wait_s": 20, "unknown_elsewhere": True, "replace": True,
}  # fmt: skip

UNSHAPED = {"quote", "webhook_url", "metadata", "messages", "width", "height", "routing"}
"""Fields that a decision does not depend on, or that have tests of their own below."""


def shape(document, minded=None):
    return bodies.shape_of(parse(document), minded or {})


def test_the_table_of_differences_leaves_no_field_out():
    assert set(OTHERWISE) | UNSHAPED == set(JobBody.model_fields)
    assert set(WISHED) == set(Wishes.model_fields)


@pytest.mark.parametrize("name", OTHERWISE)
def test_whatever_a_decision_can_depend_on_changes_the_shape(name):
    assert shape(FULL) != shape(FULL | {name: OTHERWISE[name]})


@pytest.mark.parametrize("name", WISHED)
def test_every_wish_changes_the_shape(name):
    assert shape(FULL) != shape(FULL | {"routing": {name: WISHED[name]}})


@pytest.mark.parametrize("name", ["width", "height"])
def test_a_size_changes_the_shape(name):
    assert shape(PICTURE | {name: 640}) != shape(PICTURE | {name: 641}) != shape(PICTURE)


def test_messages_change_the_shape_by_their_length_and_their_pictures():
    def chat(*contents):
        return shape({"task": "text", "messages": [{"role": "user", "content": each} for each in contents]})

    image = [{"type": "image", "url": LINK}]
    assert len({chat("a"), chat("ab"), chat("ä"), chat("a", "a"), chat(image), chat(image * 2)}) == 5
    assert chat("ab") == chat("ä"), "two bytes either way"


def test_each_lora_and_its_scale_is_part_of_the_shape():
    asked = [[{"id": "a"}], [{"id": "b"}], [{"id": "a", "scale": 2}], [{"id": "a"}, {"id": "b"}]]
    assert len({shape(FULL | {"loras": each}) for each in asked}) == 4


SAME = {
    "prompt": "a red cat", "negative_prompt": "a cat", "seed": 8, "temperature": 0.5,
    "inputs": [{"role": "first_frame", "base64": "AAAA"}], "metadata": {"a": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_words_seeds_and_pictures_themselves_do_not_change_the_shape(name):
    assert shape(FULL) == shape(FULL | {name: SAME[name]})


def test_a_seed_that_some_offer_does_not_take_is_part_of_the_shape():
    minded = {"seed": (Accept(range=(0, 10)),)}
    assert shape(FULL | {"seed": 9}, minded) == shape(FULL | {"seed": 10}, minded)
    assert len({shape(FULL | {"seed": seed}, minded) for seed in (10, 11, 12)}) == 3


def test_who_is_not_strict_may_have_their_own_values_changed_so_they_are_part_of_the_shape():
    lax = FULL | {"strict": False}
    for name in ("negative_prompt", "seed", "temperature"):
        assert shape(lax) != shape(lax | {name: SAME[name]})


@given(
    document=st.fixed_dictionaries(
        {},
        optional={name: st.sampled_from([FULL[name], value]) for name, value in OTHERWISE.items() if name in FULL},
    )
)
def test_a_shape_can_be_a_key_and_is_the_same_each_time(document):
    body = FULL | document
    assert hash(shape(body)) == hash(shape(body)) and shape(body) == shape(json.loads(json.dumps(body)))
