"""Boards as they are kept: which there are, who stands on them, and how long places there last. It fetches nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import structlog
from sqlalchemy.engine import Connection

from adapters.schema import Task
from gateway.snapshots import feeds, store
from gateway.snapshots.rules import Snapshot
from gateway.snapshots.store import Subject
from router import churn, retirement
from router.churn import HalfLife, Point, Seen, Spell
from router.feeds.readings import Place, PlacesReading, is_board, parse
from router.feeds.sources import APART
from router.names import Names
from router.quality import Reading, Row

log = structlog.get_logger()

SINCE_EVER = datetime(2000, 1, 1, tzinfo=UTC)

HISTORY = 100
"""Readings in one answer about a board's history: a quarter of a year of days."""

SPELLS = 500
"""Spells in one answer, the newest: more lines than that make no timeline that anybody reads."""

ALIASES = {"lmarena": "arena"}
"""Arena was LMArena until January 2026; boards are asked for under both names."""

Placed = Reading | PlacesReading


class Line(NamedTuple):
    """A place on a board: the label as the board writes it, and our model, if it is one."""

    label: str
    model: str | None
    rank: int
    rating: float
    low: float | None
    high: float | None
    votes: int | None


def subjects(connection: Connection) -> tuple[Subject, ...]:
    """The boards of which readings are kept, by name."""
    found = [each for each in store.subjects(connection) if is_board(each.subject)]
    return tuple(sorted(found, key=lambda each: each.subject))


def find(connection: Connection, name: str) -> Subject | None:
    """A board by its name, by an older name of its source, or by its last part alone where that names one."""
    known = {each.subject: each for each in subjects(connection)}
    return known.get(_chosen(name, known) or "")


def _chosen(name: str, known: Iterable[str]) -> str | None:
    source, _, rest = name.partition("/")
    for spelling in (name, f"{ALIASES.get(source, source)}/{rest}"):
        if spelling in known:
            return spelling
    ends = [each for each in known if each.partition("/")[2] == name]
    return ends[0] if len(ends) == 1 else None


def most_read(connection: Connection, task: Task | None) -> Subject | None:
    """The whole board with most readings, of those that rank a task if one is given; none: there is no board."""
    whole = [each for each in subjects(connection) if not each.subject.endswith("/top")]
    fitting = [each for each in whole if task is None or _task(connection, each) is task]
    return min(fitting, key=lambda each: (-each.snapshots, each.subject), default=None)


def _task(connection: Connection, subject: Subject) -> Task | None:
    latest = newest(connection, subject)
    return latest.task if latest else None


def newest(connection: Connection, subject: Subject) -> Placed | None:
    found = store.latest(connection, subject.source, subject.subject)
    return placed(found[0]) if found else None


def placed(snapshot: Snapshot) -> Placed | None:
    """A board's reading; None, and a line in the log, for a snapshot that cannot be read."""
    try:
        reading = parse(snapshot.payload)
    except ValueError as error:
        log.error("a snapshot cannot be read", snapshot=snapshot.id, error=str(error)[:200])
        return None
    return reading if isinstance(reading, Reading | PlacesReading) else None


def latest(connection: Connection, subject: Subject) -> tuple[Snapshot, ...]:
    """Its newest reading, unread."""
    return store.latest(connection, subject.source, subject.subject)


def readings(connection: Connection, subject: Subject, since: datetime = SINCE_EVER) -> tuple[Snapshot, ...]:
    """The kept readings of a board, oldest first, unread: parsing them is for a thread that holds nobody up."""
    return store.since(connection, since, subject.source, subject.subject)


def _ordered(reading: Placed) -> list[Row | Place]:
    """Best first; equal ratings by label."""
    rows: tuple[Row | Place, ...] = reading.rows
    return sorted(rows, key=lambda row: (-row.rating, row.label))


def labels(reading: Placed) -> tuple[str, ...]:
    """Who is on it, best first."""
    return tuple(row.label for row in _ordered(reading))


def lines(reading: Placed, names: Names) -> tuple[Line, ...]:
    """A reading's places, best first."""
    return tuple(
        Line(
            row.label,
            names.resolve_label(row.label),
            rank,
            row.rating,
            getattr(row, "low", None),
            getattr(row, "high", None),
            getattr(row, "votes", None),
        )
        for rank, row in enumerate(_ordered(reading), 1)
    )


def board_view(connection: Connection, subject: Subject) -> dict[str, Any]:
    """A board without its places."""
    latest = newest(connection, subject)
    said = {each["name"]: each for each in feeds.listing(connection) if each["kind"] == "boards"}.get(subject.source)
    return {
        "board": subject.subject,
        "source": subject.source,
        "task": latest.task if latest else None,
        "in_quality": isinstance(latest, Reading) and subject.subject not in APART,
        "attribution": latest.attribution if latest else None,
        "licence": getattr(latest, "licence", None),
        "url": getattr(latest, "url", None),
        "readings": subject.snapshots,
        "since": written(subject.first_at),
        "taken_at": written(subject.taken_at),
        "read_at": written(subject.read_at),
        "rows": len(latest.rows) if latest else 0,
        "refused": {"at": written(said["refused_at"]), "why": said["refusal"]} if said and said["refusals"] else None,
    }


def standings_view(reading: Placed, names: Names) -> dict[str, Any]:
    """One reading with its places."""
    return {"taken_at": written(reading.taken_at), "standings": [line._asdict() for line in lines(reading, names)]}


def written(at: datetime) -> str:
    """A moment as RFC 3339 writes it in UTC."""
    return at.isoformat().replace("+00:00", "Z")


def subject_of(label: str, names: Names) -> str:
    """Who a label is, for churn: our model, else the label without version dates and tiers. So a rename that changes
    only these ends no spell."""
    return names.resolve_label(label) or names.bare_key(label)


def seen_in(snapshots: Iterable[Snapshot], names: Names, top: int) -> tuple[Seen, ...]:
    """Who was on the board, best first, day by day. A reading of a board's top that is shorter than what is followed
    is left out: it cannot show that anybody left."""
    found = [reading for each in snapshots if (reading := placed(each)) is not None]
    whole = [reading for reading in found if isinstance(reading, Reading) or len(reading.rows) >= top]
    known = {label: subject_of(label, names) for label in {row.label for each in whole for row in each.rows}}
    return tuple(Seen(each.taken_at.date(), tuple(known[label] for label in labels(each))) for each in whole)


def churn_view(
    asked: str, snapshots: Sequence[Snapshot], names: Names, top: int, with_spells: bool = False
) -> dict[str, Any]:
    """How long places among a board's first `top` last. Raises ValueError where too few readings are kept."""
    seen = tuple(sorted(seen_in(snapshots, names, top), key=lambda each: each.day))
    followed = churn.top(seen, top)
    if len(followed) < 2:
        raise ValueError(f"{asked} has readings of {len(followed)} days; two at least are needed")
    until = followed[-1].day
    spells = churn.spells_of(followed)
    half_life, points = churn.half_life(spells, until), churn.survival(spells, until)
    listed = {"spells_list": [spell_view(spell, until) for spell in spells[-SPELLS:]]} if with_spells else {}
    return listed | {
        "board": asked,
        "top": top,
        "since": followed[0].day.isoformat(),
        "until": until.isoformat(),
        "readings": len(followed),
        "spells": len(spells),
        "exits": half_life.endings,
        "half_life_days": {"value": half_life.days, "low": half_life.low, "high": half_life.high},
        "hazard_per_day": _hazard(half_life),
        "median_days": median_view(points),
        "survival": [{"day": p.days, "alive": p.share, "low": p.low, "high": p.high} for p in points],
        "stages": stages(asked, seen, {spell.subject for spell in spells}, until),
        "now": list(followed[-1].subjects),
        "exposure_days": half_life.exposure_days,
        "months": [month.model_dump() for month in churn.months(_by_day(seen))],
    }


def spell_view(spell: Spell, until: date) -> dict[str, Any]:
    """One stay. `ended` is the first day of absence, or null while it lasts; `saw_beginning` is false for one that was
    under way at the first reading, so that its age is at least `days`."""
    return {
        "subject": spell.subject,
        "began": spell.began.isoformat(),
        "ended": spell.ended.isoformat() if spell.ended else None,
        "saw_beginning": spell.saw_beginning,
        "days": spell.days(until),
    }


def _by_day(seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """Whole boards, the last reading of each day."""
    days = {each.day: each for each in seen}
    return tuple(days[day] for day in sorted(days))


def _hazard(half_life: HalfLife) -> dict[str, float]:
    return {"value": half_life.hazard_per_day, "low": half_life.hazard_low, "high": half_life.hazard_high}


def median_view(points: Sequence[Point]) -> dict[str, float | None]:
    """When the curve falls to a half, and when its band does; None where it has not yet."""

    def fallen(height: Mapping[float, float]) -> float | None:
        return next((days for days, share in height.items() if share <= 0.5), None)

    return {
        "value": churn.median_days(points),
        "low": fallen({point.days: point.low for point in points}),
        "high": fallen({point.days: point.high for point in points}),
    }


def stages(board: str, seen: Sequence[Seen], subjects: Iterable[str], day: date) -> dict[str, str]:
    """Where those who were ever followed are in their life, as far as this board alone shows it on its last day."""
    shown = [retirement.Shown(board, each.day, frozenset(each.subjects)) for each in _by_day(seen)]
    found = retirement.lives(sorted(subjects), shown, {}, (), day)
    return {subject: str(life.stage) for subject, life in found.items()}
