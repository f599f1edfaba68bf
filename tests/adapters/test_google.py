"""What Google's protocols share: where a clip is fetched, how a link leads on, and how models are listed."""

import json

import pytest

from adapters import google
from adapters.dialects import gemini, google_interactions, veo
from adapters.errors import Fault
from adapters.wire import Call, Done, Failed, Pending, Reply, understand

CONTENT = Call(
    stage="content",
    method="GET",
    url="/files/abc:download?alt=media",
    memo={"later": [], "stored": [], "mime": "video/mp4", "output_video_token": "23168"},
    stores=True,
)


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        (
            "https://generativelanguage.googleapis.com/v1beta/files/abc:download?alt=media",
            "/files/abc:download?alt=media",
        ),
        ("https://generativelanguage.googleapis.com/v1/files/abc:download?alt=media", "/files/abc:download?alt=media"),
        ("gs://bucket/clip.mp4", "gs://bucket/clip.mp4"),
        ("https://x.example/files/../keys:download?alt=media", "https://x.example/files/../keys:download?alt=media"),
        ("", ""),
    ],
)
def test_only_a_file_of_googles_is_asked_for_on_the_configured_host(uri, place):
    assert google.place(uri) == place


@pytest.mark.parametrize("dialect", [veo, google_interactions])
def test_a_link_is_followed_a_few_times_and_never_to_an_open_one(dialect):
    call = CONTENT
    for hop in range(google.HOPS):
        onward = understand(dialect, call, Reply(302, {"location": f"https://storage.example/{hop}"}))
        assert isinstance(onward, Pending) and onward.call.url == f"https://storage.example/{hop}"
        assert onward.call.stores
        call = onward.call
    for last in (call, CONTENT):
        link = "https://storage.example/again" if last is call else "http://storage.example/open"
        ended = understand(dialect, last, Reply(302, {"location": link}))
        assert isinstance(ended, Failed) and ended.error.fault is Fault.BAD_REPLY


@pytest.mark.parametrize("dialect", [veo, google_interactions])
def test_a_clip_that_was_stored_is_the_output_and_anything_else_is_not(dialect):
    done = understand(dialect, CONTENT, Reply(200, {"content-type": "video/mp4"}, stored="blob"))
    assert isinstance(done, Done) and [output.stored for output in done.outputs] == ["blob"]
    ended = understand(dialect, CONTENT, Reply(200, {}, b"{}"))
    assert isinstance(ended, Failed) and ended.error.fault is Fault.BAD_REPLY


def test_the_tokens_of_a_clip_are_kept_until_it_is_fetched():
    done = google_interactions.read(CONTENT, Reply(200, {}, stored="blob"))
    assert {unit: str(count) for unit, count in done.usage.items()} == {"output_video_token": "23168"}


def test_several_clips_are_fetched_one_after_the_other():
    link = "https://generativelanguage.googleapis.com/v1beta/files/{}:download?alt=media"
    samples = [{"video": {"uri": link.format(name)}} for name in ("a", "b")]
    body = {
        "name": "models/x/operations/1",
        "done": True,
        "response": {"generateVideoResponse": {"generatedSamples": samples}},
    }
    asked = Call(stage="status", method="GET", url="/models/x/operations/1")
    first = veo.read(asked, Reply(200, {}, json.dumps(body).encode()))
    second = veo.read(first.call, Reply(200, {}, stored="one"))
    done = veo.read(second.call, Reply(200, {}, stored="two"))
    assert [first.call.url[7:8], second.call.url[7:8]] == ["a", "b"]
    assert [output.stored for output in done.outputs] == ["one", "two"]


def test_models_are_listed_page_by_page():
    call = google.list_models()
    page = {
        "models": [{"name": "models/gemini-3.8-flash", "displayName": "Gemini 3.8 Flash"}],
        "nextPageToken": "a/b==",
    }
    listed = google.read_models(call, Reply(200, {}, json.dumps(page).encode()))
    assert [(model.wire_id, model.name) for model in listed.models] == [("gemini-3.8-flash", "Gemini 3.8 Flash")]
    assert listed.next is not None and listed.next.url == "/models?pageSize=1000&pageToken=a%2Fb%3D%3D"
    last = google.read_models(listed.next, Reply(200, {}, b'{"models": []}'))
    assert last == ((), None)


def test_gemini_is_heard_without_its_thoughts():
    parts = [{"text": "hm", "thought": True}, {"text": "hel"}, {"text": "lo"}]
    assert gemini.delta({"candidates": [{"content": {"parts": parts}}]}) == "hello"
    assert gemini.delta({"usageMetadata": {}}) == ""
