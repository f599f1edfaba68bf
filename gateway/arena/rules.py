"""Which pair is drawn, which side each is on, and what a vote means. Pure: chance comes in as a seed that is kept."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import combinations
from math import sqrt
from typing import NamedTuple

from router.ratings import Rated, Tally

DRAW = "close and little known"
"""The name of the draw, in the record of every battle whose pair was drawn. Another way to draw is another name."""

CONTENDERS = 50
"""Models that one draw is among, the best ranked: all pairs are weighed, and all models are kept with the battle."""

DISTANT = 0.05
"""What a pair whose intervals are apart counts, where one with equal intervals counts 1: such a vote says little, and
never none."""

COUNTED_A_DAY = 10
"""Votes of one key on one pair that count in one day (UTC): more of the same taste is no more evidence."""

OPEN_FOR = timedelta(days=30)
"""A vote on an older battle would speak of models as they were."""

SEED_BITS = 53
"""What every JSON reader keeps exactly."""


class Status(StrEnum):
    RUNNING = "running"
    READY = "ready"
    VOTED = "voted"
    VOID = "void"


REVEALED = frozenset({Status.VOTED, Status.VOID})
"""Nothing is left to vote on, so nothing is left to hide."""


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"


class Choice(StrEnum):
    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class Outcome(StrEnum):
    """A vote on two models in the order of their names, whichever side they stood on."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class Contender(NamedTuple):
    """A model that may be drawn: its quote for this request, and where our own ratings have it."""

    model: str
    quote_usd: Decimal
    low: float
    high: float
    votes: int


class Pair(NamedTuple):
    left: str
    right: str


def draw(contenders: Sequence[Contender], seed: int, most_usd: Decimal | None = None) -> Pair | None:
    """Two different models, the likelier the nearer their ratings and the fewer their votes; None where no two of them
    together cost at most `most_usd`. The same contenders, in any order, and the same seed give the same pair."""
    known = sorted({each.model: each for each in contenders}.values())
    pairs = [
        (first, second)
        for first, second in combinations(known, 2)
        if most_usd is None or first.quote_usd + second.quote_usd <= most_usd
    ]
    if not pairs:
        return None
    left_over = fraction(seed, "pair") * sum(weight(*pair) for pair in pairs)
    for first, second in pairs:
        left_over -= weight(first, second)
        if left_over < 0:
            break
    return placed(first.model, second.model, seed)


def placed(first: str, second: str, seed: int) -> Pair:
    """Who stands where: by the seed alone, whichever of the two is named first."""
    first, second = sorted((first, second))
    return Pair(first, second) if fraction(seed, "sides") < 0.5 else Pair(second, first)


def made_in(seed: int) -> tuple[Side, Side]:
    """The order in which both jobs are made and their money is held: by the seed alone, so that it tells no side."""
    return (Side.LEFT, Side.RIGHT) if fraction(seed, "order") < 0.5 else (Side.RIGHT, Side.LEFT)


def weight(first: Contender, second: Contender) -> float:
    """How much a vote on this pair would tell, as a chance to be drawn: more where their intervals overlap, and where
    few votes are known of either."""
    union = max(first.high, second.high) - min(first.low, second.low)
    overlap = max(0.0, min(first.high, second.high) - max(first.low, second.low))
    near = overlap / union if union > 0 else 1.0
    return max(DISTANT, near) / sqrt((1 + first.votes) * (1 + second.votes))


def fraction(seed: int, word: str) -> float:
    """A number in 0 to 1, below 1, that only this seed and this word give."""
    return _bits(f"{seed} {word}") / float(2**SEED_BITS)


def seed_of(secret: str) -> int:
    """A seed out of random words, small enough for JSON."""
    return _bits(secret)


def _bits(words: str) -> int:
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8]) >> (64 - SEED_BITS)


def job_key(battle_id: str, seed: int, side: Side) -> str:
    """The idempotency key of a side's job. The seed is in it, so that nobody can find a job by guessing its key."""
    return f"arena {hashlib.sha256(f'{battle_id} {seed} {side}'.encode()).hexdigest()}"


def limits(quotes: tuple[Decimal, Decimal], most_usd: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    """What each side may cost, fallbacks included, so that both together stay within the most: its quote, and half of
    what is left."""
    if most_usd is None:
        return None, None
    spare = (most_usd - sum(quotes)) / 2
    return quotes[0] + spare, quotes[1] + spare


def least(*amounts: Decimal | None) -> Decimal | None:
    """The smallest of the limits that are set."""
    return min((each for each in amounts if each is not None), default=None)


def outcome(choice: Choice, pair: Pair) -> Outcome:
    match choice:
        case Choice.TIE:
            return Outcome.TIE
        case Choice.BOTH_BAD:
            return Outcome.BOTH_BAD
        case Choice.LEFT:
            return Outcome.FIRST if pair.left < pair.right else Outcome.SECOND
        case Choice.RIGHT:
            return Outcome.SECOND if pair.left < pair.right else Outcome.FIRST


def winner(choice: Choice, pair: Pair) -> str | None:
    return {Choice.LEFT: pair.left, Choice.RIGHT: pair.right}.get(choice)


Counts = Mapping[tuple[str, str], Mapping[Outcome, int]]
"""Two models in the order of their names → how often each outcome was voted."""


def tallies(counts: Counts, known: Iterable[str]) -> tuple[Tally, ...]:
    """The votes between models that the catalog still knows, as ratings are made of them."""
    models = frozenset(known)
    return tuple(
        Tally(first, second, *(votes.get(each, 0) for each in Outcome))
        for (first, second), votes in sorted(counts.items())
        if first in models and second in models
    )


def with_vote(counts: Counts, pair: Pair, cast: Outcome) -> Counts:
    """The same counts and one vote more."""
    first, second = sorted(pair)
    before = counts.get((first, second), {})
    return {**counts, (first, second): {**before, cast: before.get(cast, 0) + 1}}


def positions(rated: Sequence[Rated]) -> list[int]:
    """Places from 1 on, of ratings in their order; equal ratings share a place."""
    places: list[int] = []
    for index, each in enumerate(rated):
        is_shared = index > 0 and rated[index - 1].rating == each.rating
        places.append(places[-1] if is_shared else index + 1)
    return places


def day_of(now: datetime) -> datetime:
    """When the day began within which votes are counted."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
