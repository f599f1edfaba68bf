"""LoRAs by the operator's names: what each is called at one provider, or the reasons why an offer cannot take it. Pure.

It guesses nothing: what an engine has not told of itself is no reason against it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from adapters.schema import Lora, MediaRequest, NamedLora, Offer

NEAR = 3
"""Names that a refusal suggests."""


class LoraBook(NamedTuple):
    """The LoRAs that have names here; and of engines that told all they have, what that is (provider → names)."""

    named: Mapping[str, NamedLora] = {}
    there: Mapping[str, frozenset[str]] = {}


NO_LORAS = LoraBook()


class Naming(NamedTuple):
    """The request with each LoRA by the provider's own name and with its scale, or the reasons against it."""

    request: MediaRequest
    reasons: tuple[str, ...]


def named_for(request: MediaRequest, offer: Offer, book: LoraBook) -> Naming:
    """The LoRAs of a request as one offer knows them. An offer that takes none is adapters.capabilities' to refuse."""
    if not request.loras or "loras" not in offer.accepts:
        return Naming(request, ())
    reasons = tuple(dict.fromkeys(reason for lora in request.loras for reason in _reasons(lora, offer, book)))
    reasons += tuple(_reasons_together(request.loras, offer))
    if reasons:
        return Naming(request, reasons)
    return Naming(request.model_copy(update={"loras": tuple(_called(lora, offer, book) for lora in request.loras)}), ())


def _called(lora: Lora, offer: Offer, book: LoraBook) -> Lora:
    named = book.named.get(lora.id)
    scale = lora.scale if lora.scale is not None else named.scale if named else 1.0
    return Lora(id=named.at[offer.provider] if named else lora.id, scale=scale)


def _reasons(lora: Lora, offer: Offer, book: LoraBook) -> Iterator[str]:
    named, there = book.named.get(lora.id), book.there.get(offer.provider)
    if named is None and offer.loras.names == "listed":
        yield f"knows no LoRA {lora.id!r}{did_you_mean(lora.id, usable(offer, book))}"
    elif named is not None and offer.model not in named.models:
        yield f"cannot take {named.id}: it is for {' and '.join(named.models)}"
    elif named is not None and offer.provider not in named.at:
        yield f"cannot take {named.id}: loras.yaml names it at {' and '.join(sorted(named.at)) or 'no provider'}"
    elif there is not None and (name := named.at[offer.provider] if named else lora.id) not in there:
        yield f"does not have the LoRA {name!r}{did_you_mean(name, there)}"
    elif offer.loras.scales is not None:
        low, high = offer.loras.scales
        scale = _called(lora, offer, book).scale or 0.0
        if not low <= scale <= high:
            yield f"accepts scales of LoRAs from {low:g} to {high:g}, not {scale:g}"


def _reasons_together(loras: tuple[Lora, ...], offer: Offer) -> Iterator[str]:
    if len(loras) > offer.loras.most:
        yield f"accepts at most {offer.loras.most} LoRA{'s' if offer.loras.most > 1 else ''}, not {len(loras)}"
    if len({lora.id for lora in loras}) < len(loras):
        yield "accepts each LoRA once"


def usable(offer: Offer, book: LoraBook) -> tuple[str, ...]:
    """The named LoRAs that an offer can take, by what is known."""
    if "loras" not in offer.accepts:
        return ()
    return tuple(name for name in sorted(book.named) if not [*_reasons(Lora(id=name), offer, book)])


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The end of a refusal, where some names are near."""
    near = near_names(name, names)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def near_names(name: str, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(get_close_matches(name, sorted(names), n=NEAR))


def set_key(loras: Iterable[Lora]) -> str:
    """A set of LoRAs as one word: the same for the same names and scales in any order; "[]" is none."""
    pairs = sorted((lora.id, 1.0 if lora.scale is None else lora.scale) for lora in loras)
    return json.dumps(pairs, separators=(",", ":"))
