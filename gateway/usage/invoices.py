"""A provider's invoice or usage export as lines, whatever its columns are called. Pure; it judges no line."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, NamedTuple

from gateway.ledger.rules import LARGEST_NANOS, NANOS

LINES = 2_000_000
"""Lines of one file at most: a month of a busy gateway, still held in memory at ease."""
PLACES_LEAST = 2
"""An amount written as 2 says two dollars to the cent, not to the dollar."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "ref": (
        "request_id", "requestid", "prediction_id", "generation_id", "task_id", "job_id", "run_id", "operation",
        "operation_id", "resource_id", "reference", "ref", "id",
    ),
    "at": (
        "timestamp", "created_at", "completed_at", "finished_at", "started_at", "usage_start", "chargeperiodstart",
        "time", "datetime", "date", "day",
    ),
    "model": ("endpoint", "endpoint_id", "model", "model_id", "model_name", "product", "sku", "skuid", "servicename"),
    "usd": (
        "cost_usd", "amount_usd", "usd", "billedcost", "total_usd", "cost", "amount", "total", "charge", "price",
        "total_cost", "total_price",
    ),
    "quantity": ("quantity", "consumedquantity", "usage", "units", "count", "billable_units", "usage_amount"),
    "unit": ("unit", "consumedunit", "usage_unit", "unit_name", "metric", "meter"),
}  # fmt: skip
"""What a line is made of → headers that it goes by, the surest first; upper case, blanks and dashes do not matter."""

_LISTS = ("data", "items", "lines", "line_items", "records", "results", "usage", "invoice")
"""Under one of these a JSON document has its lines."""


class InvoiceRefused(ValueError):
    """A file that is no invoice; the message says what it lacks."""


class Line(NamedTuple):
    """One line. `at` is a whole day where `is_day`; `places`: decimals that the amount was written with."""

    number: int
    nanos: int
    places: int
    ref: str | None = None
    model: str | None = None
    at: datetime | None = None
    is_day: bool = False
    quantity: Decimal | None = None
    unit: str | None = None


def read(text: str, named: Mapping[str, str] | None = None) -> list[Line]:
    """Lines of CSV, of a JSON document, or of JSON documents line by line.

    `named` says which header is meant where ours do not fit: {"usd": "Net (USD)"}. Raises InvoiceRefused.
    """
    rows = _rows(text.lstrip("\ufeff"))
    if not rows:
        raise InvoiceRefused("the file has no lines")
    if len(rows) > LINES:
        raise InvoiceRefused(f"the file has {len(rows)} lines; at most {LINES} are read at once")
    headers = _headers(rows, named or {})
    if "usd" not in headers:
        raise InvoiceRefused(f"no column is known as an amount: say which with --column usd=… of {_some(rows)}")
    return [_line(number, row, headers) for number, row in enumerate(rows, 1)]


def _rows(text: str) -> Sequence[Mapping[str, Any]]:
    if not text.lstrip().startswith(("{", "[")):
        return list(csv.DictReader(io.StringIO(text)))
    try:
        return _listed(json.loads(text, parse_float=str, parse_int=str))
    except json.JSONDecodeError:
        pass
    try:
        return [json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError as error:
        raise InvoiceRefused(f"the file is neither CSV nor JSON: {error}") from None


def _listed(document: Any) -> Sequence[Mapping[str, Any]]:
    """The list of lines in a document, at most two levels down."""
    if isinstance(document, dict):
        inner = next((document[name] for name in _LISTS if isinstance(document.get(name), list | dict)), None)
        return _listed(inner) if inner is not None else [document]
    if isinstance(document, list) and all(isinstance(each, dict) for each in document):
        return document
    raise InvoiceRefused("the document is not a list of lines")


def _headers(rows: Sequence[Mapping[str, Any]], named: Mapping[str, str]) -> dict[str, str]:
    """Which header each part of a line has in this file."""
    known = {_plain(header): header for row in rows[:100] for header in row if isinstance(header, str)}
    found = dict(named)
    if missing := [header for header in named.values() if header not in known.values()]:
        raise InvoiceRefused(f"there is no column {missing[0]!r}, only {_some(rows)}")
    for part, names in COLUMNS.items():
        header = next((known[_plain(name)] for name in names if _plain(name) in known), None)
        if header is not None:
            found.setdefault(part, header)
    return found


def _plain(header: str) -> str:
    return "".join(letter for letter in header.lower() if letter.isalnum())


def _some(rows: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(str(header) for header in list(rows[0])[:20])


def _line(number: int, row: Mapping[str, Any], headers: Mapping[str, str]) -> Line:
    said = {part: _word(row.get(header)) for part, header in headers.items()}
    usd = _decimal(said["usd"], number)
    if usd is None:
        raise InvoiceRefused(f"line {number} has no amount under {headers['usd']!r}")
    if abs(usd) * NANOS > LARGEST_NANOS:
        raise InvoiceRefused(f"line {number}: {usd} is not an amount")
    exponent = usd.as_tuple().exponent
    places = max(PLACES_LEAST, -exponent if isinstance(exponent, int) else 0)
    at, is_day = _moment(said.get("at"), number)
    nanos = int((usd * NANOS).to_integral_value(ROUND_HALF_EVEN))
    quantity = _decimal(said.get("quantity"), number)
    return Line(number, nanos, places, said.get("ref"), said.get("model"), at, is_day, quantity, said.get("unit"))


def _word(value: Any) -> str | None:
    words = "" if value is None else str(value).strip()
    return words or None


def _decimal(words: str | None, number: int) -> Decimal | None:
    if words is None:
        return None
    try:
        amount = Decimal(words.replace("$", "").replace("USD", "").replace(",", "").strip())
    except InvalidOperation:
        raise InvoiceRefused(f"line {number}: {words[:50]!r} is not a number") from None
    if not amount.is_finite():
        raise InvoiceRefused(f"line {number}: {words[:50]!r} is not a number")
    return amount


def _moment(words: str | None, number: int) -> tuple[datetime | None, bool]:
    """A time in UTC (one without a zone is taken for that), or a whole day; also seconds since 1970."""
    if words is None:
        return None, False
    try:
        if words.replace(".", "", 1).isdigit() and len(words) > 8:
            return datetime.fromtimestamp(
                float(words) / (1_000 if len(words.partition(".")[0]) > 11 else 1), UTC
            ), False
        if len(words) <= 10:
            day = date.fromisoformat(words)
            return datetime(day.year, day.month, day.day, tzinfo=UTC), True
        at = datetime.fromisoformat(words)
    except (ValueError, OverflowError, OSError):
        raise InvoiceRefused(f"line {number}: {words[:50]!r} is not a time: write it as 2026-11-21T06:00:00Z") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC), False


def columns(words: Iterable[str]) -> dict[str, str]:
    """`usd=Net`, … as a person writes them. Raises InvoiceRefused."""
    return dict(_column(each) for each in words)


def _column(words: str) -> tuple[str, str]:
    part, _, header = words.partition("=")
    if part not in COLUMNS or not header:
        raise InvoiceRefused(f"--column is {'|'.join(COLUMNS)}=HEADER, not {words!r}")
    return part, header


def period(lines: Iterable[Line]) -> Iterator[datetime]:
    """When the lines are dated."""
    return (line.at for line in lines if line.at is not None)
