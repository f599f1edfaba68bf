"""Which of our offers a source's row is about: by the provider's own id, else by the model's name. It never guesses.

A label that names one release of a model (a preview, a date, a number) is that release: where our offer goes by another
id, it is not about our offer. So the end of a preview ends nothing but the preview.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import yaml

from adapters.registry import CATALOG_DIR
from adapters.schema import Offer
from router.names import Names

CHANNELS = CATALOG_DIR / "channels.yaml"


@cache
def channels() -> Mapping[str, str]:
    """Their word for a provider → ours."""
    read: dict[str, str] = yaml.safe_load(CHANNELS.read_text(encoding="utf-8"))["channels"]
    return read


def provider_of(channel: str) -> str:
    """Our name for a provider; what we have no card for keeps the name that its source gives it."""
    plain = "-".join(channel.casefold().split())
    return channels().get(plain, plain)


@dataclass(frozen=True)
class Matcher:
    """The offers of a catalog by all that a provider may call them."""

    names: Names
    wired: Mapping[tuple[str, str], frozenset[str]]
    offered: frozenset[str]

    def offers(self, channel: str, label: str) -> frozenset[str]:
        """Ids of the offers at a provider that a label there means."""
        provider = provider_of(channel)
        for tail in _tails(label, provider):
            if found := self.wired.get((provider, tail)):
                return found
        model = self.whole(label)
        return frozenset({f"{provider}/{model}"} & self.offered) if model else frozenset()

    def whole(self, label: str) -> str | None:
        """The model that a label means, if it means the model and not one release of it."""
        meaning = self.names.read_label(label)
        return None if meaning.how == "pointer" or meaning.variant.stage else meaning.model

    def model(self, label: str) -> str | None:
        return self.names.resolve_label(label)


def matcher(offers: Iterable[Offer], names: Names) -> Matcher:
    wired: dict[tuple[str, str], set[str]] = {}
    offered = set[str]()
    for offer in offers:
        offered.add(offer.id)
        for wire_id in {offer.wire_id, *(each.wire_id for each in offer.by_task.values() if each.wire_id)}:
            wired.setdefault((offer.provider, wire_id.casefold()), set()).add(offer.id)
    return Matcher(names, {key: frozenset(ids) for key, ids in wired.items()}, frozenset(offered))


def _tails(label: str, provider: str) -> Iterator[str]:
    """A label as a provider's id, and again without what others write before it ("vertex_ai/…", "models/…")."""
    text = label.strip().casefold()
    yield text
    if "/models/" in f"/{text}":
        text = text.rpartition("models/")[2]
        yield text
    while (parts := text.partition("/"))[2] and (parts[0] == provider or parts[0] in channels()):
        text = parts[2]
        yield text
