"""OpenAI's own Python client at our OpenAI door, in front of a model that shows its pictures while it makes them.

Run as `python tests/sdks_doors/openai_partials.py http://127.0.0.1:PORT KEY`.
"""

import asyncio
import base64
import os
import struct
import sys
import zlib

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [place for place in sys.path if place != here]

import openai  # noqa: E402 - the path comes first
from openai.types import (  # noqa: E402
    ImageEditCompletedEvent,
    ImageEditPartialImageEvent,
    ImageGenCompletedEvent,
    ImageGenPartialImageEvent,
)

base, key = sys.argv[1:]
client = openai.OpenAI(api_key=key, base_url=f"{base}/openai/v1", max_retries=0)
MADE = [ImageGenPartialImageEvent, ImageGenPartialImageEvent, ImageGenCompletedEvent]
EDITED = [ImageEditPartialImageEvent, ImageEditPartialImageEvent, ImageEditCompletedEvent]
asked = {"model": "openai/gpt-image-2", "prompt": "a fox", "size": "1024x1536", "quality": "low", "stream": True}
asked |= {"partial_images": 2, "output_format": "jpeg"}
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


HEAD = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
BLUE = b"".join([
    PNG, b"\r\n\x1a\n", chunk(b"IHDR", HEAD), chunk(b"IDAT", zlib.compress((b"\0" + bytes((40, 60, 200)) * 64) * 64)),
    chunk(b"IEND", b""),
])  # fmt: skip


def look_at(events, kinds):
    """Two pictures on the way and the whole one: each of its type, complete, and unlike the others."""
    assert [type(event) for event in events] == kinds, events
    for event in events:
        type(event).model_validate(event.model_dump())  # the client itself checks nothing
        assert base64.b64decode(event.b64_json).startswith(JPEG) and event.output_format == "jpeg"
        assert (event.size, event.quality, event.background) == ("1024x1536", "low", "opaque") and event.created_at
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    assert len({event.b64_json for event in events}) == 3
    assert events[-1].usage.output_tokens == 400 and events[-1].podium["cost_usd"]


look_at(list(client.images.generate(**asked)), MADE)
given = {"image": ("a.png", BLUE, "image/png")}
look_at(list(client.images.edit(**asked, **given)), EDITED)

# Without the wish, of several pictures at once, and of a model that has none: only the end.
for other in (
    {"partial_images": 0},
    {"n": 2},
    {"model": "podium/sandbox-pictures", "size": "64x64", "quality": "auto"},
):
    events = list(client.images.generate(**asked | other))
    assert {event.type for event in events} == {"image_generation.completed"}, (other, events)
    assert len(events) == other.get("n", 1)

# What breaks after a partial picture was seen is an error of the client's.
shown = iter(client.images.generate(**asked | {"prompt": "a fox [fail late]"}))
assert next(shown).type == next(shown).type == "image_generation.partial_image"


def refusal(call):
    """The error with which a call ends."""
    try:
        call()
    except openai.APIError as error:
        return error
    raise AssertionError("not refused")


seen = []  # with a further try the pictures begin anew
assert "It broke" in refusal(lambda: seen.extend(event.type for event in shown)).message
assert set(seen) <= {"image_generation.partial_image"}, seen


async def main():
    """The same with the client that waits."""
    async with openai.AsyncOpenAI(api_key=key, base_url=f"{base}/openai/v1", max_retries=0) as waiting:
        look_at([event async for event in await waiting.images.generate(**asked)], MADE)
        look_at([event async for event in await waiting.images.edit(**asked, **given)], EDITED)


asyncio.run(main())
