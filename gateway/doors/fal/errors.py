"""Problems, and failed jobs, as fal says them: `{"detail": …, "error_type": …}`, or a list of faults. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi.responses import Response

from gateway.doors.bodies import refusing

DOCS = "https://docs.fal.ai/errors/#"


class Refusal(NamedTuple):
    """What is answered: a status, a body, and the headers by which fal's clients tell a fault that may pass."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


def refusal(document: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """A problem at this door. `podium` in the body holds what else there is to know of it."""
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-type", "content-length")}
    said = said_of(document)
    return refusing(said.body, said.status, kept | said.headers)


def said_of(document: Mapping[str, Any]) -> Refusal:
    """A problem in fal's words: faults of the input as a list, all else as a text with a type."""
    status, code = int(document["status"]), str(document["code"])
    message = str(document.get("detail") or document["title"])
    more = {name: value for name, value in document.items() if name not in _SAID}
    extra = {"podium": more} if more else {}
    if status == 422:
        faults = document.get("errors") or [{"path": "", "message": message}]
        detail = [fault(str(each["path"]), str(each["message"]), "value_error") for each in faults]
        return Refusal(422, {"detail": detail} | extra, {"x-fal-retryable": "false"})
    kind = "request_timeout" if status == 504 else code
    return Refusal(status, {"detail": message, "error_type": kind} | extra, {"x-fal-error-type": kind})


_SAID = ("type", "title", "status", "detail", "code", "errors")


def fault(path: str, message: str, kind: str) -> dict[str, Any]:
    """One fault of an input, at its place in the body."""
    place = [int(part) if part.isdecimal() else part for part in path.split(".") if part]
    return {"loc": ["body", *place], "msg": message, "type": kind, "url": DOCS + kind, "input": None}


FAULTS: dict[str, tuple[int, str]] = {
    "rate_limited": (503, "runner_scheduling_failure"),
    "model_missing": (503, "runner_scheduling_failure"),
    "auth": (503, "runner_scheduling_failure"),
    "out_of_credit": (503, "runner_scheduling_failure"),
    "unreachable": (503, "runner_connection_error"),
    "bad_reply": (502, "runner_incomplete_response"),
    "timed_out": (504, "request_timeout"),
    "provider_fault": (500, "runner_server_error"),
}
"""Our fault of an attempt → fal's status and type. What blames the caller is a list of faults instead."""


def failed(error: Mapping[str, Any] | None, is_canceled: bool) -> Refusal:
    """Why a job has no result: what its result answers in place of one."""
    if is_canceled:
        return _platform(499, "Client cancelled", "client_cancelled")
    code, message = str((error or {}).get("code")), str((error or {}).get("message") or "the job failed")
    if code == "content_rejected":
        detail = [fault("prompt", message, "content_policy_violation")]
        return Refusal(422, {"detail": detail}, {"x-fal-retryable": "false"})
    if code == "invalid_request":
        return Refusal(422, {"detail": [fault("", message, "value_error")]}, {"x-fal-retryable": "false"})
    return _platform(*_known(code, message))


def _known(code: str, message: str) -> tuple[int, str, str]:
    status, kind = FAULTS.get(code, (500, "internal_error"))
    return status, message, kind


def _platform(status: int, message: str, kind: str) -> Refusal:
    return Refusal(status, {"detail": message, "error_type": kind}, {"x-fal-error-type": kind})
