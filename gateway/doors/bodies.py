"""JSON to and from a door: a body read within the limit that a job's has, a refusal written. It understands neither."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.problems import Invalid, TooLarge
from gateway.routing.routes import BODY_BYTES


async def read_object(request: Request) -> dict[str, Any]:
    """Raises Invalid for anything but a JSON object, and TooLarge. No body at all is an empty object."""
    chunks: list[bytes] = []
    size_bytes = 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > BODY_BYTES:
            raise TooLarge(f"a body is at most {BODY_BYTES} bytes: upload large inputs first")
        chunks.append(chunk)
    try:
        document = json.loads(b"".join(chunks) or b"{}")
    except (ValueError, RecursionError) as error:
        raise _wrong("is not valid JSON") from error
    if not isinstance(document, dict):
        raise _wrong("must be a JSON object")
    return document


def refusing(body: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> Response:
    """A refusal in ASCII: it repeats names that callers gave to fields, and half a character has no UTF-8."""
    return Response(json.dumps(body, separators=(",", ":")), status, dict(headers), "application/json")


def _wrong(message: str) -> Invalid:
    return Invalid(f"the body {message}", errors=[{"path": "", "message": message}])
