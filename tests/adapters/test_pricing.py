"""Quotes before and costs after, from the same dated rates, exact to the last digit."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from adapters.pricing import (
    Unpriced,
    context_of,
    cost,
    expected_usage,
    is_priced,
    price_on,
    quote,
    settled_usage,
)
from adapters.schema import Input, MediaRequest, Offer, Price, Rate

DAY = date(2026, 6, 1)


def a_price(*rates, since=DAY) -> Price:
    return Price(since=since, checked=since, source="here", rates=rates)


def an_offer(*prices, task="text-to-image", **more) -> Offer:
    named = {"provider": "p", "model": "m/m", "dialect": "fal", "wire_id": "w", "tasks": {task}, "prices": prices}
    return Offer(**(named | more))


def a_request(task="text-to-image", **more) -> MediaRequest:
    return MediaRequest(task=task, prompt="an onion", **more)


def usd(request, *rates, task=None, **more) -> Decimal:
    return quote(request, an_offer(a_price(*rates), task=task or request.task, **more), DAY).usd


IMAGE = {"unit": "output_image", "usd": "0.04"}
SECOND = {"unit": "output_video_second", "usd": "0.1"}


@pytest.mark.parametrize(
    ("request_", "rates", "usd_"),
    [
        (a_request(count=3), [IMAGE], "0.12"),
        (a_request(width=1000, height=500), [{"unit": "output_megapixel", "usd": "0.003"}], "0.0015"),
        (a_request(aspect_ratio="1:1", resolution="2k"), [{"unit": "output_megapixel", "usd": 1}], "4.194304"),
        (a_request(), [{"unit": "output_megapixel", "usd": 1}], "1.048576"),
        (a_request("text-to-video", duration_s=5, count=2), [SECOND], "1.0"),
        (a_request("text-to-video"), [{"unit": "output_video", "usd": "0.5"}], "0.5"),
        (a_request("text-to-video", duration_s=5, fps=24), [{"unit": "output_video_frame", "usd": "0.01"}], "1.2"),
        (a_request("text", max_tokens=100), [{"unit": "output_token", "usd": 30, "per": 1_000_000}], "0.003"),
        (a_request("text-to-speech"), [{"unit": "character", "usd": 15, "per": 1_000_000}], "0.000120"),
        (a_request(), [{"unit": "request", "usd": "0.1"}, IMAGE], "0.14"),
        (a_request(), [{"unit": "output_image", "usd": 0}], "0"),
    ],
)
def test_a_quote_is_the_sum_over_its_units(request_, rates, usd_):
    assert usd(request_, *rates) == Decimal(usd_)


def test_a_price_written_as_a_float_is_read_exactly():
    assert usd(a_request(count=3), {"unit": "output_image", "usd": 0.003}) == Decimal("0.009")


def test_a_tiny_rate_loses_nothing():
    assert (
        usd(a_request("text", max_tokens=7), {"unit": "output_token", "usd": "0.01", "per": 3}).as_tuple().exponent
        <= -20
    )
    assert usd(a_request("text", max_tokens=3), {"unit": "output_token", "usd": "0.01", "per": 3}) == Decimal("0.01")


def test_of_one_units_rates_the_first_that_holds_counts():
    rates = [
        {"unit": "output_video_second", "usd": 4, "when": {"resolution": "4k", "audio": True}},
        {"unit": "output_video_second", "usd": 3, "when": {"resolution": ["4k", "1080p"]}},
        {"unit": "output_video_second", "usd": 1},
    ]
    for wish, each in [
        ({"resolution": "4k", "audio": True}, 4),
        ({"resolution": "1080p"}, 3),
        ({"resolution": "720p"}, 1),
    ]:
        assert usd(a_request("text-to-video", duration_s=1, **wish), *rates) == each


def test_what_has_no_rate_that_holds_is_unpriced_and_never_free():
    with pytest.raises(Unpriced, match="output_image"):
        usd(a_request(quality="high"), IMAGE | {"when": {"quality": "low"}})
    with pytest.raises(Unpriced, match="no price on"):
        quote(a_request(), an_offer(), DAY)


@pytest.mark.parametrize(
    ("request_", "unit"),
    [
        (a_request("text-to-video"), "output_video_second"),
        (a_request("text"), "output_token"),
        (a_request("upscale-image"), "output_megapixel"),
        (a_request(resolution="9k"), "output_megapixel"),
        (a_request(), "gpu_second"),
        (a_request(), "output_image_token"),
        (a_request("image-edit", inputs=[Input(role="source", asset="a")]), "input_image_token"),
    ],
)
def test_what_nothing_bounds_is_unpriced_and_never_free(request_, unit):
    with pytest.raises(Unpriced, match=unit):
        usd(request_, {"unit": unit, "usd": 1}, IMAGE)
    assert usd(request_, {"unit": unit, "usd": 1}, expects=[{"unit": unit, "quantity": 7}]) == 7


def test_media_that_is_not_given_costs_nothing():
    assert usd(
        a_request(), {"unit": "input_image_token", "usd": 1}, {"unit": "input_image", "usd": 1}, IMAGE
    ) == Decimal("0.04")


def test_expectations_count_per_request_output_or_second_and_the_first_that_holds():
    expects = [
        {"unit": "output_image_token", "quantity": 10, "when": {"quality": "low"}},
        {"unit": "output_image_token", "quantity": 99},
        {"unit": "gpu_second", "quantity": 5, "per": "request"},
    ]
    request = a_request(count=3, quality="low")
    usage = expected_usage(request, an_offer(expects=expects))
    assert usage["output_image_token"] == 30 and usage["gpu_second"] == 5
    clip = a_request("text-to-video", duration_s=4, count=2)
    usage = expected_usage(clip, an_offer(expects=[{"unit": "t", "quantity": 3, "per": "second"}], task=clip.task))
    assert usage["t"] == 24


def test_the_newest_price_that_holds_already_counts_and_the_past_keeps_its_own():
    old, new = a_price(IMAGE), a_price(IMAGE | {"usd": 1}, since=date(2026, 7, 1))
    offer = an_offer(new, old)
    assert price_on(offer, date(2026, 6, 30)) == old and price_on(offer, date(2026, 7, 1)) == new
    assert not is_priced(offer, "text-to-image", date(2026, 5, 31)) and is_priced(offer, "text-to-image", DAY)
    with pytest.raises(Unpriced):
        price_on(offer, date(2026, 5, 31))


UNITS = ["output_image", "output_megapixel", "input_token", "output_token", "gpu_second", "request"]
amounts = st.decimals(0, 10_000, places=6)


@given(
    st.dictionaries(st.sampled_from(UNITS), amounts, min_size=1),
    st.dictionaries(st.sampled_from(UNITS), amounts),
    st.integers(1, 10),
)
def test_no_measured_usage_costs_more_than_the_quote(prices, measured, count):
    price = a_price(*({"unit": unit, "usd": each, "per": 1000} for unit, each in prices.items()))
    offer = an_offer(price, expects=[{"unit": "gpu_second", "quantity": 9}, {"unit": "output_token", "quantity": 9}])
    request = a_request(count=count)
    usage, _ = settled_usage(price, {}, measured, expected_usage(request, offer))
    assert cost(price, usage, context_of(request)).usd <= quote(request, offer, DAY).usd


@given(st.dictionaries(st.sampled_from(UNITS), amounts), st.dictionaries(st.sampled_from(UNITS), amounts))
def test_a_cost_grows_with_its_usage(usage, more):
    price = a_price(*({"unit": unit, "usd": "0.37", "per": 7} for unit in UNITS))
    larger = {unit: usage.get(unit, Decimal(0)) + more.get(unit, Decimal(0)) for unit in UNITS}
    assert cost(price, usage, {}).usd <= cost(price, larger, {}).usd


def test_what_is_paid_is_what_was_counted_else_measured_else_expected():
    price = a_price(*({"unit": unit, "usd": 1} for unit in ("a", "b", "c")))
    expected = {unit: Decimal(10) for unit in "abc"}
    usage, guessed = settled_usage(
        price, {"a": Decimal(12), "z": Decimal(1)}, {"b": Decimal(99), "a": Decimal(1)}, expected
    )
    assert usage == {"a": 12, "b": 10, "c": 10} and guessed
    usage, guessed = settled_usage(price, {"a": Decimal(1), "b": Decimal(2), "c": Decimal(3)}, {}, expected)
    assert usage == {"a": 1, "b": 2, "c": 3} and not guessed


def test_tokens_from_a_cache_are_paid_even_where_they_have_no_rate_of_their_own():
    reported = {"input_token": Decimal(60), "cached_input_token": Decimal(40)}
    plain = a_price({"unit": "input_token", "usd": 1})
    apart = a_price({"unit": "input_token", "usd": 1}, {"unit": "cached_input_token", "usd": "0.1"})
    assert settled_usage(plain, reported, {}, {})[0] == {"input_token": 100}
    assert settled_usage(apart, reported, {}, {})[0] == reported


@given(st.text(max_size=50))
def test_tokens_of_a_prompt_are_bounded_by_its_bytes(words):
    request = MediaRequest(task="text", messages=[{"role": "user", "content": words}], max_tokens=1)
    assert expected_usage(request, an_offer(task="text"))["input_token"] >= len(words.encode())


@pytest.mark.parametrize(("asked", "tokens"), [(None, 200), (0, 200), (1, 300), (3, 500)])
def test_partial_pictures_are_held_for_on_top_of_what_the_picture_takes(asked, tokens):
    unit = "output_image_token"
    bounds = [{"unit": unit, "quantity": 100, "per": "partial_image"}, {"unit": unit, "quantity": 200}]
    request = a_request(partial_images=asked)
    for expects in (bounds, bounds[::-1]):
        assert usd(request, {"unit": unit, "usd": 1}, expects=expects) == tokens


def test_runs_with_loras_can_have_a_price_of_their_own():
    rates = (Rate(unit="output_image", usd="0.05", when={"loras": True}), Rate(unit="output_image", usd="0.03"))
    assert usd(a_request(), *rates) == Decimal("0.03")
    assert usd(a_request(loras=[{"id": "a"}]), *rates) == Decimal("0.05")


def test_steps_are_counted_for_each_picture_and_unpriced_where_nobody_says_how_many():
    rate = Rate(unit="step", usd="0.0005")
    assert usd(a_request(steps=20, count=2), rate) == Decimal("0.02")
    with pytest.raises(Unpriced, match="bounds step"):
        usd(a_request(), rate)


def test_steps_are_exactly_what_was_asked_and_no_estimate():
    price = a_price(Rate(unit="step", usd="0.0005"))
    request, offer = a_request(steps=20), an_offer(price)
    usage, is_guessed = settled_usage(price, {}, {"output_image": Decimal(1)}, expected_usage(request, offer))
    assert usage == {"step": Decimal(20)} and not is_guessed
