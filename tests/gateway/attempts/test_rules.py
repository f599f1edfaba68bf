"""The life of an attempt: which moves there are, and what each kind of turn leads to."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given, strategies as st

from adapters.errors import Fault, ProviderError
from adapters.schema import Output
from adapters.wire import Call, Done, Failed, Pending, Reply, refusal
from gateway.attempts import rules
from gateway.attempts.rules import LIVE, MOVES, Again, Ending, Status

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SUBMIT = Pending(call=Call(stage="submit", url="/jobs"))
STATUS = Pending(call=Call(stage="status", method="GET", url="/jobs/7"), wait_s=1.0)
RESULT = Done(outputs=(Output(mime="image/png", url="https://cdn.example/a.png"),))
STAGES = {"submit": SUBMIT, "status": STATUS, "collect": RESULT}


class Asked(NamedTuple):
    next: Pending | Done = STATUS
    failures: int = 0
    turns: int = 3
    deadline_at: datetime = NOW + timedelta(minutes=30)


LATE = NOW - timedelta(seconds=1)


def failed(fault, status=None, fate_unknown=False, is_verdict=False, retry_after_s=None):
    error = ProviderError(fault=fault, message="no", status=status, retry_after_s=retry_after_s)
    return Failed(error=error, fate_unknown=fate_unknown, is_verdict=is_verdict)


def replied(status, asked=STATUS):
    """What a provider's status code leads to, the shared first line of every dialect included."""
    return rules.after_turn(refusal(asked.call, Reply(status, body=b"{}")), Asked(next=asked), NOW)


def test_every_status_can_be_reached_from_the_first():
    reached, fresh = set(), {Status.OPEN}
    while fresh:
        reached |= fresh
        fresh = {after for status in fresh for after in MOVES[status]} - reached
    assert reached == set(Status) == set(MOVES)


def test_an_end_is_final_and_only_an_end():
    assert {status for status, following in MOVES.items() if not following} == set(Status) - LIVE


def test_every_live_status_can_end_in_every_way():
    for status in LIVE:
        assert MOVES[status] >= {Status.SUCCEEDED, Status.FAILED, Status.CANCELED}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("deadline_at", [LATE, Asked().deadline_at])
def test_what_is_done_is_collected_at_any_stage_and_hour(stage, deadline_at):
    assert rules.after_turn(RESULT, Asked(STAGES[stage], deadline_at=deadline_at), NOW) is RESULT


def test_what_is_pending_is_asked_again_after_the_providers_wait():
    assert rules.after_turn(STATUS, Asked(failures=4), NOW) == Again(NOW + timedelta(seconds=1), STATUS, 0)


@pytest.mark.parametrize("asked", [Asked(deadline_at=NOW), Asked(deadline_at=LATE), Asked(turns=rules.TURNS)])
def test_what_is_still_pending_at_its_deadline_has_timed_out(asked):
    after = rules.after_turn(STATUS, asked, NOW)
    assert isinstance(after, Ending) and after.status is Status.FAILED and after.error.fault is Fault.TIMED_OUT


def test_a_wait_never_reaches_beyond_the_deadline():
    deadline_at = NOW + timedelta(seconds=20)
    slow = STATUS.model_copy(update={"wait_s": 600.0})
    assert rules.after_turn(slow, Asked(deadline_at=deadline_at), NOW).due_at == deadline_at
    busy = failed(Fault.RATE_LIMITED, 429, retry_after_s=3_600)
    assert rules.after_turn(busy, Asked(deadline_at=deadline_at), NOW).due_at == deadline_at


PASSING = {
    (Fault.UNREACHABLE, None), (Fault.TIMED_OUT, None), (Fault.TIMED_OUT, 408), (Fault.TIMED_OUT, 504),
    (Fault.RATE_LIMITED, 429), (Fault.PROVIDER_FAULT, 500), (Fault.PROVIDER_FAULT, 502), (Fault.PROVIDER_FAULT, 503),
}  # fmt: skip
LASTING = {
    (Fault.PROVIDER_FAULT, 404), (Fault.PROVIDER_FAULT, 410), (Fault.PROVIDER_FAULT, None), (Fault.AUTH, 401),
    (Fault.OUT_OF_CREDIT, 402), (Fault.INVALID_REQUEST, 422), (Fault.CONTENT_REJECTED, 400),
    (Fault.MODEL_MISSING, None), (Fault.BAD_REPLY, 200), (Fault.BAD_REPLY, 302),
}  # fmt: skip


def test_the_table_of_later_turns_leaves_no_fault_out():
    assert {fault for fault, _ in PASSING | LASTING} == set(Fault)


@pytest.mark.parametrize(("fault", "status"), sorted(PASSING, key=str))
def test_a_later_turn_that_fails_in_passing_is_asked_again(fault, status):
    asked = Asked(failures=2)
    assert rules.after_turn(failed(fault, status), asked, NOW) == Again(NOW + timedelta(seconds=4), asked.next, 3)


@pytest.mark.parametrize(("fault", "status"), sorted(PASSING, key=str))
def test_but_not_past_the_deadline(fault, status):
    after = rules.after_turn(failed(fault, status), Asked(deadline_at=NOW), NOW)
    assert (after.status, after.error.fault) == (Status.FAILED, fault)


@pytest.mark.parametrize(("fault", "status"), sorted(PASSING, key=str))
def test_nor_when_the_provider_says_it_of_the_whole_run(fault, status):
    assert rules.after_turn(failed(fault, status, is_verdict=True), Asked(), NOW).status is Status.FAILED


@pytest.mark.parametrize(("fault", "status"), sorted(LASTING, key=str))
def test_a_later_turn_that_fails_for_good_ends_the_attempt(fault, status):
    after = rules.after_turn(failed(fault, status), Asked(), NOW)
    assert (after.status, after.error.fault) == (Status.FAILED, fault)


@pytest.mark.parametrize("status", [404, 410])
def test_a_provider_that_lost_the_job_is_not_asked_for_ever(status):
    after = replied(status)
    assert isinstance(after, Ending) and after.status is Status.FAILED
    assert (after.error.fault, after.error.status) == (Fault.PROVIDER_FAULT, status), "the model is not gone"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 524, 529])
def test_a_proxy_that_stumbles_over_a_poll_does_not_lose_the_job(status):
    assert isinstance(replied(status), Again)


@pytest.mark.parametrize("status", [300, 302, 400, 401, 402, 403, 405, 409, 418, 422, 451])
def test_any_other_refusal_of_a_poll_is_the_end(status):
    assert isinstance(replied(status), Ending)


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("resendable", [False, True])
def test_a_submit_that_was_refused_is_never_sent_again_here(fault, resendable):
    after = rules.after_turn(failed(fault, 500), Asked(SUBMIT, turns=0), NOW, resendable)
    assert after.status is Status.FAILED


@pytest.mark.parametrize("status", [408, 504, 524])
def test_a_submit_behind_a_proxy_that_gave_up_has_an_unknown_fate(status):
    assert replied(status, SUBMIT).status is Status.UNKNOWN


def test_a_submit_of_unknown_fate_is_sent_again_only_under_an_idempotency_key():
    lost = failed(Fault.TIMED_OUT, fate_unknown=True)
    assert rules.after_turn(lost, Asked(SUBMIT), NOW).status is Status.UNKNOWN
    assert rules.after_turn(lost, Asked(SUBMIT), NOW, resendable=True) == Again(NOW + timedelta(seconds=1), SUBMIT, 1)


def test_and_not_without_end():
    lost, tired = failed(Fault.TIMED_OUT, fate_unknown=True), Asked(SUBMIT, failures=rules.RESENDS)
    assert rules.after_turn(lost, tired, NOW, resendable=True).status is Status.UNKNOWN
    late = Asked(SUBMIT, deadline_at=NOW)
    assert rules.after_turn(lost, late, NOW, resendable=True).status is Status.UNKNOWN


@given(
    fault=st.sampled_from(Fault),
    status=st.none() | st.integers(300, 599),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    stage=st.sampled_from(sorted(STAGES)),
    failures=st.integers(0, 10_000),
    turns=st.integers(0, rules.TURNS),
    left_s=st.integers(-10, 3_600),
    retry_after_s=st.none() | st.floats(0, 3_600),
)
def test_any_failure_ends_the_attempt_or_is_due_by_its_deadline(
    fault, status, flags, stage, failures, turns, left_s, retry_after_s
):
    fate_unknown, is_verdict, resendable = flags
    deadline_at = NOW + timedelta(seconds=left_s)
    turn = failed(fault, status, fate_unknown, is_verdict, retry_after_s)
    after = rules.after_turn(turn, Asked(STAGES[stage], failures, turns, deadline_at), NOW, resendable)
    if isinstance(after, Again):
        assert NOW < after.due_at <= deadline_at and after.failures == failures + 1 and left_s > 0
        assert stage != "submit" or (resendable and fate_unknown)
    else:
        assert after.status in (Status.FAILED, Status.UNKNOWN) and after.error is turn.error
        assert after.status is not Status.UNKNOWN or fate_unknown


@given(wait_s=st.floats(0, 3_600), turns=st.integers(0, 10**9))
def test_polls_slow_down_but_never_below_the_providers_cadence_or_half_a_minute(wait_s, turns):
    slow = rules.poll_wait_s(wait_s, turns)
    assert wait_s <= slow <= max(wait_s, rules.SLOWEST_POLL_S)
    assert slow <= rules.poll_wait_s(wait_s, turns + 1)


def test_the_first_polls_keep_the_providers_cadence():
    assert [rules.poll_wait_s(2.0, turns) for turns in (0, 19, 20, 40)] == [2.0, 2.0, 3.0, 4.5]


@given(failures=st.integers(0, 10**9))
def test_backoff_grows_from_a_second_to_a_minute_and_never_breaks(failures):
    assert 1.0 <= rules.backoff_s(failures) <= rules.backoff_s(failures + 1) <= 60.0


def test_backoff_doubles():
    assert [rules.backoff_s(failures) for failures in (1, 2, 3, 6, 7, 8)] == [1, 2, 4, 32, 60, 60]


def test_a_lease_outlives_several_heartbeats():
    assert rules.LEASE_S >= 2 * rules.HEARTBEAT_S


def test_polls_are_rarer_where_the_provider_calls_us_and_never_beyond_the_deadline():
    called = rules.after_turn(STATUS, Asked(), NOW, is_called_back=True)
    assert called == Again(NOW + timedelta(seconds=rules.CALLED_BACK * STATUS.wait_s), STATUS, 0)
    soon = Asked(deadline_at=NOW + timedelta(seconds=2))
    assert rules.after_turn(STATUS, soon, NOW, is_called_back=True).due_at == soon.deadline_at
    at_once = STATUS.model_copy(update={"wait_s": 0.0})
    assert rules.after_turn(at_once, Asked(), NOW, is_called_back=True).due_at == NOW


def test_what_a_provider_says_it_charged_for_a_failure_is_kept():
    refused = failed(Fault.CONTENT_REJECTED, 400).model_copy(update={"cost_usd": Decimal("0.02")})
    assert rules.after_turn(refused, Asked(), NOW).cost_usd == Decimal("0.02")
