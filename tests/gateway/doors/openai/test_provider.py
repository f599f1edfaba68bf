"""OpenRouter's `provider` object: every wish that can be kept, and those that are refused."""

from typing import Any

import pytest

from gateway.doors.openai.provider import preferred
from gateway.problems import Invalid
from gateway.routing.body import Wishes


@pytest.mark.parametrize(
    ("value", "routing"),
    [
        (None, None),
        ({}, {}),
        ({"order": ["fal", "replicate"]}, {"order": ["fal", "replicate"]}),
        ({"only": ["fal"], "ignore": ["kling"]}, {"only": ["fal"], "ignore": ["kling"]}),
        ({"sort": "price"}, {"policy": "cheapest"}),
        ({"sort": "throughput"}, {"policy": "fastest"}),
        ({"sort": "latency"}, {"policy": "fastest"}),
        ({"allow_fallbacks": True}, {}),
        ({"allow_fallbacks": False}, {"fallbacks": 0}),
        (
            {"order": ["fal", "kling"], "allow_fallbacks": False},
            {"order": ["fal", "kling"], "only": ["fal", "kling"], "fallbacks": 1},
        ),
        (
            {"order": ["fal", "kling"], "only": ["kling"], "allow_fallbacks": False},
            {"order": ["fal", "kling"], "only": ["kling"], "fallbacks": 0},
        ),
        (
            {"order": ["comfyui", "a1111"], "only": ["self-hosted"], "allow_fallbacks": False},
            {"order": ["comfyui", "a1111"], "only": ["self-hosted", "comfyui", "a1111"], "fallbacks": 1},
        ),
        (
            {"order": ["fal", "ray"], "only": ["ray", "self-hosted"], "allow_fallbacks": False},
            {"order": ["fal", "ray"], "only": ["self-hosted", "ray"], "fallbacks": 0},
        ),
        (
            {"order": ["self-hosted"], "allow_fallbacks": False},
            {"order": ["self-hosted"], "only": ["self-hosted"], "fallbacks": 0},
        ),
        (
            {"order": ["self-hosted"], "only": ["ray"], "allow_fallbacks": False},
            {"order": ["self-hosted"], "only": ["self-hosted", "ray"], "fallbacks": 0},
        ),
        ({"data_collection": "allow", "zdr": False, "quantizations": None}, {}),
    ],
)
def test_preferences_are_routing_wishes(value: Any, routing: dict[str, Any] | None) -> None:
    fields, prices = preferred(value)
    assert fields == ({} if routing is None else {"routing": routing}) and prices == {}
    Wishes.model_validate(routing or {})


@pytest.mark.parametrize("wanted", [True, False])
def test_required_parameters_are_our_strictness(wanted: bool) -> None:
    assert preferred({"require_parameters": wanted})[0]["strict"] is wanted


def test_the_highest_prices_are_left_for_the_offers() -> None:
    assert preferred({"max_price": {"prompt": 1, "image": "0.1"}})[1] == {"prompt": 1, "image": "0.1"}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("fal", "provider"),
        ({"data_collection": "deny"}, "provider.data_collection"),
        ({"zdr": True}, "provider.zdr"),
        ({"quantizations": ["fp8"]}, "provider.quantizations"),
        ({"sort": "beauty"}, "provider.sort"),
        ({"order": "fal"}, "provider.order"),
        ({"preferred_min_throughput": 10}, "provider.preferred_min_throughput"),
        ({"max_price": {"audio": 1}}, "provider.max_price"),
        ({"max_price": 1}, "provider.max_price"),
        ({"allow_fallbacks": "no"}, "provider.allow_fallbacks"),
        ({"order": ["fal"], "only": ["kling"], "allow_fallbacks": False}, "provider.order"),
        ({"order": ["self-hosted", "fal"], "allow_fallbacks": False}, "provider.order"),
    ],
)
def test_a_wish_that_cannot_be_kept_is_refused_by_its_name(value: Any, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        preferred(value)
    assert caught.value.more["errors"][0]["path"] == path
