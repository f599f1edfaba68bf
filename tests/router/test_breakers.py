"""Failures in a row open a breaker, each more for longer; one success closes it; callers' faults count for nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from adapters.errors import CONSEQUENCES, Fault
from router.breakers import FORGET, OFFER, PROVIDER, Outcome, fold, open_for

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CALLERS = [fault for fault, consequence in CONSEQUENCES.items() if consequence.blames == "caller"]


def ended(seconds_ago, fault=None, offer="fal/a/fox"):
    return Outcome(offer.partition("/")[0], offer, NOW - timedelta(seconds=seconds_ago), fault)


def failing(*seconds_ago, fault=Fault.PROVIDER_FAULT, offer="fal/a/fox"):
    return [ended(each, fault, offer) for each in seconds_ago]


def test_two_failures_in_a_row_happen_and_the_third_opens():
    assert fold(failing(20, 10), NOW) == {}
    [breaker] = fold(failing(20, 10, 5), NOW).values()
    assert (breaker.subject, breaker.failures, breaker.fault) == ("fal/a/fox", 3, Fault.PROVIDER_FAULT)
    assert breaker.is_open(NOW) and breaker.until == NOW + timedelta(seconds=OFFER.first_s - 5)
    assert breaker.since == NOW - timedelta(seconds=20)


def test_a_success_closes_it_and_an_older_one_does_not():
    assert fold([*failing(20, 10, 5), ended(1)], NOW) == {}
    assert len(fold([ended(30), *failing(20, 10, 5)], NOW)) == 1


def test_each_further_failure_opens_it_for_twice_as_long_up_to_a_bound():
    spans = []
    for count in range(3, 12):
        [breaker] = fold(failing(*range(count, 0, -1)), NOW).values()
        spans.append((breaker.until - NOW).total_seconds() + 1)
    assert spans[:3] == [OFFER.first_s, 2 * OFFER.first_s, 4 * OFFER.first_s] and spans[-1] == OFFER.most_s


@pytest.mark.parametrize("fault", [Fault.AUTH, Fault.OUT_OF_CREDIT, Fault.UNREACHABLE])
def test_what_concerns_the_account_or_the_host_opens_the_provider_as_a_whole(fault):
    outcomes = [ended(9, fault, "fal/a/fox"), ended(5, fault, "fal/a/owl")]
    found = fold(outcomes, NOW)
    assert found.keys() == {"fal"} and found["fal"].until == NOW + timedelta(seconds=PROVIDER.first_s - 5)
    assert open_for(found, "fal", "fal/a/elk", NOW) is found["fal"]
    assert open_for(found, "replicate", "replicate/a/fox", NOW) is None
    assert fold([*outcomes, ended(1, offer="fal/a/elk")], NOW) == {}, "the key works again"


def test_when_its_time_is_over_it_is_on_trial_and_then_forgotten():
    [breaker] = fold(failing(120, 110, 100), NOW).values()
    assert not breaker.is_open(NOW) and open_for({"fal/a/fox": breaker}, "fal", "fal/a/fox", NOW) is None
    again = fold(failing(120, 110, 100, 2), NOW)
    assert again["fal/a/fox"].is_open(NOW) and again["fal/a/fox"].failures == 4
    assert fold(failing(*[FORGET.total_seconds() + each for each in (3, 2, 1)]), NOW) == {}


@pytest.mark.parametrize("fault", CALLERS)
def test_a_callers_fault_neither_opens_nor_closes(fault):
    assert fold(failing(9, 8, 7, 6, fault=fault), NOW) == {}
    assert len(fold([*failing(20, 10, 5), ended(1, fault)], NOW)) == 1


@given(st.lists(st.tuples(st.integers(0, 4_000), st.sampled_from([None, *Fault]), st.sampled_from("ab")), max_size=30))
def test_order_does_not_matter_and_no_breaker_outlives_its_longest(rows):
    times = {seconds: (fault, name) for seconds, fault, name in rows}
    outcomes = [ended(seconds, fault, f"fal/x/{name}") for seconds, (fault, name) in times.items()]
    found = fold(outcomes, NOW)
    assert found == fold(reversed(outcomes), NOW)
    for breaker in found.values():
        assert breaker.until <= NOW + timedelta(seconds=max(OFFER.most_s, PROVIDER.most_s))
        assert breaker.failures >= min(OFFER.failures, PROVIDER.failures)
