"""ElevenLabs' own Python client against the simulated one: speech, the list of models, refusals.

Run as `python tests/sdks/elevenlabs.py http://127.0.0.1:PORT`.
"""

import sys

# This file has the client's own name, and its folder is first on the path.
sys.path = sys.path[1:]

from elevenlabs import ElevenLabs, VoiceSettings  # noqa: E402
from elevenlabs.core.api_error import ApiError  # noqa: E402

SIMULATORS = ("elevenlabs",)
KEY = "sk_0123456789abcdef0123456789abcdef"
VOICE = "JBFqnCBsd6RMkjVDRZzb"

eleven = ElevenLabs(api_key=KEY, base_url=sys.argv[1])


def spoken(text, client=eleven, voice=VOICE, **more):
    return b"".join(client.text_to_speech.convert(voice, text=text, model_id="eleven_v4", **more))


def refusal(call):
    """The status and the word with which a call is refused."""
    try:
        call()
    except ApiError as error:
        return error.status_code, error.body["detail"]["status"]
    raise AssertionError("not refused")


sound = spoken("Good morning.", output_format="mp3_44100_128", voice_settings=VoiceSettings(stability=0.5), seed=7)
assert sound[:3] == b"ID3" or sound[0] == 0xFF, sound[:8]
with eleven.text_to_speech.with_raw_response.convert(VOICE, text="Good morning.", model_id="eleven_v4") as raw:
    assert raw.headers["character-cost"] == "13" and raw.headers["content-type"] == "audio/mpeg"
assert "eleven_v4" in [model.model_id for model in eleven.models.list()]

assert refusal(lambda: spoken("Good morning. [refuse]")) == (400, "content_against_policy")
assert refusal(lambda: spoken("Good morning.", voice="foo")) == (404, "voice_not_found")
assert refusal(lambda: spoken("Hi", ElevenLabs(api_key="no", base_url=sys.argv[1]))) == (401, "invalid_api_key")
