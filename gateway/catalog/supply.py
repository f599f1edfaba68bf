"""What can be had here: the catalog at its real addresses, the keys that are there, and every name for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from adapters import capabilities
from adapters.loras import NO_LORAS, LoraBook
from adapters.registry import Catalog, load_catalog
from adapters.schema import Accept, MediaRequest, Model, Offer, Price, ProviderCard, Task
from gateway import clock, settings as environment
from gateway.attempts.runner import Supplied
from gateway.catalog import own
from gateway.catalog.machines import load_tables
from gateway.catalog.own import Measured, Roofline
from gateway.settings import Settings
from router import names
from router.names import Names

SANDBOX = "sandbox"
NO_KEY, NO_ADDRESS = "has no key", "has no address"
NOT_SET_UP = (NO_KEY, NO_ADDRESS)
"""How the obstacles begin that the operator has not cleared away yet."""


@dataclass
class Supply:
    """Made once at start: keys and cards are read then, so a change of either asks for a restart.

    Only prices that were accepted since change while it runs: `reprice` lays them over those of the cards; and what
    is `measured` of runs on own machines.
    """

    catalog: Catalog
    cards: Mapping[str, ProviderCard]
    keys: Mapping[str, str | None]
    callback_secrets: Mapping[str, str | None]
    names: Names
    by_task: Mapping[Task, tuple[Offer, ...]]
    by_name: Mapping[tuple[str, Task], Offer]
    stand_ins_run: bool
    real_keys: bool
    has_public_url: bool
    accepted: Mapping[str, tuple[Price, ...]] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    """The operator's own engines that have an address."""
    rooflines: Mapping[str, Roofline] = field(default_factory=dict)
    measured: Measured = field(default_factory=dict)
    loras: LoraBook = NO_LORAS
    """The LoRAs that have names, and what engines have told of theirs."""

    @property
    def models(self) -> Mapping[str, Model]:
        return self.catalog.models

    @property
    def real_providers(self) -> tuple[str, ...]:
        """Those that can be used here: with a key, or of the operator's own that need none."""
        return tuple(name for name, card in sorted(self.cards.items()) if _is_real(card, self.keys))

    def offer(self, offer_id: str, task: Task) -> Offer | None:
        return self.by_name.get((offer_id, task))

    def supplied(self, offer_id: str, task: Task) -> Supplied | None:
        """What a turn on an offer needs, or None if the catalog no longer has it."""
        offer = self.offer(offer_id, task)
        return Supplied(self.cards[offer.provider], self.keys[offer.provider], offer) if offer else None

    def bounded(self, offer: Offer, request: MediaRequest) -> Offer:
        """The offer, with a bound on the seconds of a fitted request where its card has none."""
        if offer.provider not in self.own:
            return offer
        return own.bounded(offer, request, self.rooflines.get(offer.id), self.measured)

    def reprice(self, accepted: Mapping[str, tuple[Price, ...]]) -> bool:
        """Lay accepted prices, newest first, over the cards' own; whether anything changed.

        Of two prices since the same day the accepted one counts. What a job froze at its submit stays as it is.
        """
        if accepted == self.accepted:
            return False

        def priced(offer: Offer) -> Offer:
            own = tuple(price for price in offer.prices if price not in self.accepted.get(offer.id, ()))
            return offer.model_copy(update={"prices": accepted.get(offer.id, ()) + own})

        changed = accepted.keys() | self.accepted.keys()

        def card_of(card: ProviderCard) -> ProviderCard:
            offers = tuple(priced(offer) if offer.id in changed else offer for offer in card.offers)
            return card.model_copy(update={"offers": offers})

        cards = {name: card_of(card) for name, card in self.cards.items()}
        listed = {name: card_of(card) for name, card in self.catalog.cards.items()}
        self.catalog, self.cards = replace(self.catalog, cards=listed), cards
        self.by_task = _by_task(cards.values())
        self.by_name = {(offer.id, task): offer for task, offers in self.by_task.items() for offer in offers}
        self.accepted = accepted
        return True

    def limits(self, parameter: str) -> tuple[Accept, ...]:
        """What offers say of the values of one parameter, where they say anything; each once."""
        offers = (offer for offers in self.by_task.values() for offer in offers)
        said = (accept for offer in offers if (accept := offer.accepts.get(parameter)) is not None)
        return tuple(dict.fromkeys(accept for accept in said if accept.range is not None or accept.enum is not None))

    def obstacle(self, offer: Offer, is_asked_for: bool) -> str | None:
        """Why an offer cannot be used here, whatever is asked of it. `is_asked_for`: the caller named it.

        Whether it has ended is another question: gateway.catalog.lives answers it.
        """
        card = self.cards[offer.provider]
        if card.key_env and not self.keys[card.name]:
            return f"{NO_KEY}: set {key_words(card)}"
        if card.needs_base_url:
            return f"{NO_ADDRESS}: set {environment.base_url_variable(card)}"
        if not card.stand_in:
            return None
        if not self.stand_ins_run:
            return "is a stand-in, and switched off (PODIUM_SANDBOX)"
        if self.real_keys and not is_asked_for:
            return "is a stand-in, left out while another provider has a key; name it to use it"
        return None

    def distance(self, offer: Offer, request: MediaRequest) -> str | None:
        """Why an offer cannot get at the inputs of a request: it fetches them, and nobody reaches this gateway."""
        if self.has_public_url or not request.inputs:
            return None
        roles = " and ".join(capabilities.linked_roles(request, offer))
        return f"takes {roles} inputs only as links: set PODIUM_PUBLIC_URL, where it can fetch them" if roles else None


def read_supply(settings: Settings) -> Supply:
    """Load the catalog with the operator's overlay, addresses and keys. Raises BadCatalog."""
    catalog = load_catalog(settings.catalog_dir)
    today = clock.now().date()
    priced = {
        card.name: own.priced(card, environment.provider_usd_per_hour(card), today) for card in catalog.cards.values()
    }
    catalog = replace(catalog, cards=priced)
    cards = {card.name: _addressed(card) for card in catalog.cards.values()}
    keys = {card.name: environment.provider_key(card) for card in cards.values()}
    real_keys = any(_is_real(card, keys) for card in cards.values())
    by_task = _by_task(cards.values())
    return Supply(
        catalog=catalog,
        cards=cards,
        keys=keys,
        callback_secrets={card.name: environment.callback_secret(card) for card in cards.values()},
        names=names.collect(catalog.models.values(), catalog.offers()),
        by_task=by_task,
        by_name={(offer.id, task): offer for task, offers in by_task.items() for offer in offers},
        stand_ins_run=settings.sandbox == "on" or (settings.sandbox is None and not real_keys),
        real_keys=real_keys,
        has_public_url=settings.public_url is not None,
        own=tuple(name for name, card in sorted(cards.items()) if card.self_hosted and not card.needs_base_url),
        rooflines=own.rooflines(cards.values(), load_tables(settings.catalog_dir)),
        loras=LoraBook(catalog.loras),
    )


def _by_task(cards: Iterable[ProviderCard]) -> dict[Task, tuple[Offer, ...]]:
    offers = [offer for card in cards for offer in card.offers]
    return {task: tuple(offer.for_task(task) for offer in offers if task in offer.tasks) for task in Task}


def _addressed(card: ProviderCard) -> ProviderCard:
    """The card at its real address. A provider that was moved is moved as a whole: its other hosts go there too."""
    base_url = environment.provider_base_url(card)
    if not base_url:
        return card
    hosts = dict.fromkeys(card.hosts, base_url.rstrip("/"))
    return card.model_copy(update={"base_url": base_url.rstrip("/"), "hosts": hosts, "needs_base_url": False})


def key_words(card: ProviderCard) -> str:
    """Which variables to set: "X, or A and B"."""
    return ", or ".join(" and ".join(names) for names in environment.key_choices(card.key_env))


def _is_real(card: ProviderCard, keys: Mapping[str, str | None]) -> bool:
    """A provider with a key, or one of the operator's own that needs none; one without an address is not there."""
    return not (card.stand_in or card.needs_base_url) and (card.key_env is None or keys[card.name] is not None)
