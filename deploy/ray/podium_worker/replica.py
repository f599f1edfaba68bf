"""A replica: one model on one GPU, one run at a time. It asks the book before, tells it during, and reports after.

Runs are never batched: a pipeline has one set of LoRAs at a time, and two sets cannot share a call.
"""

import asyncio
import gc
import threading
import time

import torch
from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from podium_worker.pipelines import Loaded
from podium_worker.running import Meter, Stopped, Watch
from podium_worker.settings import ModelSettings
from podium_worker.wire import Code, Ending, Presence, Problem, RunBody, Unsuitable

SPEAK_S = 0.2
"""How often a run's progress goes to the book, and so the longest until a cancel is known here."""
MESSAGE_CHARS = 300
SETS_MOST = 8
"""LoRA sets that Serve takes a replica to hold ready. It only steers: what is held in truth is loras.py's."""


class Replica:
    """What Serve starts, `max_ongoing_requests` of one."""

    def __init__(self, model: ModelSettings, book: DeploymentHandle) -> None:
        self.model, self.book = model, book
        self.id = serve.get_replica_context().replica_id.unique_id
        self.device = torch.device("cuda" if model.scaling.gpus > 0 else "cpu")
        self.loaded = Loaded(model, self.device)
        self.loaded_at = time.time()
        self.is_fresh, self.is_broken = True, False
        self.computing = threading.Lock()

    async def run(self, id: str, body: RunBody, asked_at: float) -> None:
        """`asked_at`: seconds since the epoch, to tell how much of the loading this run waited for."""
        await self._ready_for(serve.get_multiplexed_model_id())
        if not await self.book.ask.remote("begin", id):
            return
        watch, meter = Watch(), Meter(self.device, cold_seconds=self._waited_for_loading(asked_at))
        speaking = asyncio.create_task(self._speak(id, watch))
        try:
            ending = await asyncio.to_thread(self._ended, body, watch, meter)
        finally:
            # Serve may cancel this call; the thread is then told to stop too.
            watch.stopping.set()
            speaking.cancel()
        await self.book.ask.remote("tell", id, watch.step, watch.steps)
        await self.book.ask.remote("end", id, ending)
        self._report()

    @serve.multiplexed(max_num_models_per_replica=SETS_MOST)
    async def _hold(self, lora_set: str) -> str:
        return lora_set

    async def _ready_for(self, lora_set: str) -> None:
        """Serve learns which sets were here last, and sends their next runs here."""
        if lora_set:
            await self._hold(lora_set)

    async def check_health(self) -> None:
        """Serve asks every few seconds, and replaces a replica that raises."""
        if self.is_broken:
            raise RuntimeError("the GPU's context is lost")
        self._report()

    def _waited_for_loading(self, asked_at: float) -> float:
        loading_s, self.is_fresh, is_first = self.loaded.meter.cold_seconds, False, self.is_fresh
        return max(0.0, min(loading_s, self.loaded_at - asked_at)) if is_first else 0.0

    async def _speak(self, id: str, watch: Watch) -> None:
        try:
            while await self.book.ask.remote("tell", id, watch.step, watch.steps):  # noqa: ASYNC110 - it waits for the clock
                await asyncio.sleep(SPEAK_S)
        except (RayError, RayServeException):
            pass  # the book is gone, and with it all that it knew of this run
        watch.stopping.set()

    def _ended(self, body: RunBody, watch: Watch, meter: Meter) -> Ending:
        with self.computing:
            ending = self._outcome(body, watch, meter)
        spent = {"gpu_seconds": round(meter.gpu_seconds, 6), "cold_seconds": round(meter.cold_seconds, 6)}
        return ending.model_copy(update=spent)

    def _outcome(self, body: RunBody, watch: Watch, meter: Meter) -> Ending:
        try:
            return self.loaded.generate(body, watch, meter)
        except Stopped:
            return Ending(status="canceled")
        except Unsuitable as error:
            return _failed("invalid_request", error)
        except torch.OutOfMemoryError as error:
            gc.collect()
            torch.cuda.empty_cache()
            return _failed("out_of_memory", error)
        except (ValueError, TypeError) as error:
            # Pipelines check what they are given before their first step, and raise these.
            return _failed("pipeline_failed" if watch.step else "invalid_request", error)
        except Exception as error:  # noqa: BLE001 - the worker's edge: whatever a pipeline raises is this run's end
            self.is_broken = isinstance(error, torch.AcceleratorError)
            return _failed("pipeline_failed", error)

    def _report(self) -> None:
        """Not waited for: a book that is away must not make a replica look ill."""
        free, total = torch.cuda.mem_get_info(self.device) if self.device.type == "cuda" else (None, None)
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu"
        held = self.loaded.adapters.held()
        view = Presence(
            model=self.model.name, devices=(name,), loras=held, vram_free_bytes=free, vram_total_bytes=total
        )
        self.book.ask.remote("report", self.id, view)


def _failed(code: Code, error: BaseException) -> Ending:
    message = f"{type(error).__name__}: {str(error)[:MESSAGE_CHARS]}"
    return Ending(status="failed", error=Problem(code=code, message=message))
