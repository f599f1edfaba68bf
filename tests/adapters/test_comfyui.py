"""ComfyUI against its simulated server, over real HTTP: uploads, both generations, and what a graph can have wrong."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.bodies import Media
from adapters.dialects import comfyui
from adapters.errors import Fault
from adapters.http import close_clients, open_clients, take_turn
from adapters.registry import load_catalog
from adapters.schema import MaskPaint, MediaRequest, Offer, Task
from adapters.wire import Call, Done, Failed, Pending, Progress, addressed
from tests.simulators import media
from tests.simulators.comfyui import SIMULATED
from tests.simulators.server import Server

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CARD = load_catalog().cards["comfyui"]
OFFERS = {offer.wire_id: offer for offer in CARD.offers}
TURNS_MOST = 12


class Shelf:
    """One picture, whatever is asked for; it keeps what it is given."""

    def __init__(self) -> None:
        self.stored: list[bytes] = []

    async def open(self, asset: str, mask: MaskPaint = "white") -> Media:
        data = media.picture()

        async def chunks() -> AsyncIterator[bytes]:
            yield data

        return Media("image/png", len(data), chunks())

    async def link(self, asset: str) -> str | None:
        return None

    async def store(self, chunks: AsyncIterator[bytes]) -> str:
        self.stored.append(b"".join([chunk async for chunk in chunks]))
        return f"stored-{len(self.stored)}"


async def turns(server: Server, call: Call, most: int = TURNS_MOST) -> list[Progress]:
    """What each turn came to, until there is an end."""
    card = CARD.model_copy(update={"base_url": server.url})
    clients, shelf = open_clients(), Shelf()
    made: list[Progress] = []
    try:
        progress: Progress = Pending(call=addressed(call, "att_1"))
        while isinstance(progress, Pending) and len(made) < most:
            onward = addressed(progress.call, "att_1")
            progress = await take_turn(clients, card, comfyui, onward, None, shelf, now=NOW)
            made.append(progress)
    finally:
        await close_clients(clients)
    return made


def asked(name: str, task: str, **more: object) -> tuple[MediaRequest, Offer]:
    return MediaRequest.model_validate({"task": task, "prompt": "a fox"} | more), OFFERS[name].for_task(Task(task))


EVERY = [
    ("sdxl", "text-to-image", {"width": 512, "height": 512, "loras": [{"id": "lora_a.safetensors", "scale": 0.7}]}),
    ("sdxl", "image-edit", {"inputs": [{"role": "source", "asset": "ast_1"}]}),
    ("sdxl", "inpaint", {"inputs": [{"role": "source", "asset": "ast_1"}, {"role": "mask", "asset": "ast_2"}]}),
    ("flux-dev", "text-to-image", {"loras": [{"id": "lora_a.safetensors"}, {"id": "lora_b.safetensors"}]}),
    ("wan-2.2", "text-to-video", {"duration_s": 1, "width": 256, "height": 256}),
    ("wan-2.2", "image-to-video", {"duration_s": 2, "inputs": [{"role": "first_frame", "asset": "ast_1"}]}),
    ("real-esrgan", "upscale-image", {"scale": 2, "inputs": [{"role": "source", "asset": "ast_1"}]}),
]


@pytest.mark.anyio
@pytest.mark.parametrize("generation", ["old", "new"])
@pytest.mark.parametrize(("name", "task", "more"), EVERY, ids=[f"{name} {task}" for name, task, _ in EVERY])
async def test_every_graph_of_the_card_is_valid_and_runs(
    name: str, task: str, more: dict[str, object], generation: str
) -> None:
    with Server(*SIMULATED) as server:
        server.world.kept |= {generation: True}
        *_, done = await turns(server, comfyui.submit(*asked(name, task, **more)))
    assert isinstance(done, Done) and done.usage == {"gpu_second": Decimal("2.5")}
    assert done.outputs[0].stored and done.outputs[0].mime == ("video/mp4" if "video" in task else "image/png")


@pytest.mark.anyio
async def test_a_batch_is_fetched_picture_by_picture() -> None:
    with Server(*SIMULATED) as server:
        *_, done = await turns(server, comfyui.submit(*asked("sdxl", "text-to-image", count=3)))
    assert isinstance(done, Done) and [output.stored for output in done.outputs] == ["stored-1", "stored-2", "stored-3"]


@pytest.mark.anyio
async def test_two_loras_follow_one_another_and_the_sampler_uses_the_last() -> None:
    loras = [{"id": "lora_a.safetensors", "scale": 0.7}, {"id": "lora_b.safetensors", "scale": 0.5}]
    with Server(*SIMULATED) as server:
        await turns(server, comfyui.submit(*asked("flux-dev", "text-to-image", loras=loras)))
        [run] = server.world.runs.values()
    assert run.asked["lora0"]["inputs"] == {
        "model": ["4", 0], "lora_name": "lora_a.safetensors", "strength_model": 0.7,
    }  # fmt: skip
    assert run.asked["lora1"]["inputs"]["model"] == ["lora0", 0]
    assert run.asked["3"]["inputs"]["model"] == ["lora1", 0]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("changes", "fault"),
    [({"4.ckpt_name": "another.safetensors"}, Fault.MODEL_MISSING), ({"3.cfg": "high"}, Fault.INVALID_REQUEST)],
)
async def test_weights_that_are_not_there_are_no_fault_of_the_caller(changes: dict[str, object], fault: Fault) -> None:
    request, offer = asked("sdxl", "text-to-image")
    with Server(*SIMULATED) as server:
        [ended] = await turns(server, comfyui.submit(request, offer.model_copy(update={"fixed": changes})))
    assert isinstance(ended, Failed) and ended.error.fault is fault


@pytest.mark.anyio
async def test_a_lora_that_is_not_there_is_the_callers_own_choice() -> None:
    with Server(*SIMULATED) as server:
        [ended] = await turns(server, comfyui.submit(*asked("sdxl", "text-to-image", loras=[{"id": "../x"}])))
    assert isinstance(ended, Failed) and ended.error.fault is Fault.INVALID_REQUEST
    assert "lora_name" in ended.error.message


@pytest.mark.anyio
@pytest.mark.parametrize("generation", ["old", "new"])
@pytest.mark.parametrize("word", ["slow", "queued"])
async def test_a_canceled_run_is_stopped_whether_it_runs_or_waits(word: str, generation: str) -> None:
    request, offer = asked("sdxl", "text-to-image", prompt=f"a fox [{word}]")
    with Server(*SIMULATED) as server:
        server.world.kept |= {generation: True}
        *_, pending = await turns(server, comfyui.submit(request, offer), most=4)
        assert isinstance(pending, Pending)
        stop = comfyui.cancel(pending.call)
        assert stop is not None
        await turns(server, stop, most=1)
        [run] = server.world.runs.values()
        assert run.canceled
        *_, ended = await turns(server, pending.call)
    assert isinstance(ended, Failed) and ended.error.fault is Fault.PROVIDER_FAULT


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("word", "fault"),
    [("refuse", Fault.CONTENT_REJECTED), ("fail", Fault.PROVIDER_FAULT), ("nonsense", Fault.BAD_REPLY)],
)
async def test_each_way_to_go_wrong_has_its_fault_and_no_traceback(word: str, fault: Fault) -> None:
    with Server(*SIMULATED) as server:
        *_, ended = await turns(server, comfyui.submit(*asked("sdxl", "text-to-image", prompt=f"a fox [{word}]")))
    assert isinstance(ended, Failed) and ended.error.fault is fault
    assert "/srv" not in ended.error.message


def test_no_extra_reaches_a_node_that_the_card_does_not_name() -> None:
    extra = {"comfyui": {"4.ckpt_name": "other.safetensors", "9.filename_prefix": "../../x"}}
    body = comfyui.submit(*asked("sdxl", "text-to-image", extra=extra)).json_body
    assert isinstance(body, dict) and body["extra_data"] == extra["comfyui"]
    assert "other.safetensors" not in str(body["prompt"]) and "../../x" not in str(body["prompt"])


def test_brackets_in_a_prompt_weigh_nothing() -> None:
    body = comfyui.submit(*asked("sdxl", "text-to-image", prompt="(a fox:1.9) embedding:bad \\(")).json_body
    assert isinstance(body, dict)
    assert body["prompt"]["6"]["inputs"]["text"] == r"\(a fox:1.9\) embedding :bad  \("
