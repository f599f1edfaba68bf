"""Turns of sets: never two at once, nobody starves, and no more switches than turns."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings, strategies as st

from gateway.attempts.lora_rules import AT_ONCE, TURN_S, Hold, Inside, Waits, let_in

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def waits(*pairs):
    return [Waits(f"att_{number}", lora_set, ago(age)) for number, (lora_set, age) in enumerate(pairs)]


def test_the_first_set_is_let_in_and_counts_as_a_switch():
    let = let_in(None, [], waits(("a", 1)), NOW)
    assert let.id == "att_0" and let.hold == Hold("a", NOW) and let.is_switch


def test_while_a_run_sees_to_the_set_nobody_else_goes_in():
    assert let_in(Hold("a", ago(1)), [Inside("a", True)], waits(("a", 1)), NOW).id is None


def test_a_run_of_the_same_set_goes_beside_one_under_way():
    assert let_in(Hold("a", ago(1)), [Inside("a", False)], waits(("b", 9), ("a", 1)), NOW).id == "att_1"


def test_a_run_of_another_set_waits_for_those_under_way():
    assert let_in(Hold("a", ago(1_000)), [Inside("a", False)], waits(("b", 900)), NOW).id is None


def test_once_a_turn_is_over_no_more_of_its_set_go_in_while_another_waits():
    over = Hold("a", ago(TURN_S))
    assert let_in(over, [Inside("a", False)], waits(("a", 50), ("b", 1)), NOW).id is None
    assert let_in(over, [Inside("a", False)], waits(("a", 50)), NOW).id == "att_0"
    let = let_in(over, [], waits(("a", 50), ("b", 1)), NOW)
    assert let.id == "att_1" and let.hold == Hold("b", NOW)


def test_of_several_sets_that_wait_the_one_that_waited_longest_is_next():
    assert let_in(Hold("a", ago(TURN_S)), [], waits(("b", 5), ("c", 8), ("a", 99)), NOW).id == "att_1"


def test_no_more_than_so_many_are_inside():
    inside = [Inside("a", False)] * AT_ONCE
    assert let_in(Hold("a", ago(1)), inside, waits(("a", 1)), NOW).id is None


def test_runs_without_loras_are_a_set_of_their_own():
    let = let_in(Hold('[["a",1.0]]', ago(1)), [], waits(("[]", 1)), NOW)
    assert let.is_switch and let.hold.lora_set == "[]"


arrivals = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from("abc"), st.integers(1, 40)), min_size=1, max_size=40
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(arrivals)
def test_every_run_gets_in_never_beside_another_set_and_switches_are_no_more_than_turns(runs):
    """A machine in steps of one second: runs arrive, prepare for one, take so long, and end."""
    hold, inside, waiting, switches, entered = None, {}, {}, [], {}
    for second in range(300 + 41 * len(runs) + len(runs) * int(TURN_S)):
        now = NOW + timedelta(seconds=second)
        waiting |= {f"att_{n:03}": Waits(f"att_{n:03}", s, now) for n, (at, s, _) in enumerate(runs) if at == second}
        inside = {id: (s, ends) for id, (s, ends) in inside.items() if ends > second}
        while True:
            held = [Inside(s, entered[id] == second and len(inside) == 1) for id, (s, _) in inside.items()]
            let = let_in(hold, held, list(waiting.values()), now)
            if let.id is None:
                break
            if let.is_switch:
                switches.append(now)
            hold, run = let.hold, waiting.pop(let.id)
            entered[let.id] = second
            inside[let.id] = (run.lora_set, second + runs[int(let.id[4:])][2])
            assert len({s for s, _ in inside.values()}) == 1 and len(inside) <= AT_ONCE
            assert hold.lora_set == run.lora_set
        if len(entered) == len(runs):
            break
    assert len(entered) == len(runs) and not waiting
    assert len(switches) <= len(runs)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abc")), min_size=1, max_size=60), st.integers(1, 20))
def test_nobody_waits_longer_than_a_turn_of_each_older_set_and_the_runs_under_way(runs, takes_s):
    """All take as long. A run's wait is bounded by the turns of those before it, whoever comes after."""
    hold, inside, waiting, entered, switches = None, {}, {}, {}, 0
    second = -1
    while len(entered) < len(runs):
        second += 1
        now = NOW + timedelta(seconds=second)
        waiting |= {f"att_{n:03}": Waits(f"att_{n:03}", s, now) for n, (at, s) in enumerate(runs) if at == second}
        inside = {id: ends for id, ends in inside.items() if ends > second}
        while (let := let_in(hold, [Inside(hold.lora_set, False) for _ in inside], list(waiting.values()), now)).id:
            hold, switches = let.hold, switches + let.is_switch
            entered[let.id] = second
            inside[let.id] = second + takes_s
            waiting.pop(let.id)
    counts = Counter(s for _, s in runs)
    for number, (at, _) in enumerate(runs):
        older = [n for n, (other, _) in enumerate(runs) if other <= at]
        bound_s = (len(older) // AT_ONCE + 3) * takes_s + 3 * len(counts) * (TURN_S + takes_s)
        assert entered[f"att_{number:03}"] - at <= bound_s
    assert switches <= len(runs)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=60), st.integers(1, 20))
def test_of_runs_that_wait_together_each_set_is_switched_to_once_and_once_more_for_each_turn(sets, takes_s):
    hold, inside, entered, switches, second = None, {}, 0, 0, 0
    waiting = {f"att_{n:03}": Waits(f"att_{n:03}", lora_set, NOW) for n, lora_set in enumerate(sets)}
    while waiting:
        now = NOW + timedelta(seconds=second)
        inside = {id: ends for id, ends in inside.items() if ends > second}
        while (let := let_in(hold, [Inside(hold.lora_set, False) for _ in inside], list(waiting.values()), now)).id:
            hold, switches, entered = let.hold, switches + let.is_switch, entered + 1
            inside[let.id] = second + takes_s
            waiting.pop(let.id)
        second += 1
    assert entered == len(sets)
    assert switches <= len(set(sets)) + second / TURN_S
