"""Anthropic's own Python client against the simulated messages: whole and streamed, with a picture, refused, listed.

Run as `python tests/sdks/anthropic.py http://127.0.0.1:PORT`.
"""

import sys

sys.path.pop(0)  # this file has the name of the client

import anthropic

SIMULATORS = ("anthropic",)
KEY = "anthropic-key-0123456789"
BYTES = "iVBORw0KGgo="

base = sys.argv[1]
client = anthropic.Anthropic(api_key=KEY, base_url=base, max_retries=0)


def failure(kind, **asked):
    """The error of this kind with which a call ends."""
    try:
        made = client.messages.create(**({"model": "claude-opus-5-5", "max_tokens": 50} | asked))
    except kind as error:
        return error
    raise AssertionError(f"{asked} was taken: {made}")


# Whole, with rules and pictures.
words = {"type": "text", "text": "what is this?"}
inline = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": BYTES}}
linked = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
talk = [{"role": "user", "content": [words, inline, linked]}]
asked = {"model": "claude-haiku-4-5", "max_tokens": 50, "system": "be brief", "messages": talk}
made = client.messages.create(**asked, extra_body={"temperature": 0.5})  # the client itself knows no temperature more
assert made.content[0].text == "A fox in snow." and made.stop_reason == "end_turn", made
assert (made.usage.input_tokens, made.usage.cache_read_input_tokens, made.usage.output_tokens) == (16, 4, 6), made.usage

# In pieces.
with client.messages.stream(model="claude-opus-5-5", max_tokens=50, messages=talk) as stream:
    assert list(stream.text_stream) == ["A fox ", "in snow."]
    assert stream.get_final_message().usage.output_tokens == 6

# A refusal is an answer.
with client.messages.stream(
    model="claude-opus-5-5", max_tokens=50, messages=[{"role": "user", "content": "a fox [refuse]"}]
) as stream:
    assert stream.get_final_message().stop_reason == "refusal"

# Errors, before and in the middle of an answer.
hello = [{"role": "user", "content": "hello"}]
assert failure(anthropic.NotFoundError, model="claude-2", messages=hello).status_code == 404
assert failure(anthropic.BadRequestError, messages=hello, extra_body={"temperature": 0.5}).status_code == 400
throttled = failure(anthropic.RateLimitError, messages=[{"role": "user", "content": "hello [throttle]"}])
assert throttled.response.headers["retry-after"] == "1"
try:
    with client.messages.stream(
        model="claude-opus-5-5", max_tokens=50, messages=[{"role": "user", "content": "hello [fail]"}]
    ) as stream:
        stream.get_final_message()
except anthropic.APIStatusError as error:
    assert "Overloaded" in str(error), error
else:
    raise AssertionError("nothing broke off")
strange = anthropic.Anthropic(api_key="another", base_url=base, max_retries=0)
try:
    strange.messages.create(model="claude-opus-5-5", max_tokens=5, messages=hello)
except anthropic.AuthenticationError as error:
    assert error.status_code == 401
else:
    raise AssertionError("any key will do")

# The list.
assert "claude-opus-5-5" in {model.id for model in client.models.list()}
print("ok")
