"""An offer fitted to all requests of one shape: what is changed, what it costs at most. Pure."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from adapters import capabilities, loras, pricing
from adapters.capabilities import Fit
from adapters.loras import NO_LORAS, LoraBook
from adapters.schema import PARAMETERS, MediaRequest, Offer, Price
from gateway.ledger import rules as ledger

WORDS_BYTES = 64
"""Prompts are quoted as if they were as long as the longest of their class, so that one quote serves the class."""


OWN = ("negative_prompt", "seed", "temperature")
"""Parameters whose values nearly every offer takes as they come: requests of one shape can differ in them."""


class Fitted(NamedTuple):
    """`changes` turns a request of the shape into the one that is sent; the rest is written down with the job."""

    changes: Mapping[str, object]
    reasons: tuple[str, ...]
    price: Price
    price_json: str
    quote_nanos: int
    resolved_json: str
    adjustments_json: str


def lengthened(request: MediaRequest) -> MediaRequest:
    """The request with the longest prompt of its class: as many characters as bytes."""
    return request.model_copy(update={"prompt": " " * word_class(len(request.prompt.encode()))})


def word_class(size_bytes: int) -> int:
    """A prompt's length in bytes, rounded up; none at all stays none."""
    return -(-size_bytes // WORDS_BYTES) * WORDS_BYTES


Bounded = Callable[[Offer, MediaRequest], Offer]
"""An offer with bounds that hold for one fitted request."""


def as_its_card(offer: Offer, request: MediaRequest) -> Offer:
    return offer


def fit(request: MediaRequest, offer: Offer, strict: bool, book: LoraBook = NO_LORAS) -> Fit:
    """Fit a request to an offer, its LoRAs by the names that they have there."""
    if not request.loras:
        return capabilities.fit(request, offer, strict)
    naming = loras.named_for(request, offer, book)
    found = capabilities.fit(naming.request, offer, strict)
    return found._replace(reasons=found.reasons + naming.reasons)


def fit_offer(
    request: MediaRequest, offer: Offer, strict: bool, day: date, bounded: Bounded = as_its_card,
    book: LoraBook = NO_LORAS,
) -> Fitted:  # fmt: skip
    """Fit, quote, and write down. Raises pricing.Unpriced."""
    request = lengthened(request)
    fitted = fit(request, offer, strict, book)
    price = pricing.price_on(offer, day)
    names = (name for name in MediaRequest.model_fields if getattr(fitted.request, name) is not getattr(request, name))
    return Fitted(
        changes={name: getattr(fitted.request, name) for name in names},
        reasons=fitted.reasons,
        price=price,
        price_json=price.model_dump_json(),
        quote_nanos=0 if fitted.reasons else _quote_nanos(fitted.request, bounded(offer, fitted.request), day),
        resolved_json=_resolved_json(fitted.request),
        adjustments_json=json.dumps([each.model_dump() for each in fitted.adjustments]),
    )


def _quote_nanos(request: MediaRequest, offer: Offer, day: date) -> int:
    return ledger.nanos(pricing.quote(request, offer, day).usd)


def fit_of(request: MediaRequest, fitted: Fitted) -> Fitted:
    """The fit of a shape, said of one request of that shape: with the values that are its own."""
    if all(getattr(request, name) is None for name in OWN):
        return fitted
    return fitted._replace(resolved_json=_resolved_json(request.model_copy(update=fitted.changes)))


def _resolved_json(sent: MediaRequest) -> str:
    values = {name: getattr(sent, name, None) for name in PARAMETERS if name != "loras"}
    return json.dumps({name: value for name, value in values.items() if value is not None})
