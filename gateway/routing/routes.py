"""Decisions over HTTP: the same choice as a job would make, nothing spent; and decisions made before."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.db import Database
from gateway.keys.routes import caller_of
from gateway.keys.rules import Role
from gateway.ledger import rules as ledger
from gateway.problems import NotFound, TooLarge, invalid
from gateway.routing import quotes, service
from gateway.routing.body import JobBody
from gateway.routing.service import Routing

BODY_BYTES = 96 * 1024 * 1024
"""A job's body with its inputs as base64; larger inputs are uploaded as assets first."""

DecisionId = Annotated[str, Path(max_length=100, pattern=r"^[\w-]+$")]

BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": JobBody.model_json_schema()}}}}


async def read_body(request: Request) -> JobBody:
    """The body of a job or of a route. Raises Invalid with the path of each fault, and TooLarge."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > BODY_BYTES:
        raise TooLarge(f"a body is at most {BODY_BYTES} bytes: upload large inputs with POST /v1/assets")
    chunks: list[bytes] = []
    size_bytes = 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > BODY_BYTES:
            raise TooLarge(f"a body is at most {BODY_BYTES} bytes: upload large inputs with POST /v1/assets")
        chunks.append(chunk)
    try:
        return JobBody.model_validate_json(b"".join(chunks))
    except ValidationError as error:
        raise invalid(error) from error


def routes(db: Database, routing: Routing) -> APIRouter:
    router = APIRouter(tags=["routing"])

    @router.post("/v1/route", openapi_extra=BODY)
    async def route(request: Request, response: Response) -> dict[str, Any]:
        """Which offer a job with this body would get, and why not the others. Spends nothing."""
        caller = caller_of(request)
        body = await read_body(request)
        await routing.look()
        now = clock.now()
        plan = routing.plan(body, now, service.terms_of(caller))
        decision_id = clock.new_id("dec")
        await db.together(lambda connection: routing.keep(connection, plan, decision_id, caller.id, now))
        routing.kept(plan)
        response.headers.update(routing.ending(body.model, now.date()))
        return {"decision": service.view(decision_id, plan.record, caller.id, now)}

    @router.post("/v1/quotes", openapi_extra=BODY, status_code=201)
    async def quote(request: Request, response: Response) -> dict[str, Any]:
        """Prices that hold until `expires_at`: a job with this `quote` and the same body settles at them."""
        caller = caller_of(request)
        body = await read_body(request)
        await routing.look()
        now, terms = clock.now(), service.terms_of(caller)
        plan = routing.plan(body, now, terms)
        if not plan.offers:
            raise service.refusal(plan)
        prices, first = routing.prices(plan, body, now.date()), routing.fitted(plan, body, now.date())
        held = first.quote_nanos + ledger.margin(first.quote_nanos, terms.margin_ppm)
        decision_id = clock.new_id("dec")
        row = quotes.draft(plan, terms, caller, body, prices, decision_id, held, now)

        def unit(connection: Connection) -> None:
            routing.keep(connection, plan, decision_id, caller.id, now)
            quotes.insert(connection, row)

        await db.together(unit)
        routing.kept(plan)
        response.headers.update(routing.ending(body.model, now.date()))
        return {
            "id": row["id"],
            "quote_usd": ledger.usd(held),
            "expires_at": row["expires_at"],
            "decision": service.view(decision_id, plan.record, caller.id, now),
        }

    @router.get("/v1/decisions/{decision_id}")
    async def decision(request: Request, decision_id: DecisionId) -> dict[str, Any]:
        """A decision as it was made, with the evidence on every candidate."""
        caller = caller_of(request)
        row = await db.read(lambda connection: service.find(connection, decision_id))
        if row is None or (row["key_id"] != caller.id and caller.role is not Role.ADMIN):
            raise NotFound(f"there is no decision {decision_id} of this key")
        return service.view(row["id"], row["record"], row["key_id"], row["created_at"])

    return router
