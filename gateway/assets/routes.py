"""Assets over HTTP: upload, facts, bytes. It reads headers and writes headers; the rest is decided elsewhere."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from gateway import clock, paging
from gateway.assets import tables
from gateway.assets.ingest import check, refuse
from gateway.assets.rules import opens, span, view
from gateway.assets.service import Assets
from gateway.assets.sniff import UNKNOWN, extension
from gateway.assets.tables import Row
from gateway.assets.uploads import UPLOAD_BYTES, read_upload
from gateway.keys.routes import caller_of
from gateway.keys.rules import Role
from gateway.problems import Forbidden, Invalid

YEAR_S = 365 * 24 * 3600
"""An asset's bytes never change, so a browser may keep them as long as it likes."""
INERT = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
"""What somebody else made is looked at, never run: an SVG opened as a page has no script and no origin."""

Expires = Annotated[str | None, Query(max_length=12, description="seconds since 1970, of a signed link")]
Signature = Annotated[str | None, Query(max_length=64, description="of a signed link")]

Lasts = Annotated[
    int | None, Query(ge=60, le=YEAR_S, description="seconds after which it is found no more; without it, it stays")
]


class AssetView(BaseModel):
    """An asset's facts. `url` is a signed link that works for a day without a key."""

    id: str
    asset: str
    url: str
    mime: str
    width: int | None
    height: int | None
    duration_s: float | None
    fps: float | None
    frames: int | None
    has_audio: bool | None
    size_bytes: int
    sha256: str
    text: None
    source: str
    job: str | None
    created_at: datetime
    expires_at: datetime | None


class AssetPage(BaseModel):
    data: list[AssetView]
    next: str | None


def routes(assets: Assets) -> APIRouter:
    """The paths under /v1/assets. All but `content` need a caller; `content` opens for a signed link too."""
    router = APIRouter(tags=["assets"])

    def shown(row: Row, request: Request) -> dict[str, Any]:
        more = {name: row[name] for name in ("id", "has_audio", "source", "created_at", "expires_at")}
        return view(row, assets.url(row["id"], str(request.base_url))) | more | {"job": row["job_id"]}

    @router.post("/v1/assets", status_code=201, response_model=AssetView, openapi_extra=_UPLOAD)
    async def upload(request: Request, response: Response, expires_in_s: Lasts = None) -> dict[str, Any]:
        """Upload a file: its raw bytes with their Content-Type, or a multipart form with the field `file`."""
        key_id = caller_of(request).id
        row = await keep_upload(assets, request, key_id, expires_in_s)
        response.headers["location"] = f"/v1/assets/{row['id']}"
        return shown(row, request)

    @router.get("/v1/assets", response_model=AssetPage)
    async def listed(request: Request, limit: paging.Limit = 50, after: paging.After = None) -> dict[str, Any]:
        """Your key's assets, newest first."""
        key_id = caller_of(request).id
        rows = await assets.database.read(lambda connection: tables.of_key(connection, key_id, limit + 1, after))
        return paging.page([shown(row, request) for row in rows], limit)

    @router.get("/v1/assets/{asset}", response_model=AssetView)
    async def facts(request: Request, asset: str) -> dict[str, Any]:
        """What is known of one asset."""
        return shown(await owned(assets, request, asset), request)

    @router.get("/v1/assets/{asset}/content", response_class=Response, responses=_CONTENT)
    async def content(request: Request, asset: str, expires: Expires = None, signature: Signature = None) -> Response:
        """The bytes, or a range of them."""
        return _answer(assets, await allowed(assets, request, asset, expires, signature), request)

    @router.head("/v1/assets/{asset}/content", include_in_schema=False)
    async def head(request: Request, asset: str, expires: Expires = None, signature: Signature = None) -> Response:
        return _answer(assets, await allowed(assets, request, asset, expires, signature), request)

    return router


_UPLOAD = {"requestBody": {"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}}
_CONTENT: dict[int | str, dict[str, Any]] = {206: {"description": "a range"}, 416: {"description": "no such range"}}


async def keep_upload(assets: Assets, request: Request, key_id: str, expires_in_s: int | None = None) -> Row:
    """Keep the file in a request as an asset of this owner, committed. Raises Invalid, TooLarge."""
    upload = await read_upload(request, UPLOAD_BYTES)
    kept = await assets.keep_stream(upload.chunks)
    if not kept.blob.size_bytes:
        refuse("body", "is empty: send the file's bytes")
    row = tables.new_row(key_id, kept, "upload")
    try:
        check(kept, upload.claimed, "body")
    except Invalid:
        expired = row | {"expires_at": row["created_at"]}  # nobody finds it, and its bytes go with others' that expired
        await assets.database.together(lambda connection: tables.insert(connection, [expired]))
        raise
    if expires_in_s is not None:
        row["expires_at"] = row["created_at"] + timedelta(seconds=expires_in_s)
    await assets.database.together(lambda connection: tables.insert(connection, [row]))
    return row


async def owned(assets: Assets, request: Request, asset: str) -> Row:
    """An asset of the caller; an admin's are all. Raises NotFound."""
    caller = caller_of(request)
    return await assets.found(asset, None if caller.role is Role.ADMIN else caller.id)


async def allowed(assets: Assets, request: Request, asset: str, expires: str | None, signature: str | None) -> Row:
    """An asset whose content this request may have, by its link or by its key. Raises NotFound, Forbidden."""
    if signature and opens(asset, expires or "", signature, assets.secret, clock.now()):
        return await assets.found(asset)
    if signature and request.scope.get("podium.caller") is None:
        raise Forbidden("this link has expired or was altered: ask for a new one with GET /v1/assets/{id} and a key")
    return await owned(assets, request, asset)


def _answer(assets: Assets, row: Row, request: Request) -> Response:
    return ranged(assets, request, row["sha256"], int(row["size_bytes"]), _headers(row))


def ranged(assets: Assets, request: Request, sha256: str, size_bytes: int, headers: dict[str, str]) -> Response:
    """A blob, or the range of it that is asked for; nothing where the caller has it already."""
    tag = headers["etag"] = f'"{sha256}"'
    headers["accept-ranges"] = "bytes"
    if tag in [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    try:
        part = span(request.headers.get("range"), size_bytes) if _unchanged(request, tag) else None
    except ValueError:
        return Response(status_code=416, headers=headers | {"content-range": f"bytes */{size_bytes}"})
    start, end = part or (0, size_bytes)
    headers["content-length"] = str(end - start)
    if part:
        headers["content-range"] = f"bytes {start}-{end - 1}/{size_bytes}"
    if request.method == "HEAD":
        return Response(status_code=206 if part else 200, headers=headers)
    return StreamingResponse(assets.blobs.stream(sha256, start, end), 206 if part else 200, headers)


def _unchanged(request: Request, tag: str) -> bool:
    """Whether `If-Range` allows a range: it names these very bytes, or is not there."""
    return request.headers.get("if-range", tag) == tag


def _headers(row: Row) -> dict[str, str]:
    shows = "attachment" if row["mime"] == UNKNOWN else "inline"
    return {
        "content-type": row["mime"],
        "cache-control": f"private, max-age={YEAR_S}, immutable",
        "content-disposition": f'{shows}; filename="{row["id"]}.{extension(row["mime"])}"',
        "content-security-policy": INERT,
        "x-content-type-options": "nosniff",
    }
