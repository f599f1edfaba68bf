"""Documents of the API into the rows that charts and tables show: pure, so that each can be read without a browser."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from dashboard.words import usd

Row = dict[str, Any]
Document = Mapping[str, Any]

PARTS = ("quality", "cost", "latency", "hazard", "local")
"""The parts of a score, in the order in which they are stacked."""
PARTS_SAID = (
    "Longer is better in every part: better **quality**, lower **cost**, less waiting (**latency**), less chance that "
    "the offer ends soon (**hazard**)."
)


def amount(text: str | None) -> float:
    """USD for a chart. Charts may round; words and tables of money come from the decimal text."""
    return float(text) if text is not None else 0.0


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
            "seconds are": source(each["eta_s"]),
            "reliability": round(each["reliability"], 3),
            "life stage": each["stage"],
            "quality says": each["quality"]["source"],
        }
        for rank, each in enumerate(decision["ranked"], 1)
    ]


WHOSE_WORD = {
    "measured": "measured here", "card": "as its card expects", "task": "as is usual for the task",
    "roofline": "computed for the machine",
}  # fmt: skip
"""Whose word the seconds of an offer are, by the names that a decision's record has."""


def source(eta: Document) -> str:
    """Whose word the seconds are; old records do not say."""
    said = str(eta.get("source", ""))
    return WHOSE_WORD.get(said, said or "not said")


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
    """Whom each reason turned away, the commonest first."""
    told: dict[str, list[str]] = {}
    for each in decision["rejected"]:
        told.setdefault(each["reason"], []).append(each["offer"])
    ordered = sorted(told.items(), key=lambda item: (-len(item[1]), item[0]))
    return [{"reason": reason, "offers": len(found), "which": sorted(found)} for reason, found in ordered]


def remarks(decision: Document) -> list[Row]:
    """What is said of single offers, such as the queue before an own machine, in the order of the ranking."""
    return [{"offer": each["offer"], "said": each["said"]} for each in decision["ranked"] if each.get("said")]


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
    gap = first["score"] - second["score"]
    if not gap:
        return f"{first['offer']} has as many points as {second['offer']}, and came first by its name."
    seen = min(0.0005, abs(gap) / 10)
    said = ", ".join(f"{name} {points(value, '+')}" for name, value in told if abs(value) >= seen)
    if gap < 0:
        return f"{first['offer']} came first with {points(-gap)} points less than {second['offer']}: {said}."
    return f"{first['offer']} is {points(gap)} points ahead of {second['offer']}: {said}."


def points(value: float, sign: str = "-") -> str:
    """To a thousandth; what is less has one digit: a difference that decided is never shown as none."""
    return f"{value:{sign}.3f}" if abs(value) >= 0.0005 else f"{Decimal(f'{value:.0e}'):{sign}f}"


# Jobs and their attempts.


COST_SAID = {
    "table": "by the price table", "provider": "as the provider said",
    "measured": "by the seconds that our own clock measured", "estimate": "as estimated, for nothing was reported",
}  # fmt: skip
"""Whose word a cost is, by the names that a job's bill has."""


def jobs(page: Document, keys: Mapping[str, str] | None = None) -> list[Row]:
    """Jobs for a table; with `keys`, names by id, also whose each is."""
    return [
        {
            "created": each["created_at"],
            "status": each["status"],
            "task": each["task"],
            "offer": each["offer"],
            "took": span_s(each["created_at"], each["ended_at"]),
            "cost": amount(each["cost"]["cost_usd"]) if each["cost"]["cost_usd"] is not None else None,
            "attempts": len(each["attempts"]),
            "error": (each["error"] or {}).get("code"),
        }
        | ({} if keys is None else {"key": keys.get(each["key"], each["key"])})
        | {"job": each["id"]}
        for each in page["data"]
    ]


def span_s(began: str | None, ended: str | None) -> float | None:
    """Seconds between two moments of the API; none while one is open."""
    if began is None or ended is None:
        return None
    return (_moment(ended) - _moment(began)).total_seconds()


def days(first: str, last: str) -> list[str]:
    """Every day from the first to the last, both included."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=number)).isoformat() for number in range((end - start).days + 1)]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def waterfall(job: Document, now: str | None = None) -> list[Row]:
    """Waiting and then each attempt as a bar, in seconds from the job's creation. One that runs ends now, or, where
    nobody says when that is, where we know."""
    origin = job["created_at"]
    known = [each for each in job["attempts"] if each["started_at"]]
    latest = max((at for each in known for at in (each["started_at"], each["ended_at"]) if at), default=origin)
    last_s = span_s(origin, job["ended_at"] or now or latest) or 0.0
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
    """The lines of the bill, as decimal text: a receipt is not rounded. What the gateway asks beyond the prices is a
    line too, so that the lines come to the sum."""
    rows = [
        {
            "unit": line["unit"].replace("_", " "),
            "quantity": line["quantity"],
            "USD each": line["usd_each"],
            "USD": line["usd"],
        }
        for line in job["cost"]["lines"]
    ]
    rest = Decimal(job["cost"]["cost_usd"] or 0) - sum((Decimal(row["USD"]) for row in rows), Decimal(0))
    if rest > 0:
        rows.append({"unit": "margin of the plan", "quantity": None, "USD each": None, "USD": f"{rest.normalize():f}"})
    return rows


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


def dearest_first(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: -row["spend_usd"])


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


def filled_words(row: Row) -> str:
    """ "0.25 of 11.00 USD"; without cents from a hundred dollars on, where they would only take room."""
    if Decimal(row["limit"]) >= 100:
        return f"{Decimal(row['spent']):,.0f} of {Decimal(row['limit']):,.0f} USD"
    return f"{usd(row['spent']).removesuffix(' USD')} of {usd(row['limit'])}"


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
            "seen": each["at"],
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
            "price": price_words(each["prices"]),
            "median": each["evidence"][task]["eta_s"]["p50"],
            "19 of 20 within": each["evidence"][task]["eta_s"]["p95"],
            "reliability": round(each["evidence"][task]["reliability"], 3),
            "life stage": each["stage"],
            "ends": each["ends"],
            "obstacle": each["obstacle"],
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
    """Some columns of rows as they come, under their names in words: "taken_at" is "taken"."""
    return [{title(name): row[name] for name in names} for row in rows]


def title(name: str) -> str:
    return name.removesuffix("_at").replace("_", " ")


def moments(names: Sequence[str]) -> list[str]:
    """The titles of those columns that hold moments."""
    return [title(name) for name in names if name.endswith("_at")]
