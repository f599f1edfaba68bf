"""Life stages of offers and models, from what listings and boards showed, what attempts met, and what was announced.

An end is announced or observed, and says which. Absence counts only in whole readings of a source that used to show
the subject, and only up to that source's newest reading: a gateway that is cut off from the world retires nothing,
however long. One reading without it proves nothing either, so an absence must be seen again before it is believed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from adapters.schema import Frozen, Model

STALE_DAYS = 7
RETIRED_DAYS = 30
"""Days without any confirmation after which a subject is stale, and retired. Both are settings of the gateway."""

ABSENCES_STALE = 2
ABSENCES_RETIRED = 3
"""Days on which it must have been looked for in vain: one bad reading never ends anything."""

MISSES = 3
"""Attempts in a row that the provider answered with "no such model": fewer may be a fault of the request."""


class Stage(StrEnum):
    ANNOUNCED = "announced"
    ACTIVE = "active"
    FADING = "fading"
    DEPRECATED = "deprecated"
    STALE = "stale"
    RETIRED = "retired"


class Shown(NamedTuple):
    """One whole, trusted reading: all that a source showed on a day."""

    source: str
    day: date
    subjects: frozenset[str]


class Tried(NamedTuple):
    """What attempts met at a subject: the last success, and the failures as missing since then."""

    succeeded: date | None = None
    misses: int = 0
    missed: date | None = None


class Announced(NamedTuple):
    """An end that somebody announced for a subject. `ends` is None where no date was given.

    `is_hearsay`: a price list or a directory says it, not whoever runs the model nor a reader of their notices. That
    deprecates, and its date is shown; but by itself it retires nothing.
    """

    subject: str
    source: str
    on: date
    ends: date | None
    successor: str | None = None
    is_hearsay: bool = False

    @property
    def said(self) -> str:
        when = f"that it ends on {self.ends}" if self.ends else "that it will end, without a date"
        return f"{self.source} announced on {self.on} {when}"


class Verdict(StrEnum):
    RETIRED = "retired"
    KEEP = "keep"


class Word(NamedTuple):
    """What the operator said of a subject: it is over, or what was observed of its end is wrong."""

    verdict: Verdict
    on: date
    why: str = ""

    @property
    def reason(self) -> str:
        return f": {self.why}" if self.why else ""


class Life(Frozen):
    """Where a subject stands in its life, since when, and on what evidence."""

    stage: Stage
    since: date
    evidence: str
    ends: date | None = None
    successor: str | None = None


NO_WORDS: Mapping[str, Word] = MappingProxyType({})


class Watch(NamedTuple):
    """How one source saw one subject: the day it last showed it, and the later days on which it did not."""

    source: str
    seen: date
    absent: tuple[date, ...]

    @property
    def newest(self) -> date:
        return self.absent[-1] if self.absent else self.seen


def lives(
    subjects: Iterable[str], shown: Sequence[Shown], tried: Mapping[str, Tried], announced: Sequence[Announced],
    now: date, stale_days: int = STALE_DAYS, retired_days: int = RETIRED_DAYS, words: Mapping[str, Word] = NO_WORDS,
) -> dict[str, Life]:  # fmt: skip
    """Every subject's stage as of `now`. Readings and notices after `now` are not looked at; order changes nothing.

    `words` are the operator's: one that retires needs no evidence beside it, and one that keeps outweighs whatever was
    observed, but not an announced end that has come.
    """
    watches = _watches([each for each in shown if each.day <= now])
    notices: dict[str, Announced] = {}
    for notice in sorted((each for each in announced if each.on <= now), key=_word):
        notices[notice.subject] = notice  # the latest word counts: ends are put off, and taken back
    return {
        subject: _life(
            _Seen(watches.get(subject, ()), tried.get(subject, Tried()), notices.get(subject), words.get(subject)),
            now,
            stale_days,
            retired_days,
        )
        for subject in subjects
    }


def _word(notice: Announced) -> tuple[bool, date, str, date]:
    """Hearsay first, then the oldest: the last of them is believed."""
    return not notice.is_hearsay, notice.on, notice.source, notice.ends or date.max


def _watches(shown: Sequence[Shown]) -> dict[str, tuple[Watch, ...]]:
    """Subject → how each source that ever showed it sees it now. Two readings of a day are one look."""
    by_source: dict[str, dict[date, set[str]]] = {}
    for source, day, subjects in shown:
        by_source.setdefault(source, {}).setdefault(day, set()).update(subjects)
    found: dict[str, list[Watch]] = {}
    for source in sorted(by_source):
        days = sorted(by_source[source])
        last = {subject: day for day in days for subject in by_source[source][day]}
        for subject, seen in last.items():
            found.setdefault(subject, []).append(Watch(source, seen, tuple(day for day in days if day > seen)))
    return {subject: tuple(each) for subject, each in found.items()}


class _Seen(NamedTuple):
    """All that is known of one subject."""

    watches: Sequence[Watch]
    tried: Tried
    notice: Announced | None
    word: Word | None


def _life(seen: _Seen, now: date, stale_days: int, retired_days: int) -> Life:
    watches, tried, notice, word = seen
    if notice and notice.ends and notice.ends <= now and not notice.is_hearsay:
        return _announced(notice, Stage.RETIRED, notice.ends)
    if word and word.verdict is Verdict.RETIRED:
        said, heir = f"retired by the operator{word.reason}", notice.successor if notice else None
        return Life(stage=Stage.RETIRED, since=word.on, evidence=said, successor=heir)
    unseen = _unseen(watches, tried, stale_days, retired_days)
    if unseen and unseen.stage is Stage.RETIRED and not word:
        return unseen
    if notice:
        return _announced(notice, Stage.DEPRECATED, notice.on)
    if (observed := unseen or _missing(tried)) is not None:
        return _kept(word, observed) if word else observed
    return _faded(watches) or _active(watches, tried, now)


def _kept(word: Word, observed: Life) -> Life:
    """In use whatever was observed, which the evidence still tells."""
    said = f"kept by the operator{word.reason}; {observed.evidence}"
    return Life(stage=Stage.ACTIVE, since=word.on, evidence=said)


def _announced(notice: Announced, stage: Stage, since: date) -> Life:
    return Life(stage=stage, since=since, evidence=notice.said, ends=notice.ends, successor=notice.successor)


def _unseen(watches: Sequence[Watch], tried: Tried, stale_days: int, retired_days: int) -> Life | None:
    """Stale or retired by absence: counted from the last confirmation by anyone to the newest look of a source."""
    if not watches:
        return None
    confirmed = max([watch.seen for watch in watches] + [each for each in (tried.succeeded,) if each])
    looks = sorted({day for watch in watches for day in watch.absent if day > confirmed})
    if not looks:
        return None
    days = (looks[-1] - confirmed).days
    sources = ", ".join(watch.source for watch in watches)
    said = f"last confirmed on {confirmed}; {sources} did not show it on {len(looks)} later days up to {looks[-1]}"
    if days >= retired_days and len(looks) >= ABSENCES_RETIRED:
        return Life(stage=Stage.RETIRED, since=confirmed + timedelta(retired_days), evidence=said)
    if days >= stale_days and len(looks) >= ABSENCES_STALE:
        return Life(stage=Stage.STALE, since=confirmed + timedelta(stale_days), evidence=said)
    return None


def _missing(tried: Tried) -> Life | None:
    if tried.misses < MISSES or tried.missed is None:
        return None
    said = f"the provider answered {tried.misses} attempts in a row with no such model, last on {tried.missed}"
    return Life(stage=Stage.STALE, since=tried.missed, evidence=said)


def _faded(watches: Sequence[Watch]) -> Life | None:
    """Some source that used to show it has stopped, while others go on."""
    gone = [watch for watch in watches if len(watch.absent) >= ABSENCES_STALE]
    if not gone:
        return None
    first = min(gone, key=lambda watch: (watch.absent[0], watch.source))
    said = f"{first.source} has not shown it since {first.seen}"
    return Life(stage=Stage.FADING, since=first.absent[0], evidence=said)


def _active(watches: Sequence[Watch], tried: Tried, now: date) -> Life:
    """Nothing speaks against it. The evidence says how old the word for it is."""
    seen = max(((watch.seen, watch.source) for watch in watches), default=None)
    if tried.succeeded and (seen is None or tried.succeeded >= seen[0]):
        return Life(stage=Stage.ACTIVE, since=tried.succeeded, evidence=f"an attempt succeeded on {tried.succeeded}")
    if seen:
        return Life(stage=Stage.ACTIVE, since=seen[0], evidence=f"{seen[1]} showed it on {seen[0]}")
    return Life(stage=Stage.ACTIVE, since=now, evidence="its card offers it; no listing or board has shown it yet")


_ORDER = (Stage.ACTIVE, Stage.FADING, Stage.DEPRECATED, Stage.STALE, Stage.RETIRED)
"""From the healthiest on: a model is as well as the best of its offers."""


def model_life(offers: Mapping[str, Life], own: Life, successor: str | None) -> Life:
    """A model's stage: announced while nobody offers it, else that of the offer that is best off,
    or ends last.

    `own` is the model's life as boards show it: a board that drops a model ends nothing while it is served.
    """
    if not offers:
        return own if own.stage is not Stage.ACTIVE else own.model_copy(update={"stage": Stage.ANNOUNCED})
    name, best = min(
        offers.items(), key=lambda item: (_ORDER.index(item[1].stage), -(item[1].ends or date.max).toordinal(), item[0])
    )
    said = best.evidence if len(offers) == 1 else f"{name}: {best.evidence}"
    return best.model_copy(update={"evidence": said, "successor": best.successor or successor})


HOPS = 8
"""Successors of successors that are followed: no family replaced its members that often within a year."""

_ENDING = (Stage.DEPRECATED, Stage.RETIRED)


def successors(models: Mapping[str, Model], lives: Mapping[str, Life], newest: date) -> dict[str, str]:
    """Model that ends → the one to use in its place: as announced, else the newest later member of its family.

    One that has itself retired is followed on to its own successor; where that leads nowhere, there is none. Members
    released after `newest` are not out yet.
    """
    direct = {
        model.id: found
        for model in models.values()
        if (life := lives.get(model.id))
        and life.stage in _ENDING
        and (found := _heir(model, life, models, lives, newest))
    }
    return {model: found for model in direct if (found := _followed(model, direct, lives))}


def _heir(model: Model, life: Life, models: Mapping[str, Model], lives: Mapping[str, Life], newest: date) -> str | None:
    if life.successor in models and life.successor != model.id:
        return life.successor
    later = [
        other
        for other in models.values()
        if model.family and other.family == model.family and other.id != model.id
        and (model.released or date.min) <= (other.released or date.min) <= newest
        and model.tasks & other.tasks and _lives_on(other.id, lives)
    ]  # fmt: skip
    return max(later, key=lambda other: (other.released or date.min, -len(other.id), other.id)).id if later else None


def _lives_on(model: str, lives: Mapping[str, Life]) -> bool:
    life = lives.get(model)
    return life is None or life.stage not in (Stage.ANNOUNCED, Stage.RETIRED)


def _followed(model: str, direct: Mapping[str, str], lives: Mapping[str, Life]) -> str | None:
    found: str | None = model
    for _ in range(HOPS):
        found = direct.get(found) if found else None
        if found is None or (found != model and _lives_on(found, lives)):
            return found
    return None
