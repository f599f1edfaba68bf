"""What a provider handed over becomes ours: bytes kept, facts measured, units counted. Nothing is posted or retried."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import NamedTuple

from adapters.http import NotFetched, fetch
from adapters.schema import Modality, Output, Task, Usage
from gateway.assets import tables
from gateway.assets.rules import Facts, Kept, from_base64, from_data_uri, is_data_uri, read_stored_name
from gateway.assets.service import Assets
from gateway.assets.sniff import UNKNOWN, contradicts, kind, plain
from gateway.assets.tables import Row

LINK_S = 300.0
"""How long one output may take to arrive: a gigabyte at 30 Mbit/s."""
AT_ONCE = 8
"""Outputs of one job fetched at the same time; a job may have a hundred."""
MILLISECOND = Decimal("0.001")
MEGA = Decimal(1_000_000)


class NotCollected(Exception):
    """An output could not be fetched. The job did not fail: unless `lasting`, asking again later may work."""

    def __init__(self, message: str, lasting: bool) -> None:
        super().__init__(message)
        self.lasting = lasting


class Collected(NamedTuple):
    """One output as we have it: words, or a row to insert, or the fault of bytes that are not what they should be."""

    mime: str
    text: str | None = None
    row: Row | None = None
    facts: Facts | None = None
    fault: str | None = None


async def collect(
    assets: Assets, job_id: str, key_id: str, provider_base_url: str, outputs: tuple[Output, ...]
) -> tuple[Collected, ...]:
    """Every output in its order, its bytes durable. Repeating it is harmless: the same bytes are the same blob.

    Links on the provider's configured origin may be private; all others go through the guard.
    Raises NotCollected.
    """
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(output: Output) -> Kept | str:
        async with turn:
            return await _kept(assets, provider_base_url, output)

    media = [output for output in outputs if output.text is None]
    results = await asyncio.gather(*map(one, media), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    kept = (result for result in results if not isinstance(result, BaseException))
    return tuple(
        Collected(output.mime, text=output.text)
        if output.text is not None
        else _judged(next(kept), output, job_id, key_id)  # one after another, so that ids sort as outputs do
        for output in outputs
    )


def _judged(kept: Kept | str, output: Output, job_id: str, key_id: str) -> Collected:
    if isinstance(kept, str):
        return Collected(output.mime, fault=kept)
    facts = kept.facts
    if contradicts(output.mime, facts.mime):
        return Collected(facts.mime, facts=facts, fault=f"was said to be {plain(output.mime)}, but is {facts.mime}")
    if facts.fault or facts.mime == UNKNOWN:
        return Collected(facts.mime, facts=facts, fault=facts.fault or "is no kind of media that we know")
    return Collected(facts.mime, row=tables.new_row(key_id, kept, "output", job_id), facts=facts)


async def _kept(assets: Assets, provider_base_url: str, output: Output) -> Kept | str:
    """The bytes of one output with their facts, or why there are none to speak of."""
    match output:
        case Output(stored=str(name)):
            return await _stored(assets, name)
        case Output(base64=str(words)):
            return await _inline(assets, partial(from_base64, words))
        case Output(url=str(url)) if is_data_uri(url):
            return await _inline(assets, partial(from_data_uri, url))
        case Output(url=str(url)):
            return await _fetched(assets, url, provider_base_url)
        case _:
            return "the provider named an output and handed over nothing"


async def _stored(assets: Assets, name: str) -> Kept:
    blob = read_stored_name(name)
    try:
        return Kept(blob, await assets.facts(blob.sha256))
    except FileNotFoundError as error:
        raise NotCollected(f"the store no longer has {name}", lasting=True) from error


async def _inline(assets: Assets, load: Callable[[], bytes]) -> Kept | str:
    try:
        return await assets.keep(load)
    except ValueError:
        return "is not valid base64"


async def _fetched(assets: Assets, url: str, provider_base_url: str) -> Kept:
    try:
        async with asyncio.timeout(LINK_S), aclosing(fetch(assets.clients, url, provider_base_url)) as chunks:
            return await assets.keep_stream(chunks)
    except NotFetched as error:
        raise NotCollected(str(error), error.lasting) from error
    except TimeoutError as error:
        raise NotCollected(f"{url[:200]} did not deliver within {LINK_S:g} s", lasting=False) from error


def measured(collected: tuple[Collected, ...], task: Task) -> Usage:
    """Units counted on what really came, whatever the provider says: outputs of the task's own kind that decode."""
    good = [each.facts for each in collected if each.facts and not each.fault]
    of_kind = [facts for facts in good if _modality(facts, task) is task.modality]
    match task.modality:
        case Modality.IMAGE:
            pixels = sum((facts.width or 0) * (facts.height or 0) for facts in of_kind)
            return {"output_image": Decimal(len(of_kind)), "output_megapixel": Decimal(pixels) / MEGA}
        case Modality.VIDEO:
            frames = Decimal(sum(facts.frames or 0 for facts in of_kind))
            clips = {"output_video": Decimal(len(of_kind)), "output_video_second": _seconds(of_kind)}
            return clips | {"output_video_frame": frames}
        case Modality.AUDIO:
            return {"output_audio_second": _seconds(of_kind)}
        case Modality.TEXT:
            return {}


def _modality(facts: Facts, task: Task) -> Modality | None:
    """A moving picture (GIF, WebP) is a clip where a clip was asked for."""
    moving = facts.frames is not None and kind(facts.mime) == "image"
    if moving and task.modality is Modality.VIDEO:
        return Modality.VIDEO
    return Modality(kind(facts.mime)) if kind(facts.mime) in list(Modality) else None


def _seconds(clips: list[Facts]) -> Decimal:
    """Frames by their rate where both are known, since a container's own length is often rounded."""
    lengths = (
        Decimal(clip.frames) / Decimal(str(clip.fps))
        if clip.frames and clip.fps
        else Decimal(str(clip.duration_s or 0))
        for clip in clips
    )
    return sum((length.quantize(MILLISECOND, ROUND_HALF_UP) for length in lengths), Decimal(0))
