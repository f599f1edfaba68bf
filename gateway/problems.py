"""Our own errors: each a class with a code, an HTTP status, and a sentence on what to do; sent as RFC 9457."""

import json
from typing import Any, ClassVar

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from gateway import clock
from gateway.db import is_away

log = structlog.get_logger()

TYPE_URN = "urn:podium:problem:"
"""Names of our problems: what to do about each is in docs/api.md."""


class Problem(Exception):
    """Something that a caller or an operator can mend. `detail` says how; `more` are further members of the answer."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something broke on our side"

    def __init__(self, detail: str, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.detail, self.more, self.headers = detail, more, headers or {}

    def body(self) -> dict[str, Any]:
        known = {"type": TYPE_URN + self.code, "title": self.title, "status": self.status}
        return known | {"detail": self.detail, "code": self.code} | self.more


class Invalid(Problem):
    code, status, title = "invalid", 422, "The request cannot be understood"


class Unauthorized(Problem):
    code, status, title = "unauthorized", 401, "A valid key is needed"


class Forbidden(Problem):
    code, status, title = "forbidden", 403, "This key may not do that"


class NotFound(Problem):
    code, status, title = "not_found", 404, "There is no such thing here"


class Conflict(Problem):
    code, status, title = "conflict", 409, "This contradicts what was said before"


class ModelRetired(Problem):
    code, status, title = "model_retired", 410, "This model has been retired"


class TooLarge(Problem):
    code, status, title = "too_large", 413, "That is more than is allowed"


class TooSlow(Problem):
    code, status, title = "too_slow", 408, "The request did not come in time"


class InsufficientFunds(Problem):
    code, status, title = "insufficient_funds", 402, "The key's balance does not cover this"


class OverBudget(Problem):
    code, status, title = "over_budget", 402, "A budget does not allow this"


class Unpriced(Problem):
    code, status, title = "unpriced", 402, "There is no price for this, so it is not run"


class NoOffer(Problem):
    code, status, title = "no_offer", 422, "No offer can do this"


class RateLimited(Problem):
    code, status, title = "rate_limited", 429, "Too many requests"


class Unavailable(Problem):
    code, status, title = "unavailable", 503, "This cannot be served right now"


def invalid(error: ValidationError | RequestValidationError) -> Invalid:
    """The path and the fault of everything that is wrong in a body, none of its values repeated."""
    faults = [{"path": ".".join(map(str, each["loc"])), "message": _said(each)} for each in error.errors()]
    first = faults[0] if faults else {"path": "body", "message": "is not valid"}
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Invalid(f"{first['path'] or 'body'}: {first['message']}{more}", errors=faults)


def _said(fault: Any) -> str:
    """One fault in our words where the library's would puzzle."""
    if fault["type"] == "extra_forbidden":
        return "there is no such field"
    return str(fault["msg"]).removeprefix("Value error, ")


def answer(problem: Problem) -> Response:
    headers = {"content-type": "application/problem+json"} | problem.headers
    return Response(json.dumps(problem.body()), problem.status, headers)


async def on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(error)


async def on_validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError | ValidationError)
    return answer(invalid(error))


async def on_http(_: Request, error: Exception) -> Response:
    """Starlette's own refusals (no such path, wrong method) in the same shape as ours.

    FastAPI says 400 of whatever breaks while it reads a body; a problem of ours in there is told as what it is.
    """
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Problem):
        return answer(error.__cause__)
    kinds = {401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "invalid", 413: "too_large"}
    code = kinds.get(error.status_code, "invalid")
    body = {"type": TYPE_URN + code, "title": str(error.detail), "status": error.status_code, "code": code}
    body["detail"] = f"{error.detail}: see /docs for the paths and methods there are"
    return JSONResponse(body, error.status_code, dict(error.headers or {}), media_type="application/problem+json")


async def on_crash(request: Request, error: Exception) -> Response:
    """A fault of ours: said without its details, which are in the log under the same id."""
    if is_away(error):
        log.warning("the database is away", path=request.url.path, exc_info=error)
        return answer(Unavailable("the database cannot be reached right now: repeat the request in a few seconds"))
    incident = clock.new_id("inc")
    log.exception("unhandled", incident=incident, path=request.url.path, exc_info=error)
    return answer(Problem("tell the operator this incident's id; repeating the request may help", incident=incident))
