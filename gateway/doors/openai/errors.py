"""Problems in OpenAI's shape: `{"error": {message, type, param, code}}`, with the statuses its clients know. Pure."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from fastapi.responses import Response

from adapters.errors import Fault
from gateway.doors.bodies import refusing
from gateway.problems import Problem


class Kind(NamedTuple):
    """How one of our codes is said: the status, the `type`, the `code`, and whether sending it again may help."""

    status: int
    type: str
    code: str | None
    again: bool = False


UNKNOWN = Kind(500, "server_error", None, again=True)

KINDS = {
    "invalid": Kind(400, "invalid_request_error", "invalid_value"),
    "unauthorized": Kind(401, "invalid_request_error", "invalid_api_key"),
    "forbidden": Kind(403, "invalid_request_error", "forbidden"),
    "not_found": Kind(404, "invalid_request_error", "not_found"),
    "conflict": Kind(409, "invalid_request_error", "conflict"),
    "model_retired": Kind(404, "invalid_request_error", "model_not_found"),
    "too_large": Kind(413, "invalid_request_error", "too_large"),
    "too_slow": Kind(408, "invalid_request_error", "too_slow"),
    "insufficient_funds": Kind(402, "insufficient_quota", "insufficient_funds"),
    "over_budget": Kind(402, "insufficient_quota", "over_budget"),
    "unpriced": Kind(402, "invalid_request_error", "unpriced"),
    "no_offer": Kind(400, "invalid_request_error", "no_offer"),
    "rate_limited": Kind(429, "requests", "rate_limit_exceeded", again=True),
    "unavailable": Kind(503, "server_error", "unavailable", again=True),
    "still_running": Kind(504, "server_error", "still_running"),
    "canceled": Kind(409, "invalid_request_error", "canceled"),
    "internal": UNKNOWN,
}
"""Our code → how OpenAI would say it. What a client can only mend by asking for something else is never a 5xx."""

FAULTS = {
    Fault.INVALID_REQUEST: Kind(400, "invalid_request_error", "invalid_request"),
    Fault.CONTENT_REJECTED: Kind(400, "image_generation_user_error", "moderation_blocked"),
    Fault.AUTH: Kind(502, "server_error", "provider_unauthorized"),
    Fault.OUT_OF_CREDIT: Kind(502, "server_error", "provider_out_of_credit"),
    Fault.RATE_LIMITED: Kind(503, "server_error", "provider_overloaded"),
    Fault.MODEL_MISSING: Kind(404, "invalid_request_error", "model_not_found"),
    Fault.PROVIDER_FAULT: Kind(502, "server_error", "provider_fault"),
    Fault.UNREACHABLE: Kind(502, "server_error", "provider_unreachable"),
    Fault.BAD_REPLY: Kind(502, "server_error", "provider_bad_reply"),
    Fault.TIMED_OUT: Kind(504, "server_error", "provider_timed_out"),
}
"""How a job's end is said, by the fault of its last attempt. Never to be sent again by itself: the job has tried."""


class StillRunning(Problem):
    code, status, title = "still_running", 504, "This takes longer than a connection is held"

    def __init__(self, job_id: str, hold_s: float) -> None:
        said = f"not finished within {hold_s:g} s; the job goes on: GET /v1/jobs/{job_id} has it when it is done"
        super().__init__(said, {"x-podium-job": job_id}, job=job_id)


class JobFailed(Problem):
    """A job that was accepted and brought nothing; `fault` says why."""

    code, status, title = "job_failed", 502, "The job failed"

    @classmethod
    def of(cls, job: Mapping[Any, Any]) -> Self:
        error = json.loads(job["error"]) if job["error"] else {"code": "canceled", "message": "the job was canceled"}
        headers = {"x-podium-job": job["id"], "x-podium-decision": job["decision_id"]}
        return cls(error["message"], headers, fault=error["code"], job=job["id"], task=job["task"])


def refusal(document: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """A problem as OpenAI's clients read one; `x-should-retry` tells them whether to send it again by themselves."""
    kind = kind_of(document)
    status = document["status"] if document["status"] == 405 else kind.status
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-type", "content-length")}
    kept |= {"x-should-retry": "true" if kind.again else "false"}
    return refusing({"error": error_of(document)}, status, kept)


def error_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The error alone, for answers and for streams."""
    kind = kind_of(document)
    more = {name: value for name, value in document.items() if name not in _SAID}
    return {
        "message": document.get("detail") or document["title"],
        "type": kind.type,
        "param": _param(document),
        "code": "model_not_found" if _param(document) == "model" and kind.status == 400 else kind.code,
        **({"podium": more} if more else {}),
    }


def kind_of(document: Mapping[str, Any]) -> Kind:
    """A chat that is refused for its content is refused by another name than a picture."""
    if document["code"] != "job_failed":
        return KINDS.get(document["code"], UNKNOWN)
    fault = str(document["fault"])
    if fault == Fault.CONTENT_REJECTED and document.get("task") == "text":
        return Kind(400, "invalid_request_error", "content_policy_violation")
    return KINDS["canceled"] if fault == "canceled" else FAULTS[Fault(fault)]


_SAID = ("type", "title", "status", "detail", "code", "errors")


def _param(document: Mapping[str, Any]) -> str | None:
    """The field that is at fault, if the problem names one."""
    faults = document.get("errors") or ()
    return str(faults[0]["path"]) if faults else None
