"""The list of dialects, and the loading of the catalog: our own data, and an operator's laid over it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from adapters.dialects import (
    a1111,
    anthropic,
    ark_images,
    ark_video,
    bedrock,
    bedrock_converse,
    bfl,
    comfyui,
    dashscope,
    dashscope_sync,
    decart,
    elevenlabs,
    fal,
    fal_stream,
    fireworks,
    gemini,
    google_interactions,
    huggingface,
    ideogram,
    invokeai,
    kling,
    luma,
    luma_agents,
    minimax,
    minimax_h3,
    open_inference,
    openai_chat,
    openai_images,
    openai_speech,
    openai_videos,
    podium_worker,
    recraft,
    replicate,
    runware,
    runway,
    stability,
    synthesia,
    tenstorrent,
    together_video,
    veo,
    wavespeed,
    xai_images,
    xai_video,
)
from adapters.offer_rules import offer_faults
from adapters.schema import Frozen, Model, NamedLora, Offer, ProviderCard, Unit
from adapters.wire import Dialect

DIALECTS: dict[str, Dialect] = {
    "a1111": a1111,
    "anthropic": anthropic,
    "ark_images": ark_images,
    "ark_video": ark_video,
    "bedrock": bedrock,
    "bedrock_converse": bedrock_converse,
    "bfl": bfl,
    "comfyui": comfyui,
    "dashscope": dashscope,
    "dashscope_sync": dashscope_sync,
    "decart": decart,
    "elevenlabs": elevenlabs,
    "fal": fal,
    "fal_stream": fal_stream,
    "fireworks": fireworks,
    "gemini": gemini,
    "google_interactions": google_interactions,
    "huggingface": huggingface,
    "ideogram": ideogram,
    "invokeai": invokeai,
    "kling": kling,
    "luma": luma,
    "luma_agents": luma_agents,
    "minimax": minimax,
    "minimax_h3": minimax_h3,
    "open_inference": open_inference,
    "openai_chat": openai_chat,
    "openai_images": openai_images,
    "openai_speech": openai_speech,
    "openai_videos": openai_videos,
    "podium_worker": podium_worker,
    "recraft": recraft,
    "replicate": replicate,
    "runware": runware,
    "runway": runway,
    "stability": stability,
    "synthesia": synthesia,
    "tenstorrent": tenstorrent,
    "together_video": together_video,
    "veo": veo,
    "wavespeed": wavespeed,
    "xai_images": xai_images,
    "xai_video": xai_video,
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
    loras: Mapping[str, NamedLora] = field(default_factory=dict)

    def offers(self) -> tuple[Offer, ...]:
        return tuple(offer for card in self.cards.values() for offer in card.offers)


def load_catalog(overlay: Path | None = None) -> Catalog:
    """The built-in catalog, with the cards and models of `overlay` in place of those of the same name.

    Raises BadCatalog, with file and path, on the first file that is wrong.
    """
    if overlay is None:
        return _own_catalog()
    if not overlay.is_dir():
        raise BadCatalog(f"{overlay}: there is no such folder")
    own, theirs = _own_catalog(), _read_folder(overlay)
    models, cards = {**own.models, **theirs.models}, {**own.cards, **theirs.cards}
    return _checked(Catalog(models, cards, {**own.units, **theirs.units}, {**own.loras, **theirs.loras}))


@cache
def _own_catalog() -> Catalog:
    """The built-in catalog comes with the code, and changes as little while it runs."""
    return _checked(_read_folder(CATALOG_DIR))


def _read_folder(folder: Path) -> Catalog:
    units = {unit.name: unit for unit in _listed(folder / "units.yaml", "units", Unit)}
    cards = {card.name: card for card in map(load_card, _cards_in(folder))}
    return Catalog(_models_in(folder), cards, units, _loras_in(folder))


def _loras_in(folder: Path) -> dict[str, NamedLora]:
    """None come with Podium: LoRAs are the operator's own."""
    found: dict[str, NamedLora] = {}
    for lora in _listed(folder / "loras.yaml", "loras", NamedLora):
        if lora.id in found:
            raise BadCatalog(f"loras.yaml: {lora.id} is there twice")
        found[lora.id] = lora
    return found


def _models_in(folder: Path) -> dict[str, Model]:
    """Models lie in models.yaml and in models/, by maker; within one folder each may be there once only."""
    found: dict[str, Model] = {}
    for path in [folder / "models.yaml", *sorted((folder / "models").glob("*.yaml"))]:
        for model in _listed(path, "models", Model):
            if model.id in found:
                raise BadCatalog(f"{path.name}: {model.id} is in another file too")
            found[model.id] = model
    return found


def _cards_in(folder: Path) -> list[Path]:
    """Cards lie in providers/, or beside one another where an operator's folder has no such subfolder."""
    place = folder / "providers" if (folder / "providers").is_dir() else folder
    return sorted(path for path in place.glob("*.yaml") if path.name not in ("models.yaml", "units.yaml", "loras.yaml"))


def load_card(path: Path) -> ProviderCard:
    """One card. An offer is of the card's provider, and speaks the card's dialect unless it names another."""
    data = _yaml(path)
    offers = [
        {"dialect": data.get("dialect"), **offer, "provider": data.get("name")}
        for offer in _mappings(path, "offers", data.get("offers"))
    ]
    card = _validated(path, ProviderCard, data | {"offers": offers})
    unknown = {offer.dialect for offer in card.offers} | {card.dialect}
    if unknown := unknown - DIALECTS.keys():
        raise BadCatalog(f"{path.name}: no dialect named {', '.join(sorted(unknown))}; there are {', '.join(DIALECTS)}")
    return card


def _listed(path: Path, key: str, kind: type[T]) -> list[T]:
    if not path.exists():
        return []
    return [_validated(path, kind, item) for item in _mappings(path, key, _yaml(path).get(key))]


def _mappings(path: Path, key: str, items: object) -> list[dict[str, Any]]:
    if isinstance(items, list) and all(isinstance(item, dict) for item in items):
        return items
    raise BadCatalog(f"{path.name}: {key}: a list of mappings is expected")


def _yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
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


def _checked(catalog: Catalog) -> Catalog:
    for card in catalog.cards.values():
        _check(card, catalog)
    for lora in catalog.loras.values():
        _check_lora(lora, catalog)
    return catalog


def _check_lora(lora: NamedLora, catalog: Catalog) -> None:
    """A LoRA is for models that there are, at providers that there are."""
    for what, names, known in (("model", lora.models, catalog.models), ("provider", lora.at, catalog.cards)):
        if missing := [name for name in names if name not in known]:
            raise BadCatalog(f"loras.yaml: {lora.id}: there is no {what} {', '.join(missing)}")


def _check(card: ProviderCard, catalog: Catalog) -> None:
    """Every offer is there once, of a known model, and sound."""
    seen: set[str] = set()
    for offer in card.offers:
        place = f"{card.name}.yaml: {offer.model}"
        if offer.model in seen:
            raise BadCatalog(f"{place}: offered twice")
        if offer.model not in catalog.models:
            raise BadCatalog(f"{place}: is not among the models")
        if faults := offer_faults(offer, DIALECTS[offer.dialect].FIELDS, frozenset(catalog.units)):
            raise BadCatalog(f"{place}: {faults[0]}")
        seen.add(offer.model)


def card_schema() -> str:
    """JSON schema of a provider card as written in YAML, for editors."""
    schema = ProviderCard.model_json_schema()
    offer = schema["$defs"]["Offer"]
    offer["required"] = [name for name in offer["required"] if name not in ("provider", "dialect")]
    return json.dumps(schema, indent=1) + "\n"
