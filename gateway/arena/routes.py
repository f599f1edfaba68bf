"""The arena over HTTP: begin a battle, look at it blind, vote, and see where models stand."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError

from adapters.schema import Task
from gateway.arena import views
from gateway.arena.body import BattleBody, VoteBody
from gateway.arena.rules import REVEALED, Status
from gateway.arena.service import Arena
from gateway.arena.store import Battle
from gateway.jobs.routes import Prefer, links, repeat_key, wait_s
from gateway.keys.routes import caller_of
from gateway.paging import After, Limit, page
from gateway.problems import invalid

BattleId = Annotated[str, Path(max_length=100, pattern=r"^[\w-]+$")]
OfStatus = Annotated[Status | None, Query(description="running, ready (to be voted), voted or void")]
OfTask = Annotated[Task | None, Query()]

BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": BattleBody.model_json_schema()}}}}


async def read_body(request: Request) -> BattleBody:
    """The body of a battle. Raises Invalid with the path of each fault."""
    try:
        body = BattleBody.model_validate_json(await request.body())
        body.check()
    except ValidationError as error:
        raise invalid(error) from error
    return body


def routes(arena: Arena) -> APIRouter:
    router = APIRouter(prefix="/v1/arena", tags=["arena"])

    def shown(battle: Battle, request: Request) -> dict[str, Any]:
        return views.view(battle, links(arena.jobs.assets, request))

    def answer(battle: Battle, request: Request, status: int = 200) -> Response:
        headers = {"location": f"/v1/arena/battles/{battle['id']}", "content-type": "application/json"}
        return Response(json.dumps(shown(battle, request)), status, headers)

    @router.post("/battles", status_code=202, openapi_extra=BODY, response_class=Response)
    async def begin(request: Request, prefer: Prefer = None) -> Response:
        """One prompt to two models, drawn or named, side by side and unnamed. 201 when both answers are there (with
        `Prefer: wait`), 202 while they are not. Both sides are paid for; where the key cannot pay both, neither begins.
        """
        caller, idempotency_key = caller_of(request), repeat_key(request)
        battle = await arena.begin(caller, await read_body(request), idempotency_key)
        if seconds := wait_s(prefer):
            battle = await arena.wait(caller, battle, seconds)
        return answer(battle, request, 202 if battle["status"] == Status.RUNNING else 201)

    @router.get("/battles", response_class=Response)
    async def listing(
        request: Request, limit: Limit = 50, after: After = None, status: OfStatus = None, task: OfTask = None
    ) -> Response:
        """The key's own battles, newest first."""
        found = await arena.listing(caller_of(request), limit, after, status, task)
        rows = [shown(battle, request) for battle in found]
        return Response(json.dumps(page(rows, limit)), media_type="application/json")

    @router.get("/battles/{battle_id}", response_class=Response)
    async def one(request: Request, battle_id: BattleId, prefer: Prefer = None) -> Response:
        """One battle. Until it is voted, it says nothing of models, offers, costs, times and jobs."""
        caller = caller_of(request)
        battle = await arena.see(caller, battle_id)
        if seconds := wait_s(prefer):
            battle = await arena.wait(caller, battle, seconds)
        return answer(battle, request)

    @router.post("/battles/{battle_id}/vote", response_class=Response)
    async def vote(request: Request, battle_id: BattleId, body: VoteBody) -> Response:
        """Say which side was better, once; the answer reveals both. The same vote again is answered as before."""
        battle = await arena.vote(caller_of(request), battle_id, body.choice)
        assert battle["status"] in REVEALED, "only what was voted is answered"
        return answer(battle, request)

    @router.get("/standings")
    async def standings(request: Request, task: OfTask = None) -> dict[str, Any]:
        """Where models stand by the votes of all keys here, by task and place. `on_board`: it has votes enough to be
        on the board podium/<task>, which routing believes."""
        caller_of(request)
        rated = await arena.standings(task)
        return {"data": views.standings(rated, arena.jobs.supply.models, arena.least_votes), "next": None}

    return router
