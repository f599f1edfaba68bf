"""Every problem of ours in OpenAI's shape, and whether its clients send it again by themselves."""

import json
from typing import Any

import pytest

from adapters.errors import Fault
from gateway import problems
from gateway.doors.openai.errors import FAULTS, KINDS, JobFailed, StillRunning, error_of, refusal
from gateway.problems import NoOffer, Problem, RateLimited

OURS = [each for each in vars(problems).values() if isinstance(each, type) and issubclass(each, Problem)]


def said(problem: Problem) -> tuple[int, dict[str, Any], str]:
    answer = refusal(problem.body(), problem.headers)
    return answer.status_code, json.loads(bytes(answer.body))["error"], answer.headers["x-should-retry"]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.code)
def test_every_problem_has_a_row_and_all_that_an_error_has(kind: type[Problem]) -> None:
    assert kind.code in KINDS
    status, error, _ = said(kind("what to do"))
    assert error["message"] == "what to do" and {"type", "param", "code"} <= error.keys()
    assert 400 <= status <= 503 and (status == kind.status or kind.status in (410, 422))


def job(fault: str | None, task: str = "text-to-image") -> dict[str, Any]:
    error = json.dumps({"code": fault, "message": "it says no"}) if fault else None
    return {"id": "job_1", "decision_id": "dec_1", "task": task, "error": error}


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_of_a_provider_has_a_row_and_is_not_sent_again(fault: Fault) -> None:
    status, error, again = said(JobFailed.of(job(fault)))
    assert status == FAULTS[fault].status and again == "false" and error["message"] == "it says no"
    assert error["podium"] == {"fault": fault, "job": "job_1", "task": "text-to-image"}


def test_a_refusal_of_content_is_named_by_what_was_asked_for() -> None:
    assert said(JobFailed.of(job("content_rejected")))[1]["code"] == "moderation_blocked"
    assert said(JobFailed.of(job("content_rejected", "text")))[1]["code"] == "content_policy_violation"


def test_a_job_that_somebody_canceled_says_so() -> None:
    status, error, again = said(JobFailed.of(job(None)))
    assert (status, error["code"], again) == (409, "canceled", "false")


def test_a_job_that_goes_on_is_named() -> None:
    status, error, again = said(StillRunning("job_1", 540))
    assert (status, error["code"], again) == (504, "still_running", "false")
    assert "/v1/jobs/job_1" in error["message"] and error["podium"] == {"job": "job_1"}


def test_headers_that_say_when_to_come_again_are_kept() -> None:
    problem = RateLimited("slower", {"retry-after": "7", "content-type": "application/problem+json"})
    answer = refusal(problem.body(), problem.headers)
    assert answer.headers["retry-after"] == "7" and answer.headers["content-type"] == "application/json"


def test_the_field_at_fault_is_the_param_and_an_unknown_model_has_the_code_for_it() -> None:
    unknown = problems.Invalid("model: nothing is named x", errors=[{"path": "model", "message": ""}])
    assert (error_of(unknown.body())["param"], error_of(unknown.body())["code"]) == ("model", "model_not_found")
    assert error_of(NoOffer("no", rejected=[{"offer": "a/b/c"}]).body())["podium"] == {"rejected": [{"offer": "a/b/c"}]}


def test_a_wrong_method_keeps_its_status() -> None:
    assert refusal({"code": "invalid", "title": "no", "status": 405}, {}).status_code == 405
