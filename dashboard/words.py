"""Numbers, money and moments in words, each with its unit. Pure."""

import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

DIGITS = 3
"""Significant digits of an amount under a dollar."""


_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:])")
_ADDRESSES = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=\w)", re.IGNORECASE)
"""Where a bare address is cut, so that no renderer makes it a link: before marks are read, and after."""
JOINER = "\u2060"
"""Has no width and breaks no line."""


def usd(amount: Any) -> str:
    """US dollars, with cents from a dollar on and three significant digits below; a dash where there is none."""
    if amount is None:
        return "–"
    value = Decimal(str(amount))
    if value == 0:
        return "0 USD"
    if abs(value) >= 1:
        return f"{value:,.2f} USD"
    places = DIGITS - 1 - value.adjusted()
    text = f"{value:.{places}f}"
    return f"{text.rstrip('0').rstrip('.')} USD"


def moment(at: str | None, zone: tzinfo = UTC) -> str:
    """A moment of the API, to the second, in a zone that is named."""
    return f"{datetime.fromisoformat(at).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}" if at else "–"


def recently(at: str, zone: tzinfo = UTC) -> str:
    """A moment of the last days, as short as it can be: "21 Nov 10:07"."""
    return f"{datetime.fromisoformat(at).astimezone(zone):%d %b %H:%M}"


def seconds(span_s: float | None) -> str:
    if span_s is None:
        return "–"
    if span_s < 1:
        return f"{span_s * 1000:.0f} ms"
    return f"{span_s:.1f} s" if span_s < 120 else f"{span_s / 60:.1f} min"


def span(long_s: float) -> str:
    """A time in its largest whole unit: "45 seconds", "3 minutes", "2 days"."""
    for unit, unit_s in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if long_s >= unit_s:
            return count(int(long_s // unit_s), unit)
    return count(int(max(0.0, long_s)), "second")


def size(size_bytes: int | None) -> str:
    if size_bytes is None:
        return "–"
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.1f} kB"


def share(part: float | None) -> str:
    return "–" if part is None else f"{part:.0%}"


def count(number: int, one: str, many: str | None = None) -> str:
    """ "1 offer", "2 offers"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def plain(text: str) -> str:
    """Somebody else's words as they are: marks, links and pictures in them would be drawn, and fetched, otherwise.
    Renderers make links of bare addresses even where their marks are escaped: those are cut where nobody sees it."""
    return _MARKS.sub(r"\\\1", _ADDRESSES.sub(JOINER, text))


def short(name: str) -> str:
    """A model or offer without those who made and provide it."""
    return name.rpartition("/")[2]
