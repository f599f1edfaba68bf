"""Recent attempts weigh more, few attempts move little, and a caller's own mistakes count against nobody."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from adapters.schema import Task
from router.latency import P50_PRIOR_S, Attempted, fold_attempts

NOW = datetime(2026, 8, 22, 12, tzinfo=UTC)


def attempted(seconds=10.0, succeeded=True, hurts=False, hours_ago=0.0, offer="a/x/y", task=Task.TEXT_TO_IMAGE):
    ended_at = NOW - timedelta(hours=hours_ago)
    return Attempted(offer, task, ended_at - timedelta(seconds=seconds), ended_at, seconds, succeeded, hurts)


def expected(attempts, eta_s=None, offer="a/x/y", task=Task.TEXT_TO_IMAGE):
    return fold_attempts(attempts, NOW).of(offer, task, eta_s)


ATTEMPTS = st.lists(
    st.builds(
        attempted,
        seconds=st.floats(0, 3_600),
        succeeded=st.booleans(),
        hurts=st.booleans(),
        hours_ago=st.floats(-24, 1_000),
        offer=st.sampled_from(["a/x/y", "b/x/y"]),
    ),
    max_size=30,
)


@given(ATTEMPTS, st.randoms(use_true_random=False))
def test_the_order_of_attempts_does_not_matter(attempts, random):
    assert expected(random.sample(attempts, len(attempts))) == expected(attempts)


@given(ATTEMPTS)
def test_what_is_expected_is_always_sane(attempts):
    found = expected(attempts)
    assert 0 < found.p50_s <= found.p95_s and 0 < found.reliability < 1 and found.attempts >= 0


@given(ATTEMPTS)
def test_one_offers_attempts_say_nothing_of_another(attempts):
    others = [each for each in attempts if each.offer != "a/x/y"]
    assert expected(others) == expected([])


def test_every_task_has_a_prior():
    assert set(P50_PRIOR_S) == set(Task)


def test_without_history_the_card_is_believed_and_without_a_card_the_table():
    assert expected([], eta_s=3.0)[:3] == (3.0, 6.0, 0.95)
    assert expected([])[:3] == (8.0, 16.0, 0.95)


def test_many_attempts_overrule_the_card_and_one_does_not():
    assert expected([attempted(100.0)], eta_s=1.0).p50_s == pytest.approx(100 ** (1 / 6))
    assert expected([attempted(100.0)] * 500, eta_s=1.0).p50_s == pytest.approx(100, rel=0.05)


def test_quantiles_are_those_of_the_attempts():
    spread = expected([attempted(float(seconds)) for seconds in range(1, 1_001)] * 3, eta_s=500.0)
    assert spread.p50_s == pytest.approx(500, rel=0.01) and spread.p95_s == pytest.approx(950, rel=0.01)


def test_a_slow_week_is_forgotten_after_a_fast_day():
    slow = [attempted(60.0, hours_ago=24 * 7)] * 200
    assert expected(slow + [attempted(5.0)] * 20, eta_s=5.0).p50_s == pytest.approx(5.0)


def test_an_outage_costs_reliability_and_heals():
    outage = [attempted(succeeded=False, hurts=True)] * 20
    assert expected(outage).reliability == pytest.approx(19 / 40)
    later = [each._replace(ended_at=each.ended_at - timedelta(days=10)) for each in outage]
    assert expected(later).reliability > 0.94


def test_a_failure_that_is_not_the_providers_changes_nothing():
    assert expected([attempted(succeeded=False, hurts=False)] * 50) == expected([])


def test_attempts_after_now_are_not_looked_at():
    assert expected([attempted(500.0, hours_ago=-1)] * 50) == expected([])
