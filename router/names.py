"""Match the names that callers, boards and providers write to our model ids. A name that fits two models fits none.

What is only another spelling: case, separators, a "v" before a version, ".0" after it. What names the same model
with something added, and may be taken off the end of a board's label: preview, -001, dates, and the tiers of
resolution, audio and quality. All else names another model: fast, lite, mini, turbo, pro and max above all.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import NamedTuple

from adapters.schema import Model, Offer, Task
from router.policy import PRESETS

NAME_CHARS = 200
"""The longest name that is looked at: no board, provider or caller has been seen to need half of it."""

NEAR_MOST = 3
"""Near misses shown for an unknown name: enough to see one's typing error, not a list to scroll."""

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

_SEPARATORS = re.compile(r"[\W_]+")
_VERSION_LETTER = re.compile(r"(?:^|(?<=-))v(?=\d)")
_POINT_ZERO = re.compile(r"(?<=\d)-0(?!\d)")
_LOOSE_HYPHEN = re.compile(r"(?<!\d)-|-(?!\d)")


def hyphenate(name: str) -> str:
    """Lower case, and one hyphen for whatever separates: "FLUX.1 [dev]" → "flux-1-dev"."""
    return _SEPARATORS.sub("-", name[:NAME_CHARS].casefold()[:NAME_CHARS]).strip("-")


def key_of(name: str) -> str:
    """What all spellings of a name share: "Veo 3.0", "veo-3" and "veo3" → "veo3"; digits stay apart ("2.5", "25")."""
    plain = _POINT_ZERO.sub("", _VERSION_LETTER.sub("", hyphenate(name)))
    return _LOOSE_HYPHEN.sub("", plain)


_TIER = (
    r"preview|exp|experimental|generate|\d{3}|20\d{6}|20\d\d-\d\d-\d\d"
    r"|\d{3,4}p|[1248]k|high-res|high-fidelity|(?:no-|with-)?audio"
)
"""What a board adds to a model's name. Four digits stay: qwen-image-2512 is another model than qwen-image."""

_EFFORT = r"minimal|low|medium|high|xhigh|thinking|\d{2,3}k"
"""How long a text model may think. Of text models only: krea-2-medium and krea-2-large are two models."""

_MODES = {"t2i": Task.TEXT_TO_IMAGE, "t2v": Task.TEXT_TO_VIDEO, "i2v": Task.IMAGE_TO_VIDEO}
"""A task in a label names the model that does that task, so it may be taken off one that does."""

_ENDING = re.compile(rf"-(?:(?P<tier>{_TIER})|(?P<effort>{_EFFORT})|(?P<mode>{'|'.join(_MODES)}))$")

_ENDINGS_MOST = 6
"""Endings taken off one label: the longest seen had three (a date, an effort and a budget of tokens)."""

_BRACKETED = re.compile(r"\s*[\[(]([^\])]*)[\])]")

_BRACKETED_TIER = re.compile(
    rf"{_TIER}|{_EFFORT}|auto|web-search|thinking-minimal"
    r"|january|february|march|april|may|june|july|august|september|october|november|december"
)
"""In brackets a tier cannot be part of a name. Artificial Analysis writes the month of a release there."""


@dataclass(frozen=True)
class Names:
    """Every name in the catalog. An id wins over an offer, an offer over an alias, an alias over a wire id."""

    tasks: Mapping[str, frozenset[Task]]
    offers: Mapping[str, str]
    pointers: Mapping[str, str]
    spellings: Mapping[str, str]
    wire_ids: Mapping[str, str]
    keys: Mapping[str, str]
    owners: frozenset[str]

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
        """The model that a label of a board, feed or listing means, or None: never a guess."""
        text = label.strip()[:NAME_CHARS]
        owner, _, rest = text.partition("/")
        if found := self._exact(text) or self._by_rules(text):
            return found
        return self._by_rules(rest) if owner.casefold() in self.owners else None

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

    def _by_rules(self, text: str) -> str | None:
        model = self._shortened(hyphenate(_BRACKETED.sub("", text)))
        added = _BRACKETED.findall(text)
        return model if model and all(self._adds_nothing(model, part) for part in added) else None

    def _adds_nothing(self, model: str, part: str) -> bool:
        """Whether brackets hold only a tier, or another name of the same model."""
        return bool(_BRACKETED_TIER.fullmatch(hyphenate(part))) or self._exact(part) == model

    def _shortened(self, text: str) -> str | None:
        """Take one ending after another off, until what is left is a name we know."""
        is_effort, modes = False, set[Task]()
        for _ in range(_ENDINGS_MOST + 1):
            if model := self.keys.get(key_of(text)):
                fits = modes <= self.tasks[model] and (Task.TEXT in self.tasks[model] or not is_effort)
                return model if fits else None
            ending = _ENDING.search(text)
            if ending is None:
                return None
            is_effort = is_effort or ending["effort"] is not None
            modes |= {_MODES[ending["mode"]]} if ending["mode"] else set()
            text = text[: ending.start()]
        return None

    def _near(self, text: str) -> tuple[str, ...]:
        """Ids of what the text resembles, best first."""
        shown = dict(self.spellings)
        shown |= {name: name for name in (*self.pointers, *self.offers, *self.tasks)}
        close = get_close_matches(text, shown, n=NEAR_MOST * 2, cutoff=0.6)
        return tuple(dict.fromkeys(shown[name] for name in close))[:NEAR_MOST]


def _auto(policy: str) -> Auto | Unknown:
    if not policy or policy in PRESETS:
        return Auto(policy or None)
    close = get_close_matches(policy, PRESETS, n=NEAR_MOST) or PRESETS[:NEAR_MOST]
    return Unknown(tuple(f"{AUTO}:{name}" for name in close))


def collect(models: Iterable[Model], offers: Iterable[Offer]) -> Names:
    """Build the names of a catalog, once. Offers of models that are not in it are left out."""
    known = {model.id: model for model in models}
    served = [offer for offer in offers if offer.model in known]
    spelled = [(name, model.id) for model in known.values() for name in spellings_of(model)]
    keys = _unambiguous((key_of(name), model) for name, model in spelled)
    wired = [(wire_id, offer.model) for offer in served for wire_id in _wire_ids(offer)]
    return Names(
        tasks={model.id: model.tasks for model in known.values()},
        offers={offer.id: offer.model for offer in served},
        pointers=_pointers([known[model] for model in sorted({offer.model for offer in served})]),
        spellings={name.casefold(): model for name, model in spelled if keys.get(key_of(name)) == model},
        wire_ids=_unambiguous((name.casefold(), model) for name, model in wired),
        keys=keys,
        owners=frozenset(model.partition("/")[0] for model in known) | {offer.provider for offer in served},
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
