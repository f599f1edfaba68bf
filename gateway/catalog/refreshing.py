"""Reads the sources of boards, prices and notices, and providers' own listings, when it is told to; plans no time.

Where each source is asked, how often, and whether its key is there, comes from the operator's settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.http import Clients, Shelf
from gateway import clock, settings as environment
from gateway.catalog.listings import NotListed, listing_dialects, listings
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.problems import Unavailable
from gateway.settings import Settings
from gateway.snapshots import fetching, intake
from gateway.snapshots.fetching import Place
from gateway.snapshots.intake import Taken
from gateway.ticks.rules import NotDone, Tick
from gateway.ticks.runner import Work
from router.feeds import listings as own_lists, sources
from router.feeds.readings import Feed, Page, Source
from router.feeds.trust import Refused, understood

LISTINGS = "listings"

LISTINGS_EVERY_H = 6.0
FEED_DEADLINE_S = 600.0
"""A source has five minutes to answer; judging and keeping a large list takes seconds."""
LISTINGS_DEADLINE_S = 1_800.0
"""All providers with a key, one after the other."""
EVERY_LEAST_H = 1 / 12
"""Asking a source more often than every five minutes is no way to treat anybody."""


@dataclass(frozen=True)
class Refresher:
    """All that refreshing needs. Every method says what became of the readings, and raises only our own errors."""

    db: Database
    supply: Supply
    clients: Clients
    shelf: Shelf

    async def feed(self, kind: str, feed: Feed) -> Taken:
        """Ask one source. Without a key that it wants, it is not asked, and nothing is written down."""
        source = feed.SOURCE
        if reason := obstacle(source):
            return Taken(kind, source.name, (), 0, (Refused(source.name, "reply", reason),))
        pages = await fetching.pages_of(feed, self._wanted(source.name), place_of(source), self.clients, self.shelf)
        return await intake.take_in(self.db, kind, source.name, pages, clock.now())

    async def listing(self, provider: str) -> Taken:
        """Ask a provider with a key for its own list."""
        page: Page | Refused
        try:
            models = await listings(provider, self.supply, self.clients, self.shelf)
        except NotListed as error:
            page = Refused(provider, "listing", str(error))
        else:
            now = clock.now()
            page = understood(provider, lambda: Page((own_lists.reading_of(provider, models, now),)))
        return await intake.take_in(self.db, LISTINGS, provider, (page,), clock.now())

    def _wanted(self, provider: str) -> tuple[str, ...]:
        """The wire ids of our offers at a provider of this name, for a source that must be asked by name."""
        card = self.supply.cards.get(provider)
        offers = card.offers if card else ()
        ids = [id for offer in offers for id in (offer.wire_id, *(each.wire_id for each in offer.by_task.values()))]
        return tuple(dict.fromkeys(id for id in ids if id))


def listed_providers(supply: Supply) -> tuple[str, ...]:
    """Providers with a key and a list. One whose list is a feed already (fal's index) is read there."""
    return tuple(
        name
        for name, card in sorted(supply.cards.items())
        if (supply.keys[name] or not card.key_env)
        and not (card.stand_in or card.needs_base_url)
        and name not in sources.FEEDS
        and listing_dialects(card)
    )


def obstacle(source: Source) -> str | None:
    """Why a source cannot be asked here."""
    if source.key_env and not environment.variable(source.key_env):
        return f"it wants a key: set {source.key_env}"
    return None


def place_of(source: Source) -> Place:
    origin = environment.variable(environment.feed_variable(source.name, "URL")) or source.origin
    return Place(origin, environment.variable(source.key_env) if source.key_env else None)


def are_on(settings: Settings, supply: Supply) -> bool:
    """Whether sources are asked without being told to: as the operator says, else once a provider has a key."""
    if settings.feeds is not None:
        return settings.feeds == "on"
    return any(key and not supply.cards[name].stand_in for name, key in supply.keys.items())


def every_h(source: Source) -> float:
    """Hours between two readings. Raises Unavailable for a setting that is no such number."""
    name = environment.feed_variable(source.name, "EVERY")
    said = environment.variable(name)
    return source.every_h if said is None else hours_of(name, said)


def hours_of(name: str, said: str) -> float:
    """ "6h", "90m" or "1d" as hours. Raises Unavailable."""
    number, unit = said.strip()[:-1], said.strip()[-1:].lower()
    hours = {"m": 1 / 60, "h": 1.0, "d": 24.0}.get(unit)
    try:
        found = float(number) * hours if hours else 0.0
    except ValueError:
        found = 0.0
    if not EVERY_LEAST_H - 1e-9 <= found <= 8_760:
        raise Unavailable(f"{name}: {said[:50]!r} is no time such as 90m, 6h or 1d, of five minutes at least")
    return found


def ticks(refresher: Refresher) -> Mapping[Tick, Work]:
    """One tick for each source that can be asked here, and one for all providers' lists. Raises Unavailable."""
    works: dict[Tick, Work] = {}
    for kind, feeds in sources.KINDS.items():
        for feed in feeds:
            if not obstacle(feed.SOURCE):
                tick = Tick(f"{kind}/{feed.SOURCE.name}", every_h(feed.SOURCE) * 3_600, FEED_DEADLINE_S)
                works[tick] = _feed_work(refresher, kind, feed)
    if listed_providers(refresher.supply):
        tick = Tick(LISTINGS, LISTINGS_EVERY_H * 3_600, LISTINGS_DEADLINE_S)
        works[tick] = lambda: _all_listings(refresher)
    return works


def _feed_work(refresher: Refresher, kind: str, feed: Feed) -> Work:
    async def work() -> str:
        return told(await refresher.feed(kind, feed))

    return work


async def _all_listings(refresher: Refresher) -> str:
    taken = [await refresher.listing(provider) for provider in listed_providers(refresher.supply)]
    if not any(each.good for each in taken):
        raise NotDone("; ".join(filter(None, (each.refusal for each in taken))))
    return "; ".join(f"{each.name}: {told(each) if each.good else f'refused {each.refusal}'}" for each in taken)


def told(taken: Taken) -> str:
    """What a run did, in a sentence. Raises NotDone where nothing was believed."""
    if not taken.good:
        raise NotDone(taken.refusal or "it said nothing")
    rows = sum(len(reading.rows) for reading in taken.good)
    said = f"{len(taken.good)} readings, {rows} rows, {taken.new} new"
    return f"{said}; refused {taken.refusal}" if taken.refusal else said
