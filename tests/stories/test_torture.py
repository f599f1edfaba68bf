"""A few rounds of tests/stories/torture.py; two hundred are run by hand."""

from tests.stories.torture import JOBS_A_ROUND, torture

ROUNDS = 3


def test_nothing_is_lost_or_paid_twice_when_processes_and_the_database_are_killed() -> None:
    tally = torture(ROUNDS, seed=20, say=lambda _: None)
    assert tally["succeeded"] == tally["settlements"] == ROUNDS * JOBS_A_ROUND
