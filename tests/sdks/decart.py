"""Decart's own Python client against the simulated API: a clip, a picture; failure and refusals.

Run as `python tests/sdks/decart.py http://127.0.0.1:PORT`.
"""

import asyncio
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [place for place in sys.path if place != here]  # this file has the client's own name

import decart  # noqa: E402
from decart import errors  # noqa: E402

SIMULATORS = ("decart",)
KEY = "decart-0123456789abcdef"

base = sys.argv[1]


async def refused(kind, call):
    """The error of this kind with which a call ends."""
    try:
        made = await call
    except kind as error:
        return str(error)
    raise AssertionError(f"taken: {made}")


async def check(client, stranger):
    asked = {"model": decart.models.video("lucy-2.6"), "prompt": "anime", "data": b"mp4", "seed": 7}

    # A clip, with a reference and all options; each status is seen on the way.
    seen = []
    options = {"reference_image": b"png", "resolution": "720p", "enhance_prompt": False}
    told = {"on_status_change": lambda job: seen.append(job.status)}
    made = await client.queue.submit_and_poll(asked | options | told)
    assert made.status == "completed" and made.data[4:8] == b"ftyp", made
    assert seen == ["pending", "processing", "completed"], seen

    # A picture is answered at once.
    picture = {"model": decart.models.image("lucy-image-2"), "prompt": "a hat", "data": b"png", "resolution": "480p"}
    assert (await client.process(picture))[:4] == b"\x89PNG"

    # A failed job does not say why; moderation refuses the submit.
    assert (await client.queue.submit_and_poll(asked | {"prompt": "anime [fail]"})).status == "failed"
    error = await refused(errors.QueueSubmitError, client.queue.submit(asked | {"prompt": "anime [refuse]"}))
    assert "403" in error and "moderation" in error, error

    # Wrong bodies are refused at once; so is a wrong key.
    error = await refused(errors.QueueSubmitError, client.queue.submit(asked | {"resolution": "9000p"}))
    assert "422" in error and "resolution" in error, error
    assert "401" in await refused(errors.QueueSubmitError, stranger.queue.submit(asked))

    # An unknown job.
    assert "404" in await refused(errors.QueueStatusError, client.queue.status("no-such-job"))


async def main():
    ours, strangers = (decart.DecartClient(api_key=key, base_url=base) for key in (KEY, "no-key"))
    async with ours as client, strangers as stranger:
        await check(client, stranger)


asyncio.run(main())
