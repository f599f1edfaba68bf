"""fal's storage at this door: an upload promised and put, or sent in one go; what comes is an asset of the caller.

What is sent in parts is another module's.
"""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from gateway import clock
from gateway.assets.rules import LINK_S, opens, sign
from gateway.assets.service import Assets
from gateway.assets.sniff import extension
from gateway.assets.tables import Row
from gateway.doors import storage
from gateway.doors.bodies import read_object
from gateway.doors.fal import parts
from gateway.doors.fal.parts import PUT_PATH
from gateway.keys.routes import caller_of
from gateway.problems import Forbidden, Invalid

PUT_S = 3_600
"""How long a promised upload may take to come."""
TOKEN_S = 3_600


def is_open(method: str, path: str) -> bool:
    """Whether a path needs no key: the address of a promised upload is signed."""
    return (method == "PUT" and path.startswith(PUT_PATH)) or parts.is_open(method, path)


def routes(assets: Assets) -> APIRouter:
    router = APIRouter(tags=["the fal door"])
    router.include_router(parts.routes(assets))

    @router.post("/fal/storage/upload/initiate")
    async def initiate(request: Request) -> dict[str, str]:
        """Promise an upload: PUT the bytes to `upload_url`, then use `file_url` as an input."""
        caller, body = caller_of(request), await read_object(request)
        if not isinstance(body.get("content_type"), str):
            raise Invalid("content_type: a string is needed", errors=[_missing("content_type")])
        asset, address = clock.new_id("ast"), storage.address(assets, request)
        expires = int(clock.now().timestamp()) + PUT_S
        signature = sign(_promise(asset, caller.id), expires, assets.secret)
        query = f"key={caller.id}&expires={expires}&signature={signature}"
        return {"upload_url": f"{address}{PUT_PATH}{asset}?{query}", "file_url": assets.url(asset, address)}

    @router.put(PUT_PATH + "{asset}")
    async def put(request: Request, asset: str, key: str = "", expires: str = "", signature: str = "") -> Response:
        """The bytes of a promised upload; whoever has the address may send them."""
        if not opens(_promise(asset, key), expires, signature, assets.secret, clock.now()):
            raise Forbidden("this upload address has expired or was altered: begin a new upload")
        row = await storage.keep(assets, request, key, asset)
        return Response(status_code=200, headers={"etag": f'"{row["sha256"]}"'})

    @router.post("/fal/storage/auth/token")
    async def token(request: Request) -> Response:
        """For clients that upload with a token: the key that they have already is theirs."""
        caller_of(request)
        said = {
            "token": _secret(request),
            "token_type": "Bearer",
            "base_url": f"{storage.address(assets, request)}/fal",
            "expires_at": (clock.now() + timedelta(seconds=TOKEN_S)).isoformat(),
        }
        return JSONResponse(said, headers={"cache-control": "no-store"})

    @router.post("/fal/files/upload")
    async def upload(request: Request) -> dict[str, Any]:
        """A file in one go: its raw bytes. `access_url` is used as an input."""
        row = await storage.keep(assets, request, caller_of(request).id, clock.new_id("ast"))
        return {"access_url": assets.url(row["id"], storage.address(assets, request)), **_facts(row)}

    return router


def _promise(asset: str, key_id: str) -> str:
    """What an upload's address is signed for; no signature of an asset's own content opens it."""
    return f"{asset} put by {key_id}"


def _secret(request: Request) -> str:
    """The key as it was presented."""
    words = request.headers.get("authorization", "").partition(" ")[2].strip()
    return words or request.headers.get("x-api-key", "")


def _facts(row: Row) -> dict[str, Any]:
    name = f"{row['id']}.{extension(row['mime'])}"
    return {"file_name": name, "content_type": row["mime"], "file_size": row["size_bytes"], "expires_in": LINK_S}


def _missing(path: str) -> dict[str, str]:
    return {"path": path, "message": "Field required"}
