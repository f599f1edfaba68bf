"""Where every offer and model stands in its life, gathered from listings, boards, notices, attempts and cards.

The judgement is router.retirement's; here its rows are filled. Nothing is retired for our own silence: absence counts
only in readings that arrived.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.errors import Fault
from adapters.schema import Offer
from gateway.attempts.store import ATTEMPT
from gateway.catalog import hazards, words
from gateway.catalog.matching import Matcher, matcher, provider_of
from gateway.catalog.sightings import Heard, Looked, Sightings
from gateway.catalog.supply import Supply
from gateway.db import Database
from router import retirement
from router.evidence import HAZARD_UNKNOWN_PER_DAY
from router.feeds.sources import NOTICES
from router.retirement import NO_WORDS, RETIRED_DAYS, STALE_DAYS, Announced, Life, Shown, Stage, Tried, Word

TRIED_DAYS = 90
"""How far back attempts confirm an offer, or miss it."""

MISSES_MOST = 5_000
"""Failures as missing that are counted, the newest: three in a row are enough."""

AGAIN = timedelta(minutes=5)
"""How old the attempts' part may be while no new reading arrives."""

FIRST_HAND = frozenset(feed.SOURCE.name for feed in NOTICES)
"""Readers of the makers' own notices. All other sources that name an end pass on what they heard."""

NONE: Mapping[str, Life] = MappingProxyType({})


@dataclass(frozen=True)
class Lives:
    """What is believed of every offer and model. `elsewhere` are ends at providers or of releases that we do not offer,
    by model: "name@provider" → its life. `hazards` are chances per day that an offer ends,
    `board_hazards` that a place on a board does."""

    offers: Mapping[str, Life] = field(default_factory=dict)
    models: Mapping[str, Life] = field(default_factory=dict)
    elsewhere: Mapping[str, Mapping[str, Life]] = field(default_factory=dict)
    successors: Mapping[str, str] = field(default_factory=dict)
    newest: Mapping[str, date] = field(default_factory=dict)
    hazards: Mapping[str, float] = field(default_factory=dict)
    board_hazards: Mapping[str, float] = field(default_factory=dict)

    def of(self, offer: Offer, day: date) -> Life:
        """An offer's life. Before anything was gathered, what its card says."""
        return self.offers.get(offer.id) or _by_card(offer, day)

    def of_model(self, model: str, offers: Iterable[Offer], day: date) -> Life:
        """A model's life. Before anything was gathered, what the cards of its offers say."""
        return self.models.get(model) or retirement.model_life(
            {offer.id: self.of(offer, day) for offer in offers}, retirement.lives([model], [], {}, [], day)[model], None
        )

    def hazard(self, offer: Offer) -> float:
        """Chance per day that it ends."""
        return self.hazards.get(offer.id, HAZARD_UNKNOWN_PER_DAY)

    def obstacle(self, offer: Offer, day: date) -> str | None:
        """Why an offer that has retired cannot be used."""
        life = self.of(offer, day)
        if life.stage is not Stage.RETIRED:
            return None
        if life.ends and life.ends <= day:
            return f"has ended on {life.ends}: {life.evidence}"
        return f"is retired since {life.since}: {life.evidence}"


class Limits(NamedTuple):
    """Days without any confirmation after which an offer is stale, and retired: PODIUM_STALE_DAYS, …_RETIRED_DAYS."""

    stale_days: int = STALE_DAYS
    retired_days: int = RETIRED_DAYS


USUAL = Limits()


@dataclass
class Watch:
    """Keeps the lives up to date for one process: folded again when there is a new reading, a new word of the operator,
    a new day, or after five minutes."""

    db: Database
    supply: Supply
    limits: Limits = USUAL
    lives: Lives = field(default_factory=Lives)
    folded_at: datetime | None = None
    said: Mapping[str, Word] = field(default_factory=dict)
    sightings: Sightings = field(init=False)

    def __post_init__(self) -> None:
        self.sightings = Sightings(self.db)

    async def refreshed(self, now: datetime) -> Lives:
        said = await self.db.read(words.said)
        is_new = await self.sightings.refresh(now) or said != self.said
        before = self.folded_at
        if is_new or before is None or before.date() != now.date() or now - before >= AGAIN or now < before:
            tried = await self.db.read(lambda connection: tries(connection, now))
            looked, heard = tuple(self.sightings.looked.values()), self.sightings.heard()
            self.lives = await asyncio.to_thread(fold, self.supply, looked, heard, tried, now.date(), self.limits, said)
            self.folded_at, self.said = now, said
        return self.lives


def fold(
    supply: Supply, looked: Iterable[Looked], heard: Iterable[Heard], tried: Mapping[str, Tried], today: date,
    limits: Limits = USUAL, said_of: Mapping[str, Word] = NO_WORDS,
) -> Lives:  # fmt: skip
    """All lives as of `today`. Order of readings and notices changes nothing. `said_of`: the operator's words."""
    offers = supply.catalog.offers()
    match = matcher(offers, supply.names)
    looked = tuple(looked)
    shown = _shown(looked, match)
    said = _announcements(offers, heard, match, today)
    subjects = {offer.id for offer in offers} | supply.models.keys() | said.keys()
    found = retirement.lives(subjects, shown, tried, list(said.values()), today, *limits, said_of)
    elsewhere = _elsewhere(said.keys() - supply.models.keys() - match.offered, found, match)
    models = {model: _model_life(model, offers, found, elsewhere.get(model, NONE)) for model in supply.models}
    successors = retirement.successors(supply.models, models, today)
    by_offer = {offer.id: _with_heir(found[offer.id], successors.get(offer.model), supply) for offer in offers}
    return Lives(
        offers=by_offer,
        models={model: _with_heir(life, successors.get(model), supply) for model, life in models.items()},
        elsewhere=elsewhere,
        successors=successors,
        newest=_newest(shown),
        hazards=hazards.of_offers(by_offer, [each for each in shown if each.day <= today], today),
        board_hazards=hazards.of_boards(looked, supply.names, today),
    )


def _shown(looked: Iterable[Looked], match: Matcher) -> list[Shown]:
    """Readings in our ids: a provider's list shows offers, and whatever names a model shows that model."""
    known: dict[tuple[str, str], frozenset[str]] = {}

    def meant(provider: str, label: str) -> frozenset[str]:
        found = known.get((provider, label))
        if found is None:
            model = match.model(label)
            found = match.offers(provider, label) if provider else frozenset()
            found = known[provider, label] = found | ({model} if model else frozenset())
        return found

    return [
        Shown(source, day, frozenset().union(*(meant(*row) for row in rows)))
        for source, day, rows, _ in sorted(looked, key=lambda each: each[:2])
    ]


def _newest(shown: Iterable[Shown]) -> dict[str, date]:
    newest: dict[str, date] = {}
    for source, day, _ in shown:
        newest[source] = max(day, newest.get(source, day))
    return newest


class _Word(NamedTuple):
    """What is said of one subject, and how much it counts: later words more than earlier ones, and a card or a reader
    of notices more than hearsay, and more if it says when it was announced."""

    weight: tuple[int, date, date, date]
    announced: Announced


def _announcements(
    offers: Iterable[Offer], heard: Iterable[Heard], match: Matcher, today: date
) -> dict[str, Announced]:
    """Subject → the one word on it that counts. Another's successor is kept where that one names none."""
    words = [_card_word(offer, today) for offer in offers if offer.ends]
    words += [word for each in heard if _counts(each, today) for word in _words(each, match)]
    found: dict[str, Announced] = {}
    for word in sorted(words):
        before = found.get(word.announced.subject)
        heir = word.announced.successor or (before.successor if before else None)
        found[word.announced.subject] = word.announced._replace(successor=heir)
    return found


def _counts(heard: Heard, today: date) -> bool:
    """A word without a date counts only while it is still said; a date stands until another is said."""
    return heard.first <= today and (heard.still or heard.notice.ends is not None)


def _card_word(offer: Offer, today: date) -> _Word:
    checked = min(max((price.checked for price in offer.prices), default=today), today)
    return _Word((2, checked, checked, offer.ends or date.max), _by_its_card(offer, checked))


def _by_its_card(offer: Offer, checked: date) -> Announced:
    return Announced(offer.id, "its card", checked, offer.ends)


def _words(heard: Heard, match: Matcher) -> list[_Word]:
    notice = heard.notice
    announced = notice.announced if notice.announced and notice.announced <= heard.newest else None
    first_hand = heard.source in FIRST_HAND
    is_dated = announced is not None and announced != notice.ends
    weight = (
        2 if first_hand and is_dated else int(first_hand),
        announced or heard.first,
        heard.newest,
        notice.ends or date.max,
    )
    on = min(announced or heard.first, heard.first)
    source = f"{heard.source} ({notice.url})" if notice.url else heard.source
    return [
        _Word(weight, Announced(subject, source, on, notice.ends, _successor(heard, match, subject), not first_hand))
        for subject in _subjects(heard, match)
    ]


def _subjects(heard: Heard, match: Matcher) -> frozenset[str]:
    """The offers that a notice is about; else what it says of a model of ours, or of a release of one, elsewhere."""
    notice = heard.notice
    if offers := match.offers(notice.channel, notice.label):
        return offers
    is_ours = heard.source in FIRST_HAND and match.model(notice.label) is not None
    return frozenset({f"{notice.label}@{provider_of(notice.channel)}"}) if is_ours else frozenset()


def _successor(heard: Heard, match: Matcher, subject: str) -> str | None:
    """The first replacement that is a model of ours, and not this one again."""
    own = match.model(heard.notice.label)
    named = (match.model(label) for label in heard.notice.replacement)
    return next((model for model in named if model and model != own and not subject.endswith(f"/{model}")), None)


def _elsewhere(subjects: Iterable[str], found: Mapping[str, Life], match: Matcher) -> dict[str, dict[str, Life]]:
    by_model: dict[str, dict[str, Life]] = {}
    for subject in sorted(subjects):
        if model := match.model(subject.rpartition("@")[0]):
            by_model.setdefault(model, {})[subject] = found[subject]
    return by_model


def _model_life(model: str, offers: Sequence[Offer], found: Mapping[str, Life], elsewhere: Mapping[str, Life]) -> Life:
    """By our own offers; where there are none, by what was said of other providers'."""
    own = {offer.id: found[offer.id] for offer in offers if offer.model == model}
    return retirement.model_life(own or elsewhere, found[model], None)


def _with_heir(life: Life, heir: str | None, supply: Supply) -> Life:
    """The successor that can really be used in place of what was announced; none for what does not end."""
    is_ending = life.stage in (Stage.DEPRECATED, Stage.RETIRED)
    named = life.successor if life.successor in supply.models else None
    return life.model_copy(update={"successor": (heir or named) if is_ending else None})


def _by_card(offer: Offer, day: date) -> Life:
    said = [_by_its_card(offer, min(_card_word(offer, day).weight[1], day))] if offer.ends else []
    return retirement.lives([offer.id], [], {}, said, day)[offer.id]


def tries(connection: Connection, now: datetime) -> dict[str, Tried]:
    """Offer → its last success, and the failures as missing since then."""
    since = now - timedelta(days=TRIED_DAYS)
    succeeded: dict[str, datetime] = {
        offer: at for offer, at in connection.execute(_SUCCEEDED, {"since": since}) if at is not None
    }
    missed: dict[str, list[datetime]] = {}
    for offer, at in connection.execute(_MISSED, {"since": since}):
        if offer not in succeeded or at > succeeded[offer]:
            missed.setdefault(offer, []).append(at)
    return {
        offer: Tried(
            succeeded[offer].date() if offer in succeeded else None,
            len(missed.get(offer, ())),
            max(missed[offer]).date() if offer in missed else None,
        )
        for offer in succeeded.keys() | missed.keys()
    }


_SINCE = ATTEMPT.c.ended_at >= sa.bindparam("since", type_=ATTEMPT.c.ended_at.type)
_SUCCEEDED = (
    sa.select(ATTEMPT.c.offer, sa.func.max(ATTEMPT.c.ended_at, type_=ATTEMPT.c.ended_at.type))
    .where(_SINCE, ATTEMPT.c.status == "succeeded")
    .group_by(ATTEMPT.c.offer)
)
_MISSED = (
    sa.select(ATTEMPT.c.offer, ATTEMPT.c.ended_at)
    .where(_SINCE, ATTEMPT.c.fault == Fault.MODEL_MISSING.value)
    .order_by(ATTEMPT.c.ended_at.desc())
    .limit(MISSES_MOST)
)
