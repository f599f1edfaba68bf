"""A job's row as OpenAI's clients read it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.wire import Partial
from gateway.doors import extras
from gateway.doors.openai import answering
from gateway.jobs.rules import Status
from gateway.jobs.service import Seen

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
CLIP = {"asset": "ast_1", "mime": "video/mp4", "width": 1280, "height": 720, "duration_s": 5.04, "text": None}
PICTURE = {"asset": "ast_2", "mime": "image/webp", "width": 64, "height": 32, "text": None}


def seen(**more: Any) -> Seen:
    """A succeeded clip, unless it is said otherwise."""
    bill = {"source": "table", "usage": {}, "lines": []}
    job = {
        "id": "job_1", "status": "succeeded", "task": "text-to-video", "offer": "fal/google/veo-3.1", "progress": 0.4,
        "decision_id": "dec_1", "cost_nanos": 2_000_000_000, "created_at": AT, "ended_at": AT, "extras": "{}",
        "request": json.dumps({"prompt": "a fox", "duration_s": 5}), "resolved": json.dumps({"duration_s": 5}),
        "outputs": json.dumps([CLIP]), "bill": json.dumps(bill), "error": None,
    } | more  # fmt: skip
    return Seen(job, [])


def test_a_clip_says_what_came() -> None:
    video = answering.video(seen(extras=json.dumps({"remixed_from_video_id": "job_0"})))
    assert video | {"podium": None} == {
        "id": "job_1", "object": "video", "model": "google/veo-3.1", "status": "completed", "progress": 100,
        "created_at": 1795262400, "completed_at": 1795262400, "expires_at": None, "prompt": "a fox",
        "size": "1280x720", "seconds": "5.04", "remixed_from_video_id": "job_0", "error": None, "podium": None,
    }  # fmt: skip
    assert video["podium"] == {"job": "job_1", "model": "google/veo-3.1", "decision": "dec_1", "cost_usd": "2.00"}


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_word_of_theirs(status: Status) -> None:
    video = answering.video(seen(status=status.value, outputs=None, cost_nanos=None))
    assert video["status"] in ("queued", "in_progress", "completed", "failed")
    assert (video["completed_at"] is not None) == (status is Status.SUCCEEDED)
    assert "cost_usd" not in video["podium"] and video["seconds"] == "5" and video["size"] is None


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"error": json.dumps({"code": "content_rejected", "message": "no"})}, "moderation_blocked"),
        ({"error": json.dumps({"code": "timed_out", "message": "no"})}, "timed_out"),
        ({"status": "canceled"}, "canceled"),
    ],
)
def test_a_clip_that_failed_says_why(more: dict[str, Any], code: str) -> None:
    assert answering.video(seen(**({"status": "failed"} | more)))["error"]["code"] == code


@pytest.mark.parametrize(("eta_s", "wait_ms"), [(None, 1_000), (0.4, 200), (20, 2_000), (600, 5_000)])
def test_the_pace_of_asking_is_that_of_the_making(eta_s: float | None, wait_ms: int) -> None:
    assert answering.poll_after_ms(eta_s) == wait_ms


def test_a_page_says_whether_there_is_another() -> None:
    videos = [{"id": name} for name in "abc"]
    assert answering.page(videos, 2) == {
        "object": "list", "data": videos[:2], "has_more": True, "first_id": "a", "last_id": "b",
    }  # fmt: skip
    assert answering.page([], 2) == {
        "object": "list", "data": [], "has_more": False, "first_id": None, "last_id": None,
    }  # fmt: skip


def test_pictures_say_what_they_have_in_common_and_tokens_only_where_they_were_counted() -> None:
    usage = {"input_token": "13", "input_image_token": "100", "output_image_token": "1056", "output_image": "1"}
    counted = seen(outputs=json.dumps([PICTURE]), bill=json.dumps({"usage": usage}), resolved='{"quality": "low"}')
    answer = answering.images(counted, [answering.picture(PICTURE, "https://a/b", None)])
    assert answer["data"] == [{"url": "https://a/b"}] and answer["created"] == 1795262400
    assert (answer["size"], answer["output_format"], answer["quality"]) == ("64x32", "webp", "low")
    assert answer["usage"] == {
        "input_tokens": 113, "input_tokens_details": {"text_tokens": 13, "image_tokens": 100},
        "output_tokens": 1056, "output_tokens_details": {"image_tokens": 1056, "text_tokens": 0}, "total_tokens": 1169,
    }  # fmt: skip
    assert "usage" not in answering.images(seen(outputs=json.dumps([PICTURE])), [])


def words(**more: Any) -> Seen:
    usage = {"input_token": "9", "cached_input_token": "3", "output_token": "7"}
    outputs = json.dumps([{"text": "Foxes.", "asset": None}])
    request, resolved = json.dumps({"max_tokens": 50}), json.dumps({"max_tokens": 50})
    bill = json.dumps({"usage": usage})
    return seen(**({"task": "text", "outputs": outputs, "request": request, "resolved": resolved, "bill": bill} | more))


def test_a_completion_counts_what_was_cached_among_the_words_given() -> None:
    answer = answering.completion(words())
    [choice] = answer["choices"]
    assert choice["message"]["content"] == "Foxes." and choice["finish_reason"] == "stop"
    assert answer["usage"] == {
        "prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19, "prompt_tokens_details": {"cached_tokens": 3},
        "cost": 2.0,
    }  # fmt: skip


def test_an_answer_as_long_as_was_allowed_was_cut() -> None:
    assert answering.finish_reason(words(resolved='{"max_tokens": 7}').job) == "length"
    assert answering.finish_reason(words(resolved=None, request="{}").job) == "stop"


def test_our_headers_are_the_same_at_every_door() -> None:
    assert extras.headers(seen()) == {
        "x-podium-job": "job_1", "x-podium-model": "google/veo-3.1", "x-podium-decision": "dec_1",
        "x-podium-cost-usd": "2.00",
    }  # fmt: skip
    assert "x-podium-cost-usd" not in extras.headers(seen(cost_nanos=None))


@pytest.mark.parametrize(
    ("resolved", "told"),
    [
        ({"width": 1024, "height": 1536, "quality": "low"}, {"size": "1024x1536", "quality": "low"}),
        ({}, {"size": "auto", "quality": "auto"}),
    ],
)
def test_a_partial_picture_says_all_that_openais_does(resolved: dict[str, Any], told: dict[str, str]) -> None:
    job = seen(resolved=json.dumps(resolved), outputs=None).job
    event = answering.partial_event(job, "image_edit", Partial(index=1, mime="image/jpeg", base64="aGk="))
    assert event == told | {
        "type": "image_edit.partial_image", "partial_image_index": 1, "b64_json": "aGk=", "created_at": 1795262400,
        "background": "opaque", "output_format": "jpeg",
    }  # fmt: skip


def test_a_transparent_background_is_told_where_the_provider_that_drew_it_was_asked_for_it() -> None:
    extra = {"openai": {"background": "transparent"}}
    asked, outputs = json.dumps({"prompt": "a fox", "extra": extra}), json.dumps([PICTURE])
    for offer, background in (("openai/openai/gpt-image-2", "transparent"), ("fal/a/b", "opaque")):
        event = answering.image_event(seen(request=asked, offer=offer, outputs=outputs), "image_generation", {})
        assert event["background"] == background
