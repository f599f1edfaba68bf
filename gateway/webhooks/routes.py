"""Webhooks over HTTP: endpoints of a key's own, their secrets, what became of each delivery; it sends nothing."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.db import Database
from gateway.keys.routes import admin_of, caller_of
from gateway.keys.rules import Caller, Role
from gateway.paging import After, Limit, page
from gateway.problems import Conflict, Invalid, NotFound
from gateway.webhooks import endpoints, outbox, rules, signing, store
from gateway.webhooks.outbox import EVERYONE, Target
from gateway.webhooks.rules import ASKED_FOR, OVERLAP, OVERLAP_MOST, Kind, Status
from gateway.webhooks.views import seen_delivery, seen_endpoint

WebhookId = Annotated[str, Path(max_length=100, pattern=r"^[\w-]+$")]
Url = Annotated[str, Field(max_length=rules.URL_CHARS)]
Events = Annotated[tuple[Kind, ...], Field(min_length=1, max_length=len(Kind))]
ASKED = ", ".join(ASKED_FOR)
Words = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]


class NewWebhook(BaseModel):
    """Where to be told of what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Url
    events: Events = Field(description="kinds of events; there is no word for all of them")
    description: Words = ""
    scope: Literal["key", "organisation"] = Field("key", description="organisation: the events of all keys; for admins")


class ChangedWebhook(BaseModel):
    """What is left out stays. An endpoint that was turned off is on again with `enabled` true."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Url | None = None
    events: Events | None = None
    description: Words | None = None
    enabled: bool | None = None


class Rotation(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    overlap_s: int = Field(
        int(OVERLAP.total_seconds()), ge=0, le=int(OVERLAP_MOST.total_seconds()),
        description="seconds that the old secret still signs beside the new one; 0 if it has leaked",
    )  # fmt: skip


def routes(db: Database, is_private_allowed: Callable[[], bool]) -> APIRouter:
    """`is_private_allowed`: whether receivers may be on private addresses and speak plain http."""
    router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
    _add_secret(router, db)
    _add_deliveries(router, db)
    _add_endpoints(router, db, is_private_allowed)
    _add_changes(router, db, is_private_allowed)
    _add_actions(router, db)
    return router


def _add_endpoints(router: APIRouter, db: Database, is_private_allowed: Callable[[], bool]) -> None:
    """Made and seen."""

    @router.get("")
    async def listing(request: Request, limit: Limit = 50, after: After = None) -> dict[str, Any]:
        """Newest first; an admin sees everyone's."""
        owner = _owner(caller_of(request))
        rows = await db.read(lambda connection: endpoints.listing(connection, owner, limit + 1, after))
        return page([seen_endpoint(row) for row in rows], limit)

    @router.post("", status_code=201)
    async def create(request: Request, body: NewWebhook) -> dict[str, Any]:
        """A new endpoint. Its secret is in this answer and nowhere else."""
        caller = admin_of(request) if body.scope == "organisation" else caller_of(request)
        watches = EVERYONE if body.scope == "organisation" else caller.id
        row = {
            "key_id": caller.id, "watches": watches, "url": _good(body.url, is_private_allowed()),
            "events": json.dumps(_kinds(body.events)), "description": body.description,
        }  # fmt: skip
        made = await db.together(lambda connection: endpoints.create(connection, row, clock.now()))
        if made is None:
            raise Conflict(f"this key has {endpoints.MOST} webhooks: delete one, or let one hear of more")
        return seen_endpoint(made[0]) | {"secret": made[1]}

    @router.get("/{webhook_id}")
    async def one(request: Request, webhook_id: WebhookId) -> dict[str, Any]:
        """One endpoint, and whether it is on."""
        caller = caller_of(request)
        row = await db.glance(lambda connection: endpoints.find(connection, webhook_id))
        return seen_endpoint(_own(row, caller, webhook_id))


def _add_changes(router: APIRouter, db: Database, is_private_allowed: Callable[[], bool]) -> None:
    """Changed and ended."""

    @router.patch("/{webhook_id}")
    async def change(request: Request, webhook_id: WebhookId, body: ChangedWebhook) -> dict[str, Any]:
        """Another address, other events; off and on again. It holds for what is sent from now on."""
        caller, values = caller_of(request), body.model_dump(exclude_none=True, exclude={"enabled"})
        if body.url is not None:
            _good(body.url, is_private_allowed())
        if body.events is not None:
            values["events"] = _kinds(body.events)

        def unit(connection: Connection) -> Mapping[Any, Any] | None:
            if not _is_own(endpoints.find(connection, webhook_id), caller):
                return None
            return endpoints.change(connection, webhook_id, values, body.enabled, clock.now())

        return seen_endpoint(_own(await db.together(unit), caller, webhook_id))

    @router.delete("/{webhook_id}")
    async def end(request: Request, webhook_id: WebhookId) -> dict[str, Any]:
        """It is told nothing any more. Its log stays until it is old."""
        caller = caller_of(request)

        def unit(connection: Connection) -> Mapping[Any, Any] | None:
            row = endpoints.find(connection, webhook_id)
            if _is_own(row, caller):
                endpoints.end(connection, webhook_id, clock.now())
            return row

        return seen_endpoint(_own(await db.together(unit), caller, webhook_id))


def _add_actions(router: APIRouter, db: Database) -> None:
    @router.post("/{webhook_id}/rotate")
    async def rotate(request: Request, webhook_id: WebhookId, body: Rotation | None = None) -> dict[str, Any]:
        """A new secret, in this answer alone. The old one signs beside it for a day, unless told otherwise."""
        caller, overlap = caller_of(request), _overlap(body)

        def unit(connection: Connection) -> tuple[Mapping[Any, Any] | None, str]:
            row = endpoints.find(connection, webhook_id)
            is_own = _is_own(row, caller)
            return row, signing.rotate(connection, webhook_id, overlap, clock.now()) if is_own else ""

        row, secret = await db.together(unit)
        return seen_endpoint(_own(row, caller, webhook_id)) | {"secret": secret}

    @router.post("/{webhook_id}/test", status_code=202)
    async def test(request: Request, webhook_id: WebhookId) -> dict[str, Any]:
        """Send an event `webhook.test` to it, whatever it asks for."""
        caller, now = caller_of(request), clock.now()
        identity = clock.new_id("test")

        def unit(connection: Connection) -> tuple[Mapping[Any, Any] | None, list[dict[str, Any]]]:
            row = endpoints.find(connection, webhook_id)
            if row is None or not _is_own(row, caller) or row["disabled_at"]:
                return row, []
            target = Target(webhook_id, webhook_id, row["key_id"])
            data = {"webhook": webhook_id, "message": "this is a test: nothing has happened"}
            outbox.queue(connection, Kind.TEST, identity, data, identity, [target], now)
            return row, store.listing(connection, 1, target=webhook_id, subject=identity)

        row, queued = await db.together(unit)
        if _own(row, caller, webhook_id)["disabled_at"]:
            raise Conflict("this webhook is off: turn it on first, with PATCH and enabled true")
        return seen_delivery(queued[0])

    @router.get("/{webhook_id}/deliveries")
    async def deliveries(
        request: Request, webhook_id: WebhookId, limit: Limit = 50, after: After = None,
        status: Annotated[Status | None, Query()] = None,
    ) -> dict[str, Any]:  # fmt: skip
        """What was told to it, or is yet to be, newest first, with every try."""
        caller = caller_of(request)

        def unit(connection: Connection) -> tuple[Mapping[Any, Any] | None, list[dict[str, Any]]]:
            row = endpoints.find(connection, webhook_id)
            if not _is_own(row, caller):
                return None, []
            return row, store.listing(connection, limit + 1, after, target=webhook_id, status=status)

        row, rows = await db.read(unit)
        _own(row, caller, webhook_id)
        return page([seen_delivery(each) for each in rows], limit)


def _add_deliveries(router: APIRouter, db: Database) -> None:
    @router.get("/deliveries")
    async def listing(
        request: Request, limit: Limit = 50, after: After = None,
        subject: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]+$")] = None,
        status: Annotated[Status | None, Query()] = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Deliveries to all of the key's endpoints and to its jobs' own addresses; `?subject=` those of one job."""
        owner = _owner(caller_of(request))
        rows = await db.read(
            lambda connection: store.listing(connection, limit + 1, after, key_id=owner, subject=subject, status=status)
        )
        return page([seen_delivery(row) for row in rows], limit)

    @router.post("/deliveries/{delivery_id}/redeliver", status_code=202)
    async def redeliver(request: Request, delivery_id: WebhookId) -> dict[str, Any]:
        """Send it again now, under the same `webhook-id`, with the whole schedule of retries before it."""
        caller = caller_of(request)

        def unit(connection: Connection) -> list[dict[str, Any]] | str | None:
            row = store.find(connection, delivery_id)
            if row is None or not _is_own(row, caller):
                return None
            if row["target"].startswith("whk_"):
                endpoint = endpoints.find(connection, row["target"])
                if endpoint is None or endpoint["disabled_at"]:
                    return "its webhook is off or gone: turn it on first, with PATCH and enabled true"
            store.requeue(connection, delivery_id, clock.now())
            return store.listing(connection, 1, delivery_id=delivery_id)

        queued = await db.together(unit)
        if queued is None:
            raise NotFound(f"there is no delivery {delivery_id} of this key; GET /v1/webhooks/deliveries lists them")
        if isinstance(queued, str):
            raise Conflict(queued)
        return seen_delivery(queued[0])


def _add_secret(router: APIRouter, db: Database) -> None:
    @router.get("/secret")
    async def secret(request: Request) -> dict[str, Any]:
        """What events to a job's own `webhook_url` are signed with: the key's, made when it is first asked for."""
        caller, now = caller_of(request), clock.now()
        found = await db.together(lambda connection: signing.ensure(connection, caller.id, now))
        return {"secret": found[0]}

    @router.post("/secret/rotate")
    async def rotate(request: Request, body: Rotation | None = None) -> dict[str, Any]:
        """Another secret for the key's jobs. The old one signs beside it for a day, unless told otherwise."""
        caller, overlap, now = caller_of(request), _overlap(body), clock.now()
        return {"secret": await db.together(lambda connection: signing.rotate(connection, caller.id, overlap, now))}


def _overlap(body: Rotation | None) -> timedelta:
    return timedelta(seconds=body.overlap_s) if body else OVERLAP


def _owner(caller: Caller) -> str | None:
    return None if caller.role is Role.ADMIN else caller.id


def _is_own(row: Mapping[Any, Any] | None, caller: Caller) -> bool:
    return row is not None and (caller.role is Role.ADMIN or row["key_id"] == caller.id)


def _own(row: Mapping[Any, Any] | None, caller: Caller, webhook_id: str) -> Mapping[Any, Any]:
    """The caller's own endpoint, or anyone's for an admin. Another's is not found."""
    if row is None or not _is_own(row, caller):
        raise NotFound(f"there is no webhook {webhook_id} of this key; GET /v1/webhooks lists them")
    return row


def _good(url: str, is_private_allowed: bool) -> str:
    if reason := rules.refusal(url, is_private_allowed):
        raise Invalid(f"url: {reason}")
    return url


def _kinds(events: tuple[Kind, ...]) -> list[str]:
    if Kind.TEST in events:
        raise Invalid(f"events: {Kind.TEST} is sent by POST /v1/webhooks/{{id}}/test alone; there are {ASKED}")
    return list(dict.fromkeys(kind.value for kind in events))
