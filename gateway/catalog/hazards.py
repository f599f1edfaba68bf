"""Chance per day that a place on a board no longer holds, and that an offer ends, as measured here. Pure.

Where little was watched, what was supposed before counts: see router.churn.hazard. Nothing is measured over time in
which nobody looked.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from gateway.catalog.sightings import DAILY_DAYS, Looked
from router import churn
from router.churn import Seen
from router.evidence import HAZARD_UNKNOWN_PER_DAY
from router.names import Names
from router.quality import HAZARD_PER_DAY
from router.retirement import Life, Shown, Stage

READINGS_LEAST = 10
"""Days with a reading of a board before its own hazard counts: readings far apart hide who came and went between."""


def of_boards(looked: Iterable[Looked], names: Names, today: date) -> dict[str, float]:
    """Board → chance per day that one of its first five leaves them, over the days of which every one is looked at."""
    since = today - timedelta(days=DAILY_DAYS)
    by_board: dict[str, list[Looked]] = defaultdict(list)
    for each in looked:
        if each.best and since <= each.day <= today:
            by_board[each.source].append(each)
    return {
        board: _of_board(found, names)
        for board, found in sorted(by_board.items())
        if len({each.day for each in found}) >= READINGS_LEAST
    }


def _of_board(looked: Iterable[Looked], names: Names) -> float:
    read = sorted(looked, key=lambda each: (each.day, each.best))
    seen = churn.top(Seen(each.day, tuple(_subject(label, names) for label in each.best)) for each in read)
    spells, until = churn.spells_of(seen), seen[-1].day
    endings = sum(spell.ended is not None for spell in spells)
    return churn.hazard(endings, sum(spell.days(until) for spell in spells), HAZARD_PER_DAY)


def _subject(label: str, names: Names) -> str:
    return names.resolve_label(label) or names.bare_key(label)


def of_offers(lives: Mapping[str, Life], shown: Iterable[Shown], today: date) -> dict[str, float]:
    """Offer ("provider/model") → chance per day that it ends: as often as its provider's offers did while they were
    watched; and where its end is announced, one ending in the days that are left, if that is more."""
    first, last = _watched(lives, shown)
    endings: dict[str, int] = defaultdict(int)
    exposure_days: dict[str, int] = defaultdict(int)
    for offer in first:
        life, provider = lives[offer], offer.partition("/")[0]
        is_over = life.stage is Stage.RETIRED and life.since > first[offer]
        until = life.since if is_over else last[offer]
        endings[provider] += is_over
        exposure_days[provider] += (until - first[offer]).days
    return {
        offer: max(
            churn.hazard(endings[provider], exposure_days[provider], HAZARD_UNKNOWN_PER_DAY), _announced(life, today)
        )
        for offer, life in lives.items()
        for provider in (offer.partition("/")[0],)
    }


def _watched(lives: Mapping[str, Life], shown: Iterable[Shown]) -> tuple[dict[str, date], dict[str, date]]:
    """The first and the last day on which each offer was seen anywhere."""
    first: dict[str, date] = {}
    last: dict[str, date] = {}
    for each in shown:
        for offer in each.subjects & lives.keys():
            first[offer] = min(each.day, first.get(offer, each.day))
            last[offer] = max(each.day, last.get(offer, each.day))
    return first, last


def _announced(life: Life, today: date) -> float:
    return 1 / max(1, (life.ends - today).days) if life.ends and life.stage is Stage.DEPRECATED else 0.0
