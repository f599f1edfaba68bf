"""What an engine says it has: models, LoRAs and files of weights, each as it names them. Pure, and bounded.

A LoRA's base model is told only where the engine tells it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from adapters.fingerprints import Seen
from adapters.wire import Call

ITEMS_MOST = 5_000
"""Of each kind: the fullest folder of LoRAs that people tell of holds some thousands."""
NAME_CHARS = 300


class FoundLora(NamedTuple):
    name: str
    base: str | None = None


class Inventory(NamedTuple):
    """`files` are all weights that workflows may name, by the engine's own paths; empty where it knows models only."""

    models: tuple[str, ...] = ()
    loras: tuple[FoundLora, ...] = ()
    files: tuple[str, ...] = ()


def calls(engine: str) -> tuple[Call, ...]:
    """What to ask once an engine is known."""
    return tuple(Call(stage="inventory", method="GET", url=path) for path in LISTS[engine][0])


def read(engine: str, seen: Seen) -> Inventory:
    """What the answered ones of `calls` say; a page that is missing or not understood adds nothing."""
    models: list[str] = []
    loras: list[FoundLora] = []
    files: list[str] = []
    for part in LISTS[engine][1]:
        try:
            found = part(seen)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            continue
        models += _named(found.models)
        files += _named(found.files)
        loras += [each for each in found.loras if _named([each.name])]
    return Inventory(_once(models), tuple(dict.fromkeys(loras))[:ITEMS_MOST], _once(files))


def _named(names: Iterable[object]) -> list[str]:
    return [name for name in names if isinstance(name, str) and 0 < len(name) <= NAME_CHARS and name.isprintable()]


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:ITEMS_MOST]


def _folder(folder: str) -> Callable[[Seen], Inventory]:
    """One of ComfyUI's folders. What makes a picture is a model; encoders and the like are only files."""

    def read_folder(seen: Seen) -> Inventory:
        listed = seen[f"/models/{folder}"].json()
        if not isinstance(listed, list):
            return Inventory()
        names = tuple(_named(listed))
        if folder == "loras":
            return Inventory(loras=tuple(FoundLora(name) for name in names))
        return Inventory(models=names if folder in COMFYUI_MODELS else (), files=names)

    return read_folder


COMFYUI_MODELS = ("checkpoints", "diffusion_models", "upscale_models")
COMFYUI_FOLDERS = (*COMFYUI_MODELS, "text_encoders", "vae", "loras")


def _a1111_models(seen: Seen) -> Inventory:
    return Inventory(models=tuple(each["model_name"] for each in seen["/sdapi/v1/sd-models"].json()))


def _a1111_loras(seen: Seen) -> Inventory:
    """The base stands in what a trainer wrote into the file, if it did."""
    listed = seen["/sdapi/v1/loras"].json()
    return Inventory(loras=tuple(FoundLora(each["name"], _trained_on(each.get("metadata"))) for each in listed))


def _trained_on(metadata: object) -> str | None:
    told = metadata.get("ss_base_model_version") if isinstance(metadata, dict) else None
    return str(told)[:NAME_CHARS] if told else None


def _sd_server(seen: Seen) -> Inventory:
    told = seen["/sdcpp/v1/capabilities"].json()
    model: Any = told.get("model")
    name = model.get("name") or model.get("path") if isinstance(model, dict) else model
    loras = tuple(FoundLora(each["name"]) for each in told.get("loras", []))
    return Inventory(models=(str(name).replace("\\", "/").rpartition("/")[2],) if name else (), loras=loras)


def _invokeai(seen: Seen) -> Inventory:
    listed = seen["/api/v2/models/"].json()["models"]
    loras = tuple(FoundLora(each["name"], each.get("base")) for each in listed if each["type"] == "lora")
    return Inventory(models=tuple(each["name"] for each in listed if each["type"] == "main"), loras=loras)


def _openai(seen: Seen) -> Inventory:
    """vLLM lists its LoRAs as models whose parent is the base."""
    listed = seen["/v1/models"].json()["data"]
    loras = tuple(FoundLora(each["id"], each["parent"]) for each in listed if each.get("parent"))
    return Inventory(models=tuple(each["id"] for each in listed if not each.get("parent")), loras=loras)


def _sglang_loras(seen: Seen) -> Inventory:
    listed = seen["/v1/list_loras"].json()["loaded_adapters"]
    return Inventory(loras=tuple(FoundLora(each["nickname"]) for each in listed))


def _ollama(seen: Seen) -> Inventory:
    """Some names run on somebody else's machine: those are left out."""
    listed = seen["/api/tags"].json()["models"]
    own = (each for each in listed if not (each.get("remote_model") or each.get("remote_host")))
    return Inventory(models=tuple(each["name"] for each in own if not each["name"].endswith("cloud")))


def _kserve(seen: Seen) -> Inventory:
    return Inventory(models=tuple(seen["/v2/models"].json()["models"]))


def _worker(seen: Seen) -> Inventory:
    listed = seen["/v1/models"].json()["models"]
    return Inventory(models=tuple(each["name"] for each in listed), loras=tuple(_worker_loras(listed)))


def _worker_loras(listed: list[dict[str, Any]]) -> Iterator[FoundLora]:
    for model in listed:
        yield from (FoundLora(each["id"], model["name"]) for each in model.get("loras", []))


Parts = tuple[Callable[[Seen], Inventory], ...]
LISTS: Mapping[str, tuple[tuple[str, ...], Parts]] = {
    "comfyui": (tuple(f"/models/{each}" for each in COMFYUI_FOLDERS), tuple(map(_folder, COMFYUI_FOLDERS))),
    "a1111": (("/sdapi/v1/sd-models", "/sdapi/v1/loras"), (_a1111_models, _a1111_loras)),
    "stable-diffusion-cpp": (("/sdcpp/v1/capabilities",), (_sd_server,)),
    "invokeai": (("/api/v2/models/",), (_invokeai,)),
    "sglang": (("/v1/models", "/v1/list_loras"), (_openai, _sglang_loras)),
    "vllm": (("/v1/models",), (_openai,)),
    "vllm-omni": (("/v1/models",), (_openai,)),
    "ollama": (("/api/tags",), (_ollama,)),
    "localai": (("/v1/models",), (_openai,)),
    "tenstorrent": (("/v1/models",), (_openai,)),
    "kserve": (("/v2/models",), (_kserve,)),
    "ray": (("/v1/models",), (_worker,)),
}
"""Engine → the pages that list what it has, and how they are read. Without a key Tenstorrent's says nothing."""
