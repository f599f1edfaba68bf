"""Problems as Replicate says them: `{"title", "detail", "status"}`, with `invalid_fields` for a faulty input. Pure."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

from gateway.doors.bodies import refusing

TITLES = {
    "unauthorized": "Unauthenticated",
    "insufficient_funds": "Insufficient credit",
    "over_budget": "Insufficient credit",
    "invalid": "Input validation failed",
    "no_offer": "Input validation failed",
    "not_found": "Not found",
    "rate_limited": "Request was throttled",
}
"""Replicate's words over a problem; for the rest our own."""

_SAID = ("type", "title", "status", "detail", "code", "errors")


def refusal(document: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """A problem at this door; `podium` in the body holds our code and what else there is to know of it."""
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-type", "content-length")}
    status = int(document["status"])
    said = {
        "title": TITLES.get(document["code"], document["title"]),
        "detail": document.get("detail") or document["title"],
        "status": status,
    }
    faults = document.get("errors") or ()
    if status == 422 and faults:
        said["detail"] = "".join(f"- {each['path'] or 'body'}: {each['message']}\n" for each in faults)
        said["invalid_fields"] = [
            {"type": "invalid", "field": each["path"], "description": each["message"]} for each in faults
        ]
    more = {name: value for name, value in document.items() if name not in _SAID}
    wait = {"retry_after": int(headers["retry-after"])} if headers.get("retry-after", "").isdecimal() else {}
    return refusing(said | wait | {"podium": {"code": document["code"]} | more}, status, kept)


REFUSAL_WORDS = "flagged as sensitive"


def failure(error: Mapping[str, Any] | None) -> str:
    """Why a prediction failed. A refusal has no code at Replicate: its clients look for these words."""
    message = str((error or {}).get("message") or "the prediction failed")
    refused = (error or {}).get("code") == "content_rejected" and REFUSAL_WORDS not in message
    return f"The input or output was {REFUSAL_WORDS} (E005): {message}" if refused else message
