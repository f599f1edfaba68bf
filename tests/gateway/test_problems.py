"""Our errors as RFC 9457 has them: one shape, one code each, and never a value that a caller sent."""

import json

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway import problems

STATUS = {
    "internal": 500, "invalid": 422, "unauthorized": 401, "forbidden": 403, "not_found": 404, "conflict": 409,
    "model_retired": 410, "too_large": 413, "insufficient_funds": 402, "over_budget": 402, "unpriced": 402,
    "no_offer": 422, "rate_limited": 429, "unavailable": 503, "too_slow": 408,
}  # fmt: skip
KINDS = [
    problems.Problem,
    *(kind for kind in problems.Problem.__subclasses__() if kind.__module__ == problems.__name__),
]
"""Those of every entrance; a door has some of its own."""
REQUEST = Request({"type": "http", "method": "GET", "path": "/v1/jobs", "headers": []})


class Wanted(BaseModel):
    count: int
    names: list[int] = []


def invalid(document):
    with pytest.raises(ValidationError) as refusal:
        Wanted.model_validate(document)
    return refusal.value


def told(response):
    assert response.headers["content-type"] == "application/problem+json"
    document = json.loads(response.body)
    assert document.keys() >= {"type", "title", "status", "detail", "code"}
    assert document["status"] == response.status_code
    return document


def test_every_code_of_the_api_has_its_class_and_status():
    assert {kind.code: kind.status for kind in KINDS} == STATUS and len(KINDS) == len(STATUS)
    assert len({kind.title for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
@pytest.mark.anyio
async def test_a_problem_is_told_with_all_its_members(kind):
    answer = await problems.on_problem(REQUEST, kind("do this", {"retry-after": "3"}, offers=["a"], job="job_1"))
    document = told(answer)
    assert (document["code"], document["title"], document["detail"]) == (kind.code, kind.title, "do this")
    assert document["type"] == problems.TYPE_URN + kind.code
    assert (document["offers"], document["job"]) == (["a"], "job_1")
    assert answer.headers["retry-after"] == "3"


def test_what_is_told_beside_it_does_not_change_what_it_is():
    assert problems.NotFound("not here", job="job_1").body()["code"] == "not_found"


@pytest.mark.anyio
async def test_a_body_with_faults_is_told_by_their_paths_and_without_its_values():
    error = invalid({"count": "secret", "names": [1, "x9"]})
    document = told(await problems.on_validation(REQUEST, error))
    assert [each["path"] for each in document["errors"]] == ["count", "names.1"]
    assert document["detail"].startswith("count: ") and document["detail"].endswith("(and 1 more)")
    assert "secret" not in json.dumps(document) and "x9" not in json.dumps(document)


@pytest.mark.anyio
async def test_a_query_with_faults_is_told_alike():
    error = RequestValidationError([{"loc": ("query", "limit"), "msg": "too large", "type": "x", "input": "secret"}])
    document = told(await problems.on_validation(REQUEST, error))
    assert document["errors"] == [{"path": "query.limit", "message": "too large"}]
    assert "secret" not in json.dumps(document)


@pytest.mark.anyio
async def test_a_fault_of_the_whole_body_is_told_as_the_bodys():
    error = RequestValidationError([{"loc": (), "msg": "is not an object", "type": "x"}])
    assert told(await problems.on_validation(REQUEST, error))["detail"] == "body: is not an object"
    assert told(await problems.on_validation(REQUEST, RequestValidationError([])))["detail"] == "body: is not valid"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (405, "invalid"),
        (413, "too_large"),
        (418, "invalid"),
    ],
)
async def test_refusals_of_the_framework_have_our_shape(status, code):
    answer = await problems.on_http(REQUEST, HTTPException(status, headers={"allow": "GET"}))
    document = told(answer)
    assert (document["status"], document["code"], answer.headers["allow"]) == (status, code, "GET")
    assert document["type"] == problems.TYPE_URN + code and "/docs" in document["detail"]


@pytest.mark.anyio
async def test_a_crash_says_nothing_of_itself_but_where_the_log_has_it():
    document = told(await problems.on_crash(REQUEST, RuntimeError("the secret is x9")))
    assert (document["code"], document["status"]) == ("internal", 500)
    assert document["incident"].startswith("inc_")
    assert "x9" not in json.dumps(document) and "RuntimeError" not in json.dumps(document)
