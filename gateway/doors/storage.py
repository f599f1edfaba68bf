"""Uploads at a door: bytes kept as an asset under an id that was promised before they came. It owns no format."""

from sqlalchemy.engine import Connection
from starlette.requests import Request

from gateway.assets import tables
from gateway.assets.ingest import check, refuse
from gateway.assets.service import Assets
from gateway.assets.tables import ASSET, Row
from gateway.assets.uploads import FIELD, Upload, read_upload
from gateway.db import insert_once
from gateway.problems import Conflict, Invalid


async def keep(assets: Assets, request: Request, key_id: str, asset: str, field: str = FIELD) -> Row:
    """Keep the file in a request as this asset; the same bytes may come again.

    Raises Invalid, TooLarge, and Conflict for other bytes than before.
    """
    return await keep_upload(assets, await read_upload(request, field=field), key_id, asset)


async def keep_upload(assets: Assets, upload: Upload, key_id: str, asset: str) -> Row:
    """The same of a body that is being read already."""
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
    row |= {"id": asset}

    def unit(connection: Connection) -> Row | None:
        insert_once(connection, ASSET, row, ["id"])
        return tables.find(connection, asset)

    stored = await assets.database.together(unit)
    if stored is None or (stored["sha256"], stored["key_id"]) != (row["sha256"], key_id):
        raise Conflict("other bytes were put here before: begin a new upload")
    return stored


def address(assets: Assets, request: Request) -> str:
    """Where callers reach this gateway: its public address, or else the one that they used."""
    return (assets.public_url or str(request.base_url)).rstrip("/")
