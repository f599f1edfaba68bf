"""What a text that was cut off is reckoned to have taken."""

from decimal import Decimal

from hypothesis import given, strategies as st

from gateway.jobs.hangups import estimated

HELD = {"input_token": Decimal(400), "output_token": Decimal(50)}


@given(st.text(max_size=400), st.integers(0, 100))
def test_never_more_is_reckoned_than_was_held_for(text: str, deltas: int) -> None:
    usage = estimated(HELD, text, deltas)
    assert all(0 <= usage[unit] <= HELD[unit] for unit in HELD)


def test_each_delta_is_a_token_at_least_and_four_bytes_are_one() -> None:
    assert estimated(HELD, "a b c", 5)["output_token"] == 5
    assert estimated(HELD, "x" * 40, 2)["output_token"] == 10
    assert estimated(HELD, "x", 1)["input_token"] == 100


def test_without_a_bound_what_came_is_what_counts() -> None:
    assert estimated({}, "x" * 8, 1) == {"input_token": 0, "output_token": 2}
