"""From measurements to one table and one JSON document; it says met or not met, and asserts nothing."""

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple

from benchmarks.books import Books
from benchmarks.comparison import CONNECTIONS, GATEWAY, PASS_THROUGH, Comparison, Point
from benchmarks.ledger import Speeds
from benchmarks.streaming import Delays

RATIO_LEAST = 0.5
ADDED_MOST_MS = 5.0
IDLE_MOST_MB = 160.0
START_MOST_S = 3.0
DECIDE_MOST_MS = 2.0
FOLD_MOST_S = 2.0
CHUNK_MOST_MS = 1.0


class Line(NamedTuple):
    """One target at one number of connections: medians over the rounds."""

    target: str
    connections: int
    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float


class Goal(NamedTuple):
    """A figure, the target it is printed beside, and how far it varied from round to round."""

    name: str
    value: float
    unit: str
    target: str
    met: bool
    low: float
    high: float


class Report(NamedTuple):
    lines: tuple[Line, ...]
    goals: tuple[Goal, ...]
    comparison: Comparison
    ledger: Speeds
    measure_ms: float
    books: Books


def report(
    comparison: Comparison,
    decide_ms: tuple[float, ...],
    fold_s: tuple[tuple[float, float], ...],
    streamed: tuple[Delays, ...],
    ledger: Speeds,
    measure_ms: float,
    books: Books,
) -> Report:
    lines = [_line(comparison, target, count) for count in CONNECTIONS for target in (GATEWAY, PASS_THROUGH)]
    goals = tuple(_goals(comparison, decide_ms, fold_s, streamed))
    return Report(tuple(lines), goals, comparison, ledger, measure_ms, books)


def _line(comparison: Comparison, target: str, connections: int) -> Line:
    points = [each for each in comparison.points if (each.target, each.connections) == (target, connections)]

    def middle(value: Callable[[Point], float]) -> float:
        return median(map(value, points))

    return Line(
        target,
        connections,
        middle(lambda point: point.per_s),
        middle(lambda point: point.measured.p50_ms),
        middle(lambda point: point.measured.p95_ms),
        middle(lambda point: point.measured.p99_ms),
        middle(lambda point: point.cpu_ms),
    )


def _goals(
    comparison: Comparison,
    decide_ms: tuple[float, ...],
    fold_s: tuple[tuple[float, float], ...],
    streamed: tuple[Delays, ...],
) -> Iterator[Goal]:
    ratios = [ours.per_s / theirs.per_s for ours, theirs in _pairs(comparison, max(CONNECTIONS))]
    added_ms = [ours.measured.p50_ms - theirs.measured.p50_ms for ours, theirs in _pairs(comparison, 1)]
    idle_mb = [comparison.memory[GATEWAY].idle_mb]
    yield _goal("rate over pass-through's, 64 connections", ratios, "", f">= {RATIO_LEAST}", lambda x: x >= RATIO_LEAST)
    yield _goal(
        "added latency, 1 connection, median", added_ms, "ms", f"< {ADDED_MOST_MS:g}", lambda x: x < ADDED_MOST_MS
    )
    chunk_ms = [each.added_ms for each in streamed]
    yield _goal(
        "added to each chunk of a text, median", chunk_ms, "ms", f"< {CHUNK_MOST_MS:g}", lambda x: x < CHUNK_MOST_MS
    )
    yield _goal("idle memory", idle_mb, "MB", f"< {IDLE_MOST_MB:g}", lambda x: x < IDLE_MOST_MB)
    yield _goal("start", comparison.starts_s, "s", f"< {START_MOST_S:g}", lambda x: x < START_MOST_S)
    yield _goal("decide, 1,000 candidates", decide_ms, "ms", f"< {DECIDE_MOST_MS:g}", lambda x: x < DECIDE_MOST_MS)
    whole, alone = zip(*fold_s, strict=True)
    yield _goal("a year of six boards, read and folded", whole, "s", f"< {FOLD_MOST_S:g}", lambda x: x < FOLD_MOST_S)
    yield _goal("  the fold alone", alone, "s", f"< {FOLD_MOST_S:g}", lambda x: x < FOLD_MOST_S)


def _goal(
    name: str, values: "list[float] | tuple[float, ...]", unit: str, target: str, is_met: Callable[[float], bool]
) -> Goal:
    value = median(values)
    return Goal(name, value, unit, target, is_met(value), min(values), max(values))


def _pairs(comparison: Comparison, connections: int) -> list[tuple[Point, Point]]:
    """The gateway's and the pass-through's points of the same rounds: neighbours in time."""
    found = {(each.round, each.target): each for each in comparison.points if each.connections == connections}
    return [(point, found[number, PASS_THROUGH]) for (number, target), point in found.items() if target == GATEWAY]


def as_text(made: Report) -> str:
    return "\n".join([*_speed_text(made), "", *_goal_text(made), "", *_other_text(made)])


def _speed_text(made: Report) -> Iterator[str]:
    yield f"{'connections':>11}  {'':<12} {'req/s':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'CPU ms/req':>11}"
    for each in made.lines:
        yield (
            f"{each.connections:>11}  {each.target:<12} {each.per_s:>8.0f} {each.p50_ms:>8.2f} {each.p95_ms:>8.2f} "
            f"{each.p99_ms:>8.2f} {each.cpu_ms:>11.2f}"
        )


def _goal_text(made: Report) -> Iterator[str]:
    yield f"{'':<42} {'figure':>10} {'lowest to highest':>20}  {'target':<9}"
    for name, value, unit, target, met, low, high in made.goals:
        between = f"{low:.2f} to {high:.2f}"
        yield f"{name:<42} {f'{value:.2f} {unit}':>10} {between:>20}  {target:<9} {'met' if met else 'not met'}"


def _other_text(made: Report) -> Iterator[str]:
    memory, books, ledger = made.comparison.memory, made.comparison.books, made.ledger
    for target, (idle_mb, loaded_mb) in memory.items():
        yield f"memory, {target}: {idle_mb:.0f} MB idle, {loaded_mb:.0f} MB after the load"
    counts = ", ".join(f"{per_s:.0f} with {clients} client(s)" for clients, per_s in ledger.together.items())
    shared = ledger.together[max(ledger.together)]
    yield f"ledger entries a second on SQLite, each durable: {counts}"
    yield f"  a shared commit is worth {shared / ledger.commit_each:.1f} times a commit each ({ledger.commit_each:.0f})"
    yield f"  on the event loop it is {shared / ledger.in_a_thread:.2f} times as fast as in a thread"
    counts = ", ".join(f"{per_s:.0f} with {clients} client(s)" for clients, per_s in made.books.postgres_per_s.items())
    yield f"ledger entries a second on Postgres, each durable: {counts}"
    yield from _growth_text(made.books)
    yield f"checking a picture of 1024x1024: {made.measure_ms:.2f} ms"
    judged = "balance" if books.ok else f"DO NOT BALANCE: {books.findings}"
    answered = made.comparison.answered
    yield f"the books {judged}: {answered} jobs answered, {books.settled:g} settled, {books.open_holds} held"


def _growth_text(books: Books) -> Iterator[str]:
    """How a report's time grows, and how that of summing the postings does."""
    yield f"{'postings':>10} {'rollup rows':>12} {'a usage report':>16} {'times':>7} {'summing them':>14} {'times':>7}"
    first = books.growth[0]
    for each in books.growth:
        grown, summed = each.report_ms / first.report_ms, each.postings_ms / first.postings_ms
        yield (
            f"{each.postings:>10} {each.rollup_rows:>12} {each.report_ms:>13.1f} ms {grown:>7.1f} "
            f"{each.postings_ms:>11.1f} ms {summed:>7.1f}"
        )


def as_document(made: Report) -> dict[str, Any]:
    """All of it as JSON values, every round too."""
    comparison = made.comparison
    return {
        "lines": [each._asdict() for each in made.lines],
        "goals": [each._asdict() for each in made.goals],
        "rounds": [
            {"target": each.target, "round": each.round, "connections": each.connections, "per_s": each.per_s}
            | {"cpu_ms": each.cpu_ms}
            | each.measured._asdict()
            for each in comparison.points
        ],
        "memory": {name: each._asdict() for name, each in comparison.memory.items()},
        "starts_s": comparison.starts_s,
        "answered": comparison.answered,
        "books": comparison.books._asdict(),
        "ledger": made.ledger._asdict(),
        "measure_ms": made.measure_ms,
        "postgres_entries_per_s": made.books.postgres_per_s,
        "usage_reports": [each._asdict() for each in made.books.growth],
    }
