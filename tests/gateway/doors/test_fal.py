"""fal's words in ours: what is asked, what is refused at its place, and what a result looks like."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, strategies as st

from adapters.schema import Role, Task
from gateway.doors import translate, words
from gateway.doors.fal import errors, views
from gateway.doors.fal.proxy import NotForUs, Target, target
from gateway.doors.fal.table import SIZES, TONGUE
from gateway.doors.links import asset_of
from gateway.doors.naming import meant
from gateway.doors.tasks import Given, suggestions, tell
from gateway.doors.translate import Asked
from gateway.problems import Invalid, NotFound
from tests.gateway.doors.catalogs import supply_of

LINK, OTHER = "https://example.com/a.png", "https://example.com/b.png"
ASSET = "ast_" + "0" * 32
SUPPLY = supply_of("FAL_KEY")
BARE = supply_of()


def asked(endpoint: str, supply: Any = SUPPLY, **given: Any) -> Asked:
    found = meant(supply, "fal", endpoint)
    assert found is not None, endpoint
    return translate.asked(TONGUE, found, given, lambda link: asset_of(link, ("http://here/",)))


def refusal(endpoint: str, supply: Any = SUPPLY, **given: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as raised:
        asked(endpoint, supply, **given)
    return {each["path"]: each["message"] for each in raised.value.more["errors"]}


TOLD = {
    ("fal-ai/flux/dev",): Task.TEXT_TO_IMAGE,
    ("fal-ai/veo3.1",): Task.TEXT_TO_VIDEO,
    ("fal-ai/veo3.1/image-to-video", "image_url"): Task.IMAGE_TO_VIDEO,
    ("podium/auto",): Task.TEXT_TO_IMAGE,
    ("podium/auto:cheapest", "duration"): Task.TEXT_TO_VIDEO,
    ("podium/auto", "image_url"): Task.IMAGE_EDIT,
    ("podium/auto", "image_url", "mask_url"): Task.INPAINT,
    ("podium/auto/image-to-video", "image_url"): Task.IMAGE_TO_VIDEO,
    ("openai/gpt-image-2",): Task.TEXT_TO_IMAGE,
    ("openai/gpt-image-2/edit", "image_urls"): Task.IMAGE_EDIT,
    ("podium/sandbox-clips", "image_url"): Task.IMAGE_TO_VIDEO,
    ("podium/sandbox-words",): Task.TEXT,
}


@pytest.mark.parametrize(("said", "task"), TOLD.items(), ids=str)
def test_the_task_is_told_from_the_endpoint_and_from_what_is_given(said: tuple[str, ...], task: Task) -> None:
    endpoint, *fields = said
    values = {"duration": "5", "image_urls": [LINK]}
    given = {"prompt": "a fox"} | {field: values.get(field, LINK) for field in fields}
    assert asked(endpoint, **given).body.task is task


def test_words_that_most_models_share_are_read() -> None:
    body = asked(
        "podium/sandbox-pictures", prompt="a fox", image_size={"width": 640, "height": 480}, num_images="2", seed=7.0,
        output_format="JPEG", sync_mode=False, enable_safety_checker=True, negative_prompt=None,
    ).body  # fmt: skip
    assert (body.width, body.height, body.count, body.seed, body.format) == (640, 480, 2, 7, "jpeg")
    assert body.strict and body.negative_prompt is None and body.extra == {}


@pytest.mark.parametrize("name", SIZES)
def test_a_named_size_is_its_pixels_where_an_offer_makes_them(name: str) -> None:
    body = asked("podium/sandbox-pictures", prompt="a fox", image_size=name).body
    assert (body.width, body.height) == SIZES[name]


def test_a_named_size_is_its_ratio_where_none_does() -> None:
    body = asked("podium/sandbox-clips", prompt="a fox", video_size="landscape_16_9").body
    assert (body.width, body.aspect_ratio) == (None, "16:9")


@pytest.mark.parametrize(
    ("size", "field", "value"), [("auto_2K", "resolution", "2k"), ("16:9", "aspect_ratio", "16:9")]
)
def test_other_ways_to_say_a_size_are_read(size: str, field: str, value: str) -> None:
    assert getattr(asked("podium/auto", prompt="a fox", image_size=size).body, field) == value


@pytest.mark.parametrize(
    ("said", "duration_s"), [("5", 5), ("8s", 8), (6, 6), (2.5, 2.5)], ids=str
)  # fmt: skip
def test_a_length_is_read_in_every_form(said: Any, duration_s: float) -> None:
    assert asked("podium/sandbox-clips", prompt="a fox", duration=said).body.duration_s == duration_s


def test_frames_are_seconds_at_the_rate_of_the_caller_or_of_the_model() -> None:
    assert asked("podium/sandbox-clips", prompt="a fox", num_frames=81, frames_per_second=16).body.duration_s == 5
    assert asked("podium/sandbox-clips", prompt="a fox", num_frames=48).body.duration_s == 2


@given(frames=st.integers(1, 10_000), fps=st.integers(1, 240))
def test_frames_never_last_longer_than_their_number_says(frames: int, fps: int) -> None:
    assert 0 <= words.seconds(frames, fps) <= round(frames / fps, 3)


def test_a_models_own_words_are_read_backwards_from_its_card() -> None:
    clip = asked("fal-ai/veo3.1", prompt="a fox", duration="8s", generate_audio=True).body
    assert (clip.duration_s, clip.audio) == (8, True)
    rendered = asked("fal-ai/ideogram/v3", prompt="a fox", rendering_speed="TURBO").body
    assert rendered.quality == "low"


def test_media_take_the_roles_of_their_task() -> None:
    edit = asked("podium/sandbox-pictures/edit", prompt="x", image_urls=[LINK, OTHER]).body
    assert [(each.role, each.url) for each in edit.inputs] == [(Role.SOURCE, LINK), (Role.REFERENCE, OTHER)]
    clip = asked("podium/auto/image-to-video", prompt="x", image_url=LINK, end_image_url=OTHER).body
    assert [each.role for each in clip.inputs] == [Role.FIRST_FRAME, Role.LAST_FRAME]
    ours = asked(
        "podium/auto", prompt="x", image_url=f"http://here/v1/assets/{ASSET}/content?expires=1&signature=2"
    ).body
    assert ours.inputs[0].asset == ASSET and ours.inputs[0].url is None
    shown = asked("podium/sandbox-words", prompt="what is it?", image_url=LINK).body
    assert shown.messages[0].content[1].url == LINK and not shown.prompt  # type: ignore[union-attr]


def test_only_our_own_addresses_are_our_assets() -> None:
    path = f"/v1/assets/{ASSET}/content"
    assert asset_of(f"https://evil.example{path}", ("http://here/",)) is None
    assert asset_of(f"http://here.evil.example{path}", ("http://here/",)) is None
    assert asset_of(path, ("http://here/",)) is None
    assert asset_of(f"http://here{path}/../x", ("http://here/",)) is None


def test_an_option_of_fals_own_goes_to_fal_and_takes_the_job_along() -> None:
    body = asked("fal-ai/flux/dev", prompt="a fox", acceleration="high").body
    assert body.extra == {"fal": {"acceleration": "high"}} and body.routing.only == ("fal",)
    assert "cannot be asked" in refusal("fal-ai/flux/dev", BARE, prompt="a fox", acceleration="high")["acceleration"]


def test_faults_are_said_where_they_were_written() -> None:
    assert refusal("podium/auto", prompt="a fox", num_images="many") == {"num_images": "must be a number"}
    assert set(refusal("podium/auto", prompt="a fox", image_url="fox.png", sync_mode=True)) == {
        "image_url",
        "sync_mode",
    }
    assert set(refusal("podium/auto", prompt="a fox", num_images=1_000)) == {"num_images"}
    assert set(refusal("podium/auto", prompt="a fox", image_size="huge")) == {"image_size"}
    assert set(refusal("podium/auto", prompt="a fox", podium={"cheap": True})) == {"podium.cheap"}
    assert set(refusal("podium/auto", prompt="a fox", podium={"task": "cook"})) == {"podium.task"}
    assert set(refusal("podium/auto", prompt="a fox", loras=[{"weights": 1}])) == {"loras"}


def test_wishes_are_taken_along() -> None:
    wished = {"max_cost_usd": "0.01", "only": ["fal"], "strict": False, "task": "text-to-video"}
    body = asked("podium/auto", prompt="a fox", podium=wished).body
    assert (body.task, body.strict, body.routing.only) == (Task.TEXT_TO_VIDEO, False, ("fal",))


def test_a_name_of_nothing_means_nothing() -> None:
    assert meant(SUPPLY, "fal", "fal-ai/nothing") is None
    assert meant(SUPPLY, "fal", "podium/auto:luckiest") is None


@given(st.builds(Given, *[st.booleans()] * 7), st.sets(st.sampled_from(list(Task))))
def test_a_task_is_always_told_and_is_one_that_was_suggested(given: Given, able: set[Task]) -> None:
    task = tell(given, able)
    assert task in suggestions(given)
    assert task in able or able.isdisjoint(suggestions(given)) or not able


JOB: dict[str, Any] = {
    "id": "job_1", "status": "succeeded", "task": "text-to-image", "model": "m/m", "error": None,
    "resolved": {"seed": 3},
    "started_at": "2026-11-21T00:00:00Z", "ended_at": "2026-11-21T00:00:01.5Z", "attempts": [],
    "cost": {"lines": [{"unit": "output_image", "quantity": "1"}]},
    "outputs": [{"asset": "ast_1", "url": LINK, "mime": "image/png", "width": 8, "height": 4, "duration_s": None,
                 "size_bytes": 9, "text": None}],
}  # fmt: skip


def test_a_result_has_the_shape_of_its_task() -> None:
    image = {
        "url": LINK, "content_type": "image/png", "file_name": "ast_1.png", "file_size": 9, "width": 8, "height": 4,
    }  # fmt: skip
    made = views.result(JOB, "a fox")
    assert made["images"] == [image] and made["timings"] == {"inference": 1.5} and made["seed"] == 3
    assert views.result(JOB | {"task": "upscale-image"}, "") == {"image": image, "seed": 3}
    assert views.result(JOB | {"task": "text-to-video", "resolved": {}}, "x") == {"video": image}
    assert views.result(JOB | {"task": "text-to-speech"}, "x") == {"audio": image}
    words = JOB | {"task": "text", "outputs": [{"text": "hello"}]}
    assert views.result(words, "x") == {"output": "hello", "partial": False, "error": None}
    assert views.billable_units(JOB) == {"x-fal-billable-units": "1"}


def test_a_status_has_null_logs_unless_they_are_asked_for() -> None:
    attempt = {"offer": "p/m/m", "started_at": "t1", "ended_at": "t2", "status": "failed", "message": "no"}
    job = JOB | {"attempts": [attempt]}
    assert views.status(job, {}, with_logs=False)["logs"] is None
    assert [each["level"] for each in views.status(job, {}, with_logs=True)["logs"]] == ["INFO", "ERROR"]
    queued = views.status(JOB | {"status": "queued"}, {}, with_logs=False)
    assert (queued["status"], queued["queue_position"]) == ("IN_QUEUE", 0)
    assert views.status(JOB | {"status": "running"}, {}, with_logs=False)["status"] == "IN_PROGRESS"
    failed = JOB | {"status": "failed", "error": {"code": "timed_out", "message": "too slow"}}
    said = views.status(failed, {}, with_logs=False)
    assert (said["status"], said["error"], said["error_type"]) == ("COMPLETED", "too slow", "request_timeout")


FAILURES = {
    "content_rejected": (422, "content_policy_violation"), "invalid_request": (422, "value_error"),
    "rate_limited": (503, "runner_scheduling_failure"), "bad_reply": (502, "runner_incomplete_response"),
    "timed_out": (504, "request_timeout"), "provider_fault": (500, "runner_server_error"),
    "other": (500, "internal_error"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "told"), FAILURES.items(), ids=FAILURES)
def test_a_failed_job_is_an_error_of_fals(code: str, told: tuple[int, str]) -> None:
    refused = errors.failed({"code": code, "message": "no"}, is_canceled=False)
    kind = refused.body.get("error_type") or refused.body["detail"][0]["type"]
    assert (refused.status, kind) == told
    assert errors.failed(None, is_canceled=True).status == 499


def test_a_problem_is_a_text_with_a_type_or_a_list_of_faults() -> None:
    lost = errors.said_of(NotFound("nothing there").body())
    assert lost == (404, {"detail": "nothing there", "error_type": "not_found"}, {"x-fal-error-type": "not_found"})
    wrong = errors.said_of(Invalid("no", errors=[{"path": "loras.0.scale", "message": "too large"}], near=["a"]).body())
    assert wrong.body["detail"][0]["loc"] == ["body", "loras", 0, "scale"] and wrong.body["podium"] == {"near": ["a"]}


def test_a_target_is_a_path_of_this_door() -> None:
    assert target("https://queue.fal.run/fal-ai/flux/dev?fal_webhook=x") == Target(
        "/fal/fal-ai/flux/dev", "fal_webhook=x"
    )
    assert target("https://fal.run/podium/auto:cheapest/stream").path == "/fal/run/podium/auto:cheapest/stream"
    assert target("https://rest.fal.ai/storage/upload/initiate?storage_type=gcs").path == "/fal/storage/upload/initiate"


@given(st.text(max_size=60))
def test_no_text_is_taken_for_an_address_of_anything_else(text: str) -> None:
    for header in (text, f"https://{text}/x", f"https://queue.fal.run{text}", f"https://queue.fal.run/{text}"):
        with contextlib.suppress(NotForUs):
            path = target(header).path
            assert path.startswith("/fal/") and ".." not in path.split("/")


def test_no_target_at_all_is_told_from_a_wrong_one() -> None:
    for header, status in ((None, 400), ("https://evil.example/x", 412)):
        with pytest.raises(NotForUs) as raised:
            target(header)
        assert raised.value.status == status
