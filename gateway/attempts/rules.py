"""The life of an attempt, and when its next turn is due. Pure."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from adapters import holding
from adapters.errors import Fault, ProviderError
from adapters.schema import Usage
from adapters.wire import Done, Failed, Pending, Progress


class Status(StrEnum):
    OPEN = "open"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


LIVE = frozenset({Status.OPEN, Status.UNKNOWN})

MOVES: dict[Status, frozenset[Status]] = {
    Status.OPEN: frozenset({Status.UNKNOWN, Status.SUCCEEDED, Status.FAILED, Status.CANCELED}),
    # Open again: a worker that was thought dead brings the reply to its submit after all.
    Status.UNKNOWN: frozenset({Status.OPEN, Status.SUCCEEDED, Status.FAILED, Status.CANCELED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
}

LEASE_S = 15.0
"""How long a worker may be silent before another takes over what it held."""
HEARTBEAT_S = 5.0
TURNS = 5_000
"""Turns of one attempt: half an hour of polls at the quickest cadence, and some."""
SLOWER = 1.5
SLOWEST_POLL_S = 30.0
CALLED_BACK = 4.0
"""Polls are so much rarer where the provider calls us: they are only for a call that never comes."""
RETRY_FIRST_S = 1.0
RETRY_DOUBLINGS = 6
"""Waits stop growing after this many: a minute is already slow, and powers of two end beyond a float."""
RETRY_SLOWEST_S = 60.0
RESENDS = 5
"""Times that a submit of unknown fate is sent again under its idempotency key."""


class Ending(NamedTuple):
    """How an attempt ended, for whoever decides what comes next."""

    status: Status
    error: ProviderError | None = None
    usage: Usage = {}  # noqa: RUF012 - never changed
    cost_usd: Decimal | None = None


class Again(NamedTuple):
    """The attempt goes on: its next call (or what waits to be collected) and when."""

    due_at: datetime
    progress: Pending | Done
    failures: int = 0


def poll_wait_s(wait_s: float, turns: int) -> float:
    """The provider's cadence at first, slower by half for every twenty turns, at most every 30 s."""
    slowed: float = wait_s * SLOWER ** min(turns // 20, 20)
    return min(slowed, max(wait_s, SLOWEST_POLL_S))


def backoff_s(failures: int) -> float:
    """Seconds before asking again after the n-th failure in a row: 1, 2, 4 … 60."""
    doublings = min(max(0, failures - 1), RETRY_DOUBLINGS)
    return min(RETRY_FIRST_S * 2.0**doublings, RETRY_SLOWEST_S)


class Asked(Protocol):
    """What the rules want to know of an attempt."""

    @property
    def next(self) -> Pending | Done: ...
    @property
    def failures(self) -> int: ...
    @property
    def turns(self) -> int: ...
    @property
    def deadline_at(self) -> datetime: ...


def after_turn(
    progress: Progress, asked: Asked, now: datetime, resendable: bool = False, is_called_back: bool = False
) -> Again | Ending | Done:
    """What a turn's progress means for the attempt. A Done still has to be collected.

    A later turn that fails in passing (the network, a 5xx, a 429) is asked again until the deadline: the provider's
    job is not lost because one poll was. A submit is asked again only if it is `resendable`: the provider keeps an
    idempotency key. However long a provider asks to wait, the last turn is at the deadline.
    """
    late = now >= asked.deadline_at
    match progress:
        case Done():
            return progress
        case Pending() if late or asked.turns >= TURNS:
            return Ending(Status.FAILED, ProviderError(fault=Fault.TIMED_OUT, message="not finished by its deadline"))
        case Pending():
            wait_s = progress.wait_s * (CALLED_BACK if is_called_back else 1.0)
            return Again(_due_at(poll_wait_s(wait_s, asked.turns), asked, now), progress)
        case Failed() if passing(progress, asked, resendable) and not late:
            wait_s = max(progress.error.retry_after_s or 0.0, backoff_s(asked.failures + 1))
            return Again(_due_at(wait_s, asked, now), asked.next, asked.failures + 1)
        case Failed(fate_unknown=True):
            return Ending(Status.UNKNOWN, progress.error, progress.usage, progress.cost_usd)
        case Failed():
            return Ending(Status.FAILED, progress.error, progress.usage, progress.cost_usd)


def _due_at(wait_s: float, asked: Asked, now: datetime) -> datetime:
    left_s = (asked.deadline_at - now).total_seconds()
    return now + timedelta(seconds=min(wait_s, left_s))


def passing(progress: Failed, asked: Asked, resendable: bool) -> bool:
    """Whether a failure is only of this turn.

    What a status says of a later turn: 408, 429, 5xx are of the moment; any other, a 404 above all, says that the
    provider knows no such job (any more), and asking for it again would ask until the deadline for nothing.
    """
    if isinstance(asked.next, Pending) and asked.next.call.stage == "submit":
        return resendable and progress.fate_unknown and asked.failures < RESENDS
    if progress.is_verdict:
        return False
    if isinstance(asked.next, Pending) and asked.next.call.stage in holding.STAGES:
        return False  # nothing is under way, and others wait: it is for the job to try again, or elsewhere
    error = progress.error
    if error.fault is Fault.PROVIDER_FAULT:
        return error.status is not None and error.status >= 500
    return error.fault in (Fault.UNREACHABLE, Fault.RATE_LIMITED, Fault.TIMED_OUT)


def provider_ref(before: Progress, after: Progress) -> str | None:
    """The provider's name for a run, out of the first call that asks about it; None where the call tells none.

    It is the longest word that looks like an id and was not in the submit: in the url, or in what a POST asks for.
    """
    if not isinstance(before, Pending) or not isinstance(after, Pending) or before.call.stage != "submit":
        return None
    if after.call.stage in ("submit", "upload"):
        return None
    known = set(_WORD.findall(before.call.url))
    words = [*_WORD.findall(after.call.url), *_named(after.call.json_body)]
    found = [word for word in words if word not in known and (len(word) >= LONG_WORD or _HAS_DIGIT.search(word))]
    return max(found, key=len, default=None)


REF_CHARS = 200
"""No provider's id is longer; what is, is a token for the next call."""
LONG_WORD = 20
"""Letters alone are an id only from here on: words of a path are shorter."""
_WORD = re.compile(rf"(?<=[/=])[A-Za-z0-9_-]{{6,{REF_CHARS}}}(?=[/?&:]|$)")
_HAS_DIGIT = re.compile(r"\d")


def _named(body: object) -> list[str]:
    """Ids in the object that a call sends, or in the first of its list; of an operation's path the last part."""
    place = body[0] if isinstance(body, list) and body else body
    named = place.items() if isinstance(place, dict) else ()
    words = [str(value).rpartition("/")[2] for name, value in named if name.lower().endswith(("id", "operationname"))]
    return [word for word in words if 6 <= len(word) <= REF_CHARS]
