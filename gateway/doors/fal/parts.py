"""fal's uploads in parts at this door: each part is kept as it comes, and at the end all become one asset.

Nothing is held whole, and nothing is remembered but bytes: a part is an asset that has expired already, so nobody finds
it and it goes as those go; its id says of which upload it is, which number it has and what its bytes are.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.assets import tables
from gateway.assets.ingest import bounded, refuse
from gateway.assets.rules import LINK_S, Facts, Kept, opens, sign
from gateway.assets.service import Assets
from gateway.assets.sniff import UNKNOWN
from gateway.assets.tables import ASSET, Row
from gateway.assets.uploads import UPLOAD_BYTES, Upload
from gateway.db import insert_once
from gateway.doors import storage
from gateway.doors.bodies import read_object
from gateway.keys.routes import caller_of
from gateway.problems import Forbidden

PARTS = 1_000
"""The most of one upload. Clients send ten megabytes in each."""
PART_BYTES = 128 * 1024 * 1024
PARTS_S = 6 * 3600
"""How long the parts may take to come."""
TYPE_CHARS = 100
ETAG = re.compile(r'(?:W/)?"?([0-9a-f]{64})"?')
PUT_PATH = "/fal/storage/put/"
FILE_PATH = "/fal/files/"

Number = Annotated[int, Path(ge=1, le=PARTS)]


class Promise(NamedTuple):
    """An upload that was begun: the asset it will be, whose, of what type, and until when (seconds since 1970)."""

    asset: str
    key_id: str
    claimed: str
    expires: int

    def signed(self, secret: str) -> str:
        return sign(_words(self.asset, self.key_id, self.claimed), self.expires, secret)


def begun(key_id: str, claimed: str) -> Promise:
    whole = claimed[:TYPE_CHARS].encode(errors="replace").decode()  # half a character can be in no address
    return Promise(clock.new_id("ast"), key_id, whole, int(clock.now().timestamp()) + PARTS_S)


def _words(asset: str, key_id: str, claimed: str) -> str:
    """What an upload is signed for; no signature of an asset's content, or of an upload in one piece, is this."""
    return f"{asset} in parts by {key_id} as {claimed}"


def is_open(method: str, path: str) -> bool:
    """Whether a path needs no key: the address of an upload is signed, and so is the link to what came of it."""
    ends = method == "POST" and re.fullmatch(rf"{PUT_PATH}[^/]+/complete", path)
    return bool(ends or (method == "GET" and re.fullmatch(rf"{FILE_PATH}[^/]+", path)))


def routes(assets: Assets) -> APIRouter:
    router = APIRouter(tags=["the fal door"])
    _add_signed(router, assets)
    _add_keyed(router, assets)
    return router


def _add_signed(router: APIRouter, assets: Assets) -> None:
    """As the JavaScript client does it: whoever has the address may send the parts."""

    @router.post("/fal/storage/upload/initiate-multipart")
    async def initiate(request: Request) -> dict[str, str]:
        """Promise an upload in parts: PUT them under `upload_url`, complete it, then use `file_url` as an input."""
        caller, body = caller_of(request), await read_object(request)
        if not isinstance(claimed := body.get("content_type"), str):
            refuse("content_type", "a string is needed")
        promise, address = begun(caller.id, claimed), storage.address(assets, request)
        signature = promise.signed(assets.secret)
        said = urlencode(promise._asdict() | {"signature": signature})
        return {
            "upload_url": f"{address}{PUT_PATH}{promise.asset}?{said}",
            "file_url": assets.url(promise.asset, address),
        }

    @router.put(PUT_PATH + "{asset}/{number}")
    async def put(request: Request, asset: str, number: Number) -> Response:
        """One part."""
        return await _put(assets, request, _promised(assets, asset, request.query_params), number)

    @router.post(PUT_PATH + "{asset}/complete")
    async def complete(request: Request, asset: str) -> dict[str, str]:
        """The parts, as they are named in the body, become the asset."""
        row = await _complete(assets, request, _promised(assets, asset, request.query_params))
        return {"file_url": assets.url(row["id"], storage.address(assets, request))}


def _add_keyed(router: APIRouter, assets: Assets) -> None:
    """As the Python client does it: with its key, under a link that ends where its own words begin."""

    @router.post("/fal/files/upload/multipart")
    async def create(request: Request) -> dict[str, str]:
        """Begin an upload in parts: PUT them at `{access_url}/multipart/{uploadId}/{number}`, then complete it."""
        promise = begun(caller_of(request).id, request.headers.get("content-type", ""))
        expires = int(clock.now().timestamp()) + LINK_S
        link = f"{promise.asset}.{expires}.{sign(promise.asset, expires, assets.secret)}"
        claimed = base64.urlsafe_b64encode(promise.claimed.encode()).decode().rstrip("=")
        upload = f"{promise.expires}.{claimed}.{promise.signed(assets.secret)}"
        return {"access_url": f"{storage.address(assets, request)}{FILE_PATH}{link}", "uploadId": upload}

    @router.put(FILE_PATH + "{link}/multipart/{upload}/{number}")
    async def put(request: Request, link: str, upload: str, number: Number) -> Response:
        """One part."""
        return await _put(assets, request, _kept_promise(assets, request, link, upload), number)

    @router.post(FILE_PATH + "{link}/multipart/{upload}/complete")
    async def complete(request: Request, link: str, upload: str) -> dict[str, str]:
        """The parts, as they are named in the body, become the asset."""
        row = await _complete(assets, request, _kept_promise(assets, request, link, upload))
        return {"access_url": assets.url(row["id"], storage.address(assets, request))}

    @router.get(FILE_PATH + "{link}", response_class=Response)
    async def content(link: str) -> Response:
        """Leads to the bytes of what was uploaded in parts; the link needs no key, for a day."""
        asset, expires, signature = _three(link)
        if not opens(asset, expires, signature, assets.secret, clock.now()):
            raise Forbidden("this link has expired or was altered")
        return RedirectResponse(f"/v1/assets/{asset}/content?expires={expires}&signature={signature}", 307)


def _promised(assets: Assets, asset: str, said: Mapping[str, str]) -> Promise:
    """The upload of an address. Raises Forbidden."""
    words = _words(asset, said.get("key_id", ""), said.get("claimed", ""))
    expires = said.get("expires", "")
    if not opens(words, expires, said.get("signature", ""), assets.secret, clock.now()):
        raise Forbidden("this upload address has expired or was altered: begin a new upload")
    return Promise(asset, said["key_id"], said.get("claimed", ""), int(expires))


def _kept_promise(assets: Assets, request: Request, link: str, upload: str) -> Promise:
    """The upload of a link and the id that its sender was given with it. Raises Forbidden, also for another's."""
    expires, coded, signature = _three(upload)
    try:
        claimed = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    except (binascii.Error, ValueError):
        claimed = ""
    said = {"key_id": caller_of(request).id, "claimed": claimed, "expires": expires, "signature": signature}
    return _promised(assets, _three(link)[0], said)


def _three(words: str) -> tuple[str, str, str]:
    first, _, rest = words.partition(".")
    second, _, third = rest.partition(".")
    return first, second, third


async def _put(assets: Assets, request: Request, promise: Promise, number: int) -> Response:
    blob = await assets.blobs.put(bounded(request.stream(), PART_BYTES, "body"))
    row = tables.new_row(promise.key_id, Kept(blob, Facts(UNKNOWN)), "upload")
    row |= {"id": _part(promise, number, blob.sha256), "expires_at": row["created_at"]}
    await assets.database.together(lambda connection: insert_once(connection, ASSET, row, ["id"]))
    etag = f'"{blob.sha256}"'
    return JSONResponse({"partNumber": number, "etag": etag}, headers={"etag": etag})


def _part(promise: Promise, number: int, sha256: str) -> str:
    return "ast_" + hashlib.sha256(f"{promise.asset} {number} {sha256}".encode()).hexdigest()[:32]


async def _complete(assets: Assets, request: Request, promise: Promise) -> Row:
    """Raises Invalid for parts that did not come, and for a whole that is not what it was said to be; TooLarge."""
    ids = [_part(promise, number, sha256) for number, sha256 in _named(await read_object(request))]
    found = await assets.database.read(lambda connection: _parts(connection, promise.key_id, ids))
    for place, part in enumerate(ids):
        if part not in found:
            refuse(f"parts.{place}", "was not uploaded, or its etag is another")
    chunks = bounded(_joined(assets, [found[part] for part in ids]), UPLOAD_BYTES, "parts")
    return await storage.keep_upload(assets, Upload(promise.claimed, chunks), promise.key_id, promise.asset)


def _named(body: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Number and hash of each part, in the order of their numbers. Raises Invalid."""
    parts = body.get("parts")
    if not isinstance(parts, list) or not 1 <= len(parts) <= PARTS:
        refuse("parts", f"must be a list of 1 to {PARTS} parts")
    named = {}
    for place, each in enumerate(parts):
        match each:
            case {"partNumber": int(number), "etag": str(etag)} if number not in named and (
                hashed := ETAG.fullmatch(etag)
            ):
                named[number] = hashed[1]
            case _:
                refuse(f"parts.{place}", "must have a partNumber of its own and an etag")
    return sorted(named.items())


def _parts(connection: Connection, key_id: str, ids: Sequence[str]) -> dict[str, Row]:
    wanted = sa.select(ASSET).where(ASSET.c.id.in_(ids), ASSET.c.key_id == key_id)
    return {row["id"]: dict(row) for row in connection.execute(wanted).mappings()}


async def _joined(assets: Assets, rows: Sequence[Row]) -> AsyncIterator[bytes]:
    for row in rows:
        async for chunk in assets.blobs.stream(row["sha256"], 0, row["size_bytes"]):
            yield chunk
