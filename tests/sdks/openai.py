"""OpenAI's own Python client against the simulated API: pictures, edits, partial pictures, chat, the list, refusals.

Run as `python tests/sdks/openai.py http://127.0.0.1:PORT`.
"""

import base64
import os
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [place for place in sys.path if place != here]  # this file has the client's own name

import openai  # noqa: E402 - the path comes first

SIMULATORS = ("openai_images", "openai_chat")

client = openai.OpenAI(api_key="sk-simulated", base_url=f"{sys.argv[1]}/v1", max_retries=1)
PNG = b"\x89PNG"


def refusal(call):
    """The error with which a call is refused."""
    try:
        call()
    except openai.APIError as error:
        return error
    raise AssertionError("not refused")


# A picture, with what it took.
made = client.images.generate(
    model="gpt-image-2", prompt="a cat", n=2, size="1024x1536", quality="low", output_format="jpeg", moderation="auto"
)
assert len(made.data) == 2 and made.usage.output_tokens_details.image_tokens == 400, made.usage
assert base64.b64decode(made.data[0].b64_json)[:3] == b"\xff\xd8\xff"

# One in parts, as they come: with partial pictures, without, broken by the vendor, and broken off.
partial, completed = "image_generation.partial_image", "image_generation.completed"
asked = {"model": "gpt-image-2", "stream": True}
began, arrived = time.monotonic(), []
events = []
for event in client.images.generate(prompt="a cat", partial_images=2, output_format="jpeg", **asked):
    arrived.append(time.monotonic() - began)
    events.append(event)
assert [event.type for event in events] == [partial, partial, completed] and arrived[2] - arrived[0] > 0.05, arrived
assert [event.partial_image_index for event in events[:2]] == [0, 1] and len({event.b64_json for event in events}) == 3
for event in events:
    assert base64.b64decode(event.b64_json)[:3] == b"\xff\xd8\xff" and event.output_format == "jpeg"
    assert (event.size, event.background, event.quality) == ("1024x1024", "opaque", "low") and event.created_at
assert events[-1].usage.output_tokens == 200 + 2 * 100
assert [event.type for event in client.images.generate(prompt="a cat", **asked)] == [completed]
assert "It broke" in str(refusal(lambda: list(client.images.generate(prompt="a [fail late]", **asked))))

# Edits: one picture is `image`, several are `image[]`.
one = client.images.edit(model="gpt-image-2", prompt="a cat", image=("a.png", PNG, "image/png"))
assert one.usage.input_tokens_details.image_tokens == 1_000
events = client.images.edit(image=("a.png", PNG, "image/png"), prompt="a cat", partial_images=1, **asked)
assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]
pair = [("a.png", PNG, "image/png"), ("b.png", PNG, "image/png")]
assert client.images.edit(model="gpt-image-2", prompt="a cat", image=pair, mask=("m.png", PNG, "image/png")).data

# Refusals: moderation, an unknown word, a wrong key; a request too many is sent again by the client itself.
refused = refusal(lambda: client.images.generate(model="gpt-image-2", prompt="a cat [refuse]"))
assert (refused.status_code, refused.code) == (400, "moderation_blocked"), refused
refused = refusal(lambda: client.images.generate(model="gpt-image-2", prompt="a cat", extra_body={"seed": 1}))
assert (refused.status_code, refused.code) == (400, "unknown_parameter"), refused
stranger = client.with_options(api_key="no")
assert refusal(lambda: stranger.images.generate(model="gpt-image-2", prompt="a cat")).status_code == 401
assert client.images.generate(model="gpt-image-2", prompt="a cat [throttle]").data

# Words, whole and streamed.
asked = [{"role": "user", "content": "hi"}]
whole = client.chat.completions.create(model="gpt-4.1-mini", messages=asked)
assert whole.choices[0].message.content == "An onion" and whole.usage.total_tokens == 15
chunks = list(
    client.chat.completions.create(
        model="gpt-4.1-mini", messages=asked, stream=True, stream_options={"include_usage": True}
    )
)
assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "An onion"
assert chunks[-1].usage.completion_tokens == 5

# The list, and Azure's client on its v1 path with its own header.
assert "gpt-image-2" in {model.id for model in client.models.list()}
azure = openai.OpenAI(api_key="none", base_url=f"{sys.argv[1]}/v1", default_headers={"api-key": "sk-simulated"})
assert azure.images.generate(model="gpt-image-2", prompt="a cat").data
