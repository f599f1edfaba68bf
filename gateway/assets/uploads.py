"""The body of an upload as a stream: raw, or the `file` field of a multipart form. Nothing is held whole."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from gateway.assets.ingest import bounded, refuse
from gateway.problems import TooLarge

UPLOAD_BYTES = 2 * 1024**3
"""One upload: minutes of 4K video."""
FORM_BYTES = 1024 * 1024
"""What a form may have around its file: boundaries, and small fields that nobody reads."""
FIELD = "file"

Event = tuple[str, bytes]
"""What the multipart parser saw, and the bytes it saw."""


class Upload(NamedTuple):
    """A body to be read once: the type its sender claims, and its bytes."""

    claimed: str
    chunks: AsyncIterator[bytes]


async def read_upload(request: Request, most_bytes: int = UPLOAD_BYTES, field: str = FIELD) -> Upload:
    """The file in a request; in a form it is the part named `field`. Raises Invalid for a broken form, TooLarge."""
    claimed = request.headers.get("content-type", "")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most_bytes + FORM_BYTES:
        raise TooLarge(f"body: {most_bytes} bytes are allowed")
    form, options = parse_options_header(claimed)
    if form != b"multipart/form-data":
        return Upload(claimed, bounded(request.stream(), most_bytes, "body"))
    chunks = bounded(request.stream(), most_bytes + FORM_BYTES, field)
    events = _events(chunks, options.get(b"boundary", b""), field)
    headers = await _headers(events, field)
    return Upload(headers.get(b"content-type", b"").decode("latin-1"), bounded(_data(events), most_bytes, field))


async def _events(chunks: AsyncIterator[bytes], boundary: bytes, field: str) -> AsyncIterator[Event]:
    seen: list[Event] = []
    parser = _parser(boundary, seen)
    async for chunk in chunks:
        try:
            parser.write(chunk)
        except FormParserError:
            refuse("body", "is not a well-formed multipart form")
        for event in seen:
            yield event
        seen.clear()
    refuse("body", f"ended before the form's field `{field}` did")


def _parser(boundary: bytes, seen: list[Event]) -> MultipartParser:
    def slices(name: str) -> "object":
        return lambda data, start, end: seen.append((name, data[start:end]))

    def marks(name: str) -> "object":
        return lambda: seen.append((name, b""))

    callbacks = {f"on_{name}": slices(name) for name in ("header_field", "header_value", "part_data")}
    callbacks |= {f"on_{name}": marks(name) for name in ("part_begin", "header_end", "headers_finished", "part_end")}
    if not boundary:
        refuse("content-type", "multipart/form-data needs its boundary")
    try:
        return MultipartParser(boundary, callbacks)  # type: ignore[arg-type] # names made above
    except FormParserError:
        refuse("content-type", "the boundary is not one")


async def _headers(events: AsyncIterator[Event], field: str) -> dict[bytes, bytes]:
    """Read on to the part that is the file: its headers, names in lower case."""
    headers: dict[bytes, bytes] = {}
    name = value = b""
    async for event, data in events:
        match event:
            case "part_begin":
                headers, name, value = {}, b"", b""
            case "header_field":
                name += data
            case "header_value":
                value += data
            case "header_end":
                headers[name.lower()], name, value = value, b"", b""
            case "headers_finished" if _is_file(headers, field):
                return headers
    refuse(field, "is missing from the form")


def _is_file(headers: dict[bytes, bytes], field: str) -> bool:
    return parse_options_header(headers.get(b"content-disposition"))[1].get(b"name") == field.encode()


async def _data(events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    async for event, data in events:
        if event == "part_data":
            yield data
        if event == "part_end":
            return
