"""What a source of readings says, in our own frozen rows; nothing here fetches, believes or resolves anything.

Four kinds: standings (router.quality.Reading, a whole board), places (only the top of a board, good for churn and
never for quality), prices, a listing of models, and notices of models that end. A kind and its rows are what a
snapshot keeps: `payload_of` writes one, `parse` reads it back. Labels stay as the source writes them.
"""

import json
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Protocol

from pydantic import AwareDatetime, Field, TypeAdapter

from adapters.schema import Exact, Frozen, Task, When
from adapters.wire import Call, Reply
from router.quality import Reading

ROWS_MOST = 50_000
"""Rows of one reading: the longest price list of 2026 (4,500 models) makes 13,000."""

LABEL_CHARS = 300
"""A price list's longest key was 120 characters."""

Label = Annotated[str, Field(min_length=1, max_length=LABEL_CHARS)]


class Place(Frozen):
    label: Label
    rank: int = Field(ge=1)
    rating: float = Field(allow_inf_nan=False)


class PlacesReading(Frozen):
    """The top of a board at one moment: the median and the intervals that quality needs are not in it."""

    kind: Literal["places"] = "places"
    source: str
    board: str
    task: Task
    taken_at: AwareDatetime
    attribution: str
    rows: tuple[Place, ...] = Field(min_length=1, max_length=ROWS_MOST)


class PriceRow(Frozen):
    """USD for `per` of what the source counts. `units` are those of ours that it may be: one where the source says
    which, several where its word leaves that open, none where we do not count such a thing."""

    label: Label
    provider: str
    units: tuple[str, ...]
    counted: str
    usd: Exact
    per: Annotated[Exact, Field(gt=0)] = Decimal(1)
    when: When = Field(default_factory=dict)


class PriceReading(Frozen):
    """`part` names whose prices they are where a source keeps one list for each provider."""

    kind: Literal["prices"] = "prices"
    source: str
    part: str | None = None
    taken_at: AwareDatetime
    rows: tuple[PriceRow, ...] = Field(min_length=1, max_length=ROWS_MOST)


class ListingRow(Frozen):
    """A model that the source shows as being there."""

    label: Label
    provider: str
    name: str | None = None
    released: date | None = None


class ListingReading(Frozen):
    kind: Literal["listing"] = "listing"
    source: str
    taken_at: AwareDatetime
    rows: tuple[ListingRow, ...] = Field(min_length=1, max_length=ROWS_MOST)


class Notice(Frozen):
    """A model that ends. `channel` is the provider as the source names it: one model ends on different days at
    different providers. `stage` is "shutdown" where an end is dated, else "deprecated"."""

    label: Label
    channel: str
    stage: Literal["deprecated", "shutdown"]
    announced: date | None = None
    ends: date | None = None
    replacement: tuple[str, ...] = ()
    url: str | None = None


class NoticeReading(Frozen):
    kind: Literal["notices"] = "notices"
    source: str
    taken_at: AwareDatetime
    rows: tuple[Notice, ...] = Field(min_length=1, max_length=ROWS_MOST)


AnyReading = Reading | PlacesReading | PriceReading | ListingReading | NoticeReading

_MARKED: TypeAdapter[PlacesReading | PriceReading | ListingReading | NoticeReading] = TypeAdapter(
    Annotated[PlacesReading | PriceReading | ListingReading | NoticeReading, Field(discriminator="kind")]
)


class Unreadable(ValueError):
    """A reply or file is not what its source's format says; the message is a sentence for the operator."""


class Page(NamedTuple):
    """What one reply says, and the call for the rest of it: a next page, or where a redirect leads."""

    readings: tuple[AnyReading, ...]
    next: Call | None = None


class Source(NamedTuple):
    """Who says it, where it is asked, and under which terms it may be shown.

    `key_env` names the key's variable, if the source wants one; `every_h` is how often it is worth asking.
    """

    name: str
    origin: str
    attribution: str
    licence: str
    every_h: float
    key_env: str | None = None
    auth_header: str = "authorization"
    auth: str = "Bearer {key}"


class Feed(Protocol):
    """A module of this folder. `wanted` are wire ids of ours, for a source that must be asked by name."""

    @property
    def SOURCE(self) -> Source: ...

    def requests(self, wanted: tuple[str, ...] = ()) -> tuple[Call, ...]: ...

    def read(self, call: Call, reply: Reply, now: datetime) -> Page: ...


def parse(payload: str | bytes) -> AnyReading:
    """A stored reading. Standings carry no kind: they were here first. Raises pydantic.ValidationError, ValueError."""
    document = json.loads(payload)
    if isinstance(document, dict) and "kind" in document:
        return _MARKED.validate_python(document)
    return Reading.model_validate(document)


def payload_of(reading: AnyReading) -> bytes:
    """The bytes that a snapshot keeps; equal readings give equal bytes."""
    return reading.model_dump_json().encode()


def subject_of(reading: AnyReading) -> str:
    """What of its source it is about: "arena/text-to-image", and its "/top"; "prices", "listing" or "notices"."""
    match reading:
        case Reading():
            return reading.board
        case PlacesReading():
            return f"{reading.board}/top"
        case PriceReading(part=str(part)):
            return f"prices/{part}"
        case _:
            return reading.kind


def is_board(subject: str) -> bool:
    """Whether a subject is a board, or the top of one."""
    return subject.partition("/")[0] not in ("prices", "listing", "notices", "engines")


def labels_of(reading: AnyReading) -> frozenset[str]:
    return frozenset(row.label for row in reading.rows)


def readings_of(
    source: str,
    now: datetime,
    listing: tuple[ListingRow, ...] = (),
    prices: tuple[PriceRow, ...] = (),
    notices: tuple[Notice, ...] = (),
) -> tuple[AnyReading, ...]:
    """One reading of each kind that has rows, all of one moment."""
    readings: tuple[AnyReading | None, ...] = (
        ListingReading(source=source, taken_at=now, rows=listing) if listing else None,
        PriceReading(source=source, taken_at=now, rows=prices) if prices else None,
        NoticeReading(source=source, taken_at=now, rows=notices) if notices else None,
    )
    return tuple(reading for reading in readings if reading is not None)


def joined(readings: Iterable[AnyReading]) -> tuple[AnyReading, ...]:
    """Pages of one listing or price list as one, dated by the earliest; boards arrive whole and stay apart."""
    whole: dict[tuple[Any, ...], AnyReading] = {}
    for reading in readings:
        is_board = isinstance(reading, Reading | PlacesReading)
        key = (type(reading), reading.source, subject_of(reading), reading.taken_at if is_board else None)
        held = whole.get(key)
        whole[key] = reading if held is None or is_board else _together(held, reading)
    return tuple(whole.values())


def _together(held: AnyReading, more: AnyReading) -> AnyReading:
    rows = {row.model_dump_json(): row for row in (*held.rows, *more.rows)}
    return held.model_copy(update={"rows": tuple(rows.values()), "taken_at": min(held.taken_at, more.taken_at)})
