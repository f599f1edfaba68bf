"""Forms as JSON would have them."""

from typing import Any

import pytest

from gateway.doors.openai.reading import nested
from gateway.problems import Invalid


@pytest.mark.parametrize(
    ("items", "body"),
    [
        ([("a", "1")], {"a": "1"}),
        ([("image[]", "x"), ("image[]", "y")], {"image": ["x", "y"]}),
        ([("image", "x"), ("image", "y")], {"image": ["x", "y"]}),
        ([("podium[policy]", "best")], {"podium": {"policy": "best"}}),
        ([("podium[only][]", "a"), ("podium[only][]", "b")], {"podium": {"only": ["a", "b"]}}),
        ([("provider[max_price][image]", "1")], {"provider": {"max_price": {"image": "1"}}}),
        ([("", "1")], {"": "1"}),
    ],
)
def test_names_in_brackets_are_objects_and_lists(items: list[tuple[str, str]], body: dict[str, Any]) -> None:
    assert nested(items) == body


@pytest.mark.parametrize("items", [[("a", "1"), ("a[b]", "2")], [("a" + "[b]" * 9, "1")]])
def test_a_form_that_contradicts_itself_is_refused(items: list[tuple[str, str]]) -> None:
    with pytest.raises(Invalid):
        nested(items)
