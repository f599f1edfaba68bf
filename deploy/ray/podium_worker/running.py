"""One run in the thread that computes: how far it is, that it stops between steps, and what seconds it took."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch


class Stopped(Exception):
    """Raised out of a pipeline's own loop, so that nothing of it runs any more, decoding included."""


@dataclass
class Watch:
    """What the computing thread and the others know of one another: plain numbers out, one flag in."""

    step: int = 0
    steps: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        if self.stopping.is_set():
            raise Stopped


@dataclass
class Meter:
    """Seconds of the device: from when it is idle to when it is idle again."""

    device: torch.device
    gpu_seconds: float = 0.0
    cold_seconds: float = 0.0

    @contextmanager
    def working(self) -> Iterator[None]:
        began = self._idle_at()
        try:
            yield
        finally:
            self.gpu_seconds += self._idle_at() - began

    @contextmanager
    def loading(self) -> Iterator[None]:
        began = self._idle_at()
        try:
            yield
        finally:
            self.cold_seconds += self._idle_at() - began

    def _idle_at(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


class Pace:
    """Holds the loop to one step ahead of the GPU.

    Python queues work much faster than a GPU does it: without this a run would be "at its last step" after a moment,
    and what is queued cannot be called back. One step ahead is enough to keep the GPU busy.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.before: torch.cuda.Event | None = None

    def step(self) -> None:
        if self.device.type != "cuda":
            return
        now = torch.cuda.Event()
        now.record()
        if self.before is not None:
            self.before.synchronize()
        self.before = now


Callback = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]


def after_each_step(watch: Watch, device: torch.device, number: int, count: int) -> Callback:
    """diffusers' `callback_on_step_end` for output `number` of `count`."""
    pace = Pace(device)

    def tell(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        pace.step()
        each = int(getattr(pipe, "num_timesteps", 0) or 0)
        watch.step, watch.steps = number * each + step + 1, each * count
        watch.check()
        return {}

    return tell
