"""Choices on old readings: what each chooser picks, and what the day's own board says that it lost."""

from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.schema import Task
from router.quality import Reading, Row, chance
from router.replay import replay

BOARD = "lmarena/text-to-video"


def reading(day: int, board: str = BOARD, **ratings: float) -> Reading:
    rows = [Row(label=name, rating=each, low=each - 5, high=each + 5, votes=1000) for name, each in ratings.items()]
    taken_at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(day)
    return Reading(
        source="arena", board=board, task=Task.TEXT_TO_VIDEO, taken_at=taken_at, attribution="ours", licence="ours",
        url="https://board.example", rows=tuple(rows),
    )  # fmt: skip


CHANGING = [
    reading(0, old=1200, other=1100),
    reading(20, new=1300, old=1200, other=1100),
    reading(40, new=1300, other=1100),
]


def outcomes(readings, **more):
    return {each.chooser: each for each in replay(readings, BOARD, lambda label: None, **more)}


def test_the_perfect_choice_regrets_nothing_and_a_static_one_what_the_newcomer_leads_by():
    found = outcomes(CHANGING)
    assert (found["perfect"].regret_elo, found["perfect"].switches, found["perfect"].days) == (0, 1, 40)
    static = found["static"]
    assert (static.switches, static.gone_days) == (0, 1)
    # 19 days without loss, then 20 days of 100 Elo; on the last day it is gone, and its standing is carried along.
    assert static.regret_elo == pytest.approx((19 * 0 + 20 * 100 + static.regret_elo_last) / 40)


def test_a_stale_reading_loses_for_as_long_as_it_is_stale():
    found = outcomes(CHANGING)
    for days in (7, 14, 30):
        late = min(days, 21)
        expected = late * 100 / 40 if days < 21 else found["static"].regret_elo
        assert found[f"stale-{days}"].regret_elo == pytest.approx(expected)
    assert found["yesterday"].regret_elo == pytest.approx(100 / 40)
    assert found["yesterday"].regret_win == pytest.approx((chance(1300, 1200) - 0.5) / 40)


def test_podium_follows_the_board_a_day_behind():
    assert outcomes(CHANGING)["podium"].regret_elo == outcomes(CHANGING)["yesterday"].regret_elo


def test_podium_listens_to_other_boards_of_the_same_task():
    elsewhere = reading(0, "other/text-to-video", old=900, other=1400)
    assert outcomes([*CHANGING[:2], elsewhere])["podium"].regret_elo != outcomes(CHANGING[:2])["podium"].regret_elo


def test_the_order_of_readings_does_not_matter():
    assert outcomes(CHANGING) == outcomes(CHANGING[::-1])


def test_labels_of_one_model_are_one_subject():
    names = {"old": "m/old", "old (renamed)": "m/old"}
    board = [reading(0, old=1200, other=1100), reading(10, **{"old (renamed)": 1200, "other": 1100})]
    found = {each.chooser: each for each in replay(board, BOARD, names.get)}
    assert found["static"].gone_days == 0 and found["perfect"].switches == 0


def test_one_reading_is_too_few_to_replay():
    with pytest.raises(ValueError, match="two at least"):
        outcomes([reading(0, old=1200)])


def test_days_are_counted_from_the_second_to_the_last():
    assert outcomes(CHANGING)["static"].days == (date(2026, 4, 10) - date(2026, 3, 1)).days
