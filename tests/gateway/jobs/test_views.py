"""A job as callers see it has the shape that the API promises, whatever became of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.assets import rules as assets
from gateway.attempts.tables import AttemptRow
from gateway.jobs import views
from gateway.jobs.service import Seen
from gateway.jobs.tables import JobRow

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

JOB = {
    "id", "status", "task", "model", "offer", "progress", "created_at", "started_at", "ended_at", "outputs", "usage",
    "cost", "resolved", "adjustments", "decision", "attempts", "error", "metadata",
}  # fmt: skip
COST = {"quote_usd", "held_usd", "cost_usd", "source", "lines"}
ATTEMPT = {"id", "offer", "status", "fault", "started_at", "ended_at"}
OUTPUT = {"asset", "url", "mime", "width", "height", "duration_s", "fps", "frames", "size_bytes", "sha256", "text"}

BILL = {"source": "table", "usage": {"output_image": "1"}, "lines": [{"unit": "output_image", "usd": "0.002"}]}
FACTS = {name: None for name in OUTPUT - {"asset", "url", "text"}} | {"mime": "image/png", "width": 640}


def job(**changes):
    plain = JobRow(
        id="job_1", key_id="key_1", status="queued", task="text-to-image", asked_model="auto", model="a/b",
        offer="fal/a/b", digest="", request="{}", strict=True, policy="{}", ranked="[]", decision_id="dec_1",
        extras='{"project": "x"}', quote_nanos=2_000_000, held_nanos=2_000_000, created_at=NOW,
    )  # fmt: skip
    return plain.model_dump() | changes


def attempt(**changes):
    plain = AttemptRow(
        id="att_1", job_id="job_1", key_id="key_1", number=1, offer="fal/a/b", provider="fal", task="text-to-image",
        status="open", stage="submit", fitted="{}", price="{}", quote_nanos=2_000_000, due_at=NOW, deadline_at=NOW,
        created_at=NOW,
    )  # fmt: skip
    return plain.model_dump() | changes


SUCCEEDED = {
    "status": "succeeded", "progress": 1.0, "cost_nanos": 2_000_000, "bill": json.dumps(BILL),
    "outputs": json.dumps([assets.view(FACTS | {"id": "ast_1"}, ""), assets.view_text("words")]),
    "resolved": '{"count": 1}', "adjustments": '[{"parameter": "width", "asked": 1, "sent": 2}]',
    "started_at": NOW, "ended_at": NOW + timedelta(milliseconds=1_500),
}  # fmt: skip
FAILED = {"status": "failed", "cost_nanos": 0, "error": '{"code": "auth", "message": "no"}', "ended_at": NOW}


def view(job_row, *attempts):
    document = views.view(Seen(job_row, attempts or [attempt()]), lambda asset: f"http://test/{asset}")
    return json.loads(json.dumps(document, allow_nan=False))


@pytest.mark.parametrize("changes", [{}, SUCCEEDED, FAILED], ids=["queued", "succeeded", "failed"])
def test_a_job_always_has_every_member_of_its_shape(changes):
    shown = view(job(**changes))
    assert shown.keys() >= JOB
    assert shown["cost"].keys() == COST
    assert all(each.keys() >= ATTEMPT for each in shown["attempts"])
    assert all(each.keys() == OUTPUT for each in shown["outputs"])


def test_a_new_job_has_cost_nothing_yet():
    shown = view(job())
    assert shown["cost"] == {
        "quote_usd": "0.002", "held_usd": "0.002", "cost_usd": None, "source": None, "lines": []
    }  # fmt: skip
    assert (shown["outputs"], shown["usage"], shown["error"], shown["ended_at"]) == ([], {}, None, None)
    assert (shown["model"], shown["offer"], shown["metadata"]) == ("a/b", "fal/a/b", {"project": "x"})


def test_a_job_that_succeeded_shows_what_came_and_what_it_cost():
    shown = view(job(**SUCCEEDED))
    assert shown["cost"] | {"held_usd": None} == {
        "quote_usd": "0.002", "held_usd": None, "cost_usd": "0.002", "source": "table", "lines": BILL["lines"]
    }  # fmt: skip
    picture, words = shown["outputs"]
    assert (picture["asset"], picture["url"], picture["width"]) == ("ast_1", "http://test/ast_1", 640)
    assert (words["asset"], words["url"], words["text"]) == (None, None, "words")
    assert shown["usage"] == {"output_image": "1"} and shown["resolved"] == {"count": 1}
    assert shown["adjustments"][0]["parameter"] == "width"


def test_a_job_that_failed_for_nothing_has_cost_nothing():
    shown = view(job(**FAILED))
    assert (shown["cost"]["cost_usd"], shown["error"]["code"]) == ("0.00", "auth")


def test_an_attempt_says_what_went_wrong():
    error = '{"fault": "auth", "message": "bad key", "status": 401}'
    shown = view(job(), attempt(status="failed", fault="auth", error=error, cost_nanos=1, ended_at=NOW))
    (seen,) = shown["attempts"]
    assert (seen["fault"], seen["message"], seen["cost_usd"]) == ("auth", "bad key", "0.000000001")


@pytest.mark.parametrize(
    ("at", "text"),
    [(None, None), (NOW, "2026-11-22T12:00:00Z"), (NOW + timedelta(microseconds=5), "2026-11-22T12:00:00.000005Z")],
)
def test_moments_are_rfc_3339_in_utc(at, text):
    assert views.moment(at) == text
