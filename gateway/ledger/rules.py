"""What an entry may say: double entry in integer nano-dollars. Pure; it knows no balance, no clock and no database."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_CEILING, Context, Decimal, InvalidOperation
from enum import StrEnum
from typing import NamedTuple

WORLD = "world"
MARGIN = "gateway:margin"
OVERRUN = "gateway:overrun"

MAY_GO_NEGATIVE = frozenset({WORLD, OVERRUN})
"""Where money comes from: outside, and the gateway's own pocket when a run costs more than its hold."""

NANOS = 10**9
LARGEST_NANOS = 10**18
"""One amount at most, a thousand million dollars: a sum of several still fits into a column of 64 bits."""

_EXACTLY = Context(prec=28, rounding=ROUND_CEILING)


class Reason(StrEnum):
    FUND = "fund"
    CREDIT = "credit"
    PAYMENT = "payment"
    HOLD = "hold"
    REHOLD = "rehold"
    SETTLE = "settle"
    LATE = "late"
    ADJUST = "adjust"


class AmountRefused(ValueError):
    """An amount that the ledger cannot hold: negative, not a number, or above LARGEST_NANOS."""


class Posting(NamedTuple):
    """An amount moves from one account to another, so an entry balances by construction. `nanos` is positive."""

    source: str
    destination: str
    nanos: int


class Entry(NamedTuple):
    """Postings that happen together or not at all; never edited, only corrected by a further entry.

    `key` is unique in the ledger. An entry may have no postings: it then only marks that something happened.
    """

    key: str
    reason: str
    postings: tuple[Posting, ...]


def available(key_id: str) -> str:
    return f"key:{key_id}:available"


def held(key_id: str) -> str:
    return f"key:{key_id}:held"


def owed(key_id: str) -> str:
    """What a key spends before it pays: credit given and not yet paid back."""
    return f"key:{key_id}:owed"


def payable(provider: str) -> str:
    return f"provider:{provider}:payable"


def nanos(usd: Decimal) -> int:
    """Nano-dollars for dollars: the one conversion, rounding up, so that what we are owed is never lost."""
    try:
        return _checked(int(usd.quantize(Decimal("1e-9"), context=_EXACTLY).scaleb(9)))
    except (InvalidOperation, ValueError) as error:
        raise AmountRefused(f"{usd} is not an amount from 0 to {LARGEST_NANOS // NANOS} US dollars") from error


def margin(cost_nanos: int, margin_ppm: int) -> int:
    """What is asked beyond a cost: millionths of it, rounded up."""
    return -(-cost_nanos * margin_ppm // 1_000_000)


def usd(nanos: int) -> str:
    """A plain decimal string, exact, with two decimals or as many as it needs."""
    whole, part = divmod(abs(nanos), NANOS)
    return f"{'-' if nanos < 0 else ''}{whole}.{f'{part:09d}'.rstrip('0').ljust(2, '0')}"


def _checked(amount: int) -> int:
    if not 0 <= amount <= LARGEST_NANOS:
        raise AmountRefused(f"{amount} nano-dollars is outside 0 to {LARGEST_NANOS}")
    return amount


def _entry(key: str, reason: Reason, *moves: tuple[str, str, int]) -> Entry:
    """Moves of nothing are left out: a posting is always of something."""
    return Entry(key, reason.value, tuple(Posting(*move) for move in moves if _checked(move[2])))


def fund(key_id: str, nanos: int, idempotency_key: str) -> Entry:
    """Money comes in. The key's id is not in the entry's key, so a repeat for another key is a clash."""
    return _entry(f"fund:{idempotency_key}", Reason.FUND, (WORLD, available(key_id), nanos))


def credit(key_id: str, nanos: int, idempotency_key: str) -> Entry:
    """Money to be spent now and paid later: it is available, and it is owed."""
    moves = (WORLD, available(key_id), nanos), (WORLD, owed(key_id), nanos)
    return _entry(f"credit:{idempotency_key}", Reason.CREDIT, *moves)


def payment(key_id: str, nanos: int, idempotency_key: str) -> Entry:
    """Credit paid back: nobody can pay more than is owed, for that would be funds."""
    return _entry(f"payment:{idempotency_key}", Reason.PAYMENT, (owed(key_id), WORLD, nanos))


def hold(key_id: str, job_id: str, nanos: int) -> Entry:
    return _entry(f"hold:{job_id}", Reason.HOLD, (available(key_id), held(key_id), nanos))


def rehold(key_id: str, job_id: str, attempt_id: str, held_nanos: int, wanted_nanos: int) -> Entry | None:
    """Move the difference when another attempt costs more or less than what is held; None if it costs the same."""
    up, down = max(0, wanted_nanos - held_nanos), max(0, held_nanos - wanted_nanos)
    if up == down:
        return None
    moves = (available(key_id), held(key_id), up), (held(key_id), available(key_id), down)
    return _entry(f"rehold:{job_id}:{attempt_id}", Reason.REHOLD, *moves)


def settle(key_id: str, job_id: str, held_nanos: int, costs: Sequence[tuple[str, int]], margin_nanos: int = 0) -> Entry:
    """Pay each (provider, nanos) out of the hold, what it does not cover out of the overrun, and release the rest.

    One entry for a job, even when nothing moves: it marks the job as settled. The margin is taken only from what the
    costs leave of the hold, for a margin out of our own pocket would be none.
    """
    from_key, left = held(key_id), held_nanos
    moves: list[tuple[str, str, int]] = []
    for provider, cost in costs:
        captured = min(_checked(cost), left)
        left -= captured
        moves += (from_key, payable(provider), captured), (OVERRUN, payable(provider), cost - captured)
    margin = min(margin_nanos, left)
    moves += (from_key, MARGIN, margin), (from_key, available(key_id), left - margin)
    return _entry(f"settle:{job_id}", Reason.SETTLE, *moves)


def late(attempt_id: str, provider: str, nanos: int) -> Entry:
    """A second attempt of a job that was settled already was made after all: its provider is owed, by us alone."""
    return _entry(f"late:{attempt_id}", Reason.LATE, (OVERRUN, payable(provider), nanos))


def adjust(provider: str, subject: str, number: int, nanos: int) -> Entry:
    """A provider's invoice says otherwise: so much more is owed, or less; the gateway pays or gains it, never a key.

    `number` counts the corrections of one subject (an attempt, or a line of an invoice), so that each is posted once.
    """
    more, less = max(0, nanos), max(0, -nanos)
    moves = (OVERRUN, payable(provider), more), (payable(provider), OVERRUN, less)
    return _entry(f"adjust:{provider}:{subject}:{number}", Reason.ADJUST, *moves)


def changes(entry: Entry) -> dict[str, int]:
    """What an entry does to each account, in the order of their names: two entries lock accounts in one order."""
    totals: Counter[str] = Counter()
    for source, destination, amount in entry.postings:
        totals[source] -= amount
        totals[destination] += amount
    return {account: totals[account] for account in sorted(totals) if totals[account]}


def input_hash(entry: Entry) -> str:
    """What was asked, as 64 hex digits: the same key with another hash is a contradiction."""
    lines = [entry.reason, *[f"{source}\t{destination}\t{amount}" for source, destination, amount in entry.postings]]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
