"""Graphs of nodes and edges, as InvokeAI runs them, that a card holds as data: filled in for one request. Pure.

The graph stands in the card as `fields.graph.values`: `nodes` by id, and `edges`. Every other field says where its word
goes: "6.prompt" is input `prompt` of node 6. A model stands there by name (left empty: the offer's wire_id), base and
type; its key, which is of one installation only, is put in when it has been looked up. `fields.loras` names the loader
behind which LoRAs are chained, and its `values` the class of node that does it (`type`), what such a node passes on
(`passes`), and the `base`.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import JsonValue

from adapters.fields import scale_of, spell
from adapters.schema import Fields, MediaRequest, Offer, WireField
from adapters.wire import attempt_ref

IDENTITY = ("key", "hash", "name", "base", "type")
"""What a node wants to know of a model."""
SOUGHT = frozenset({"name", "base", "type"})
"""What a card, or a caller's LoRA, says of it."""

SYNTAX = str.maketrans({"\\": " ", "(": r"\(", ")": r"\)", "<": "< ", "{": r"\(", "}": r"\)"})
"""Weights, blends, and the triggers of embeddings. A `<` with a space behind it opens none."""
SIGNS = re.compile(r"(?<=\S)([+-]+)(?=\s|$|[,.)])")
"""Signs at the end of a word weigh it; with a space before them they weigh nothing."""


class Filled(NamedTuple):
    """A graph, the ids of its nodes whose pictures are results, and what of the caller's extras belongs to no node."""

    graph: dict[str, Any]
    shown: list[str]
    extra: dict[str, JsonValue]


def filled(request: MediaRequest, offer: Offer, defaults: Fields) -> Filled:
    """Only places that the card names are written. Raises ValueError for a place that the graph has not."""
    fields = defaults | offer.fields
    held: dict[str, Any] = fields["graph"].values or {}
    nodes = {id: {"is_intermediate": True, **node, "id": id} for id, node in held.get("nodes", {}).items()}
    said = _said(request, offer, defaults)
    places = {field.name for field in offer.fields.values()} | offer.fixed.keys()
    for place in sorted(said.keys() & places):
        id, _, name = place.partition(".")
        if id not in nodes or not name:
            raise ValueError(f"{offer.id}: its graph has no place {place}")
        nodes[id][name] = said[place]
    for node in nodes.values():
        if isinstance(model := node.get("model"), dict) and not model["name"]:
            node["model"] = model | {"name": offer.wire_id}
    graph = {"id": "podium", "nodes": nodes, "edges": [dict(each) for each in held.get("edges", [])]}
    if request.loras and "loras" in offer.fields:
        _chain(graph, request, offer.fields["loras"])
    shown = [id for id, node in nodes.items() if not node["is_intermediate"]]
    return Filled(graph, shown, {name: value for name, value in said.items() if name not in places})


def place_faults(offer: Offer) -> Iterator[str]:
    """What a card says of its graph that is not so: places and edges that lead nowhere."""
    held: dict[str, Any] = (offer.fields["graph"].values or {}) if "graph" in offer.fields else {}
    nodes = held.get("nodes", {})
    named = {f"fields.{name}": field.name for name, field in offer.fields.items() if name not in ("graph", "loras")}
    for where, place in (named | {f"fixed.{name}": name for name in offer.fixed}).items() if held else ():
        id, _, name = place.partition(".")
        if name not in nodes.get(id, {}):
            yield f"{where}: the graph has no place {place}"
    ends = [edge[end]["node_id"] for edge in held.get("edges", []) for end in ("source", "destination")]
    if held and "loras" in offer.fields:
        ends.append(offer.fields["loras"].name)
    for id in sorted(set(ends) - nodes.keys()):
        yield f"fields.graph: there is no node {id}"


def _said(request: MediaRequest, offer: Offer, defaults: Fields) -> dict[str, JsonValue]:
    """By place; a graph needs a seed, and without one the run's own is taken. LoRAs are nodes, and said otherwise."""
    plain = {name: neutral(words) for name in ("prompt", "negative_prompt") if (words := getattr(request, name))}
    said = spell(request.model_copy(update={**plain, "loras": ()}), offer, defaults)
    if "seed" in offer.fields:
        said.setdefault(offer.fields["seed"].name, attempt_ref("seed"))
    return said


def neutral(words: str) -> str:
    """The words with all that the prompt's language would read in them made into mere signs."""
    return SIGNS.sub(r" \1", words.translate(SYNTAX))


def _chain(graph: dict[str, Any], request: MediaRequest, field: WireField) -> None:
    """LoRAs one after another behind the loader: whoever used what they pass on, uses the last one's."""
    told: dict[str, Any] = field.values or {}
    ids = [f"lora{number}" for number in range(len(request.loras))]
    for edge in graph["edges"]:
        if edge["source"]["node_id"] == field.name and edge["source"]["field"] in told["passes"]:
            edge["source"] = edge["source"] | {"node_id": ids[-1]}
    for id, before, lora in zip(ids, [field.name, *ids], request.loras, strict=False):
        model = {"name": lora.id, "base": told["base"], "type": "lora"}
        graph["nodes"][id] = {
            "type": told["type"], "is_intermediate": True, "lora": model, "weight": scale_of(lora), "id": id,
        }  # fmt: skip
        graph["edges"] += [
            {"source": {"node_id": before, "field": each}, "destination": {"node_id": id, "field": each}}
            for each in told["passes"]
        ]


def sought(value: JsonValue) -> Iterator[dict[str, str]]:
    """The models in a graph that are still known by name alone."""
    if isinstance(value, list):
        for each in value:
            yield from sought(each)
    elif isinstance(value, dict) and value.keys() == SOUGHT:
        yield {name: str(word) for name, word in value.items()}
    elif isinstance(value, dict):
        for each in value.values():
            yield from sought(each)


def identified(value: JsonValue, named: JsonValue, found: dict[str, Any]) -> JsonValue:
    """The same graph with one model's whole identity in each place where it was named."""
    if isinstance(value, list):
        return [identified(each, named, found) for each in value]
    if not isinstance(value, dict):
        return value
    if value == named:
        return {name: found[name] for name in IDENTITY}
    return {name: identified(each, named, found) for name, each in value.items()}
