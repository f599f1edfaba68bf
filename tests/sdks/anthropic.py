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


def failure(kind, asker=client, **asked):
    """The error of this kind with which a stream ends, or does not begin."""
    try:
        with asker.messages.stream(**({"model": "claude-opus-5-5", "max_tokens": 50} | asked)) as stream:
            made = stream.get_final_message()
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
broken = failure(anthropic.APIStatusError, messages=[{"role": "user", "content": "hello [fail]"}])
assert "Overloaded" in str(broken), broken
strange = anthropic.Anthropic(api_key="another", base_url=base, max_retries=0)
assert failure(anthropic.AuthenticationError, strange, messages=hello).status_code == 401

# The list.
assert "claude-opus-5-5" in {model.id for model in client.models.list()}
