"""Keys over HTTP for admins, and who is calling for every route; whether a secret is good is asked elsewhere."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway import clock
from gateway.keys import service
from gateway.keys.rules import Caller, Role
from gateway.paging import After, Limit, page
from gateway.problems import Conflict, Forbidden, NotFound, Unauthorized

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]+$")]


KeyId = Annotated[str, Path(max_length=100, pattern=r"^[\w-]+$")]


class NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    role: Role = Field(Role.CALLER, description="an admin sees everything, funds keys and makes new ones")


class Renamed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name


def caller_of(request: Request) -> Caller:
    """Who is calling, as the API's middleware found it."""
    caller = request.scope.get("podium.caller")
    if not isinstance(caller, Caller):
        raise Unauthorized("send your key as Authorization: Bearer pk_… (or x-api-key: pk_…)")
    return caller


def admin_of(request: Request) -> Caller:
    """The caller, who must be an admin."""
    caller = caller_of(request)
    if caller.role is not Role.ADMIN:
        raise Forbidden("this needs a key with the role admin")
    return caller


def routes(keyring: service.Keyring) -> APIRouter:
    router, db = APIRouter(prefix="/v1/keys", tags=["keys"]), keyring.db

    @router.get("")
    async def listing(request: Request, limit: Limit = 50, after: After = None) -> dict[str, Any]:
        """Newest first, revoked ones too."""
        admin_of(request)
        views = await db.read(lambda connection: service.listing(connection, limit + 1, after))
        return page([_key(view) for view in views], limit)

    @router.post("", status_code=201)
    async def create(request: Request, body: NewKey) -> dict[str, Any]:
        """A new key. Its secret is in this answer and nowhere else."""
        admin_of(request)
        now = clock.now()
        view, secret = await db.together(lambda connection: service.create(connection, body.name, body.role, now))
        return _key(view) | {"secret": secret}

    @router.patch("/{key_id}")
    async def rename(request: Request, key_id: KeyId, body: Renamed) -> dict[str, Any]:
        admin_of(request)
        view = await db.together(lambda connection: service.rename(connection, key_id, body.name))
        keyring.forget(key_id)
        return _found(view, key_id)

    @router.delete("/{key_id}")
    async def revoke(request: Request, key_id: KeyId) -> dict[str, Any]:
        """The key stops working: here at once, on other replicas within seconds. Its money and past stay."""
        admin_of(request)
        now = clock.now()
        view = await db.together(lambda connection: service.revoke(connection, key_id, now))
        keyring.forget(key_id)
        return _found(view, key_id)

    return router


def _found(view: service.KeyView | service.LastAdmin | None, key_id: str) -> dict[str, Any]:
    match view:
        case service.KeyView():
            return _key(view)
        case service.LastAdmin():
            raise Conflict("this is the last admin key in force; make another before you revoke it")
        case None:
            raise NotFound(f"there is no key {key_id}; GET /v1/keys lists them")


def _key(view: service.KeyView) -> dict[str, Any]:
    return view._asdict()
