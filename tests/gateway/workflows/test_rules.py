"""Which steps start, which are skipped, how the whole ends, and that no order of starts and ends passes the cap."""

from hypothesis import given, strategies as st

from gateway.workflows import rules
from gateway.workflows.rules import BROKEN, ENDED, Node, OnFailure, Purse, State, Status

FINAL_STATES = [State.SUCCEEDED, State.FAILED, State.CANCELED]


@st.composite
def graphs(draw, most=10):
    """Steps without a ring: each may need some of those before it; then listed in any order."""
    count = draw(st.integers(1, most))
    names = [f"s{number}" for number in range(count)]
    after = {
        name: tuple(draw(st.lists(st.sampled_from(names[:number]), unique=True, max_size=3))) if number else ()
        for number, name in enumerate(names)
    }
    return {name: after[name] for name in draw(st.permutations(names))}


def nodes(after, states, taken=()):
    return [Node(name, before, states[name], name in taken) for name, before in after.items()]


def moved(after, states, on_failure=OnFailure.CONTINUE, is_canceled=False):
    return states | rules.following(nodes(after, states), on_failure, is_canceled)


@given(graphs(), st.data(), st.sampled_from(OnFailure))
def test_every_workflow_ends_whatever_becomes_of_its_jobs(after, data, on_failure):
    states = dict.fromkeys(after, State.WAITING)
    for _ in range(3 * len(after)):
        states = moved(after, states, on_failure)
        ready = [name for name, state in states.items() if state is State.READY]
        if not ready:
            break
        name = data.draw(st.sampled_from(ready))
        assert all(states[each] is State.SUCCEEDED for each in after[name])
        states[name] = data.draw(st.sampled_from(FINAL_STATES))
    assert rules.whole(list(states.values()), False) in (Status.SUCCEEDED, Status.FAILED)


@given(graphs(), st.data())
def test_all_that_needs_a_broken_step_is_skipped_and_nothing_else(after, data):
    states = {name: data.draw(st.sampled_from([State.WAITING, State.SUCCEEDED, State.FAILED])) for name in after}
    found = moved(after, states)
    for name, before in after.items():
        if states[name] is not State.WAITING:
            assert found[name] is states[name]
        elif any(found[each] in BROKEN for each in before):
            assert found[name] is State.SKIPPED
        else:
            all_done = all(found[each] is State.SUCCEEDED for each in before)
            assert found[name] is (State.READY if all_done else State.WAITING)


@given(graphs(), st.data(), st.booleans())
def test_nothing_is_left_waiting_after_a_stop_but_what_is_being_made(after, data, is_canceled):
    states = {name: data.draw(st.sampled_from([State.WAITING, State.READY, State.RUNNING])) for name in after}
    taken = {name for name, state in states.items() if state is State.READY and data.draw(st.booleans())}
    if not is_canceled:
        states[next(iter(after))] = State.FAILED
        taken.discard(next(iter(after)))
    found = states | rules.following(nodes(after, states, taken), OnFailure.STOP, is_canceled)
    for name, state in found.items():
        if states[name] in (State.WAITING, State.READY):
            assert state is (State.READY if name in taken else State.SKIPPED)
        else:
            assert state is states[name]


@given(graphs(), st.data(), st.sampled_from(OnFailure), st.booleans())
def test_moving_twice_moves_no_more_than_once(after, data, on_failure, is_canceled):
    states = {name: data.draw(st.sampled_from(State)) for name in after}
    once = moved(after, states, on_failure, is_canceled)
    assert moved(after, once, on_failure, is_canceled) == once
    assert all(once[name] is state for name, state in states.items() if state in ENDED)


@given(st.lists(st.sampled_from(State), min_size=1), st.booleans())
def test_the_whole_runs_until_its_last_step_has_ended(states, is_canceled):
    status = rules.whole(states, is_canceled)
    assert (status is Status.RUNNING) == any(state not in ENDED for state in states)
    assert (status is Status.SUCCEEDED) == (set(states) == {State.SUCCEEDED})
    assert status is not Status.CANCELED or is_canceled


@given(graphs())
def test_a_level_is_one_more_than_the_highest_before_it_and_there_is_no_ring(after):
    levels = rules.levels(after)
    assert levels == {name: max((levels[each] + 1 for each in before), default=0) for name, before in after.items()}
    assert rules.circle(after) == ()


@given(graphs(), st.data())
def test_a_ring_is_found_and_named_in_its_order(after, data):
    names = list(after)
    ring = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    looped = {name: set(before) for name, before in after.items()}
    for name, before in zip(ring, ring[1:] + ring[:1], strict=True):
        looped[name].add(before)
    found = rules.circle({name: tuple(before) for name, before in looped.items()})
    assert found and len(set(found)) == len(found)
    assert all(before in looped[name] for name, before in zip(found, found[1:] + found[:1], strict=True))


class Ledger:
    """A workflow's money as the service keeps it: what is reserved for those to come, apart for those under way."""

    def __init__(self, cap, quotes):
        self.cap, self.quotes = cap, dict(enumerate(quotes))
        self.live, self.paid = {}, {}

    def purse(self, step):
        waiting = [each for each in self.quotes if each != step and each not in self.live and each not in self.paid]
        committed = sum(self.live.values()) + sum(self.paid.values())
        return Purse(self.cap, committed, sum(self.quotes[each] for each in waiting), len(waiting))


@given(st.lists(st.integers(0, 100), min_size=1, max_size=8), st.integers(0, 300), st.data())
def test_no_order_of_starts_and_ends_commits_more_than_the_cap_and_every_quoted_step_fits(quotes, slack, data):
    ledger = Ledger(sum(quotes) + slack, quotes)
    while len(ledger.paid) < len(quotes):
        waiting = [each for each in ledger.quotes if each not in ledger.live and each not in ledger.paid]
        step = data.draw(st.sampled_from([*waiting, *ledger.live]))
        if step in ledger.live:
            ledger.paid[step] = data.draw(st.integers(0, ledger.live.pop(step)))
        else:
            ceiling = ledger.purse(step).ceiling(ledger.quotes[step])
            assert ceiling is not None and ceiling >= ledger.quotes[step]
            ledger.live[step] = ceiling
        assert sum(ledger.live.values()) + sum(ledger.paid.values()) <= ledger.cap


@given(st.builds(Purse, *[st.integers(0, 1_000)] * 3, st.integers(0, 10)), st.integers(0, 1_000))
def test_a_ceiling_is_between_the_quote_and_what_is_left_or_there_is_none(purse, quote):
    ceiling = purse.ceiling(quote)
    assert (ceiling is None) == (quote > purse.left)
    assert ceiling is None or quote <= ceiling <= purse.left


@given(st.none() | st.integers(0, 100), st.integers(0, 100))
def test_a_key_never_pays_more_than_was_held(cost, held):
    assert rules.paid(cost, held) == (None if cost is None else min(cost, held))


def test_a_limit_is_never_rounded_up():
    assert rules.nanos("0.0000000019") == 1
    assert rules.nanos("1e400") == 10**18
