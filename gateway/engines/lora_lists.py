"""Which LoRAs an engine has, where the last look at it told all of them; of the others nothing is said, or guessed."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.catalog.supply import Supply

WHOLE = frozenset({"comfyui", "a1111", "invokeai", "vllm", "ray"})
"""Engines whose list is all that they can load. SGLang's and vLLM-Omni's is what they have loaded so far, and
stable-diffusion.cpp is asked for files by their paths, which its list does not tell."""


def there(rows: Iterable[Mapping[str, Any]], supply: Supply) -> dict[str, frozenset[str]]:
    """Provider → the names of its LoRAs, from what looking for engines found (gateway.engines.findings.newest).

    An engine that lists none may only not have been asked well: it says nothing.
    """
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        names = frozenset(str(lora["name"]) for lora in row.get("loras") or ())
        if names and row.get("engine") in WHOLE:
            found |= dict.fromkeys(_providers_at(str(row["address"]), supply), names)
    return found


def _providers_at(address: str, supply: Supply) -> list[str]:
    used = (card for card in supply.cards.values() if not card.needs_base_url)
    return [card.name for card in used if f"{card.base_url}/".startswith(f"{address}/")]
