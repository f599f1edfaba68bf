"""Match the names that callers, boards and providers write to our model ids. A name that fits two models fits none.

What the operator settled comes first, then exact names, then the rules of router.labels; what is left is unresolved,
and shown for the operator to settle: never a guess.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Literal, NamedTuple

from adapters.schema import Model, Offer, Task
from router import labels
from router.labels import NAME_CHARS, Peeled, Variant, graded_key, hyphenate, key_of
from router.policy import PRESETS

__all__ = [
    "Auto", "Meaning", "Named", "Names", "OneModel", "OneOffer", "Unknown", "collect", "hyphenate", "key_of",
    "settled_key", "spellings_of",
]  # fmt: skip

NEAR_MOST = 3
"""Near misses shown for an unknown name: enough to see one's typing error, not a list to scroll."""

READ_MOST = 50_000
"""Labels whose meaning is remembered: a year of daily readings writes the same few thousand again and again."""

AUTO = "auto"


class Auto(NamedTuple):
    """Any model that can serve. The policy is one of PRESETS, or None if the name leaves it to the request."""

    policy: str | None


class OneModel(NamedTuple):
    """One model, at whichever provider."""

    model: str


class OneOffer(NamedTuple):
    """One model at one provider; both are ids."""

    offer: str
    model: str


class Unknown(NamedTuple):
    """Nothing, or more than one thing, has this name; `near` are up to three that resemble it."""

    near: tuple[str, ...]


Named = Auto | OneModel | OneOffer | Unknown

How = Literal["settled", "exact", "rule", "pointer", "unresolved"]


class Meaning(NamedTuple):
    """What a label means: our model or None, what it says besides, and by what that is known.

    A pointer ("veo-latest") has the model that it points to today; a settled label without a model is one that the
    operator said is none of ours.
    """

    model: str | None
    variant: Variant
    how: How


UNRESOLVED = Meaning(None, Variant(), "unresolved")


@dataclass(frozen=True)
class Names:
    """Every name in the catalog. An id wins over an offer, an offer over an alias, an alias over a wire id."""

    tasks: Mapping[str, frozenset[Task]]
    offers: Mapping[str, str]
    pointers: Mapping[str, str]
    spellings: Mapping[str, str]
    wire_ids: Mapping[str, str]
    keys: Mapping[str, str]
    graded: Mapping[str, str]
    open_weights: frozenset[str]
    owners: frozenset[str]
    settled: Mapping[str, str | None] = field(default_factory=dict)
    read: dict[str, Meaning] = field(default_factory=dict, compare=False, repr=False)

    def resolve(self, name: str) -> Named:
        """What a caller's `model` means."""
        text = name.strip()[:NAME_CHARS].casefold()
        if text == AUTO or text.startswith(f"{AUTO}:"):
            return _auto(text.removeprefix(AUTO).removeprefix(":"))
        if text in self.tasks:
            return OneModel(text)
        if text in self.offers:
            return OneOffer(text, self.offers[text])
        if model := self._one(text):
            return OneModel(model)
        return self._at_provider(text) or Unknown(self._near(text))

    def resolve_label(self, label: str) -> str | None:
        """The model that a label of a board, feed or listing means, or None: never a guess, and never a pointer,
        for what stands behind one changes."""
        meaning = self.read_label(label)
        return None if meaning.how == "pointer" else meaning.model

    def bare_key(self, label: str) -> str:
        """What is left of a label without owners, brackets, tiers and dates: one key for one name written in many ways.
        For telling apart what has no model here; it names none."""
        plain, _ = labels.without_brackets(label.strip()[:NAME_CHARS])
        *_, bare = labels.peels(self._tails(plain)[-1])
        return key_of(bare.text) or label

    def read_label(self, label: str) -> Meaning:
        """The model and the variant that a label means, and how that is known."""
        known = self.read.get(label)
        if known is None:
            known = self._read(label.strip()[:NAME_CHARS])
            if len(self.read) < READ_MOST:
                self.read[label] = known
        return known

    def _read(self, text: str) -> Meaning:
        if (key := settled_key(text)) in self.settled:
            return Meaning(self.settled[key], self._variant(text), "settled")
        if found := self._exact(text):
            return Meaning(found, self._variant(text), "exact")
        if ruled := self._by_rules(text):
            return ruled
        pointed = self._pointed(text)
        return Meaning(pointed, Variant(), "pointer") if pointed else UNRESOLVED

    def _one(self, text: str) -> str | None:
        return text if text in self.tasks else self.pointers.get(text) or self._exact(text)

    def _exact(self, text: str) -> str | None:
        return self.keys.get(key_of(text)) or self.wire_ids.get(text.casefold())

    def _at_provider(self, text: str) -> OneOffer | None:
        """A provider's name, then any name of a model it offers: "fal/veo3.1"."""
        provider, _, rest = text.partition("/")
        model = self._one(rest)
        offer = f"{provider}/{model}"
        return OneOffer(offer, model) if model and offer in self.offers else None

    def _by_rules(self, text: str) -> Meaning | None:
        """By all readings of the label that name a model, if they name the same one."""
        plain, added = labels.without_brackets(text)
        found = {meaning.model: meaning for tail in self._tails(plain) if (meaning := self._shortened(tail))}
        if len(found) != 1:
            return None
        (meaning,) = found.values()
        if not all(labels.is_tier(part) or self._exact(part) == meaning.model for part in added):
            return None
        return meaning._replace(variant=_noted(meaning.variant, added))

    def _tails(self, text: str) -> list[Peeled]:
        """Barest last, and so the one whose variant is kept."""
        return list(labels.tails(text, labels.OWNERS | self.owners))

    def _shortened(self, tail: Peeled) -> Meaning | None:
        """Take one ending after another off, until what is left is a name we know."""
        for peeled in labels.peels(tail):
            for text, variant in (peeled, labels.ungraded(peeled)):
                if model := self.keys.get(key_of(text)) or self.graded.get(graded_key(text)):
                    said = variant._replace(tasks=variant.tasks - tail.variant.tasks)
                    return Meaning(model, variant, "rule") if self._fits(model, said) else None
        return None

    def _fits(self, model: str, said: Variant) -> bool:
        """Whether endings of a name can be tiers of this model. Where the weights are open, a thinking and an
        experimental set are published apart, as other models."""
        tasks = self.tasks[model]
        is_apart = said.effort == "thinking" or not labels.EXPERIMENTAL.isdisjoint(said.stage)
        is_text = Task.TEXT in tasks or said.effort is None
        return said.tasks <= tasks and is_text and not (is_apart and model in self.open_weights)

    def _pointed(self, text: str) -> str | None:
        return next((model for tail, _ in self._tails(text) if (model := self._pointer(tail))), None)

    def _pointer(self, tail: str) -> str | None:
        return self.pointers.get(tail) if tail.endswith("-latest") else None

    def _variant(self, text: str) -> Variant:
        """What an exactly known label says besides the model's name, read off its end."""
        plain, added = labels.without_brackets(text)
        *_, bare = labels.peels(self._tails(plain)[-1])
        return _noted(bare.variant, added)

    def _near(self, text: str) -> tuple[str, ...]:
        """Ids of what the text resembles, best first."""
        shown = dict(self.spellings)
        shown |= {name: name for name in (*self.pointers, *self.offers, *self.tasks)}
        close = get_close_matches(text, shown, n=NEAR_MOST * 2, cutoff=0.6)
        return tuple(dict.fromkeys(shown[name] for name in close))[:NEAR_MOST]


def _noted(variant: Variant, added: Iterable[str]) -> Variant:
    for part in added:
        variant = labels.noted(variant, part) if labels.is_tier(part) else variant
    return variant


def settled_key(label: str) -> str:
    """The form under which a label is settled: whoever writes it again in other case means the same."""
    return " ".join(label[:NAME_CHARS].casefold().split())


def _auto(policy: str) -> Auto | Unknown:
    if not policy or policy in PRESETS:
        return Auto(policy or None)
    close = get_close_matches(policy, PRESETS, n=NEAR_MOST) or PRESETS[:NEAR_MOST]
    return Unknown(tuple(f"{AUTO}:{name}" for name in close))


def collect(models: Iterable[Model], offers: Iterable[Offer], settled: Mapping[str, str | None] | None = None) -> Names:
    """Build the names of a catalog, once. Offers of models that are not in it are left out.

    `settled` is what the operator said of labels: a model of the catalog, or None for "none of ours". A settlement of
    a model that is no longer in the catalog is left out too, so that its label is unresolved again.
    """
    known = {model.id: model for model in models}
    served = [offer for offer in offers if offer.model in known]
    called = [(name, model.id) for model in known.values() for name in spellings_of(model) if labels.is_telling(name)]
    spelled = [(name, model) for name, model in called if not labels.is_slug(name)]
    keys = _unambiguous((key_of(name), model) for name, model in spelled)
    wired = [(wire_id, offer.model) for offer in served for wire_id in _wire_ids(offer)]
    wired += [(name, model) for name, model in called if labels.is_slug(name)]
    return Names(
        tasks={model.id: model.tasks for model in known.values()},
        offers={offer.id: offer.model for offer in served},
        pointers=_pointers([known[model] for model in sorted({offer.model for offer in served})]),
        spellings={name.casefold(): model for name, model in spelled if keys.get(key_of(name)) == model},
        wire_ids=_unambiguous((name.casefold(), model) for name, model in wired),
        keys=keys,
        graded=_unambiguous((graded_key(name), model) for name, model in spelled),
        open_weights=frozenset(model.id for model in known.values() if model.open_weights),
        owners=frozenset(model.partition("/")[0] for model in known) | {offer.provider for offer in served},
        settled={
            settled_key(label): model for label, model in (settled or {}).items() if model is None or model in known
        },
    )


def spellings_of(model: Model) -> tuple[str, ...]:
    """All that the catalog itself calls a model."""
    return (model.id, model.id.partition("/")[2], model.name, *model.aliases)


def _wire_ids(offer: Offer) -> frozenset[str]:
    return frozenset({offer.wire_id} | {each.wire_id for each in offer.by_task.values() if each.wire_id})


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Only the names that mean one model."""
    meant: dict[str, set[str]] = defaultdict(set)
    for name, model in pairs:
        meant[name].add(model)
    return {name: min(models) for name, models in meant.items() if name and len(models) == 1}


def _pointers(offered: list[Model]) -> dict[str, str]:
    """`google/veo-latest` → the newest member of that family that has an offer; `veo-latest` too, if no other maker
    has a family of that name.

    Of several released on one day, the shortest id: the others are variants of it.
    """
    rising = sorted(offered, key=lambda model: (model.released or date.min, -len(model.id), model.id))
    newest = {_family(model): model.id for model in rising if model.family}
    short = _unambiguous((family.rpartition("/")[2], model) for family, model in newest.items())
    return {f"{family}-latest": model for family, model in (short | newest).items()}


def _family(model: Model) -> str:
    """A family's name begins with its maker's, as an id does, whether or not the catalog writes it so."""
    family = (model.family or "").casefold()
    return family if "/" in family else f"{model.id.partition('/')[0]}/{family}"
