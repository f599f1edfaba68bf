"""How long the router takes to decide among a thousand candidates; pure computation, nothing else is running."""

import random
from collections.abc import Callable
from decimal import Decimal
from statistics import median
from time import perf_counter

from adapters.schema import Task
from router.decide import Candidate, decide
from router.evidence import Evidence, cost_of
from router.policy import preset
from router.quality import Interval

CANDIDATES = 1_000
REPEATS = 200
BLOCKED_IN = 10
"""One candidate in so many has an obstacle, as in a catalog where some keys are missing."""


def decide_ms() -> float:
    """The median of many decisions by the default policy with a price limit, in milliseconds."""
    chance = random.Random(1)
    candidates = [_candidate(number, chance) for number in range(CANDIDATES)]
    policy = preset("balanced", Task.TEXT_TO_IMAGE).changed({"max_cost_usd": Decimal("0.09")})
    return median(_timed(lambda: decide(candidates, policy, "ev_benchmark")) for _ in range(REPEATS)) * 1_000


def _candidate(number: int, chance: random.Random) -> Candidate:
    value, p50_s = chance.random(), chance.uniform(1, 60)
    cost_usd = Decimal(chance.randrange(1, 100)) / 1_000
    evidence = Evidence(
        Interval(value, value * 0.9, min(1.0, value * 1.1)), "benchmark", p50_s, 2 * p50_s, chance.uniform(0.8, 1),
        chance.uniform(0, 0.02), cost_usd, cost_of(cost_usd),
    )  # fmt: skip
    provider, model = f"provider-{number % 20}", f"maker/model-{number // 20}"
    obstacle = None if number % BLOCKED_IN else "has no key"
    return Candidate(f"{provider}/{model}", provider, model, evidence, obstacle)


def _timed(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began
