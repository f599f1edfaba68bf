"""What a door's own webhooks say, and how it is proved: our own verifiers take what we send for the vendor's."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters import callbacks
from gateway.doors.fal import signing, views as fal_views, webhooks as fal
from gateway.doors.replicate import views as replicate_views, webhooks as replicate
from gateway.doors.shapes import shapes
from gateway.problems import Invalid
from gateway.webhooks.rules import BODY_BYTES, Kind
from tests.gateway.doors.test_fal import JOB as FAL_JOB
from tests.gateway.doors.test_replicate import JOB as REPLICATE_JOB

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
KEYS = callbacks.read_keys(signing.jwks(KEY))
PAGE = (Path(__file__).parents[3] / "docs/doors.md").read_text("utf-8")
BODY = '{"request_id":"job_1"}'


def is_fals(headers: dict[str, str], body: str = BODY, now: datetime = NOW, keys: Any = KEYS) -> bool:
    return callbacks.verified("fal_ed25519", headers, body.encode(), None, keys, now)


def test_what_we_sign_as_fal_is_verified_as_fals_own() -> None:
    headers = signing.headers_of(KEY, "job_1", "key_1", BODY, NOW)
    assert is_fals(headers) and headers["x-fal-webhook-user-id"] == "key_1"
    assert is_fals(headers, now=NOW + timedelta(seconds=299)) and not is_fals(headers, now=NOW + timedelta(seconds=301))
    assert not is_fals(headers, body=BODY + " ") and not is_fals(headers | {"x-fal-webhook-request-id": "job_2"})
    stranger = callbacks.read_keys(signing.jwks(Ed25519PrivateKey.from_private_bytes(b"x" * 32)))
    assert not is_fals(headers, keys=stranger) and is_fals(headers, keys=(*stranger, *KEYS))


def test_the_receiver_of_the_page_takes_what_we_sign_and_nothing_else() -> None:
    there: dict[str, Any] = {}
    exec(PAGE[PAGE.index("import base64\nimport hashlib") :].partition("```")[0], there)
    now = datetime.now(UTC)
    headers = signing.headers_of(KEY, "job_1", "key_1", BODY, now)
    assert there["is_genuine"](headers, BODY.encode(), [b"x" * 32, *KEYS]) is True
    assert there["is_genuine"](headers, BODY.encode() + b" ", list(KEYS)) is False
    old = signing.headers_of(KEY, "job_1", "key_1", BODY, now - timedelta(minutes=6))
    assert there["is_genuine"](old, BODY.encode(), list(KEYS)) is False


def test_what_is_published_is_not_the_secret() -> None:
    [shown] = signing.jwks(KEY)["keys"]
    assert (shown["kty"], shown["crv"]) == ("OKP", "Ed25519") and "d" not in shown
    assert list(KEYS) == [KEY.public_key().public_bytes_raw()]


def test_a_request_that_brought_something_is_told_with_its_result() -> None:
    said = fal_views.ended(FAL_JOB, "a fox")
    assert (said["status"], said["request_id"], said["gateway_request_id"]) == ("OK", FAL_JOB["id"], FAL_JOB["id"])
    assert said["payload"] == fal_views.result(FAL_JOB, "a fox") and "error" not in said


FAILURES = {
    "a refusal": ("failed", {"code": "content_rejected", "message": "no"}, 422),
    "a provider's fault": ("failed", {"code": "provider_fault", "message": "broken"}, 500),
    "a cancel": ("canceled", None, 499),
}


@pytest.mark.parametrize(("status", "error", "code"), FAILURES.values(), ids=FAILURES)
def test_a_request_without_a_result_is_told_with_the_answer_that_its_result_gives(
    status: str, error: Any, code: int
) -> None:
    job = FAL_JOB | {"status": status, "error": error}
    said, refused = fal_views.ended(job, ""), fal_views.refusal(job)
    assert refused is not None
    assert (said["status"], said["error"]) == ("ERROR", f"Invalid status code: {code}")
    assert said["payload"] == refused.body


def test_a_body_that_few_would_take_goes_without_its_payload() -> None:
    said = {"request_id": "job_1", "status": "OK", "payload": {"output": "x" * BODY_BYTES}}
    told = json.loads(fal.written(said))
    assert told["payload"] is None and "ask for the result" in told["payload_error"] and told["status"] == "OK"
    told = json.loads(replicate.written({"id": "job_1", "input": {"prompt": "x" * BODY_BYTES}, "output": ["y"]}))
    assert told == {"id": "job_1", "input": {}, "output": None, "logs": "", "data_removed": True}


TOLD = {
    "nothing said": ({}, {Kind.JOB_FINISHED}),
    "an empty list": ({"webhook_events_filter": []}, {Kind.JOB_FINISHED}),
    "the end": ({"webhook_events_filter": ["completed"]}, {Kind.JOB_FINISHED}),
    "the start": ({"webhook_events_filter": ["start"]}, {Kind.JOB_STARTED}),
    "all": (
        {"webhook_events_filter": ["start", "output", "logs", "completed"]}, {Kind.JOB_STARTED, Kind.JOB_FINISHED}
    ),
}  # fmt: skip


@pytest.mark.parametrize(("document", "kinds"), TOLD.values(), ids=TOLD)
def test_a_filter_says_what_is_told(document: dict[str, Any], kinds: set[Kind]) -> None:
    notice = replicate.notice(document)
    assert (notice.shape, set(notice.events)) == ("replicate", kinds)


@pytest.mark.parametrize("said", [["output"], ["start", "logs"], ["begun"], "completed", [["completed"]], {"start": 1}])
def test_events_that_have_no_moment_here_are_refused_by_name(said: Any) -> None:
    with pytest.raises(Invalid) as raised:
        replicate.notice({"webhook_events_filter": said})
    assert raised.value.more["errors"][0]["path"] == "webhook_events_filter"


def test_a_start_is_told_as_it_was_however_late() -> None:
    ended = replicate_views.prediction(REPLICATE_JOB, "auto", {"prompt": "x"}, [], "http://here/replicate")
    made = replicate_views.prediction(
        REPLICATE_JOB | {"status": "queued", "started_at": None, "ended_at": None, "outputs": [], "attempts": []},
        "auto", {"prompt": "x"}, [], "http://here/replicate",
    )  # fmt: skip
    assert replicate_views.begun(ended) == made and ended["status"] == "succeeded"


def test_every_shape_that_a_door_asks_for_is_one_that_a_worker_has() -> None:
    class Parts:
        db = assets = supply = settings = None

    names = {fal.NOTICE.shape, replicate.notice({}).shape}
    assert set(shapes(Parts())) == names  # type: ignore[arg-type] # nothing is told here
