"""A real ComfyUI, where PODIUM_PROVIDER_COMFYUI_BASE_URL says that there is one; our simulator in its place everywhere.

The same body runs against both, so that what it asserts of a real server is known to hold of the simulator, and the
test itself is known to work. A real server needs any image checkpoint; clips and LoRAs are tried where it has the
files. It runs five small generations, and leaves their files in its output folder under our run's own names.
"""

import asyncio
import io
import os
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import av
import pytest
from PIL import Image

from adapters.bodies import Media
from adapters.dialects import comfyui
from adapters.errors import Fault
from adapters.http import Clients, answered, close_clients, open_clients, take_turn
from adapters.inventories import Inventory, calls, read as read_inventory
from adapters.registry import load_catalog
from adapters.schema import MaskPaint, MediaRequest, Offer, ProviderCard, Task
from adapters.wire import Call, Done, Failed, Pending, Progress, addressed
from gateway.engines.proposals import offers_here
from router import names
from tests.simulators import media
from tests.simulators.comfyui import SIMULATED
from tests.simulators.server import Server

ADDRESS = os.environ.get("PODIUM_PROVIDER_COMFYUI_BASE_URL")
NO_ADDRESS = "set PODIUM_PROVIDER_COMFYUI_BASE_URL to the address of a real ComfyUI to run this against it"
TURNS_MOST = 600
PICTURE, CLIP = "stability-ai/sdxl-1.0", "alibaba/wan-2.2-a14b"
SMALL = {"width": 512, "height": 512, "steps": 4, "seed": 7}
CATALOG = load_catalog()

pytestmark = pytest.mark.anyio


@dataclass
class Shelf:
    """One picture for whatever is asked for; it keeps what it is given."""

    stored: dict[str, bytes] = field(default_factory=dict)

    async def open(self, asset: str, mask: MaskPaint = "white") -> Media:
        data = media.picture(256, 256)

        async def chunks() -> AsyncIterator[bytes]:
            yield data

        return Media("image/png", len(data), chunks())

    async def link(self, asset: str) -> str | None:
        return None

    async def store(self, chunks: AsyncIterator[bytes]) -> str:
        name = f"stored-{len(self.stored) + 1}"
        self.stored[name] = b"".join([chunk async for chunk in chunks])
        return name


@dataclass
class Engine:
    """A ComfyUI and what it has. `slow` is what makes a run long enough to be stopped."""

    card: ProviderCard
    clients: Clients
    slow: dict[str, object]
    is_simulated: bool
    shelf: Shelf = field(default_factory=Shelf)
    inventory: Inventory = field(default_factory=Inventory)

    async def look(self) -> None:
        replies = {}
        for call in calls("comfyui"):
            now = datetime.now(UTC)
            reply = await answered(self.clients, self.card, comfyui, call, None, self.shelf, now=now)
            assert reply is not None, f"nobody answers at {self.card.base_url}"
            replies |= {call.url: reply} if reply.status == 200 else {}
        self.inventory = read_inventory("comfyui", replies)

    def offer(self, model: str, task: Task) -> Offer:
        known = names.collect(CATALOG.models.values(), CATALOG.offers())
        found = [each for each in offers_here(self.card, self.inventory, known) if each.model == model]
        if not found or task not in found[0].tasks:
            pytest.skip(f"this server lacks files that the workflow of {model} for {task} loads")
        return found[0].for_task(task)

    async def turn(self, call: Call) -> Progress:
        return await take_turn(self.clients, self.card, comfyui, call, None, self.shelf, now=datetime.now(UTC))

    async def finished(self, call: Call, until: Callable[[Pending], bool] = lambda _: False) -> Progress:
        run = f"att_{uuid.uuid4().hex}"
        progress: Progress = Pending(call=call)
        for _ in range(TURNS_MOST):
            assert isinstance(progress, Pending)
            if progress.wait_s and not self.is_simulated:
                await asyncio.sleep(progress.wait_s)
            progress = await self.turn(addressed(progress.call, run))
            if not isinstance(progress, Pending) or until(progress):
                return progress
        raise AssertionError(f"no end after {TURNS_MOST} turns: {progress}")

    async def made(self, offer: Offer, task: str, **more: object) -> list[bytes]:
        request = MediaRequest.model_validate({"task": task, "prompt": "a red fox in the snow"} | more)
        done = await self.finished(comfyui.submit(request, offer))
        assert isinstance(done, Done), done
        assert "gpu_second" in done.usage
        return [self.shelf.stored[str(output.stored)] for output in done.outputs]


@pytest.fixture(params=["simulated", "real"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    is_real = request.param == "real"
    if is_real and not ADDRESS:
        pytest.skip(NO_ADDRESS)
    clients = open_clients()
    with Server(*SIMULATED) as server:
        card = CATALOG.cards["comfyui"].model_copy(update={"base_url": ADDRESS if is_real else server.url})
        slow: dict[str, object] = {"steps": 100, "width": 1024, "height": 1024}
        made = Engine(card, clients, slow if is_real else {"prompt": "a fox [slow]"}, not is_real)
        await made.look()
        yield made
    await close_clients(clients)


async def test_a_picture_is_made_of_the_size_that_was_asked_for(engine: Engine) -> None:
    [picture] = await engine.made(engine.offer(PICTURE, Task.TEXT_TO_IMAGE), "text-to-image", **SMALL)
    assert Image.open(io.BytesIO(picture)).size == (512, 512)


async def test_a_picture_is_uploaded_and_changed(engine: Engine) -> None:
    inputs = [{"role": "source", "asset": "ast_1"}]
    offer = engine.offer(PICTURE, Task.IMAGE_EDIT)
    [picture] = await engine.made(offer, "image-edit", inputs=inputs, steps=4, seed=7)
    Image.open(io.BytesIO(picture)).load()


async def test_a_clip_is_made(engine: Engine) -> None:
    offer = engine.offer(CLIP, Task.TEXT_TO_VIDEO)
    [clip] = await engine.made(offer, "text-to-video", width=256, height=256, duration_s=1, seed=7)
    with av.open(io.BytesIO(clip)) as container:
        assert sum(1 for _ in container.decode(container.streams[0])) > 0


async def test_a_lora_changes_the_picture_and_is_gone_from_the_next(engine: Engine) -> None:
    offer = engine.offer(PICTURE, Task.TEXT_TO_IMAGE)
    if not engine.inventory.loras:
        pytest.skip("this server has no LoRA")
    lora = {"id": engine.inventory.loras[0].name, "scale": 1.0}
    [plain] = await engine.made(offer, "text-to-image", **SMALL)
    [changed] = await engine.made(offer, "text-to-image", loras=[lora], **SMALL)
    [again] = await engine.made(offer, "text-to-image", **SMALL)
    pixels = [Image.open(io.BytesIO(each)).convert("RGB").tobytes() for each in (plain, changed, again)]
    assert pixels[0] == pixels[2]
    assert engine.is_simulated or pixels[0] != pixels[1], "a simulated picture is of one color, whatever is asked"


async def test_an_invalid_graph_is_refused_and_says_why(engine: Engine) -> None:
    offer = engine.offer(PICTURE, Task.TEXT_TO_IMAGE)
    request = MediaRequest.model_validate({"task": "text-to-image", "prompt": "a fox"} | SMALL)
    missing = offer.model_copy(update={"fixed": {"4.ckpt_name": "there-is-no-such-file.safetensors"}})
    refused = await engine.finished(comfyui.submit(request, missing))
    assert isinstance(refused, Failed) and refused.error.fault is Fault.MODEL_MISSING, refused
    wrong = offer.model_copy(update={"fixed": offer.fixed | {"3.sampler_name": 7}})
    refused = await engine.finished(comfyui.submit(request, wrong))
    assert isinstance(refused, Failed) and refused.error.fault is Fault.INVALID_REQUEST, refused


async def test_a_run_is_interrupted_and_is_no_success(engine: Engine) -> None:
    offer = engine.offer(PICTURE, Task.TEXT_TO_IMAGE)
    wanted = {"task": "text-to-image", "prompt": f"a fox {uuid.uuid4().hex}"} | engine.slow
    request = MediaRequest.model_validate(wanted)
    run = await engine.finished(comfyui.submit(request, offer), until=_is_seen)
    assert isinstance(run, Pending)
    stop = comfyui.cancel(run.call)
    assert stop is not None
    await engine.turn(stop)
    ended = await engine.finished(run.call)
    assert isinstance(ended, Failed) and ended.error.fault is Fault.PROVIDER_FAULT, ended


def _is_seen(progress: Pending) -> bool:
    return progress.call.memo.get("word") not in (None, "submitted")
