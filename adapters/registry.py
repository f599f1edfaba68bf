"""The list of dialects, and the loading of the catalog: our own data, and an operator's laid over it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from adapters.dialects import fal, openai_chat, openai_images, replicate
from adapters.schema import Frozen, Model, Offer, ProviderCard, Unit
from adapters.wire import Dialect

DIALECTS: dict[str, Dialect] = {
    "fal": fal,
    "openai_chat": openai_chat,
    "openai_images": openai_images,
    "replicate": replicate,
}

T = TypeVar("T", bound=Frozen)

CATALOG_DIR = Path(__file__).parent / "catalog"


class BadCatalog(ValueError):
    """A catalog file does not say what it must; the message names the file and the place in it."""


@dataclass(frozen=True)
class Catalog:
    """All that is known of models, providers and units before anyone asks the world."""

    models: Mapping[str, Model]
    cards: Mapping[str, ProviderCard]
    units: Mapping[str, Unit]

    def offers(self) -> tuple[Offer, ...]:
        return tuple(offer for card in self.cards.values() for offer in card.offers)


def load_catalog(overlay: Path | None = None) -> Catalog:
    """The built-in catalog, with the cards and models of `overlay` in place of those of the same name.

    Raises BadCatalog, with file and path, on the first file that is wrong.
    """
    folders = [CATALOG_DIR] + ([overlay] if overlay else [])
    models: dict[str, Model] = {}
    units: dict[str, Unit] = {}
    cards: dict[str, ProviderCard] = {}
    for folder in folders:
        models |= {model.id: model for model in _listed(folder / "models.yaml", "models", Model)}
        units |= {unit.name: unit for unit in _listed(folder / "units.yaml", "units", Unit)}
        cards |= {card.name: card for card in map(load_card, _cards_in(folder))}
    catalog = Catalog(models, cards, units)
    _check_names(catalog)
    return catalog


def _cards_in(folder: Path) -> list[Path]:
    """Cards lie in providers/, or beside one another where an operator's folder has no such subfolder."""
    place = folder / "providers" if (folder / "providers").is_dir() else folder
    return sorted(path for path in place.glob("*.yaml") if path.name not in ("models.yaml", "units.yaml"))


def load_card(path: Path) -> ProviderCard:
    data = _yaml(path)
    offers = [
        {"provider": data.get("name"), "dialect": data.get("dialect"), **offer} for offer in data.get("offers", ())
    ]
    card = _validated(path, ProviderCard, data | {"offers": offers})
    unknown = {offer.dialect for offer in card.offers} | {card.dialect}
    if unknown := unknown - DIALECTS.keys():
        raise BadCatalog(f"{path.name}: no dialect named {', '.join(sorted(unknown))}; there are {', '.join(DIALECTS)}")
    return card


def _listed(path: Path, key: str, kind: type[T]) -> list[T]:
    if not path.exists():
        return []
    return [_validated(path, kind, item) for item in _yaml(path)[key]]


def _yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.load(path.read_text(), Loader=_Loader)
    except yaml.YAMLError as error:
        raise BadCatalog(f"{path.name}: {error}") from error
    if not isinstance(data, dict):
        raise BadCatalog(f"{path.name}: a mapping is expected at the top")
    return data


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C loader where there is one: a tenth of the time at start-up."""


def _validated(path: Path, kind: type[T], data: dict[str, Any]) -> T:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadCatalog(f"{path.name}: {data.get('id') or data.get('name')}: {where}: {first['msg']}") from error


def _check_names(catalog: Catalog) -> None:
    """Every offer is of a known model, in units that exist."""
    for offer in catalog.offers():
        if offer.model not in catalog.models:
            raise BadCatalog(f"{offer.provider}.yaml: {offer.model} is not in models.yaml")
        used = {rate.unit for price in offer.prices for rate in price.rates}
        if unknown := used - catalog.units.keys():
            raise BadCatalog(f"{offer.provider}.yaml: {offer.model}: no unit named {', '.join(sorted(unknown))}")


def card_schema() -> str:
    """JSON schema of a provider card as written in YAML, for editors."""
    schema = ProviderCard.model_json_schema()
    offer = schema["$defs"]["Offer"]
    offer["required"] = [name for name in offer["required"] if name not in ("provider", "dialect")]
    return json.dumps(schema, indent=1) + "\n"
