"""What an engine on an own machine tells of itself: the calls to make, and what their replies say. Pure.

An engine is known by its `kind` (EngineHealth), not by its dialect: three of them speak OpenAI's. A part that an engine
does not tell is None, never a guess; whether it answers at all is judged elsewhere.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from adapters.schema import EngineHealth, EngineKind, ProviderCard
from adapters.wire import Call, Reply

VERSION = "/v1"
"""What cards of OpenAI's dialects end their address with; an engine tells of itself above that."""


class Reading(NamedTuple):
    """Runs that are worked on and that wait, of everybody's, and the memory of its accelerators in bytes."""

    running: int | None = None
    waiting: int | None = None
    vram_free_bytes: int | None = None
    vram_bytes: int | None = None

    @property
    def ahead(self) -> int | None:
        """Runs before a new one, where the engine tells of any."""
        told = [each for each in (self.running, self.waiting) if each is not None]
        return sum(told) if told else None


Read = Callable[[Reply], Reading]


def calls(card: ProviderCard, health: EngineHealth) -> tuple[Call, ...]:
    """What to ask: the first tells by its answer whether the engine is well; the others only add to the reading."""
    paths = (health.path,) if health.kind == "plain" and health.path else tuple(path for path, _ in ASKED[health.kind])
    root = card.base_url.rstrip("/").removesuffix(VERSION)
    return tuple(Call(stage="reading", method="GET", url=root + path) for path in paths)


def is_well(reply: Reply | None) -> bool:
    """Whether the answer to the first call is one of an engine that works: any but none and a fault of its own."""
    return reply is not None and reply.status < 500


def read(kind: EngineKind, replies: Iterable[Reply | None]) -> Reading:
    """The replies to `calls`, in their order; one that is missing, refused or not understood says nothing."""
    found = Reading()
    for (_, reader), reply in zip(ASKED[kind], replies, strict=False):
        if reply is not None and 200 <= reply.status < 300:
            told = _understood(reader, reply)._asdict()
            found = found._replace(**{name: value for name, value in told.items() if value is not None})
    return found


def _understood(reader: Read, reply: Reply) -> Reading:
    try:
        return reader(reply)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError):
        return Reading()


def _nothing(reply: Reply) -> Reading:
    return Reading()


def _comfyui_queue(reply: Reply) -> Reading:
    """`queue_remaining` counts what runs too, and one run at a time is worked on."""
    remaining = _count(reply.json()["exec_info"]["queue_remaining"])
    return Reading(running=min(1, remaining), waiting=max(0, remaining - 1))


def _comfyui_memory(reply: Reply) -> Reading:
    devices = [each for each in reply.json()["devices"] if each["type"] != "cpu"]
    if not devices:
        return Reading()
    free, whole = (sum(_count(each[name]) for each in devices) for name in ("vram_free", "vram_total"))
    return Reading(vram_free_bytes=free, vram_bytes=whole)


def _a1111_progress(reply: Reply) -> Reading:
    """Of whatever runs; what waits behind its lock is told nowhere."""
    state: Mapping[str, Any] = reply.json()["state"]
    return Reading(running=int(_count(state["job_count"]) > 0))


def _a1111_memory(reply: Reply) -> Reading:
    system = reply.json()["cuda"]["system"]
    return Reading(vram_free_bytes=_count(system["free"]), vram_bytes=_count(system["total"]))


def _ollama_loaded(reply: Reply) -> Reading:
    """Loaded models hold memory; what runs is told nowhere. That the list is one is all that is read."""
    iter(reply.json()["models"])
    return Reading()


def _gauges(running: str, waiting: str) -> Read:
    """Prometheus' text: the sum of a gauge over its label sets."""

    def reader(reply: Reply) -> Reading:
        sums = _sums(reply.body.decode(), (running, waiting))
        return Reading(running=sums.get(running), waiting=sums.get(waiting))

    return reader


_SAMPLE = re.compile(r"^(?P<name>[A-Za-z_:][\w:]*)(?:\{[^\n]*\})?\s+(?P<value>[^\s]+)", re.MULTILINE)


def _sums(text: str, wanted: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for sample in _SAMPLE.finditer(text):
        if sample["name"] in wanted and math.isfinite(value := float(sample["value"])):
            found[sample["name"]] = found.get(sample["name"], 0) + _count(value)
    return found


def _count(value: object) -> int:
    """A number of things or bytes. Raises ValueError for what can be none."""
    number = float(str(value))
    if not 0 <= number < 2**62:
        raise ValueError("no count")
    return int(number)


ASKED: Mapping[EngineKind, tuple[tuple[str, Read], ...]] = {
    "comfyui": (("/prompt", _comfyui_queue), ("/system_stats", _comfyui_memory)),
    # `/progress` answers while a run holds the lock. The memory's shape is from memory [unsure].
    "a1111": (
        ("/sdapi/v1/progress?skip_current_image=true", _a1111_progress), ("/sdapi/v1/memory", _a1111_memory),
    ),
    "vllm": (("/health", _nothing), ("/metrics", _gauges("vllm:num_requests_running", "vllm:num_requests_waiting"))),
    # Only there where the server was started with --enable-metrics.
    "sglang": (
        ("/health", _nothing),
        ("/metrics", _gauges("sglang:diffusion_num_running_reqs", "sglang:diffusion_num_queue_reqs")),
    ),
    # It labels vLLM's own gauges anew; their names under its own prefix were not seen [unsure].
    "vllm-omni": (
        ("/health", _nothing), ("/metrics", _gauges("vllm:num_requests_running", "vllm:num_requests_waiting")),
    ),
    "ollama": (("/api/ps", _ollama_loaded),),
    "plain": (("/health", _nothing),),
}  # fmt: skip
"""Kind of engine → what is asked, and how its answer is read."""
