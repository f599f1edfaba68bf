"""What a body of OpenAI's asks for: every word of the tables, what asks for nothing, and what is refused."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from adapters.schema import PARAMETERS, MediaRequest, Role, Task
from gateway.doors.openai import asking
from gateway.doors.openai.asking import CHAT, IMAGES, OURS, OWN, SAMPLING, THEIRS, VIDEOS, File, chat, image, video
from gateway.doors.openai.serving import job_body
from gateway.problems import Invalid

PICTURE = {"prompt": "a fox"}
TALK = {"messages": [{"role": "user", "content": "hi"}]}


def fault(call: Any, *arguments: Any) -> str:
    """The path of the field that is refused."""
    with pytest.raises(Invalid) as caught:
        call(*arguments)
    return str(caught.value.more["errors"][0]["path"])


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"n": 2}, {"count": 2}),
        ({"size": "1024x1536"}, {"width": 1024, "height": 1536}),
        ({"size": "auto"}, {}),
        ({"size": None}, {}),
        ({"quality": "high"}, {"quality": "high"}),
        ({"quality": "auto"}, {}),
        ({"output_format": "webp"}, {"format": "webp"}),
        ({"output_format": "jpg"}, {"format": "jpeg"}),
        ({"background": "opaque"}, {}),
        ({"moderation": "auto"}, {}),
        ({"output_compression": 100}, {}),
        ({"user": "u1"}, {"metadata": {"user": "u1"}}),
        ({"model": "auto:cheapest"}, {"model": "auto:cheapest"}),
        ({"seed": 7, "steps": 20}, {"seed": 7, "steps": 20}),
        ({"aspect_ratio": "16:9", "resolution": "2k"}, {"aspect_ratio": "16:9", "resolution": "2k"}),
        ({"podium": {"policy": "best", "strict": False}}, {"routing": {"policy": "best"}, "strict": False}),
        ({"podium": {"metadata": {"a": 1}}, "user": "u"}, {"metadata": {"user": "u", "a": 1}}),
    ],
)
def test_a_picture_is_asked_for_in_our_words(body: dict[str, Any], fields: dict[str, Any]) -> None:
    asked = image(PICTURE | body, Task.TEXT_TO_IMAGE)
    plain = {"model": "auto", "prompt": "a fox", "task": Task.TEXT_TO_IMAGE, "inputs": [], "routing": {}}
    assert asked.fields == plain | fields and asked.options == {}
    job_body(asked.fields)  # a job's body takes it as it is


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"size": "large"}, "size"),
        ({"size": "0x5"}, "size"),
        ({"size": 1024}, "size"),
        ({"response_format": "binary"}, "response_format"),
        ({"partial_images": 4}, "partial_images"),
        ({"stream": "maybe"}, "stream"),
        ({"frame_count": 4}, "frame_count"),
        ({"svg": {}}, "svg"),
        ({"podium": {"policy": "luckiest"}}, "podium.policy"),
        ({"podium": {"whatever": 1}}, "podium.whatever"),
        ({"podium": "best"}, "podium"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_its_own_name(body: dict[str, Any], path: str) -> None:
    assert fault(image, PICTURE | body, Task.TEXT_TO_IMAGE) == path


@pytest.mark.parametrize(
    ("body", "path"),
    [({"n": 0}, "n"), ({"n": "many"}, "n"), ({"size": "15x15"}, "size"), ({"output_format": 5}, "output_format")],
)
def test_what_a_job_refuses_is_said_of_the_field_that_was_written(body: dict[str, Any], path: str) -> None:
    assert fault(job_body, image(PICTURE | body, Task.TEXT_TO_IMAGE).fields) == path


@pytest.mark.parametrize("name", sorted(OWN))
def test_an_option_of_openais_own_is_set_apart(name: str) -> None:
    asked = image(PICTURE | {name: "something"}, Task.TEXT_TO_IMAGE)
    assert asked.options == {name: "something"} and name not in asked.fields


@pytest.mark.parametrize("name", sorted(SAMPLING))
def test_an_option_of_sampling_is_set_apart(name: str) -> None:
    assert chat(TALK | {name: 0.25}).options == {name: 0.25}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_p", 1), ("top_p", 1.0), ("presence_penalty", 0), ("stop", None), ("tools", []), ("tool_choice", "auto"),
        ("logprobs", False), ("response_format", {"type": "text"}), ("store", False), ("service_tier", "auto"),
    ],
)  # fmt: skip
def test_what_asks_for_nothing_changes_nothing(name: str, value: object) -> None:
    assert chat(TALK | {name: value}) == chat(TALK)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tools", [{"type": "function"}]), ("logprobs", True), ("store", True), ("functions", [{}]),
        ("modalities", ["text", "audio"]), ("audio", {}), ("prediction", {}), ("stream_options", {"more": 1}),
    ],
)  # fmt: skip
def test_what_no_chat_of_ours_does_is_refused(name: str, value: object) -> None:
    with pytest.raises(Invalid):
        job_body(chat(TALK | {name: value}).fields)


def test_true_is_not_one() -> None:
    assert chat(TALK | {"top_p": True}).options == {"top_p": True}


@pytest.mark.parametrize(
    ("message", "ours"),
    [
        ({"role": "developer", "content": "be brief"}, {"role": "system", "content": "be brief"}),
        ({"role": "assistant", "content": "hm", "refusal": None}, {"role": "assistant", "content": "hm"}),
        ({"role": "user", "content": "hi", "name": "ann"}, {"role": "user", "content": "hi"}),
        (
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "what?"},
                    {"type": "image_url", "image_url": {"url": "https://a/b", "detail": "low"}},
                ],
            },
            {"role": "user", "content": [{"type": "text", "text": "what?"}, {"type": "image", "url": "https://a/b"}]},
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ast_1"}}]},
            {"role": "user", "content": [{"type": "image", "asset": "ast_1"}]},
        ),
    ],
)
def test_messages_are_said_in_our_words(message: dict[str, Any], ours: dict[str, Any]) -> None:
    assert asking.messages([message]) == [ours]


@pytest.mark.parametrize(
    ("messages", "path"),
    [
        (None, "messages"),
        ([], "messages"),
        ("hi", "messages"),
        ([{"role": "tool", "content": "4"}], "messages.0"),
        ([{"role": "user"}], "messages.0"),
        ([{"role": "assistant", "content": "", "tool_calls": [{}]}], "messages.0.tool_calls"),
        ([{"role": "user", "content": 5}], "messages.0.content"),
        ([{"role": "user", "content": [{"type": "input_audio"}]}], "messages.0.content.0"),
    ],
)
def test_messages_that_we_cannot_pass_on_are_refused_at_their_place(messages: Any, path: str) -> None:
    assert fault(asking.messages, messages) == path


def test_two_limits_of_words_contradict_each_other() -> None:
    assert fault(chat, TALK | {"max_tokens": 1, "max_completion_tokens": 2}) == "max_tokens"
    assert chat(TALK | {"max_completion_tokens": 2}).fields["max_tokens"] == 2


@pytest.mark.parametrize("seconds", ["8", 8, "8.0"])
def test_a_clips_seconds_are_a_length_however_they_are_written(seconds: object) -> None:
    asked = video({"prompt": "a fox", "seconds": seconds, "size": "1280x720"}, Task.TEXT_TO_VIDEO)
    body = job_body(asked.fields)
    assert (body.duration_s, body.width, body.height) == (8.0, 1280, 720)


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        (File("a.png", "aGk="), {"base64": "aGk="}),
        ("https://a/b.png", {"url": "https://a/b.png"}),
        ("data:image/png;base64,aGk=", {"url": "data:image/png;base64,aGk="}),
        ({"image_url": "https://a/b.png"}, {"url": "https://a/b.png"}),
        ({"file_id": "ast_1"}, {"asset": "ast_1"}),
        ("ast_1", {"asset": "ast_1"}),
    ],
)
def test_a_picture_may_be_a_file_a_link_or_an_asset(value: Any, ours: dict[str, str]) -> None:
    assert asking.given(value, "image") == ours
    assert asking.pictures({"image": value}) == asking.pictures({"images": [value]}) == [ours]


def test_an_edit_needs_a_picture() -> None:
    assert fault(asking.pictures, {}) == "image"
    assert fault(asking.pictures, {"images": []}) == "image"
    assert fault(asking.given, 5, "mask") == "mask"


MANY, BESIDE, ONE = {Role.SOURCE: (1, 4)}, {Role.SOURCE: (1, 1), Role.REFERENCE: (0, 3)}, {Role.SOURCE: (1, 1)}


@pytest.mark.parametrize(
    ("count", "offered", "roles"),
    [
        (1, [MANY], [Role.SOURCE]),
        (1, [], [Role.SOURCE]),
        (2, [MANY, ONE], [Role.SOURCE, Role.SOURCE]),
        (2, [BESIDE, ONE], [Role.SOURCE, Role.REFERENCE]),
        (3, [BESIDE, MANY, MANY], [Role.SOURCE] * 3),
        (3, [ONE], [Role.SOURCE, Role.REFERENCE, Role.REFERENCE]),
    ],
)
def test_several_pictures_are_what_most_offers_take_them_for(count: int, offered: Any, roles: list[Role]) -> None:
    assert asking.roles(count, offered) == roles


def test_every_word_of_the_tables_is_a_field_of_a_request_and_can_be_said_backwards() -> None:
    fields = MediaRequest.model_fields.keys() | {"model", "strict"}
    for table in (IMAGES, VIDEOS, CHAT):
        assert set(table.values()) <= fields
        assert set(table.values()) <= THEIRS.keys()
    assert fields >= OURS and not OURS & {"size"} and set(PARAMETERS) - {"size"} <= OURS | THEIRS.keys() | {"scale"}


@given(st.integers(16, 16_384), st.integers(16, 16_384))
def test_every_size_that_a_job_may_have_can_be_asked_for(width: int, height: int) -> None:
    body = job_body(image(PICTURE | {"size": f"{width}x{height}"}, Task.TEXT_TO_IMAGE).fields)
    assert (body.width, body.height) == (width, height)


@pytest.mark.parametrize(
    ("more", "asked"),
    [({"stream": True}, 2), ({"stream": "true"}, 2), ({"stream": False}, None), ({}, None)],
)
def test_partial_pictures_are_asked_for_where_a_stream_can_show_them(more: dict[str, Any], asked: int | None) -> None:
    for wish in (2, "2"):
        body = job_body(image(PICTURE | {"partial_images": wish} | more, Task.TEXT_TO_IMAGE).fields)
        assert body.partial_images == asked
