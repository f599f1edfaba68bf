"""The operator's words on offers over HTTP, for admins: which are to be confirmed, what was said, and saying it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.catalog import words
from gateway.catalog.lives import Lives
from gateway.catalog.routes import life_view
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.keys.routes import admin_of
from gateway.problems import NotFound
from router.retirement import Stage, Verdict

CLEAR = "clear"
WHY_CHARS = 500
OPEN_MOST = 200
"""Offers to be confirmed in one answer; `total` says how many there are."""


class WordBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    offer: str = Field(min_length=1, max_length=300, description="its id: a provider, a slash, a model")
    word: Literal["retired", "keep", "clear"] = Field(
        description="it is over; it is not, whatever was observed; or take back what was said"
    )
    why: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=WHY_CHARS, pattern=r"^[^\x00]*$")
    ] = Field("", description="told wherever the word is the reason")  # fmt: skip


def routes(
    db: Database, supply: Supply, lives: Callable[[], Lives], spoken: Callable[[], Awaitable[None]]
) -> APIRouter:
    """`spoken` is called after a word was said, so that this process holds to it at once."""
    router = APIRouter(prefix="/v1/offers", tags=["catalog"])

    @router.get("/words")
    async def listing(request: Request) -> dict[str, Any]:
        """What was said, newest first, and offers whose end was observed but not confirmed: `to_confirm`."""
        admin_of(request)
        said = await db.read(words.listing)
        waiting = to_confirm(supply, lives(), {row["offer"] for row in said}, clock.now().date())
        return {"data": [dict(row) for row in said], "to_confirm": waiting[:OPEN_MOST], "total": len(waiting)}

    @router.post("/word")
    async def say(request: Request, body: WordBody) -> dict[str, Any]:
        """Retire an offer, keep one whose end was only observed, or take the word back; everywhere within half a
        minute. An announced end that has come is not kept off."""
        by, now = admin_of(request).id, clock.now()
        offer = next((each for each in supply.catalog.offers() if each.id == body.offer), None)
        if offer is None and body.word != CLEAR:
            raise NotFound(f"there is no offer {body.offer}; GET /v1/offers lists them")

        def unit(connection: Connection) -> bool:
            if body.word == CLEAR:
                return words.take_back(connection, body.offer)
            words.say(connection, body.offer, Verdict(body.word), body.why, by, now)
            return True

        if not await db.together(unit):
            raise NotFound(f"nothing was said of {body.offer}; GET /v1/offers/words lists what was")
        await spoken()
        life = life_view(lives().of(offer, now.date())) if offer else {}
        return {"offer": body.offer, "word": None if body.word == CLEAR else body.word, "why": body.why} | life

    return router


def to_confirm(supply: Supply, lives: Lives, said: set[str], today: date) -> list[dict[str, Any]]:
    """Offers that nothing confirms any more, without an announced end that has come and without a word on them: those
    that could be used here first, the longest unconfirmed first."""
    found = [
        {"offer": offer.id, "usable": supply.obstacle(offer, True) is None} | life_view(life)
        for offer in supply.catalog.offers()
        if offer.id not in said
        and (life := lives.of(offer, today)).stage in (Stage.STALE, Stage.RETIRED)
        and not (life.ends and life.ends <= today)
    ]
    return sorted(found, key=_urgency)


def _urgency(row: Mapping[str, Any]) -> tuple[bool, str, str]:
    return not row["usable"], row["stage_since"], row["offer"]
