"""What ElevenLabs' transcripts do not tell: voices, lists, and replies that are no sound."""

import json

import pytest

from adapters.dialects import elevenlabs
from adapters.registry import load_catalog
from adapters.schema import MediaRequest
from adapters.wire import Lists, Reply, understand

OFFER = load_catalog().cards["elevenlabs"].offers[0]


def submitted(**extra):
    return elevenlabs.submit(MediaRequest(task="text-to-speech", prompt="Hello.", extra={"elevenlabs": extra}), OFFER)


def test_a_voice_cannot_lead_to_another_path():
    assert submitted(voice_id="../../v1/user?x").url.startswith(
        "/v1/text-to-speech/..%2F..%2Fv1%2Fuser%3Fx?output_format="
    )


def test_the_reply_is_kept_as_it_comes():
    assert submitted().stores


@pytest.mark.parametrize(
    "reply",
    [Reply(200, {"content-type": "text/html"}, stored="sto_1"), Reply(200, {"content-type": "audio/mpeg"}, b"x"),
     Reply(200, {}, stored="sto_1")],
)  # fmt: skip
def test_what_is_not_stored_sound_is_a_bad_reply(reply):
    assert understand(elevenlabs, submitted(), reply).error.fault == "bad_reply"


def test_only_models_that_speak_are_listed():
    assert isinstance(elevenlabs, Lists)
    listed = [
        {"model_id": "a", "name": "A", "can_do_text_to_speech": True},
        {"model_id": "b", "can_do_text_to_speech": False},
    ]
    found = elevenlabs.read_models(elevenlabs.list_models(), Reply(200, {}, json.dumps(listed).encode()))
    assert [each.wire_id for each in found.models] == ["a"] and found.next is None
