"""Problems in OpenAI's shape: `{"error": {message, type, param, code}}`, with the statuses its clients know. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi.responses import JSONResponse, Response


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
    "insufficient_funds": Kind(402, "insufficient_quota", "insufficient_funds"),
    "over_budget": Kind(402, "insufficient_quota", "over_budget"),
    "unpriced": Kind(402, "invalid_request_error", "unpriced"),
    "no_offer": Kind(400, "invalid_request_error", "no_offer"),
    "rate_limited": Kind(429, "requests", "rate_limit_exceeded", again=True),
    "unavailable": Kind(503, "server_error", "unavailable", again=True),
    "internal": UNKNOWN,
}
"""Our code → how OpenAI would say it. What a client can only mend by asking for something else is never a 5xx."""


def refusal(document: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """A problem as OpenAI's clients read one; `x-should-retry` tells them whether to send it again by themselves."""
    kind = KINDS.get(document["code"], UNKNOWN)
    status = document["status"] if document["status"] == 405 else kind.status
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-type", "content-length")}
    kept |= {"x-should-retry": "true" if kind.again else "false"}
    return JSONResponse({"error": error_of(document)}, status, kept)


def error_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The error alone, for answers and for streams."""
    kind = KINDS.get(document["code"], UNKNOWN)
    more = {name: value for name, value in document.items() if name not in _SAID}
    return {
        "message": document.get("detail") or document["title"],
        "type": kind.type,
        "param": _param(document),
        "code": "model_not_found" if _param(document) == "model" and kind.status == 400 else kind.code,
        **({"podium": more} if more else {}),
    }


_SAID = ("type", "title", "status", "detail", "code", "errors")


def _param(document: Mapping[str, Any]) -> str | None:
    """The field that is at fault, if the problem names one."""
    faults = document.get("errors") or ()
    return str(faults[0]["path"]) if faults else None
