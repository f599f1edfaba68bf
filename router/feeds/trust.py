"""Whether a new reading is believed. It judges one reading against the last good one of the same subject; it keeps
nothing: where it refuses, the good one stays because nobody put another in its place.

A reader refuses what is empty, cut short or not in its format; here its errors become a sentence.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from router.feeds.readings import (
    AnyReading,
    NoticeReading,
    Page,
    PlacesReading,
    PriceReading,
    joined,
    labels_of,
    subject_of,
)
from router.quality import Reading

KEPT_LEAST = 0.5
"""The least share of the last reading's labels that must still be there. Measured in 2026: from one reading of Arena's
boards to the next 96 % and more stayed; the most that ever went honestly was a third, of models.dev's media models in
seven months. A page that failed half way, or another board under the same address, keeps less than half."""

SMALL_ROWS = 5
"""Of readings as short as this, one label that stays is enough: two new models are already half of it."""

AHEAD = timedelta(days=1)
"""A source's day may have begun where ours has not: a date further ahead is a mistake."""


class Refused(NamedTuple):
    """A reading that is not believed, and why, for the operator."""

    source: str
    subject: str
    sentence: str


def understood(source: str, read: Callable[[], Page]) -> Page | Refused:
    """A feed's page, where whatever does not parse is a sentence: the one place that catches it."""
    try:
        return read()
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        return Refused(source, "reply", _sentence(error))


def _sentence(error: Exception) -> str:
    first = str(error).partition("\n")[0][:300]
    return first if isinstance(error, ValueError) else f"it is not in its source's format: {error!r}"[:300]


def gathered(pages: Iterable[Page | Refused]) -> tuple[tuple[AnyReading, ...], tuple[Refused, ...]]:
    """The readings of all replies of one source, pages joined. Where one reply was refused, a listing, price list or
    list of notices made of several is not whole, and is left out: nothing may be missed that was only not read."""
    heard = tuple(pages)
    refused = tuple(page for page in heard if isinstance(page, Refused))
    readings = joined(reading for page in heard if isinstance(page, Page) for reading in page.readings)
    return tuple(reading for reading in readings if not refused or is_whole(reading)), refused


def is_whole(reading: AnyReading) -> bool:
    """Whether it came in one reply: boards do, and price lists of one provider."""
    match reading:
        case Reading() | PlacesReading() | PriceReading(part=str()):
            return True
        case _:
            return False


def doubt(new: AnyReading, last: AnyReading | None, now: datetime) -> str | None:
    """Why a reading is not believed, or None. `last` is the last good one of the same source and subject, if any."""
    if new.taken_at > now + AHEAD:
        return f"it is dated {new.taken_at:%Y-%m-%d %H:%M}, which is yet to come"
    if last is None:
        return None
    if new.taken_at < last.taken_at:
        return f"it is of {new.taken_at:%Y-%m-%d %H:%M}, older than the last good one of {last.taken_at:%Y-%m-%d %H:%M}"
    return _shrunk(new, last)


def _shrunk(new: AnyReading, last: AnyReading) -> str | None:
    """Notices and the top of a board are not meant to stay as they were."""
    held, kept = labels_of(last), labels_of(new) & labels_of(last)
    least = 1 if len(held) <= SMALL_ROWS else KEPT_LEAST * len(held)
    if isinstance(new, NoticeReading | PlacesReading) or len(kept) >= least:
        return None
    return f"only {len(kept)} of the {len(held)} labels of the last good one are still in it"


def believed(
    page: Page, last_of: Callable[[str, str], AnyReading | None], now: datetime
) -> tuple[tuple[AnyReading, ...], tuple[Refused, ...]]:
    """The readings of a page that are believed, and those that are not. Of several days of one board (a history),
    each is judged against the one before it; `last_of(source, subject)` is the last good one that is stored."""
    good, refused = list[AnyReading](), list[Refused]()
    newest: dict[tuple[str, str], AnyReading | None] = {}
    for reading in sorted(page.readings, key=lambda each: each.taken_at):
        key = (reading.source, subject_of(reading))
        last = newest[key] if key in newest else last_of(*key)
        if sentence := doubt(reading, last, now):
            refused.append(Refused(*key, sentence))
        else:
            good.append(reading)
            newest[key] = reading
    return tuple(good), tuple(refused)
