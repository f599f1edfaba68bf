"""The JSON object in a request to a door, read within the limit that a job's body has. It understands none of it."""

import json
from typing import Any

from starlette.requests import Request

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


def _wrong(message: str) -> Invalid:
    return Invalid(f"the body {message}", errors=[{"path": "", "message": message}])
