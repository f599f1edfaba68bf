"""Adapters put on and taken off between runs, never fused: what a fused one leaves behind stays in every later run.

Loading, switching off and deleting leave the weights as they were, to the bit (tests/test_loras.py). Two ways to hold
them: a Shelf keeps several loaded, the one unused for longest leaves; Slots are for compiled code, in which each
place has the weights of another adapter copied in, since a new adapter beside it would mean compiling again.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol

from podium_worker.settings import LoraSettings
from podium_worker.wire import LoraBody


class Adapters(Protocol):
    def use(self, wanted: tuple[LoraBody, ...]) -> bool:
        """From now on exactly these act. True if weights had to be read."""
        ...

    def held(self) -> tuple[str, ...]: ...


class Unloadable(RuntimeError):
    """The file of a LoRA is missing, or is none of this model: its operator's to mend, not the caller's."""


def _load(pipe: Any, lora: LoraSettings, name: str, **more: Any) -> None:
    where = {key: value for key in ("weight_name", "revision") if (value := getattr(lora, key)) is not None}
    try:
        _check(pipe, lora, pipe.lora_state_dict(lora.path, **where))
        pipe.load_lora_weights(lora.path, adapter_name=name, **where, **more)
    except (ValueError, TypeError, KeyError, OSError, RuntimeError) as error:
        if not more:
            _clear(pipe, name)
        raise Unloadable(f"LoRA {lora.id} could not be loaded: {str(error)[:200]}") from error


def _check(pipe: Any, lora: LoraSettings, read: Any) -> None:
    """Some files do more than add: FLUX's control LoRAs widen layers and replace norms, for every run that follows."""
    for key, tensor in (read[0] if isinstance(read, tuple) else read).items():
        if "lora" not in key and "norm" in key and not key.endswith(".alpha"):
            raise Unloadable(f"LoRA {lora.id} replaces weights of the model")
        layer = _layer(pipe, key.removesuffix(".lora_A.weight")) if key.endswith(".lora_A.weight") else None
        if layer is not None and layer.weight.shape[1] != tensor.shape[1]:
            raise Unloadable(f"LoRA {lora.id} is of a model with other layers")


def _layer(pipe: Any, path: str) -> Any | None:
    """The layer of a path such as transformer.blocks.0.attn.to_q, below what PEFT put around it."""
    part, _, rest = path.partition(".")
    try:
        module = pipe.components[part].get_submodule(rest)
    except (KeyError, AttributeError):
        return None
    return getattr(module, "base_layer", module)


def _clear(pipe: Any, name: str) -> None:
    """PEFT makes layers before it finds that the weights do not fit them, and diffusers then forgets only the name."""
    for part in pipe.components.values():
        if hasattr(part, "peft_config") and hasattr(part, "delete_adapters"):
            part.delete_adapters(name)
        elif name in getattr(part, "peft_config", {}):
            part.delete_adapter(name)


def _sorted(wanted: tuple[LoraBody, ...]) -> list[LoraBody]:
    """Their sum depends on their order in its last bits, so callers' order says nothing."""
    return sorted(wanted, key=lambda lora: lora.id)


class Shelf:
    """Adapters by their id, `held_most` of them loaded (more only while one run wants more)."""

    def __init__(self, pipe: Any, known: Mapping[str, LoraSettings], held_most: int) -> None:
        self.pipe, self.known, self.held_most = pipe, known, held_most
        # PEFT makes modules' names of adapters' names, and such a name has no full stop.
        self.names = {id: f"lora_{number}" for number, id in enumerate(known)}
        self.loaded: OrderedDict[str, None] = OrderedDict()

    def held(self) -> tuple[str, ...]:
        return tuple(self.loaded)

    def use(self, wanted: tuple[LoraBody, ...]) -> bool:
        if not wanted:
            if self.loaded:
                self.pipe.disable_lora()
            return False
        ordered = _sorted(wanted)
        read = [self._take(lora.id, ordered) for lora in ordered]
        self.pipe.enable_lora()
        self.pipe.set_adapters([self.names[lora.id] for lora in ordered], [lora.scale for lora in ordered])
        return any(read)

    def _take(self, id: str, wanted: list[LoraBody]) -> bool:
        is_new = id not in self.loaded
        if is_new:
            self._make_room({lora.id for lora in wanted})
            _load(self.pipe, self.known[id], self.names[id])
            self.loaded[id] = None
        self.loaded.move_to_end(id)
        return is_new

    def _make_room(self, wanted: set[str]) -> None:
        for id in [each for each in self.loaded if each not in wanted]:
            if len(self.loaded) < self.held_most:
                return
            self.pipe.delete_adapters(self.names[id])
            del self.loaded[id]


class Slots:
    """Adapters in numbered places. The first of a place fixes its layers; one with others is compiled for anew."""

    def __init__(self, pipe: Any, known: Mapping[str, LoraSettings], rank_most: int) -> None:
        self.pipe, self.known = pipe, known
        self.places: list[str] = []
        # Unchecked: a second place, which is only made when a run first wants two, is worth compiling once more.
        pipe.enable_lora_hotswap(target_rank=rank_most, check_compiled="ignore")

    def held(self) -> tuple[str, ...]:
        return tuple(self.places)

    def use(self, wanted: tuple[LoraBody, ...]) -> bool:
        if not wanted:
            if self.places:
                self.pipe.disable_lora()
            return False
        ordered = _sorted(wanted)
        read = [self._put(place, lora.id) for place, lora in enumerate(ordered)]
        self.pipe.enable_lora()
        self.pipe.set_adapters([f"place_{place}" for place in range(len(ordered))], [lora.scale for lora in ordered])
        return any(read)

    def _put(self, place: int, name: str) -> bool:
        is_held = place < len(self.places)
        if is_held and self.places[place] == name:
            return False
        lora = self.known[name]
        if not is_held:
            _load(self.pipe, lora, f"place_{place}")
            self.places.append(name)
            return True
        # Half-copied weights must never be taken for those of before.
        self.places[place] = ""
        _load(self.pipe, lora, f"place_{place}", hotswap=True)
        self.places[place] = name
        return True
