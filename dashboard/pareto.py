"""What quality costs: offers into points of the frontier, the Pareto line, and what is cheaper or better. Pure."""

from collections.abc import Iterable, Sequence
from math import log10

from dashboard.frames import Document, Row, amount
from dashboard.words import short, usd

AS_GOOD = 0.02
"""Qualities nearer than this are called as good: two games in a hundred against the median model."""
NAME_WIDTH, NAME_HEIGHT, NAME_DECADES = 0.13, 0.06, 0.01
"""The room of a name beside a point: of the width of the chart, and of the scale of quality."""


def frontier(decision: Document, every_offer: bool = False) -> list[Row]:
    """Each model by its cheapest offer (or every offer), cheapest first. `is_best` is on the Pareto line: nothing
    costs as little and is better. Offers without a price above zero are left out: a log scale has no zero."""
    priced = [_point(each) for each in decision["ranked"] if amount(each["quote_usd"]) > 0]
    ordered = sorted(priced, key=lambda row: (row["price_usd"], -row["quality"], row["offer"]))
    shown = ordered if every_offer else _first_of_each(ordered, "model")
    best = -1.0
    for row in shown:
        row["is_best"] = row["quality"] > best
        best = max(best, row["quality"])
    _name(shown)
    return shown


def free(decision: Document) -> list[Row]:
    """Offers that cost nothing, the best first."""
    rows = [_point(each) for each in decision["ranked"] if amount(each["quote_usd"]) == 0]
    return sorted(rows, key=lambda row: (-row["quality"], row["offer"]))


def _name(points: Sequence[Row]) -> None:
    """Mark those of the line whose names can be written without covering one another, the best first."""
    if not points:
        return
    width = max(NAME_DECADES, NAME_WIDTH * log10(points[-1]["price_usd"] / points[0]["price_usd"]))
    named: list[Row] = []
    for row in reversed([row for row in points if row["is_best"]]):
        row["is_named"] = all(
            abs(log10(row["price_usd"] / each["price_usd"])) > width
            or abs(row["quality"] - each["quality"]) > NAME_HEIGHT
            for each in named
        )
        named += [row] if row["is_named"] else []


def _point(each: Document) -> Row:
    quality = each["quality"]
    return {
        "model": each["model"],
        "name": short(each["model"]),
        "offer": each["offer"],
        "provider": each["provider"],
        "price_usd": amount(each["quote_usd"]),
        "price": usd(each["quote_usd"]),
        "quality": quality["value"],
        "low": max(0.0, quality["low"]),
        "high": min(1.0, quality["high"]),
        "source": quality["source"],
        "median_s": each["eta_s"]["p50"],
        "reliability": each["reliability"],
        "stage": each["stage"],
        "where": "self-hosted" if each["is_local"] else "provider",
        "is_best": False,
        "is_named": False,
    }


def _first_of_each(rows: Iterable[Row], name: str) -> list[Row]:
    seen: dict[str, Row] = {}
    for row in rows:
        seen.setdefault(row[name], row)
    return list(seen.values())


def steps(points: Sequence[Row]) -> list[Row]:
    """The Pareto line, to be drawn as steps: each best point, and on to the dearest price that is shown."""
    best = [{"price_usd": row["price_usd"], "quality": row["quality"]} for row in points if row["is_best"]]
    end = max((row["price_usd"] for row in points), default=0.0)
    return [*best, {"price_usd": end, "quality": best[-1]["quality"]}] if best else []


def cheaper_as_good(points: Sequence[Row], chosen: Row) -> Row | None:
    """The cheapest that costs less and whose quality is within `AS_GOOD` of this one's, or above it."""
    found = [
        row
        for row in points
        if row["price_usd"] < chosen["price_usd"] and row["quality"] >= chosen["quality"] - AS_GOOD
    ]
    return min(found, key=lambda row: (row["price_usd"], -row["quality"]), default=None)


def better_for_the_same(points: Sequence[Row], chosen: Row) -> Row | None:
    """The best that costs no more and is better by more than `AS_GOOD`."""
    found = [
        row
        for row in points
        if row["price_usd"] <= chosen["price_usd"] and row["quality"] > chosen["quality"] + AS_GOOD
    ]
    return max(found, key=lambda row: (row["quality"], -row["price_usd"]), default=None)


def beside(points: Sequence[Row], chosen: Row) -> tuple[Row | None, Row | None]:
    """The next steps of the line, down and up from this one: the best that costs less, the cheapest that is better."""
    line = [row for row in points if row["is_best"] and row["model"] != chosen["model"]]
    below = [row for row in line if row["price_usd"] < chosen["price_usd"]]
    above = [row for row in line if row["quality"] > chosen["quality"] + AS_GOOD]
    down = max(below, key=lambda row: (row["quality"], -row["price_usd"]), default=None)
    return down, min(above, key=lambda row: (row["price_usd"], -row["quality"]), default=None)


def missing(decision: Document, above: float) -> list[Row]:
    """Models better than `above` of which no offer could be had, with the first reason; best first."""
    had = {each["model"] for each in decision["ranked"]}
    kept = [each for each in decision["rejected"] if each["model"] not in had and each["quality"]["value"] > above]
    best = sorted(kept, key=lambda each: (-each["quality"]["value"], each["offer"]))
    rows = [{"model": each["model"], "quality": each["quality"]["value"], "why not": each["reason"]} for each in best]
    return _first_of_each(rows, "model")
