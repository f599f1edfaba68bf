"""A policy is checked when it is made, changed by replacing fields, and scaled to its task."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from adapters.schema import Task
from router.policy import PRESETS, SCALES, Policy, preset


def test_every_preset_has_a_scale_for_every_task():
    assert set(SCALES) == set(Task)
    for name in PRESETS:
        for task in Task:
            policy = preset(name, task)
            assert policy.name == name and sum(policy.weights.values()) > 0
            assert policy.fair_cost_usd == SCALES[task].cost_usd


def test_a_policy_that_nobody_defined_is_refused_with_those_that_there_are():
    with pytest.raises(LookupError, match="no policy is named 'bestest'; there are best, cheapest"):
        preset("bestest", Task.TEXT)


def test_given_weights_replace_the_presets_weights_and_nothing_else():
    policy = preset("best", Task.TEXT_TO_VIDEO).changed({"weights": {"cost": 2.0}, "max_cost_usd": "0.05"})
    assert policy.weights == {"cost": 2.0} and policy.max_cost_usd == Decimal("0.05")
    assert policy.name == "best" and policy.fair_cost_usd == SCALES[Task.TEXT_TO_VIDEO].cost_usd


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": {"beauty": 1.0}},
        {"weights": {"cost": -1.0}},
        {"weights": {"cost": float("nan")}},
        {"max_cost_usd": "-1"},
        {"fair_cost_usd": 0},
        {"min_quality": 1.5},
        {"top": 0},
        {"fallbacks": -1},
        {"only": ("x",) * 101},
        {"unheard_of": 1},
    ],
)
def test_a_policy_out_of_range_is_refused(changes):
    with pytest.raises(ValidationError):
        preset("balanced", Task.TEXT).changed(changes)


def test_a_policy_goes_through_json_unchanged():
    policy = preset("local-first", Task.IMAGE_EDIT).changed({"max_cost_usd": "0.0500", "order": ("fal",), "top": 3})
    assert Policy.model_validate_json(policy.model_dump_json()) == policy
