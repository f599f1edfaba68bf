"""The life of a workflow: which steps are ready or skipped, how the whole ends, what a step may cost. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from gateway.ledger.rules import LARGEST_NANOS, NANOS

STEPS = 50
"""Steps of one workflow: what a person can still look at as one picture, and one transaction can still move."""
DEPTH = 20
"""Steps in a row. Each waits for the one before it, so a deeper one would take hours before its last step begins."""
RUNNING_MOST = 500
"""Workflows of one key that have not ended. They hold no money while they wait, so nothing else bounds them."""
READY_MOST_S = 24 * 3_600
"""A step that is ready and finds no room (its plan's rate, say) for so long fails."""


class Status(StrEnum):
    """Of a whole workflow."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class State(StrEnum):
    """Of a step. `ready`: it may start, and is being started; `running`: it has a job, which says more."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"


ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELED, State.SKIPPED})
BROKEN = frozenset({State.FAILED, State.CANCELED, State.SKIPPED})
"""What nothing can follow."""


class OnFailure(StrEnum):
    """What a failed step means for those that do not need it: nothing new is started, or they go on."""

    STOP = "stop"
    CONTINUE = "continue"


class Node(NamedTuple):
    """A step as the graph sees it. `is_taken`: somebody is making its job at this moment."""

    name: str
    after: tuple[str, ...]
    state: State = State.WAITING
    is_taken: bool = False


def following(nodes: Sequence[Node], on_failure: OnFailure, is_canceled: bool) -> dict[str, State]:
    """The steps whose state is to change now, with their new one: those that are ready, those that are skipped."""
    states = {node.name: node.state for node in nodes}
    stops = is_canceled or (on_failure is OnFailure.STOP and not BROKEN.isdisjoint(states.values()))
    moved: dict[str, State] = {}
    for _ in nodes:  # a skip may skip those after it: as often as there are steps is enough
        changes = {node.name: state for node in nodes if (state := _next(node, states, stops)) is not states[node.name]}
        if not changes:
            break
        states |= changes
        moved |= changes
    return moved


def _next(node: Node, states: Mapping[str, State], stops: bool) -> State:
    state, before = states[node.name], [states[each] for each in node.after]
    if state not in (State.WAITING, State.READY) or node.is_taken:
        return state
    if stops or not BROKEN.isdisjoint(before):
        return State.SKIPPED
    return State.READY if all(each is State.SUCCEEDED for each in before) else state


def whole(states: Sequence[State], is_canceled: bool) -> Status:
    """How a workflow is, all its steps taken together."""
    if not ENDED.issuperset(states):
        return Status.RUNNING
    if all(state is State.SUCCEEDED for state in states):
        return Status.SUCCEEDED
    return Status.CANCELED if is_canceled else Status.FAILED


def levels(after: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many steps come before each, along its longest way. Those that wait for themselves are left out."""
    found: dict[str, int] = {}
    for _ in after:
        ripe = [name for name, before in after.items() if name not in found and all(each in found for each in before)]
        if not ripe:
            break
        found |= {name: 1 + max((found[each] for each in after[name]), default=-1) for name in ripe}
    return found


def circle(after: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Steps that wait for one another, in a ring; none if there is no such ring."""
    settled = levels(after)
    stuck = {name: [each for each in before if each not in settled] for name, before in after.items()}
    name = next((name for name in after if name not in settled), None)
    path: list[str] = []
    while name is not None and name not in path:
        path.append(name)
        name = next(iter(stuck[name]), None)
    return tuple(path[path.index(name) :]) if name is not None else ()


class Purse(NamedTuple):
    """What a workflow may spend, in nano-dollars, and what of it is spoken for.

    `committed`: paid for what is settled, and the most that each of the others under way may come to. `reserved`: the
    quotes of the other steps that are still to start, of which there are `others`.
    """

    cap: int
    committed: int
    reserved: int
    others: int

    @property
    def left(self) -> int:
        """What the next step may cost at most. Never negative."""
        return max(0, self.cap - self.committed - self.reserved)

    def ceiling(self, quote: int) -> int | None:
        """The most that the next step may come to, whatever it falls back to; None if not even its quote is left.

        What no quote needs is shared evenly among the steps still to start, so that branches which run side by side
        all can fall back; what one does not use is there for the next.
        """
        if quote > self.left:
            return None
        return quote + (self.left - quote) // (1 + self.others)


def paid(cost_nanos: int | None, held_nanos: int) -> int | None:
    """What the key pays for a job: its cost, but never more than was held (the rest is the gateway's loss)."""
    return None if cost_nanos is None else min(cost_nanos, held_nanos)


def nanos(usd: str | Decimal) -> int:
    """Nano-dollars that a limit allows: rounded down, for a limit is not passed by rounding; no more than there are."""
    return int(min(Decimal(usd), Decimal(LARGEST_NANOS // NANOS)).scaleb(9))
