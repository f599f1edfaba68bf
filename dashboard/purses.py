"""Money as rows and sentences: names of keys, holds, margin, what a limit would do, cheaper models. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from dashboard.frames import Document, Row, amount
from dashboard.pareto import cheaper_as_good
from dashboard.words import share, span, usd

WORTH_SHARE = 0.05
"""A model that is cheaper by less is not worth a change."""


def spend(report: Document, dimension: str, names: Mapping[str, str]) -> list[Row]:
    """All sums by one dimension, the dearest first. `names` are what keys and projects are called."""
    rows = [
        {
            dimension: named(each.get(dimension), names),
            "spend": amount(each["spend_usd"]),
            "cost": amount(each["cost_usd"]),
            "margin": amount(each["margin_usd"]),
            "overrun": amount(each["overrun_usd"]),
            "compute units": round(each["compute_units"]),
            "jobs": each["jobs"],
            "succeeded": each["succeeded"],
            "a job on average": amount(each["averages"]["per_job_usd"]),
        }
        for each in report["data"]
    ]
    return sorted(rows, key=lambda row: -row["spend"])


def named(name: str | None, names: Mapping[str, str]) -> str:
    return names.get(name, name) if name else "(none)"


def relabeled(report: Document, dimension: str, names: Mapping[str, str]) -> dict[str, Any]:
    """The same report with keys and projects by their names, those of one name told apart by the end of the id."""
    data = [dict(each) | {dimension: named(each.get(dimension), names)} for each in report["data"]]
    return dict(report) | {"data": data}


def names_of(rows: Iterable[Document]) -> dict[str, str]:
    """Id → name; where several have one name, the end of the id beside it."""
    listed = list(rows)
    taken = [each["name"] for each in listed]
    return {
        each["id"]: each["name"] if taken.count(each["name"]) == 1 else f"{each['name']} ({each['id'][-4:]})"
        for each in listed
    }


def months_back(today: date, most: int = 12) -> list[str]:
    """This month and those before it, as statements name them."""
    first, found = today.replace(day=1), []
    for _ in range(most):
        found.append(f"{first:%Y-%m}")
        first = (first - timedelta(days=1)).replace(day=1)
    return found


# Holds.


def held_by_key(balances: Iterable[Document], names: Mapping[str, str]) -> list[Row]:
    """What is reserved for jobs that run, by key, the most first; as decimal text."""
    held = [
        (each["account"].split(":")[1], Decimal(each["usd"]))
        for each in balances
        if each["account"].startswith("key:") and each["account"].endswith(":held")
    ]
    ordered = sorted((each for each in held if each[1]), key=lambda each: (-each[1], each[0]))
    return [{"key": named(key, names), "held (USD)": format(held_usd, "f"), "id": key} for key, held_usd in ordered]


def holds(jobs: Iterable[Document], now: datetime, names: Mapping[str, str]) -> list[Row]:
    """Jobs that hold money and whose key's it is, the oldest hold first."""
    rows = [
        {
            "held (USD)": each["cost"]["held_usd"],
            "for": span((now - datetime.fromisoformat(each["created_at"])).total_seconds()),
            "key": named(each["key"], names),
            "status": each["status"],
            "task": each["task"],
            "offer": each["offer"],
            "since": each["created_at"],
            "job": each["id"],
        }
        for each in jobs
    ]
    return sorted(rows, key=lambda row: (row["since"], row["job"]))


def total(rows: Iterable[Row]) -> Decimal:
    return sum((Decimal(row["held (USD)"]) for row in rows), Decimal(0))


# Budgets.


def usd_of(text: str) -> Decimal | None:
    """Dollars as typed, with a comma or a point; None where it is no amount."""
    try:
        found = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 else None


def consequence(row: Row, limit_text: str, hard: bool, until: str) -> str:
    """What another limit would do just now, in a sentence. `until` says when the window begins again."""
    limit, spent = usd_of(limit_text), Decimal(row["spent"])
    if limit is None:
        return "That is no amount in US dollars: write it as 12.50."
    after = "new jobs are refused" if hard else "nothing is refused, it only tells"
    if spent >= limit:
        return f"It would be full at once, for {usd(spent)} are spent or held: {after} until {until}."
    then = "what would pass it is refused" if hard else "beyond it nothing is refused, it only tells"
    return f"{usd(limit - spent)} would be left until {until} ({share(float(spent / limit))} used); {then}."


# Would a cheaper model do?


class Swap(NamedTuple):
    """A model that costs much, and one as good that costs less for the standard output of the task."""

    task: str
    model: str
    spent_usd: float
    instead: str | None
    saves: float
    qualities: tuple[float, float] | None
    why: str


def swap(task: str, model: str, spent_usd: float, points: Sequence[Row]) -> Swap:
    """What the frontier of a task says of a model. `points` are all that could do its standard output here."""
    chosen = next((row for row in points if row["model"] == model), None)
    if chosen is None:
        return Swap(task, model, spent_usd, None, 0.0, None, "it has no quote for the standard output here")
    found = cheaper_as_good(points, chosen)
    saves = 1 - found["price_usd"] / chosen["price_usd"] if found else 0.0
    if found is None or saves < WORTH_SHARE:
        return Swap(task, model, spent_usd, None, 0.0, None, "nothing cheaper here is as good")
    qualities = chosen["quality"], found["quality"]
    return Swap(task, model, spent_usd, found["model"], saves, qualities, f"{share(saves)} cheaper")


def swaps_table(found: Iterable[Swap]) -> list[Row]:
    return [
        {
            "model": each.model,
            "task": each.task,
            "spend": each.spent_usd,
            "as good and cheaper": each.instead,
            "its price is lower by": round(each.saves, 2) or None,
            "would have saved about": each.spent_usd * each.saves if each.instead else None,
            "quality now": each.qualities[0] if each.qualities else None,
            "quality then": each.qualities[1] if each.qualities else None,
            "note": each.why,
        }
        for each in found
    ]
