"""Reports and statements as the API shows them: JSON values and CSV lines. Pure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.ledger.rules import usd
from gateway.usage.rules import MICRO, MILLI, date_of
from gateway.usage.statement import Statement
from gateway.usage.store import Group

MINUTE_MS = 60_000
SUMS = (
    "jobs", "succeeded", "quantity", "spend_usd", "cost_usd", "margin_usd", "overrun_usd", "compute_units", "outputs",
    "video_seconds", "keys",
)  # fmt: skip
AVERAGES = ("per_job_usd", "per_key_usd", "per_unit_usd", "per_video_minute_usd", "per_thousand_compute_units_usd")


def group(found: Group, by: Sequence[str], has_one_unit: bool) -> dict[str, Any]:
    """One group. Its `quantity` is said only where it is of one unit."""
    return at(found, by) | sums(found, has_one_unit)


def at(found: Group, by: Sequence[str]) -> dict[str, Any]:
    return {name: _shown(name, value) for name, value in zip(by, found.at, strict=True)}


def _shown(name: str, value: Any) -> Any:
    if name == "day":
        return date_of(value).isoformat()
    return None if name == "project" and not value else value


def sums(found: Group, has_one_unit: bool) -> dict[str, Any]:
    return {
        "jobs": found.bills if has_one_unit else found.jobs,
        "succeeded": found.succeeded,
        "quantity": plain(Decimal(found.micros) / MICRO) if has_one_unit else None,
        "spend_usd": usd(found.spend_nanos),
        "cost_usd": usd(found.cost_nanos),
        "margin_usd": usd(found.margin_nanos),
        "overrun_usd": usd(found.over_nanos),
        "compute_units": found.compute_millis / float(MILLI),
        "outputs": found.outputs,
        "video_seconds": plain(Decimal(found.video_ms) / MILLI),
        "keys": found.keys,
        "averages": averages(found, has_one_unit),
    }


def averages(found: Group, has_one_unit: bool) -> dict[str, str | None]:
    """What was charged on average; null where there is nothing to divide by."""
    spend = found.spend_nanos
    jobs = found.bills if has_one_unit else found.jobs
    return {
        "per_job_usd": _each(spend, jobs),
        "per_key_usd": _each(spend, found.keys),
        "per_unit_usd": _each(spend * int(MICRO), found.micros) if has_one_unit else None,
        "per_video_minute_usd": _each(found.video_nanos * MINUTE_MS, found.video_ms),
        "per_thousand_compute_units_usd": _each(spend * int(MILLI) * 1_000, found.compute_millis),
    }


def _each(nanos: int, count: int) -> str | None:
    """Nano-dollars for one of so many, rounded to the nearest."""
    return usd(round(Decimal(nanos) / count)) if count > 0 else None


def plain(amount: Decimal) -> str:
    """A decimal without exponent or trailing zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def csv_head(by: Sequence[str]) -> str:
    return lines([[*by, *SUMS, *AVERAGES]])


def csv_groups(groups: Iterable[Group], by: Sequence[str], has_one_unit: bool) -> str:
    return lines(_flat(group(each, by, has_one_unit), by) for each in groups)


def _flat(shown: Mapping[str, Any], by: Sequence[str]) -> list[Any]:
    return [*[shown[name] for name in (*by, *SUMS)], *[shown["averages"][name] for name in AVERAGES]]


def lines(rows: Iterable[Iterable[Any]]) -> str:
    """CSV as RFC 4180 has it."""
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


def statement(made: Statement) -> dict[str, Any]:
    return {
        "key": made.key_id,
        "month": made.month,
        "opening_usd": usd(made.opening_nanos),
        "funds": [
            {"kind": each.kind, "reference": each.reference, "at": each.at, "usd": usd(each.nanos)}
            for each in made.funds
        ],
        "funded_usd": usd(made.funded_nanos),
        "lines": [
            {"model": line.at[0], "unit": line.at[1]} | sums(line, has_one_unit=True) for line in made.lines
        ],
        "spend_usd": usd(made.spent_nanos),
        "closing_usd": usd(made.closing_nanos),
        "owed_usd": usd(made.owed_nanos),
        "ties": made.ties,
    }  # fmt: skip


def statement_csv(made: Statement) -> str:
    """Four kinds of lines: opening, fund, cost, closing. The amounts of all but the last add up to it."""
    return lines([
        ["kind", "at", "model", "unit", "quantity", "jobs", "usd"],
        ["opening", made.month, "", "", "", "", usd(made.opening_nanos)],
        *[[each.kind, each.at.isoformat(), each.reference, "", "", "", usd(each.nanos)] for each in made.funds],
        *[_cost_line(made.month, line) for line in made.lines],
        *([["more funds", made.month, "", "", "", "", usd(made.unlisted_nanos)]] if made.unlisted_nanos else []),
        ["closing", made.month, "", "", "", "", usd(made.closing_nanos)],
    ])  # fmt: skip


def _cost_line(month: str, line: Group) -> list[Any]:
    quantity = plain(Decimal(line.micros) / MICRO)
    return ["cost", month, line.at[0], line.at[1], quantity, line.bills, usd(-line.spend_nanos)]
