"""Graphs of nodes, as ComfyUI runs them, that a card holds as data: filled in, and read when they have run. Pure.

The graph stands in the card as `fields.workflow.values`: node → class and inputs. Every other field says where its word
goes: "6.text" is input `text` of node 6. `loras` names the output behind which they are chained: "4.0".
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from pydantic import JsonValue

from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Offer, Usage
from adapters.wire import attempt_ref

PREFIX = "filename_prefix"
ENDINGS = (".safetensors", ".sft", ".gguf", ".ckpt", ".pth", ".pt", ".bin")
"""Of files of weights."""
PLACE = re.compile(r"([^.]+)\.([^.]+)")


class Filled(NamedTuple):
    """A graph ready to run, and what of the caller's extras belongs to none of its nodes."""

    nodes: dict[str, JsonValue]
    extra: dict[str, JsonValue]


def filled(request: MediaRequest, offer: Offer, defaults: Fields) -> Filled:
    """The offer's graph with the request's words in their places.

    Only places that the card names are written, so no caller's extra reaches another node. Whatever saves a file does
    so under the run's own id: a name that was never used is never answered from the cache. A graph needs a seed, and
    one that nobody named is the run's own, too.
    """
    fields = defaults | offer.fields
    plain = {name: _plain(words) for name in ("prompt", "negative_prompt") if (words := getattr(request, name))}
    said = spell(request.model_copy(update=plain), offer, defaults)
    if "seed" in fields and request.seed is None:
        said[fields["seed"].name] = attempt_ref("seed")
    loras = said.pop(fields["loras"].name, None) if "loras" in fields else None
    places = {field.name for field in fields.values()} | offer.fixed.keys()
    nodes = _placed(offer, {place: value for place, value in said.items() if place in places})
    if isinstance(loras, list):
        _chain(nodes, fields["loras"].name, loras)
    return Filled(nodes, {name: value for name, value in said.items() if name not in places})


def _plain(words: str) -> str:
    """Brackets would weigh words, and `embedding:` would load a file: here they are only written."""
    escaped = words.replace("\\", " ").replace("(", "\\(").replace(")", "\\)")
    return escaped.replace("embedding:", "embedding :")


def _placed(offer: Offer, said: Mapping[str, JsonValue]) -> dict[str, Any]:
    """The graph's own values, then what was said. Raises ValueError for a place that the graph has not."""
    graph: dict[str, Any] = offer.fields["workflow"].values or {} if "workflow" in offer.fields else {}
    nodes = {id: {**node, "inputs": dict(node["inputs"])} for id, node in graph.items()}
    for place, value in said.items():
        found = PLACE.fullmatch(place)
        if found is None or found[1] not in nodes:
            raise ValueError(f"{offer.id}: its workflow has no place {place}")
        nodes[found[1]]["inputs"][found[2]] = value
    for node in nodes.values():
        if PREFIX in node["inputs"]:
            node["inputs"][PREFIX] = attempt_ref()
    return nodes


def place_faults(offer: Offer) -> Iterator[str]:
    """What a card says of its graph that is not so: places and links that lead nowhere."""
    graph: dict[str, Any] = (offer.fields["workflow"].values or {}) if "workflow" in offer.fields else {}
    if not graph:
        return
    named = {f"fields.{name}": field.name for name, field in offer.fields.items() if name != "workflow"}
    for where, place in (named | {f"fixed.{name}": name for name in offer.fixed}).items():
        id, _, name = place.partition(".")
        if id not in graph or (where != "fields.loras" and name not in graph[id]["inputs"]):
            yield f"{where}: the workflow has no place {place}"
    for id, node in graph.items():
        for name, value in node["inputs"].items():
            if isinstance(value, list) and value[0] not in graph:
                yield f"fields.workflow: {id}.{name} comes from node {value[0]}, which is not there"


def weights(offer: Offer) -> dict[str, str]:
    """The files that a workflow loads: place → name, as the card has them."""
    graph: dict[str, Any] = (offer.fields["workflow"].values or {}) if "workflow" in offer.fields else {}
    named = {
        f"{id}.{name}": value for id, node in graph.items() for name, value in node["inputs"].items()
    } | offer.fixed
    return {place: value for place, value in named.items() if isinstance(value, str) and value.endswith(ENDINGS)}


def _chain(nodes: dict[str, Any], place: str, loras: list[JsonValue]) -> None:
    """LoRAs one after another behind an output; whoever used that output, uses the last of them."""
    id, _, slot = place.partition(".")
    before: list[JsonValue] = [id, int(slot)]
    last: list[JsonValue] = [f"lora{len(loras) - 1}", 0]
    for node in nodes.values():
        node["inputs"] |= {name: last for name, value in node["inputs"].items() if value == before}
    for number, lora in enumerate(each for each in loras if isinstance(each, dict)):
        inputs = {"model": before, "lora_name": lora["path"], "strength_model": lora["scale"]}
        nodes[f"lora{number}"] = {"class_type": "LoraLoaderModelOnly", "inputs": inputs}
        before = [f"lora{number}", 0]


def saved_files(run: Mapping[str, Any]) -> list[str]:
    """What a run saved, each as the query that asks for it. Previews, which lie among temporary files, are left out."""
    listed = (files for node in run["outputs"].values() for files in node.values() if isinstance(files, list))
    saved = (each for files in listed for each in files if isinstance(each, dict) and each.get("type") == "output")
    return [urlencode({name: each[name] for name in ("filename", "subfolder", "type")}) for each in saved]


def run_usage(messages: Mapping[str, Any]) -> Usage:
    """From the first word about a run to the last, in ms; one that came from the cache took next to nothing."""
    times = [Decimal(str(told["timestamp"])) for told in messages.values() if "timestamp" in told]
    return {"gpu_second": (max(times) - min(times)) / 1000} if times else {}


class Complaint(NamedTuple):
    """What is wrong with a graph. `lacks`: nothing the caller did, the server has not its nodes or weights."""

    words: str | None
    lacks: bool


def complaint(body: Mapping[str, Any]) -> Complaint:
    """A graph that was not taken. A LoRA is the caller's own choice; tracebacks, which name paths, are left out."""
    nodes = (body.get("node_errors") or {}).values()
    told = [each for node in nodes for each in node["errors"]]
    absent = {str(each["extra_info"].get("input_name")) for each in told if each["type"] == "value_not_in_list"}
    weights = {name for name in absent if "_name" in name and name not in ("lora_name", "sampler_name")}
    lacks = (body.get("error") or {}).get("type") == "invalid_prompt" or bool(weights)
    return Complaint("; ".join(f"{each['message']}: {each['details']}" for each in told) or None, lacks)
