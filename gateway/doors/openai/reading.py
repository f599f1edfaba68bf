"""The body of a request at this door, JSON or a form, as one dictionary. It reads and bounds, no more."""

import base64
import json
import re
from collections.abc import Iterable
from typing import Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import Message

from gateway.doors.extras import refused
from gateway.doors.openai.asking import File
from gateway.problems import TooLarge
from gateway.routing.routes import BODY_BYTES

FILES = 18
"""Sixteen pictures, a mask, and one to spare for the message that says so."""
FIELDS = 500
"""Small fields of a form: a body of JSON written out flat has that many at most."""
FIELD_BYTES = 1024 * 1024
DEPTH = 8
"""How deep names in brackets may be nested."""

_NAME = re.compile(r"[^\[\]]+|\[[^\[\]]*\]")


async def read_body(request: Request) -> dict[str, Any]:
    """The fields of a body. Raises Invalid, TooLarge."""
    _bound(request)
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _form(request)
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise refused("body", "is not valid JSON") from error
    if not isinstance(body, dict):
        raise refused("body", "must be a JSON object")
    return body


def _bound(request: Request) -> None:
    """See to it that no more than BODY_BYTES are read, whatever the request declares."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > BODY_BYTES:
        raise _too_large()
    receive, seen = request.receive, 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_BYTES:
            raise _too_large()
        return message

    request._receive = counted


def _too_large() -> TooLarge:
    return TooLarge(f"a body is at most {BODY_BYTES} bytes: upload large inputs with POST /v1/assets, and name the id")


async def _form(request: Request) -> dict[str, Any]:
    try:
        async with request.form(max_files=FILES, max_fields=FIELDS, max_part_size=FIELD_BYTES) as form:
            return nested([(name, await _value(name, value)) for name, value in form.multi_items()])
    except (HTTPException, FormParserError) as error:
        raise refused("body", f"is not a form that can be read: {getattr(error, 'detail', error)}") from error


async def _value(name: str, value: UploadFile | str) -> File | str:
    if isinstance(value, str):
        return value
    data = await value.read()
    if not data:
        raise refused(name, "is an empty file")
    return File(value.filename or name, base64.b64encode(data).decode())


def nested(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A form's fields as JSON would have them: `a[b]` is a field of an object, `a[]` one more of a list.

    A name that comes again without brackets makes a list too.
    """
    body: dict[str, Any] = {}
    for name, value in items:
        first, *more = _NAME.findall(name) or [name]
        if len(more) > DEPTH:
            raise refused(first, "is nested too deep")
        _put(body, first, [each[1:-1] for each in more], value)
    return body


def _put(body: dict[str, Any], name: str, more: list[str], value: Any) -> None:
    if not more:
        body[name] = value if name not in body else [*_listed(body[name]), value]
    elif more == [""]:
        body[name] = [*_listed(body.get(name, [])), value]
    elif isinstance(inner := body.setdefault(name, {}), dict):
        _put(inner, more[0] or str(len(inner)), more[1:], value)
    else:
        raise refused(name, "is both a value and an object")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
