"""What a change is, and which changes lie between two views of the same subjects. Pure."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from router.retirement import Life, Stage


class Kind(StrEnum):
    APPEARED = "appeared"
    PRICE = "price"
    DEPRECATED = "deprecated"
    STALE = "stale"
    RETIRED = "retired"
    REVIVED = "revived"
    FADING = "fading"
    SUCCESSOR = "successor"


class Subject(NamedTuple):
    """What a change is about: its id in the feed, its model, and the offer if it is one of ours."""

    id: str
    model: str
    offer: str | None = None


class Change(NamedTuple):
    """`before` and `after` are words for people; `on` is the day when it happened, which may be long before we knew."""

    kind: Kind
    subject: Subject
    before: str | None
    after: str | None
    evidence: str
    source: str
    on: date


class Stand(NamedTuple):
    """A subject as it was last recorded."""

    stage: Stage
    ends: date | None
    successor: str | None


_KINDS = {
    Stage.ANNOUNCED: Kind.APPEARED,
    Stage.ACTIVE: Kind.REVIVED,
    Stage.FADING: Kind.FADING,
    Stage.DEPRECATED: Kind.DEPRECATED,
    Stage.STALE: Kind.STALE,
    Stage.RETIRED: Kind.RETIRED,
}

SOURCE = "lives"
"""Who says so: the fold of all that was seen, whose evidence names the source behind it."""


def stand_of(life: Life) -> Stand:
    return Stand(life.stage, life.ends, life.successor)


def changes(subject: Subject, before: Stand | None, life: Life, is_first: bool) -> tuple[Change, ...]:
    """What to say of a subject whose life is now so. On the very first fold nothing appears: it was there before us."""
    if before is None:
        found = [] if is_first else [_change(Kind.APPEARED, subject, None, subject.id, life)]
        if life.stage not in (Stage.ACTIVE, Stage.ANNOUNCED):
            found.append(_change(_KINDS[life.stage], subject, None, _words(life), life))
        return tuple(found)
    found = []
    if before.stage is not life.stage:
        kind = Kind.APPEARED if before.stage is Stage.ANNOUNCED and life.stage is Stage.ACTIVE else _KINDS[life.stage]
        found.append(_change(kind, subject, before.stage.value, _words(life), life))
    elif before.ends != life.ends and life.stage is Stage.DEPRECATED:
        said = f"{before.stage.value}, ends {before.ends or 'some day'}"
        found.append(_change(Kind.DEPRECATED, subject, said, _words(life), life))
    if before.successor != life.successor and life.successor:
        found.append(_change(Kind.SUCCESSOR, subject, before.successor, life.successor, life))
    return tuple(found)


def _words(life: Life) -> str:
    return f"{life.stage.value}, ends {life.ends}" if life.ends and life.stage is Stage.DEPRECATED else life.stage.value


def _change(kind: Kind, subject: Subject, before: str | None, after: str, life: Life) -> Change:
    return Change(kind, subject, before, after, life.evidence, SOURCE, life.since)


class Shown(NamedTuple):
    """What one board showed on a day: a model of ours, or a label that we know nothing of."""

    board: str
    day: date
    names: Mapping[str, str | None]
    """Model or label → model, or None for a label."""


def appearances(known: Mapping[str, frozenset[str]], shown: list[Shown]) -> list[tuple[Shown, str, bool]]:
    """(reading, name, is news) for all that a board shows and did not before. The first reading of a board that was
    never looked at is no news: it was so before us."""
    seen: dict[str, set[str]] = {board: set(names) for board, names in known.items()}
    found: list[tuple[Shown, str, bool]] = []
    for reading in sorted(shown, key=lambda each: (each.day, each.board)):
        is_first = reading.board not in seen
        held = seen.setdefault(reading.board, set())
        found += [(reading, name, not is_first) for name in sorted(reading.names.keys() - held)]
        held.update(reading.names)
    return found
