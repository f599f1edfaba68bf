"""What follows when an attempt of a job ends, for every fault and every policy."""

import pytest
from hypothesis import given, strategies as st

from adapters.errors import CONSEQUENCES, Fault, ProviderError
from gateway.jobs import rules
from gateway.jobs.rules import FINAL, MOVES, GiveUp, Status, TryAgain, TryElsewhere
from router.policy import Policy

RANKED = ("fal/a/one", "openai/a/one", "fal/b/two", "together/b/two", "replicate/c/three")
FIRST = RANKED[0]
HERE_AGAIN = [fault for fault in Fault if CONSEQUENCES[fault].retry_here]
ELSEWHERE = [fault for fault in Fault if CONSEQUENCES[fault].try_elsewhere]


def error(fault, retry_after_s=None):
    return ProviderError(fault=fault, message="no", retry_after_s=retry_after_s)


def after(fault, tried=None, policy=None, ranked=RANKED, offer=FIRST, retry_after_s=None):
    tried = {offer: 1} if tried is None else tried
    return rules.after_failure(error(fault, retry_after_s), offer, ranked, tried, policy or Policy())


def test_every_status_can_be_reached_from_the_first():
    reached, fresh = set(), {Status.QUEUED}
    while fresh:
        reached |= fresh
        fresh = {after for status in fresh for after in MOVES[status]} - reached
    assert reached == set(Status) == set(MOVES)


def test_an_end_is_final():
    assert {Status.SUCCEEDED, Status.FAILED, Status.CANCELED} == FINAL
    assert not any(MOVES[status] for status in FINAL)
    assert all(MOVES[status] >= FINAL for status in set(Status) - FINAL)


@pytest.mark.parametrize("fault", HERE_AGAIN)
def test_a_fault_of_the_moment_is_tried_here_before_anywhere_else(fault):
    waits = [after(fault, {FIRST: times}) for times in range(1, rules.RETRIES_HERE + 1)]
    assert waits == [TryAgain(0.5), TryAgain(1.0)]
    assert after(fault, {FIRST: rules.RETRIES_HERE + 1}) == TryElsewhere(RANKED[1:4])


@pytest.mark.parametrize("fault", HERE_AGAIN)
def test_an_offer_without_another_after_it_is_given_more_patience(fault):
    alone = [after(fault, {FIRST: times}, ranked=(FIRST,)) for times in range(1, rules.RETRIES_LAST + 1)]
    assert alone == [TryAgain(0.5), TryAgain(1.0), TryAgain(2.0), TryAgain(4.0)]
    assert after(fault, {FIRST: rules.RETRIES_LAST + 1}, ranked=(FIRST,)) == GiveUp()


@pytest.mark.parametrize("fault", sorted(set(ELSEWHERE) - set(HERE_AGAIN)))
def test_a_fault_that_stays_is_left_for_the_next_offers_at_once(fault):
    assert after(fault) == TryElsewhere(RANKED[1:4])
    assert after(fault, ranked=(FIRST,)) == GiveUp()


def test_a_callers_own_fault_is_not_carried_around():
    assert after(Fault.INVALID_REQUEST) == GiveUp()
    assert after(Fault.CONTENT_REJECTED) == GiveUp()


def test_a_refusal_of_content_goes_elsewhere_only_where_the_policy_allows_it():
    assert after(Fault.CONTENT_REJECTED, policy=Policy(content_elsewhere=True)) == TryElsewhere(RANKED[1:4])
    assert after(Fault.INVALID_REQUEST, policy=Policy(content_elsewhere=True)) == GiveUp()


def test_retry_after_is_waited_out_if_it_is_short():
    assert after(Fault.RATE_LIMITED, retry_after_s=4.0) == TryAgain(4.0)
    assert after(Fault.RATE_LIMITED, retry_after_s=0.1) == TryAgain(0.5)
    assert after(Fault.RATE_LIMITED, retry_after_s=rules.PATIENCE_S) == TryAgain(rules.PATIENCE_S)
    assert after(Fault.RATE_LIMITED, retry_after_s=rules.PATIENCE_S + 0.1) == TryElsewhere(RANKED[1:4])


def test_the_last_offer_is_waited_for_longer_but_not_for_ever():
    assert after(Fault.RATE_LIMITED, ranked=(FIRST,), retry_after_s=100.0) == TryAgain(100.0)
    assert after(Fault.RATE_LIMITED, ranked=(FIRST,), retry_after_s=rules.PATIENCE_LAST_S + 1) == GiveUp()


@pytest.mark.parametrize(("fallbacks", "next_offers"), [(0, ()), (1, RANKED[1:2]), (20, RANKED[1:])])
def test_the_policy_says_how_many_fallbacks_there_are(fallbacks, next_offers):
    expected = TryElsewhere(next_offers) if next_offers else GiveUp()
    assert after(Fault.AUTH, policy=Policy(fallbacks=fallbacks)) == expected


def test_offers_that_were_tried_are_not_tried_again():
    assert after(Fault.AUTH, {FIRST: 2, RANKED[2]: 1}, offer=RANKED[2]) == TryElsewhere((RANKED[1], RANKED[3]))


def test_a_submit_of_unknown_fate_is_followed_only_where_the_policy_allows_it():
    brave = Policy(unknown_elsewhere=True, fallbacks=2)
    assert rules.after_unknown(RANKED, {FIRST: 1}, Policy()) == GiveUp()
    assert rules.after_unknown(RANKED, {FIRST: 1}, brave) == TryElsewhere(RANKED[1:3])
    assert rules.after_unknown(RANKED[:1], {FIRST: 1}, brave) == GiveUp()


def play(faults, ranked, policy):
    """A job whose every attempt fails with the next of the faults, until it is given up. Returns the attempts."""
    attempts, tried, queue = [], {}, [ranked[0]]
    for fault, retry_after_s in faults:
        offer = queue[0]
        attempts.append(offer)
        tried[offer] = tried.get(offer, 0) + 1
        match rules.after_failure(error(fault, retry_after_s), offer, ranked, tried, policy):
            case GiveUp():
                return attempts, True
            case TryElsewhere(offers):
                queue = list(offers)
    return attempts, False


@given(
    faults=st.lists(
        st.tuples(st.sampled_from(Fault), st.none() | st.floats(0, 3_600)), min_size=rules.ATTEMPTS, max_size=40
    ),
    ranked=st.lists(st.integers(0, 50), min_size=1, max_size=12, unique=True).map(lambda n: [f"p/m/{i}" for i in n]),
    policy=st.builds(
        Policy, fallbacks=st.integers(0, 20), content_elsewhere=st.booleans(), unknown_elsewhere=st.booleans()
    ),
)
def test_every_job_comes_to_an_end_down_the_ranking_and_within_its_limits(faults, ranked, policy):
    attempts, given_up = play(faults, ranked, policy)
    assert given_up and len(attempts) <= rules.ATTEMPTS
    offers = list(dict.fromkeys(attempts))
    assert offers == ranked[: len(offers)] and len(offers) <= 1 + policy.fallbacks
    assert sorted(attempts, key=offers.index) == attempts, "an offer that was left is not come back to"
    assert max(map(attempts.count, offers)) <= 1 + rules.RETRIES_LAST


@given(
    fault=st.sampled_from(Fault),
    retry_after_s=st.none() | st.floats(0, 3_600),
    tried=st.dictionaries(st.sampled_from(RANKED), st.integers(1, 8)),
    policy=st.builds(Policy, fallbacks=st.integers(0, 20), content_elsewhere=st.booleans()),
)
def test_whatever_follows_is_allowed_by_the_fault_and_the_policy(fault, retry_after_s, tried, policy):
    tried = {FIRST: 1} | tried
    consequence = CONSEQUENCES[fault]
    match after(fault, tried, policy, retry_after_s=retry_after_s):
        case TryAgain(wait_s):
            assert consequence.retry_here and tried[FIRST] <= rules.RETRIES_LAST
            assert (retry_after_s or 0.5) <= wait_s <= rules.PATIENCE_LAST_S or wait_s == 0.5 * 2 ** (tried[FIRST] - 1)
        case TryElsewhere(offers):
            assert consequence.try_elsewhere or (fault is Fault.CONTENT_REJECTED and policy.content_elsewhere)
            assert offers == tuple(each for each in RANKED[: 1 + policy.fallbacks] if each not in tried) != ()
        case GiveUp():
            assert not set(RANKED[: 1 + policy.fallbacks]) - set(tried) or not consequence.try_elsewhere or (
                sum(tried.values()) >= rules.ATTEMPTS
            )  # fmt: skip


def test_nothing_follows_the_last_attempt_that_a_job_is_allowed():
    assert after(Fault.AUTH, {FIRST: rules.ATTEMPTS}) == GiveUp()
    assert after(Fault.AUTH, {FIRST: rules.ATTEMPTS - 1}) == TryElsewhere(RANKED[1:4])
