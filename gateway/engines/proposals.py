"""A card for an engine that was found: ours, with only those offers whose models are there, and without any price.

It proposes; what is enabled, and what a second costs, only the operator says. Pure.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

import yaml

from adapters import workflows
from adapters.inventories import Inventory
from adapters.schema import Offer, ProviderCard, Task
from router.names import Names

LISTED_MOST = 20
"""LoRAs and models that a comment names: the rest is in `podium discover --json`."""

WIDTH_CHARS = 110

NAMELESS = frozenset({"stable-diffusion-cpp"})
"""Engines that take one fixed name for whatever model they were started with."""


def offers_here(card: ProviderCard, inventory: Inventory, names: Names) -> tuple[Offer, ...]:
    """The card's offers that this engine can serve, each with the tasks and under the names that are there."""
    found = (_offer_here(offer, inventory, names) for offer in card.offers)
    return tuple(offer for offer in found if offer is not None)


def _offer_here(offer: Offer, inventory: Inventory, names: Names) -> Offer | None:
    if "workflow" in offer.fields or any("workflow" in each.fields for each in offer.by_task.values()):
        return _workflow_here(offer, inventory, names)
    there = {name.casefold(): name for name in inventory.models}
    tasks = [task for task in sorted(offer.tasks) if offer.for_task(task).wire_id.casefold() in there]
    if tasks:
        return _only(offer, tasks)
    alike = sorted(name for name in inventory.models if names.resolve_label(name) == offer.model)
    if not alike:
        return None
    return offer if offer.provider in NAMELESS else _named(offer, alike[0])


def _named(offer: Offer, name: str) -> Offer | None:
    """The offer under the engine's own name for its model; what goes by another name for one task is not known."""
    kept = _only(offer, [task for task in sorted(offer.tasks) if not _renamed(offer, task)])
    return kept.model_copy(update={"wire_id": name}) if kept else None


def _renamed(offer: Offer, task: Task) -> bool:
    return task in offer.by_task and offer.by_task[task].wire_id is not None


def _workflow_here(offer: Offer, inventory: Inventory, names: Names) -> Offer | None:
    """A workflow runs where every file is that it loads: by its name, in any folder, or else by another name that means
    the offer's model and is the only one that does."""
    fixed: dict[str, dict[str, str]] = {}
    for task in sorted(offer.tasks):
        swapped = _swapped(offer.for_task(task), inventory, names)
        if swapped is not None:
            fixed[task] = swapped
    kept = _only(offer, [task for task in sorted(offer.tasks) if task in fixed])
    if kept is None:
        return None
    shared = {place: name for swaps in fixed.values() for place, name in swaps.items()}
    if all(_agrees(swaps, shared) for swaps in fixed.values()):
        return kept.model_copy(update={"fixed": kept.fixed | shared})
    return kept


def _agrees(swaps: dict[str, str], shared: dict[str, str]) -> bool:
    return all(swaps.get(place) == name for place, name in shared.items())


def _swapped(offer: Offer, inventory: Inventory, names: Names) -> dict[str, str] | None:
    """What must be called otherwise: place → the file there; None where a file is missing."""
    bases = {_base(name).casefold(): name for name in reversed(inventory.files)}
    meant = [name for name in inventory.models if names.resolve_label(_stem(name)) == offer.model]
    swaps = {}
    for place, wanted in workflows.weights(offer).items():
        if wanted in inventory.files:
            continue
        there = bases.get(_base(wanted).casefold())
        is_whole = place.endswith((".ckpt_name", ".unet_name"))
        if there is None and is_whole and len(meant) == 1 and _is_alone(offer, place):
            there = meant[0]
        if there is None:
            return None
        swaps[place] = there
    return swaps


def _is_alone(offer: Offer, place: str) -> bool:
    """A workflow with two models, one for the first steps and one for the last, cannot have one file for both."""
    kind = place.partition(".")[2]
    return sum(each.endswith(f".{kind}") for each in workflows.weights(offer)) == 1


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _stem(name: str) -> str:
    return _base(name).rpartition(".")[0] or name


def _only(offer: Offer, tasks: Iterable[Task]) -> Offer | None:
    kept = frozenset(tasks)
    by_task = {task: each for task, each in offer.by_task.items() if task in kept}
    return offer.model_copy(update={"tasks": kept, "by_task": by_task}) if kept else None


def card_text(
    card: ProviderCard, name: str, origin: str, variables: tuple[str, str], about: Iterable[str], today: date
) -> str:
    """The card as YAML. `variables`: that of its address, and that of the dollars an hour of its machine."""
    address, usd_per_hour = variables
    head = [
        f"Found on {today.isoformat()} at {origin}. It is used once its address is set:",
        f"  {address}={card.base_url}",
        "It has no price, and what has none is never chosen. An hour of its machine in dollars is the shortest one:",
        f"  {usd_per_hour}=2.00",
        "or `machine: { usd_per_hour: 2.00 }` here, or `prices` for each offer (docs/engines.md).",
        *about,
    ]
    lines = "".join(f"# {' '.join(line.split()) if not line.startswith('  ') else line.rstrip()}\n" for line in head)
    data = _tidy(card_data(card, name))
    return lines + yaml.dump(data, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=WIDTH_CHARS)


class _Plain(yaml.SafeDumper):
    """No anchors: what is said twice is written twice. What holds only words and numbers stands on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_data(self, data: Any) -> Any:
        node = super().represent_data(data)
        if isinstance(node, yaml.CollectionNode) and data:
            node.flow_style = _is_short(data)
        return node


FLAT_MOST = 4
"""Entries of a mapping on one line."""


def _is_short(data: dict[str, Any] | list[Any]) -> bool:
    within = list(data.values()) if isinstance(data, dict) else data
    if isinstance(data, dict) and len(data) > FLAT_MOST:
        return False
    return not any(isinstance(each, dict) or (isinstance(each, list) and not _is_short(each)) for each in within)


def _tidy(value: Any) -> Any:
    """Whole numbers as people write them."""
    if isinstance(value, dict):
        return {name: _tidy(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_tidy(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def card_data(card: ProviderCard, name: str) -> dict[str, Any]:
    """A card as a file has it: without what follows by itself, without prices, and without a machine."""
    offers = [_offer_data(offer, card) for offer in card.offers]
    data = card.model_dump(mode="json", exclude_defaults=True, exclude={"offers", "machine"})
    return data | {"name": name, "needs_base_url": True, "offers": offers}


def _offer_data(offer: Offer, card: ProviderCard) -> dict[str, Any]:
    left_out = {"provider", "prices"} | ({"dialect"} if offer.dialect == card.dialect else set())
    data = offer.model_dump(mode="json", exclude_defaults=True, exclude=left_out)
    data["tasks"] = sorted(task.value for task in offer.tasks)
    for place in (data, *data.get("by_task", {}).values()):
        if "fields" in place:
            place["fields"] = {name: _field_data(field) for name, field in place["fields"].items()}
    return data


def _field_data(field: dict[str, Any]) -> Any:
    return field["name"] if field.keys() == {"name"} else field
