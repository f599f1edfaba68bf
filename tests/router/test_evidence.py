"""Evidence joins what was folded elsewhere; having no price is the worst cost, not a free one."""

from decimal import Decimal
from math import inf

from adapters.schema import Task
from router.evidence import HAZARD_UNKNOWN_PER_DAY, gather, quoted
from router.latency import Latencies
from router.quality import NO_BOARD


def test_evidence_holds_what_each_source_says():
    found = gather(NO_BOARD, Latencies({}).of("a/x/y", Task.TEXT, 3.0), Decimal("0.25"), 0.125)
    assert found.quality == NO_BOARD.interval and found.quality_source == NO_BOARD.source
    assert (found.latency_p50_s, found.latency_p95_s, found.reliability) == (3.0, 6.0, 0.95)
    assert (found.hazard_per_day, found.cost_usd, found.cost) == (0.125, Decimal("0.25"), 0.25)


def test_an_unmeasured_hazard_is_an_even_chance_to_last_a_year():
    found = gather(NO_BOARD, Latencies({}).of("a/x/y", Task.TEXT), None)
    assert abs((1 - found.hazard_per_day) ** 365 - 0.5) < 0.001 and found.hazard_per_day == HAZARD_UNKNOWN_PER_DAY


def test_another_quote_changes_the_cost_and_nothing_else():
    found = gather(NO_BOARD, Latencies({}).of("a/x/y", Task.TEXT), Decimal(1))
    assert quoted(found, Decimal(2)) == found._replace(cost_usd=Decimal(2), cost=2.0)
    assert quoted(found, None).cost == inf
