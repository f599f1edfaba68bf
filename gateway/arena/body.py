"""The body of a battle as callers write it, and the body of a job that each side is. Pure; it draws nobody."""

import hashlib
from decimal import Decimal
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from adapters.schema import Exact, Frozen, MediaRequest
from gateway.arena.rules import Choice
from gateway.routing.body import METADATA_ENTRIES, JobBody, Wishes

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]

MINE = ("models", "max_cost_usd")
"""What a battle says and a job does not."""


class BattleBody(MediaRequest):
    """What `POST /v1/arena/battles` takes: the body of a job, without a model (two are drawn), a quote, and a webhook
    (which would tell whose answer is whose)."""

    strict: bool = True
    routing: Wishes = Wishes()
    models: tuple[Name, Name] | None = Field(None, description="these two, in an order that you are not told")
    max_cost_usd: Exact | None = Field(None, description="for both sides together, whatever is tried")
    metadata: dict[str, JsonValue] = Field(default_factory=dict, max_length=METADATA_ENTRIES)

    def job(self, model: str = "auto", max_cost_usd: Decimal | None = None) -> JobBody:
        """A side as a job; by `auto`, what is drawn from. It carries none of the battle's metadata, so that a list of
        jobs says nothing of battles. Raises pydantic.ValidationError for what no job would be made of."""
        said = {name: getattr(self, name) for name in type(self).model_fields if name not in (*MINE, "metadata")}
        if max_cost_usd is not None:
            said["routing"] = self.routing.model_copy(update={"max_cost_usd": max_cost_usd})
        return JobBody(model=model, **said)

    def check(self) -> None:
        """Raises pydantic.ValidationError, with the path of each fault, for what no job would be made of."""
        JobBody.model_validate(self.model_dump(exclude=set(MINE)))

    def digest(self) -> str:
        """A hash of all that was asked, to tell a repeated call from another under the same idempotency key."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class VoteBody(Frozen):
    choice: Choice
