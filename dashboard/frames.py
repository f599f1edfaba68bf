"""Documents of the API into the rows that charts and tables show: pure, so that each can be read without a browser."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import log10
from typing import Any

from dashboard.words import short, usd

Row = dict[str, Any]
Document = Mapping[str, Any]

AS_GOOD = 0.02
"""Qualities nearer than this are called as good: two games in a hundred against the median model."""
PARTS = ("quality", "cost", "latency", "hazard", "local")
"""The parts of a score, in the order in which they are stacked."""
NAME_WIDTH, NAME_HEIGHT, NAME_DECADES = 0.13, 0.06, 0.01
"""The room of a name beside a point: of the width of the chart, and of the scale of quality."""


def amount(text: str | None) -> float:
    """USD for a chart. Charts may round; words and tables of money come from the decimal text."""
    return float(text) if text is not None else 0.0


# Frontier: what quality costs.


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


def missing(decision: Document, above: float) -> list[Row]:
    """Models better than `above` of which no offer could be had, with the first reason; best first."""
    had = {each["model"] for each in decision["ranked"]}
    kept = [each for each in decision["rejected"] if each["model"] not in had and each["quality"]["value"] > above]
    best = sorted(kept, key=lambda each: (-each["quality"]["value"], each["offer"]))
    rows = [{"model": each["model"], "quality": each["quality"]["value"], "why not": each["reason"]} for each in best]
    return _first_of_each(rows, "model")


# Decisions: scores in parts, and reasons.


def parts(decision: Document, most: int = 12) -> list[Row]:
    """One row for each part of each ranked offer's score, best offers first."""
    return [
        {
            "offer": each["offer"],
            "rank": rank,
            "part": name,
            "order": PARTS.index(name) if name in PARTS else len(PARTS),
            "points": each["parts"][name],
            "score": each["score"],
        }
        for rank, each in enumerate(decision["ranked"][:most], 1)
        for name in each["parts"]
    ]


def ranked(decision: Document) -> list[Row]:
    return [
        {
            "rank": rank,
            "offer": each["offer"],
            "score": round(each["score"], 4),
            "quote": amount(each["quote_usd"]),
            "quality": each["quality"]["value"],
            "median": each["eta_s"]["p50"],
            "reliability": each["reliability"],
            "life stage": each["stage"],
            "quality says": each["quality"]["source"],
        }
        for rank, each in enumerate(decision["ranked"], 1)
    ]


def rejected(decision: Document) -> list[Row]:
    """What stands in the way comes after what the request or the policy turned away: that is what one can change."""
    ordered = sorted(decision["rejected"], key=lambda each: (each["is_obstacle"], each["offer"]))
    return [
        {
            "offer": each["offer"],
            "reason": each["reason"],
            "turned away by": "the offer, as it stands here" if each["is_obstacle"] else "the policy",
        }
        for each in ordered
    ]


def reasons(decision: Document) -> list[Row]:
    """How many offers each reason turned away, the commonest first."""
    told: dict[str, int] = {}
    for each in decision["rejected"]:
        told[each["reason"]] = told.get(each["reason"], 0) + 1
    return [{"reason": reason, "offers": n} for reason, n in sorted(told.items(), key=lambda item: (-item[1], item[0]))]


def margin_words(decision: Document) -> str:
    """By which parts the first offer is ahead of the second, in a sentence."""
    match decision["ranked"]:
        case []:
            return "No offer could do this."
        case [only]:
            return f"{only['offer']} was the only offer left."
        case [first, second, *_]:
            pass
    ahead = {name: first["parts"][name] - second["parts"].get(name, 0.0) for name in first["parts"]}
    told = sorted(ahead.items(), key=lambda item: -abs(item[1]))
    said = ", ".join(f"{name} {value:+.3f}" for name, value in told if abs(value) >= 0.0005)
    gap = first["score"] - second["score"]
    return (
        f"{first['offer']} is {gap:.3f} points ahead of {second['offer']}: {said or 'equal in every part, so by name'}."
    )


# Jobs and their attempts.


def jobs(page: Document) -> list[Row]:
    return [
        {
            "job": each["id"],
            "created (UTC)": each["created_at"],
            "status": each["status"],
            "task": each["task"],
            "offer": each["offer"],
            "took": span_s(each["created_at"], each["ended_at"]),
            "cost": amount(each["cost"]["cost_usd"]) if each["cost"]["cost_usd"] is not None else None,
            "attempts": len(each["attempts"]),
            "error": (each["error"] or {}).get("code"),
        }
        for each in page["data"]
    ]


def span_s(began: str | None, ended: str | None) -> float | None:
    """Seconds between two moments of the API; none while one is open."""
    if began is None or ended is None:
        return None
    return (_moment(ended) - _moment(began)).total_seconds()


def stamp(at: str | None) -> str | None:
    """A moment of the API for a column that says UTC: it sorts as text."""
    return f"{at[:10]} {at[11:19]}" if at else None


def days(first: str, last: str) -> list[str]:
    """Every day from the first to the last, both included."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=number)).isoformat() for number in range((end - start).days + 1)]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def waterfall(job: Document) -> list[Row]:
    """Waiting and then each attempt as a bar, in seconds from the job's creation. One that runs ends where we know."""
    origin = job["created_at"]
    known = [each for each in job["attempts"] if each["started_at"]]
    latest = max((at for each in known for at in (each["started_at"], each["ended_at"]) if at), default=origin)
    last_s = span_s(origin, job["ended_at"] or latest) or 0.0
    first_s = min((span_s(origin, each["started_at"]) or 0.0 for each in known), default=last_s)
    bars = [{"bar": "0 waiting", "label": "waiting", "from_s": 0.0, "to_s": first_s, "status": "waiting", "fault": ""}]
    for number, each in enumerate(known, 1):
        ended_s = span_s(origin, each["ended_at"])
        bars.append({
            "bar": f"{number} {each['offer']}",
            "label": f"{number}. {each['offer']}",
            "from_s": span_s(origin, each["started_at"]) or 0.0,
            "to_s": last_s if ended_s is None else ended_s,
            "status": each["status"],
            "fault": each["fault"] or "",
        })  # fmt: skip
    return bars


def receipt(job: Document) -> list[Row]:
    """The lines of the bill, as decimal text: a receipt is not rounded."""
    return [
        {
            "unit": line["unit"].replace("_", " "),
            "quantity": line["quantity"],
            "USD each": line["usd_each"],
            "USD": line["usd"],
        }
        for line in job["cost"]["lines"]
    ]


# Money.


def spend(report: Document, dimension: str) -> list[Row]:
    """Spend and compute units by one dimension, or by day and one dimension."""
    return [
        {
            "day": each.get("day"),
            dimension: each.get(dimension) or "(none)",
            "spend_usd": amount(each["spend_usd"]),
            "compute_units": each["compute_units"],
            "jobs": each["jobs"],
            "succeeded": each["succeeded"],
        }
        for each in report["data"]
    ]


def largest(rows: Sequence[Row], dimension: str, most: int = 7) -> list[Row]:
    """The same rows with all but the largest of a dimension called "others": a legend of eight can still be read."""
    totals: dict[str, float] = {}
    for row in rows:
        totals[row[dimension]] = totals.get(row[dimension], 0.0) + row["spend_usd"]
    kept = set(sorted(totals, key=lambda name: (-totals[name], name))[:most])
    return [row if row[dimension] in kept else {**row, dimension: "others"} for row in rows]


def budgets(page: Document) -> list[Row]:
    """Budgets in force with their fill, fullest first."""
    rows = [
        {
            "id": each["id"],
            "budget": each["name"],
            "scope": each["scope"] if each["subject"] is None else f"{each['scope']} {each['subject']}",
            "window": each["window"],
            "spent": each["spent_usd"],
            "limit": each["limit_usd"],
            "hard": each["hard"],
            "filled": float(Decimal(each["spent_usd"]) / limit) if (limit := Decimal(each["limit_usd"])) else 1.0,
            "ends_at": each["ends_at"],
        }
        for each in page["data"]
        if each["ended_at"] is None
    ]
    return sorted(rows, key=lambda row: -row["filled"])


# Churn and changes.


def survival(churn: Document) -> list[Row]:
    """The curve from day 0, where everybody is still there."""
    start = {"day": 0, "alive": 1.0, "low": 1.0, "high": 1.0}
    return [start, *[dict(each) for each in churn["survival"] if each["day"] > 0]]


def months(churn: Document) -> list[Row]:
    """Came and went by month, departures below the line."""
    return [
        {"month": each["month"], "what": what, "models": sign * each[field], "size": each[field]}
        for each in churn["months"]
        for what, field, sign in (("came", "added", 1), ("went", "removed", -1))
    ]


def changes(page: Document) -> list[Row]:
    return [
        {
            "seen (UTC)": stamp(each["at"]),
            "what": each["kind"].replace("_", " "),
            "subject": each["subject"],
            "before": each["before"],
            "after": each["after"],
            "evidence": each["evidence"],
        }
        for each in page["data"]
    ]


def endings(offers: Iterable[Document]) -> list[Row]:
    """Offers whose end is known, the next first."""
    told = [each for each in offers if each["ends"]]
    return [
        {
            "ends": each["ends"],
            "offer": each["id"],
            "life stage": each["stage"],
            "successor": each["successor"],
            "evidence": each["stage_evidence"],
        }
        for each in sorted(told, key=lambda each: (each["ends"], each["id"]))
    ]


# Models.


def standings(history: Document, model: str) -> list[Row]:
    """A model on one board over time: its best rating of each reading, with its interval."""
    rows = []
    for reading in history.get("history", []):
        placed = [each for each in reading["standings"] if each["model"] == model]
        if placed:
            best = min(placed, key=lambda each: each["rank"])
            rows.append({"taken_at": reading["taken_at"], "of": len(reading["standings"])} | best)
    return rows


def offers(page: Iterable[Document], task: str) -> list[Row]:
    """Offers of a model for one task: what is known of each, usable ones first."""
    rows = [
        {
            "offer": each["id"],
            "usable": each["available"],
            "obstacle": each["obstacle"],
            "price": price_words(each["prices"]),
            "median": each["evidence"][task]["eta_s"]["p50"],
            "19 of 20 within": each["evidence"][task]["eta_s"]["p95"],
            "reliability": each["evidence"][task]["reliability"],
            "life stage": each["stage"],
            "ends": each["ends"],
        }
        for each in page
        if task in each["evidence"]
    ]
    return sorted(rows, key=lambda row: (not row["usable"], row["offer"]))


def price_words(prices: Sequence[Document]) -> str:
    """The newest price in words, condition by condition."""
    if not prices:
        return "no price"
    newest = max(prices, key=lambda each: each["since"])
    return "; ".join(_rate_words(rate) for rate in newest["rates"])


def _rate_words(rate: Document) -> str:
    per = "" if Decimal(rate["per"]) == 1 else f"{int(Decimal(rate['per'])):,} "
    when = ", ".join(f"{name} {_condition(value)}" for name, value in rate["when"].items())
    return f"{rate['usd']} USD / {per}{rate['unit'].replace('_', ' ')}" + (f" ({when})" if when else "")


def _condition(value: Any) -> str:
    match value:
        case list():
            return " or ".join(map(_condition, value))
        case dict():
            return " ".join(f"{name} {_condition(each)}" for name, each in value.items())
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


# Operations.


def stamped(rows: Iterable[Document], names: Sequence[str]) -> list[Row]:
    """Some columns of rows as they come: moments to the second under "… (UTC)", names in words."""
    return [{_title(name): stamp(row[name]) if name.endswith("_at") else row[name] for name in names} for row in rows]


def _title(name: str) -> str:
    return f"{name[:-3].replace('_', ' ')} (UTC)" if name.endswith("_at") else name.replace("_", " ")
