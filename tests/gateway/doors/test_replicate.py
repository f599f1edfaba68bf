"""Replicate's words in ours and back: inputs, what is said of them again, schemas, versions, streams."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from adapters.schema import Input, MediaRequest, Offer, Role, Task
from gateway.doors import translate
from gateway.doors.links import asset_of
from gateway.doors.naming import meant
from gateway.doors.replicate import errors, schemas, views
from gateway.doors.replicate.catalog import Models
from gateway.doors.replicate.table import TONGUE
from gateway.doors.translate import Asked
from gateway.problems import Invalid
from tests.gateway.doors.catalogs import supply_of

LINK, OTHER = "https://example.com/a.png", "https://example.com/b.png"
ASSET = "ast_" + "0" * 32
SUPPLY = supply_of("REPLICATE_API_TOKEN")
MODELS = Models(SUPPLY)


def asked(model: str, **given: Any) -> Asked:
    found = meant(SUPPLY, "replicate", model)
    assert found is not None, model
    return translate.asked(TONGUE, found, given, lambda link: asset_of(link, ("http://here/",)))


def offers(model: str, task: Task) -> list[Offer]:
    return MODELS.offers(model, task)


def test_an_input_of_an_official_model_is_read() -> None:
    body = asked(
        "black-forest-labs/flux-schnell", prompt="a fox", num_outputs=2, aspect_ratio="16:9", output_format="jpg",
        num_inference_steps=4, seed=7,
    ).body  # fmt: skip
    assert (body.task, body.count, body.aspect_ratio, body.steps) == (Task.TEXT_TO_IMAGE, 2, "16:9", 4)
    assert body.format == "jpg", "as Replicate's own offer calls it"
    assert asked("podium/sandbox-pictures", prompt="a fox", output_format="jpg").body.format == "jpeg"


def test_fields_of_one_model_are_read_backwards_from_its_card() -> None:
    edit = asked(
        "black-forest-labs/flux-kontext-pro", prompt="blue", input_image=LINK, aspect_ratio="match_input_image"
    )
    assert edit.body.task is Task.IMAGE_EDIT and edit.body.inputs[0].role is Role.SOURCE
    assert edit.body.aspect_ratio == "auto"
    large = asked("black-forest-labs/flux-2-pro", prompt="a fox", resolution="4 MP").body
    assert large.resolution == "2k"


def test_media_by_link_by_file_and_inline() -> None:
    file = f"http://here/replicate/v1/files/{ASSET}"
    assert asked("podium/sandbox-pictures", prompt="x", image=file).body.inputs[0].asset == ASSET
    assert asked("podium/sandbox-pictures", prompt="x", image="data:image/png;base64,AA==").body.inputs[0].url
    clip = asked("podium/auto", prompt="x", first_frame_image=LINK, last_frame_image=OTHER, duration=5).body
    assert clip.task is Task.IMAGE_TO_VIDEO
    assert [each.role for each in clip.inputs] == [Role.FIRST_FRAME, Role.LAST_FRAME]


def test_faults_are_said_where_they_were_written() -> None:
    with pytest.raises(Invalid) as raised:
        asked("podium/auto", prompt="x", num_outputs=1_000)
    document = translate.under(raised.value, "input").body()
    answer = errors.refusal(document, {"content-type": "application/problem+json", "retry-after": "3"})
    assert answer.status_code == 422 and b'"field":"input.num_outputs"' in bytes(answer.body)
    assert b'"retry_after":3' in bytes(answer.body) and answer.headers["content-type"] == "application/json"


def test_what_was_asked_is_said_again_in_the_same_words() -> None:
    given = {"prompt": "a fox", "aspect_ratio": "16:9", "num_outputs": 2, "seed": 7, "output_format": "webp"}
    body = asked("black-forest-labs/flux-schnell", **given).body
    found = offers("black-forest-labs/flux-1-schnell", Task.TEXT_TO_IMAGE)
    assert views.echo(body.media(), found, str) == given


@given(
    seed=st.integers(0, 2**31), count=st.integers(2, 4), ratio=st.sampled_from(["1:1", "16:9", "2:3"]),
    steps=st.integers(1, 4),
)  # fmt: skip
def test_there_and_back_nothing_is_lost(seed: int, count: int, ratio: str, steps: int) -> None:
    given = {
        "prompt": "a fox", "seed": seed, "num_outputs": count, "aspect_ratio": ratio, "num_inference_steps": steps,
    }  # fmt: skip
    body = asked("black-forest-labs/flux-schnell", **given).body
    assert views.echo(body.media(), offers("black-forest-labs/flux-1-schnell", body.task), str) == given


def test_media_are_said_again_as_links() -> None:
    request = MediaRequest(task=Task.IMAGE_EDIT, prompt="x", inputs=(Input(role=Role.SOURCE, asset=ASSET),))
    found = offers("black-forest-labs/flux-1-kontext-pro", Task.IMAGE_EDIT)
    assert views.echo(request, found, lambda asset: f"at {asset}")["input_image"] == f"at {ASSET}"


def test_a_schema_says_what_the_offer_accepts_in_replicates_words() -> None:
    listed = MODELS.find("black-forest-labs/flux-schnell")
    assert listed is not None
    said = listed.document["components"]["schemas"]
    inputs = said["Input"]["properties"]
    assert inputs["num_outputs"] == {
        "type": "integer", "title": "Count", "minimum": 1, "maximum": 4, "x-order": inputs["num_outputs"]["x-order"],
    }  # fmt: skip
    assert inputs["aspect_ratio"]["enum"][0] == "1:1" and inputs["aspect_ratio"]["default"] == "1:1"
    assert said["Input"]["required"] == ["prompt"]
    assert said["Output"] == {"type": "array", "items": {"type": "string", "format": "uri"}, "title": "Output"}


def test_every_model_has_a_schema_and_a_version_of_its_own() -> None:
    found = [MODELS.find(name) for name in {offer.model for each in SUPPLY.by_task.values() for offer in each}]
    assert all(each is not None for each in found)
    versions = [each.version for each in found if each]
    assert len(set(versions)) == len(versions) and all(len(version) == 64 for version in versions)
    last = found[-1]
    assert last is not None
    again = MODELS.by_version(last.version)
    assert again is not None and again.version == last.version


def test_whoever_reads_the_schema_may_send_its_defaults() -> None:
    """What a schema offers as defaults and first choices is taken by the same door."""
    for name in ("black-forest-labs/flux-schnell", "google/veo-3.1", "podium/sandbox-clips"):
        listed = MODELS.find(name)
        assert listed is not None
        fields = listed.document["components"]["schemas"]["Input"]["properties"]
        defaults = {field: said["default"] for field, said in fields.items() if "default" in said}
        assert asked(name, prompt="a fox", **defaults).body.prompt == "a fox"


def test_models_come_in_pages_by_name() -> None:
    first, last = MODELS.page(None)
    assert len(first) == 100 and last == f"{first[-1]['owner']}/{first[-1]['name']}"
    second, _ = MODELS.page(last)
    assert not {each["url"] for each in first} & {each["url"] for each in second}
    assert [each["name"] for each in MODELS.page(None, "sandbox-words")[0]] == ["sandbox-words"]


JOB: dict[str, Any] = {
    "id": "job_1", "status": "succeeded", "task": "text-to-image", "model": "m/m", "error": None, "attempts": [],
    "created_at": "2026-11-21T00:00:00Z", "started_at": "2026-11-21T00:00:01Z", "ended_at": "2026-11-21T00:00:03Z",
    "outputs": [{"url": LINK, "text": None, "duration_s": None}], "usage": {},
}  # fmt: skip


def test_one_output_is_a_list_only_where_several_could_be_asked_for() -> None:
    several = offers("black-forest-labs/flux-1-schnell", Task.TEXT_TO_IMAGE)
    one = offers("black-forest-labs/flux-1.1-pro", Task.TEXT_TO_IMAGE)
    assert views.outputs(JOB, several) == [LINK] and views.outputs(JOB, one) == LINK
    assert schemas.is_many(Task.TEXT, []) and views.outputs(JOB | {"status": "running"}, several) is None


def test_a_prediction_has_only_words_that_clients_of_version_1_know() -> None:
    told = {
        views.prediction(JOB | {"status": status}, "auto", {}, [], "r")["status"]
        for status in ("queued", "running", "succeeded", "failed", "canceled")
    }
    assert told == {"starting", "processing", "succeeded", "failed", "canceled"}
    said = views.prediction(JOB, "auto", {}, [], "http://here/replicate")
    assert said["model"] == "m/m" and said["urls"]["get"] == "http://here/replicate/v1/predictions/job_1"
    assert said["metrics"] == {"total_time": 3.0, "predict_time": 2.0, "image_count": 1}


def test_a_stream_ends_with_what_became_of_it() -> None:
    assert views.event("output", 3, "a\nb") == "event: output\nid: 3:0\ndata: a\ndata: b\n\n"
    assert views.last_events(JOB, 0, is_text=False).endswith("event: done\nid: 1:0\ndata: {}\n\n")
    failed = JOB | {"status": "failed", "error": {"code": "content_rejected", "message": "no"}, "outputs": []}
    told = views.last_events(failed, 2, is_text=True)
    assert "event: error\nid: 2:0" in told and "flagged as sensitive" in told and '"reason": "error"' in told
    assert '{"reason": "canceled"}' in views.last_events(JOB | {"status": "canceled"}, 0, is_text=True)
