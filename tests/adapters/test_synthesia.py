"""Synthesia against its simulated API, over real HTTP: a recording is uploaded first, which no story here does."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.bodies import Media
from adapters.dialects import synthesia
from adapters.errors import Fault
from adapters.http import close_clients, open_clients, take_turn
from adapters.registry import load_catalog
from adapters.schema import MaskPaint, MediaRequest, Task
from adapters.wire import Call, Done, Failed, Pending, Progress
from tests.simulators import media
from tests.simulators.server import Server
from tests.simulators.synthesia import SIMULATED

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CARD = load_catalog().cards["synthesia"]
OFFER = CARD.offers[0].for_task(Task.AVATAR_VIDEO)
TURNS_MOST = 6


class Shelf:
    """One recording, whatever is asked for."""

    async def open(self, asset: str, mask: MaskPaint = "white") -> Media:
        data = media.sound()

        async def chunks() -> AsyncIterator[bytes]:
            yield data

        return Media("audio/mpeg", len(data), chunks())

    async def link(self, asset: str) -> str | None:
        return None

    async def store(self, chunks: AsyncIterator[bytes]) -> str:
        raise AssertionError("a video is linked")


async def turns(server: Server, call: Call, most: int = TURNS_MOST) -> list[Progress]:
    """What each turn came to, until there is an end."""
    card = CARD.model_copy(update={"base_url": server.url, "hosts": {"upload": server.url}})
    clients = open_clients()
    made: list[Progress] = []
    try:
        progress: Progress = Pending(call=call)
        while isinstance(progress, Pending) and len(made) < most:
            progress = await take_turn(clients, card, synthesia, progress.call, SIMULATED.key, Shelf(), now=NOW)
            made.append(progress)
    finally:
        await close_clients(clients)
    return made


def asked(prompt: str, **more: object) -> MediaRequest:
    job = {"task": "avatar-video", "prompt": prompt, "aspect_ratio": "16:9"}
    return MediaRequest.model_validate(job | more)


@pytest.mark.anyio
async def test_a_script_becomes_a_video_as_long_as_it_takes_to_say_it() -> None:
    with Server(SIMULATED) as server:
        *_, done = await turns(server, synthesia.submit(asked("one two three four five".ljust(50, ".")), OFFER))
    assert isinstance(done, Done) and done.usage == {"output_video_second": Decimal("2.5")}


@pytest.mark.anyio
async def test_a_recording_is_brought_there_before_it_is_spoken() -> None:
    request = asked("A greeting", inputs=[{"role": "audio", "asset": "ast_1"}])
    with Server(SIMULATED) as server:
        first, *_, done = await turns(server, synthesia.submit(request, OFFER))
        assert [ask.path for ask in server.world.asks[:2]] == ["/scriptAudio", "/videos"]
        assert list(server.world.kept.values()) == [media.sound()]
    assert isinstance(first, Pending) and isinstance(done, Done)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("word", "fault"),
    [("refuse", Fault.CONTENT_REJECTED), ("fail", Fault.PROVIDER_FAULT), ("nonsense", Fault.BAD_REPLY),
     ("throttle", Fault.RATE_LIMITED), ("break", Fault.PROVIDER_FAULT)],
)  # fmt: skip
async def test_each_way_to_go_wrong_has_its_fault(word: str, fault: Fault) -> None:
    with Server(SIMULATED) as server:
        *_, ended = await turns(server, synthesia.submit(asked(f"Hello [{word}]"), OFFER))
    assert isinstance(ended, Failed) and ended.error.fault is fault


@pytest.mark.anyio
async def test_a_video_that_is_canceled_is_deleted() -> None:
    with Server(SIMULATED) as server:
        [*_, pending] = await turns(server, synthesia.submit(asked("Hello [slow]"), OFFER), most=2)
        assert isinstance(pending, Pending)
        stop = synthesia.cancel(pending.call)
        assert stop is not None
        await turns(server, stop, most=1)
        [ended] = await turns(server, pending.call, most=1)
    assert isinstance(ended, Failed) and "deleted" in ended.error.message


def test_nobody_gets_a_free_watermarked_video_by_an_option() -> None:
    call = synthesia.submit(asked("Hello", extra={"synthesia": {"title": "Mine"}}), OFFER)
    assert isinstance(call.json_body, dict)
    assert (call.json_body["test"], call.json_body["title"]) == (False, "Mine")
