"""Keys over HTTP for admins, and who is calling for every route; whether a secret is good is asked elsewhere."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.keys import plans, service
from gateway.keys.rules import Caller, Plan, Role
from gateway.paging import After, Limit, page
from gateway.problems import Conflict, Forbidden, Invalid, NotFound, Unauthorized

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]+$")]


KeyId = Annotated[str, Path(max_length=100, pattern=r"^[\w-]+$")]


NounId = Annotated[str, Field(max_length=100, pattern=r"^[\w-]+$")]


class NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    project: NounId | None = Field(None, description="the project that it spends for, `prj_…`")
    plan: NounId | None = Field(None, description="the plan whose limits it has, `pln_…`")
    role: Role = Field(Role.CALLER, description="an admin sees everything, funds keys and makes new ones")


class ChangedKey(BaseModel):
    """What is left out stays; a project or plan of null is taken off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name | None = None
    project: NounId | None = None
    plan: NounId | None = None


class NewProject(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name


class PlanBody(BaseModel):
    """A plan as it is made or changed. Its budgets are made at /v1/budgets, with the plan as their scope."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name | None = None
    jobs_per_minute: int | None = Field(None, ge=1, le=1_000_000)
    burst: int = Field(1, ge=1, le=1_000_000, description="jobs that may come at once before the rate counts")
    concurrency: int | None = Field(None, ge=1, le=100_000, description="jobs not ended at the same moment")
    models: tuple[str, ...] = Field((), max_length=1_000, description="models, providers or offers; empty: all")
    margin_ppm: int = Field(0, ge=0, le=10_000_000, description="millionths of the cost asked beyond it")


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

        def unit(connection: Connection) -> tuple[service.KeyView, str] | str:
            missing = _missing(connection, body.project, body.plan)
            return missing or service.create(
                connection, body.name, body.role, now, project=body.project, plan=body.plan
            )

        made = await db.together(unit)
        if isinstance(made, str):
            raise NotFound(made)
        return _key(made[0]) | {"secret": made[1]}

    @router.patch("/{key_id}")
    async def change(request: Request, key_id: KeyId, body: ChangedKey) -> dict[str, Any]:
        """Another name, project or plan: here at once, on other replicas within seconds."""
        admin_of(request)
        values = body.model_dump(exclude_unset=True)
        if values.get("name", "") is None:
            raise Invalid("name: a key has one")

        def unit(connection: Connection) -> service.KeyView | str | None:
            missing = _missing(connection, values.get("project"), values.get("plan"))
            return missing or service.change(connection, key_id, values)

        view = await db.together(unit)
        if isinstance(view, str):
            raise NotFound(view)
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


def plan_routes(keyring: service.Keyring) -> APIRouter:
    """Plans, and the projects that group keys."""
    router, db = APIRouter(prefix="/v1", tags=["keys"]), keyring.db

    @router.get("/plans")
    async def listing(request: Request, limit: Limit = 50, after: After = None) -> dict[str, Any]:
        """Plans in force, newest first."""
        admin_of(request)
        found = await db.read(lambda connection: plans.listing(connection, limit + 1, after))
        return page([plan._asdict() for plan in found], limit)

    @router.post("/plans", status_code=201)
    async def create(request: Request, body: PlanBody) -> dict[str, Any]:
        admin_of(request)
        if body.name is None:
            raise Invalid("name: a plan has one")
        plan = Plan(clock.new_id("pln"), **body.model_dump())
        await db.together(lambda connection: plans.insert(connection, plan, clock.now()))
        return plan._asdict()

    @router.patch("/plans/{plan_id}")
    async def change(request: Request, plan_id: KeyId, body: PlanBody) -> dict[str, Any]:
        """Change what is given; it holds for the keys on the plan within seconds."""
        admin_of(request)
        return await _changed(plan_id, body.model_dump(exclude_unset=True))

    @router.delete("/plans/{plan_id}")
    async def end(request: Request, plan_id: KeyId) -> dict[str, Any]:
        """No longer listed; keys that are on it keep its limits until they get another plan."""
        admin_of(request)
        return await _changed(plan_id, {"ended_at": clock.now()})

    async def _changed(plan_id: str, values: dict[str, Any]) -> dict[str, Any]:
        plan = await db.together(lambda connection: plans.change(connection, plan_id, values))
        keyring.forget_all()
        if plan is None:
            raise NotFound(f"there is no plan {plan_id}; GET /v1/plans lists them")
        return plan._asdict()

    @router.get("/projects")
    async def projects(request: Request, limit: Limit = 50, after: After = None) -> dict[str, Any]:
        """Newest first."""
        admin_of(request)
        return page(await db.read(lambda connection: plans.projects(connection, limit + 1, after)), limit)

    @router.post("/projects", status_code=201)
    async def new_project(request: Request, body: NewProject) -> dict[str, Any]:
        admin_of(request)
        now = clock.now()
        return await db.together(lambda connection: plans.new_project(connection, body.name, now))

    return router


def _missing(connection: Connection, project: str | None, plan: str | None) -> str | None:
    """Why a key cannot belong to these, if it cannot."""
    if project and plans.find_project(connection, project) is None:
        return f"there is no project {project}; GET /v1/projects lists them"
    if plan and plans.find(connection, plan) is None:
        return f"there is no plan {plan}; GET /v1/plans lists them"
    return None


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
