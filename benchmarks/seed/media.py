"""A few real pictures and clips, drawn by the sandbox over HTTP as a provider would, and kept in the store."""

import asyncio
import io
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx

from benchmarks.seed.chance import Chance
from gateway.assets.measure import measure
from gateway.assets.rules import Facts, Kept, blob_of
from gateway.assets.store import Store
from gateway.sandbox import process

PROMPTS = (
    "a red fox in fresh snow", "a lighthouse at dusk", "a sailing boat on a calm sea", "mountains at sunrise",
    "a city street in the rain", "an owl on a branch under the moon", "a field of sunflowers", "a cup of coffee",
    "a desert with cacti", "a forest path in autumn", "a whale under the stars", "a cat in a window",
)  # fmt: skip
PICTURES = 18
CLIPS = 3
POLL_S = 0.1
WAIT_S = 60.0
"""The longest that one of them may take on a busy machine."""


class Kind(NamedTuple):
    """What one drawing is asked for, and under which name the sandbox answers it."""

    path: str
    body: dict[str, Any]


class Media(NamedTuple):
    """What lies in the store, to be the output of many jobs: each job has a row of its own, as in the product."""

    pictures: tuple[Kept, ...]
    clips: tuple[Kept, ...]


async def draw(store: Store) -> Media:
    with TemporaryDirectory() as folder:
        sandbox = await process.start("127.0.0.1", 0, Path(folder))
        try:
            async with httpx.AsyncClient(
                base_url=sandbox.base_url, headers={"authorization": "Key seed"}, timeout=WAIT_S, trust_env=False
            ) as client:
                pictures = [await _kept(client, store, _picture(number)) for number in range(PICTURES)]
                clips = [await _kept(client, store, _clip(number)) for number in range(CLIPS)]
        finally:
            await sandbox.stop()
    return Media(tuple(pictures), tuple(clips))


def _picture(number: int) -> Kind:
    body = {"prompt": PROMPTS[number % len(PROMPTS)], "seed": number, "output_format": "jpeg"}
    return Kind("/sandbox/pictures", body)


def _clip(number: int) -> Kind:
    return Kind("/sandbox/clips", {"prompt": PROMPTS[number], "seed": number, "resolution": "360p", "duration": 5})


async def _kept(client: httpx.AsyncClient, store: Store, kind: Kind) -> Kept:
    begun = (await client.post(kind.path, json=kind.body)).raise_for_status().json()
    async with asyncio.timeout(WAIT_S):
        while (await client.get(begun["status_url"])).json()["status"] != "COMPLETED":  # noqa: ASYNC110 - another's
            await asyncio.sleep(POLL_S)
    answer = (await client.get(begun["response_url"])).raise_for_status().json()
    file = answer["images"][0] if "images" in answer else answer["video"]
    data = (await client.get(file["url"])).raise_for_status().content
    facts: Facts = await asyncio.to_thread(measure, io.BytesIO(data))
    assert facts.fault is None, facts
    await asyncio.to_thread(store.write, blob_of(data), data)
    return Kept(blob_of(data), facts)


def row(chance: Chance, kept: Kept, key_id: str, job_id: str | None, at: datetime) -> dict[str, Any]:
    """An asset's row as `gateway.assets.tables.new_row` makes them, as if it had been made then."""
    facts = kept.facts._asdict()
    del facts["fault"], facts["is_blank"]
    source = "output" if job_id else "upload"
    owned = {"id": chance.id("ast", at), "key_id": key_id, "source": source, "job_id": job_id}
    return owned | kept.blob._asdict() | facts | {"created_at": at, "expires_at": None}
