"""What providers say they have: their own lists of models, page by page, with the key that is set. It keeps nothing."""

from adapters.http import Clients, Shelf, answered
from adapters.registry import DIALECTS
from adapters.schema import ProviderCard
from adapters.wire import Call, Dialect, Listing, Lists
from gateway import clock
from gateway.catalog.supply import Supply, key_words

PAGES = 200
"""Pages of one list: the longest that is known, at a hundred models a page, has some twelve."""


class NotListed(Exception):
    """A provider's list cannot be had; the message is a sentence that says why."""


def listing_dialects(card: ProviderCard) -> dict[str, Dialect]:
    """The dialects of a provider whose protocol has a list, by name; its own before those of single offers."""
    named = dict.fromkeys([card.dialect, *(offer.dialect for offer in card.offers)])
    return {name: DIALECTS[name] for name in named if isinstance(DIALECTS[name], Lists)}


async def listings(provider: str, supply: Supply, clients: Clients, shelf: Shelf) -> tuple[Listing, ...]:
    """Every model on a provider's list, each once, in its order. Raises NotListed."""
    card = supply.cards.get(provider)
    if card is None:
        raise NotListed(f"there is no provider {provider[:100]!r}")
    if card.key_env and not supply.keys[provider]:
        raise NotListed(f"{provider} has no key: set {key_words(card)}")
    dialect = next(iter(listing_dialects(card).values()), None)
    if not isinstance(dialect, Lists):
        raise NotListed(f"{provider} has no list of models that we can read")
    found: dict[str, Listing] = {}
    call: Call | None = dialect.list_models()
    for _ in range(PAGES):
        if call is None:
            return tuple(found.values())
        reply = await answered(clients, card, dialect, call, supply.keys[provider], shelf, now=clock.now())
        if reply is None or reply.status != 200:
            raise NotListed(f"{provider} answered {reply.status if reply else 'nothing'} to a request for its list")
        try:
            page = dialect.read_models(call, reply)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
            raise NotListed(f"{provider} answered something that is no list: {error!r}"[:500]) from error
        found |= {model.wire_id: model for model in page.models}
        call = page.next
    raise NotListed(f"{provider}: the list has more than {PAGES} pages")
