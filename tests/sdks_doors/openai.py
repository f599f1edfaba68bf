"""OpenAI's own Python client at our OpenAI door: pictures, edits, clips, chats, models, and every class of error.

Run as `python tests/sdks_doors/openai.py http://127.0.0.1:PORT KEY POOR_KEY CAPPED_KEY SLOW_KEY`, where the second key
has no money, the third a budget that is spent, and the fourth a plan of one job a minute.
"""

import asyncio
import base64
import os
import struct
import sys
import warnings
import zlib

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [place for place in sys.path if place != here]  # this file has the client's own name

import openai  # noqa: E402 - the path comes first

warnings.simplefilter("ignore", DeprecationWarning)  # the client calls all of its methods for videos deprecated

base, key, poor, capped, slow = sys.argv[1:]
client = openai.OpenAI(api_key=key, base_url=f"{base}/openai/v1", max_retries=0)
PNG, WEBP, MP4 = b"\x89PNG", b"RIFF", b"ftyp"
PICTURES, CLIPS, WORDS = "podium/sandbox-pictures", "podium/sandbox-clips-draft", "podium/sandbox-words"


def png(width, height, pixel):
    """A picture of one colour with transparency, or without where the pixel has three parts."""
    row = b"\0" + bytes(pixel) * width
    head = struct.pack(">IIBBBBB", width, height, 8, 6 if len(pixel) == 4 else 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(row * height)), (b"IEND", b""))
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return PNG + b"\r\n\x1a\n" + b"".join(chunks)


def refusal(call):
    """The error with which a call is refused."""
    try:
        call()
    except openai.APIError as error:
        return error
    raise AssertionError("not refused")


# Pictures: as many and as large as asked, as base64 and as a link; our extras in the headers.
raw = client.images.with_raw_response.generate(
    model=PICTURES, prompt="a red fox", n=2, size="256x128", output_format="jpeg", extra_body={"seed": 7}
)
made = raw.parse()
assert len(made.data) == 2 and made.size == "256x128" and made.output_format == "jpeg", made
assert base64.b64decode(made.data[0].b64_json)[:3] == b"\xff\xd8\xff" and made.data[0].url.startswith(base)
assert raw.headers["x-podium-model"] == PICTURES and raw.headers["x-podium-cost-usd"] == "0.004", raw.headers
assert raw.headers["x-podium-job"].startswith("job_") and raw.headers["x-podium-decision"].startswith("dec_")
linked = client.images.generate(model="auto:cheapest", prompt="a fox", size="auto", response_format="url")
assert linked.data[0].url and linked.data[0].b64_json is None

# Routing wishes, ours and OpenRouter's; a wish that cannot be kept is a refusal.
wished = client.images.with_raw_response.generate(
    model="auto", prompt="a fox", extra_body={"podium": {"only": [PICTURES]}, "provider": {"sort": "price"}}
)
assert wished.headers["x-podium-model"] == PICTURES
refused = refusal(lambda: client.images.generate(model="auto", prompt="a", extra_body={"provider": {"zdr": True}}))
assert isinstance(refused, openai.BadRequestError) and refused.param == "provider.zdr", refused

# One as a stream: no partial pictures, but the event that ends every stream.
events = list(client.images.generate(model=PICTURES, prompt="a fox", size="64x64", stream=True, partial_images=2))
assert [event.type for event in events] == ["image_generation.completed"], events
assert base64.b64decode(events[0].b64_json).startswith(PNG) and events[0].usage.total_tokens == 0

# Edits: one picture, several, and one with a mask whose transparent part is to change.
blue = png(64, 64, (40, 60, 200))
edited = client.images.edit(model=PICTURES, prompt="make it dusk", image=("a.png", blue, "image/png"))
assert base64.b64decode(edited.data[0].b64_json).startswith(PNG)
several = [("a.png", blue, "image/png"), ("b.png", png(32, 32, (200, 60, 40)), "image/png")]
assert client.images.edit(model="auto", prompt="join them", image=several).data
hole = ("m.png", png(64, 64, (0, 0, 0, 0)), "image/png")
masked = client.images.edit(model=PICTURES, prompt="a red roof", image=("a.png", blue, "image/png"), mask=hole)
assert masked.data[0].b64_json != edited.data[0].b64_json
opaque = ("m.png", blue, "image/png")
refused = refusal(lambda: client.images.edit(model=PICTURES, prompt="a", image=("a.png", blue), mask=opaque))
assert isinstance(refused, openai.BadRequestError) and refused.param == "mask", refused
[shown] = list(client.images.edit(model=PICTURES, prompt="dusk", image=("a.png", blue), stream=True))
assert shown.type == "image_edit.completed"

# A clip: made, waited for, fetched, listed, deleted.
clip = client.videos.create_and_poll(model=CLIPS, prompt="a red fox runs through snow", seconds="1", size="640x360")
assert clip.status == "completed" and clip.progress == 100 and clip.seconds == "1" and clip.size == "640x360", clip
assert MP4 in client.videos.download_content(clip.id).read()[:16]
assert client.videos.download_content(clip.id, variant="thumbnail").read()[:4] == WEBP
assert refusal(lambda: client.videos.download_content(clip.id, variant="spritesheet")).status_code == 400
begun = client.videos.create(
    model="podium/sandbox-clips", prompt="snow", seconds="2", input_reference=("a.png", blue, "image/png"),
    extra_body={"podium": {"only": ["sandbox"], "max_cost_usd": "1"}},
)  # fmt: skip
assert begun.status == "queued" and begun.object == "video", begun
raw = client.videos.with_raw_response.retrieve(begun.id)
assert 200 <= int(raw.headers["openai-poll-after-ms"]) <= 5_000, raw.headers
refused = refusal(lambda: client.videos.download_content(begun.id))
assert isinstance(refused, openai.NotFoundError), refused
assert client.videos.poll(begun.id).status == "completed"
assert [video.id for video in client.videos.list(limit=1)] == [begun.id, clip.id]  # the client turns the pages
assert [video.id for video in client.videos.list(order="asc")] == [clip.id, begun.id]
refused = refusal(lambda: client.videos.remix(clip.id, prompt="at night"))
assert isinstance(refused, openai.BadRequestError) and refused.code == "no_offer", refused
assert client.videos.delete(begun.id).deleted
assert isinstance(refusal(lambda: client.videos.retrieve(begun.id)), openai.NotFoundError)
assert [video.id for video in client.videos.list()] == [clip.id]

# Words, whole and as they come, with what they took; a picture among them.
asked = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Tell me of foxes."}]
whole = client.chat.completions.create(model=WORDS, messages=asked, max_completion_tokens=60, seed=3)
text = whole.choices[0].message.content
assert text and whole.usage.completion_tokens > 1 and whole.usage.total_tokens > whole.usage.completion_tokens, whole
chunks = list(
    client.chat.completions.create(
        model=WORDS, messages=asked, max_tokens=60, seed=3, stream=True, stream_options={"include_usage": True}
    )
)
deltas = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
assert "".join(deltas) == text and len(deltas) > 3, deltas
assert chunks[-1].usage == whole.usage and chunks[-2].choices[0].finish_reason in ("stop", "length")
short = client.chat.completions.create(model=WORDS, messages=asked, max_tokens=2)
assert short.choices[0].finish_reason == "length" and short.usage.completion_tokens == 2
seen = "data:image/png;base64," + base64.b64encode(blue).decode()
parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": seen}}]
assert client.chat.completions.create(model=WORDS, messages=[{"role": "user", "content": parts}]).choices
refused = refusal(lambda: client.chat.completions.create(model=WORDS, messages=asked, top_p=0.5))
assert isinstance(refused, openai.BadRequestError) and refused.code == "no_offer" and "top_p" in refused.message

# Models, with what we know besides.
models = {model.id: model for model in client.models.list()}
assert {"auto", "auto:cheapest", PICTURES} <= models.keys() and "text-to-image" in models[PICTURES].tasks
assert client.models.retrieve(PICTURES).owned_by and client.models.retrieve("auto").id == "auto"

# The classes of errors.
wrong = {
    openai.NotFoundError: lambda: client.models.retrieve("nobody/knows-this"),
    openai.AuthenticationError: lambda: client.with_options(api_key="pk_wrong").models.list(),
    openai.BadRequestError: lambda: client.images.generate(model="nobody/knows-this", prompt="a"),
    openai.ConflictError: lambda: [
        client.images.generate(model=PICTURES, prompt=each, size="64x64", extra_headers={"Idempotency-Key": "k"})
        for each in ("a", "b")
    ],
}
for kind, call in wrong.items():
    assert type(refusal(call)) is kind, kind
refused = refusal(lambda: client.images.generate(model=PICTURES, prompt="a", n=99))
assert (refused.param, refused.status_code) in ((None, 400), ("n", 400)), refused
refused = refusal(lambda: client.images.generate(model=PICTURES, prompt="a", extra_body={"svg": {}}))
assert refused.param == "svg" and refused.type == "invalid_request_error", refused
for secret, code in ((poor, "insufficient_funds"), (capped, "over_budget")):
    payer = client.with_options(api_key=secret)
    refused = refusal(lambda payer=payer: payer.images.generate(model=PICTURES, prompt="a"))
    assert type(refused) is openai.APIStatusError and refused.status_code == 402 and refused.code == code, refused
    assert refused.type == "insufficient_quota"
patient = client.with_options(api_key=slow)
assert patient.images.generate(model=PICTURES, prompt="a", size="64x64").data
refused = refusal(lambda: patient.images.generate(model=PICTURES, prompt="a", size="64x64"))
assert type(refused) is openai.RateLimitError and refused.response.headers["x-should-retry"] == "true", refused


def behaving(**how):
    """A picture from a sandbox that behaves so, with no other to fall back to."""
    wishes = {"fallbacks": 0, "only": [PICTURES], "extra": {"sandbox": {"sandbox": how}}}
    return lambda: client.images.generate(model=PICTURES, prompt="a", size="64x64", extra_body={"podium": wishes})


refused = refusal(behaving(nonsense="result"))
assert type(refused) is openai.InternalServerError and refused.status_code == 502, refused
assert refused.response.headers["x-should-retry"] == "false", refused.response.headers
refused = refusal(behaving(refuse=True))
assert type(refused) is openai.BadRequestError and refused.code == "moderation_blocked", refused
stranger = client.with_options(api_key=poor)
for call in (stranger.videos.retrieve, stranger.videos.download_content, stranger.videos.delete):
    assert isinstance(refusal(lambda call=call: call(clip.id)), openai.NotFoundError)


async def main():
    """The same with the client that waits."""
    async with openai.AsyncOpenAI(api_key=key, base_url=f"{base}/openai/v1", max_retries=0) as waiting:
        made = await waiting.images.generate(model=PICTURES, prompt="a fox", size="64x64")
        assert made.data[0].b64_json
        shown = await waiting.images.generate(model=PICTURES, prompt="a fox", size="64x64", stream=True)
        events = [event async for event in shown]
        assert [event.type for event in events] == ["image_generation.completed"], events
        assert base64.b64decode(events[0].b64_json).startswith(PNG)
        edited = await waiting.images.edit(model=PICTURES, prompt="dusk", image=("a.png", blue, "image/png"))
        assert edited.data[0].b64_json
        assert PICTURES in [model.id async for model in waiting.models.list()]
        [refused] = await asyncio.gather(
            waiting.images.generate(model="nobody/knows-this", prompt="a"), return_exceptions=True
        )
        assert isinstance(refused, openai.BadRequestError) and refused.code == "model_not_found", refused
        stream = await waiting.chat.completions.create(model=WORDS, messages=asked, max_tokens=60, seed=3, stream=True)
        words = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        assert "".join(words) == text
        clip = await waiting.videos.create_and_poll(model=CLIPS, prompt="a fox", seconds="1")
        assert MP4 in (await waiting.videos.download_content(clip.id)).content[:16]


asyncio.run(main())
