"""The ledger over HTTP: statements, balances, a check of the books, and funding; no amount is decided here."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.db import Database
from gateway.keys import service as keys
from gateway.keys.routes import admin_of, caller_of
from gateway.keys.rules import Caller, Role
from gateway.ledger import audit, book, rules
from gateway.paging import After, Limit, page
from gateway.problems import Conflict, Invalid, NotFound

IDEMPOTENCY_KEY_CHARS = 200
"""Room for any id a client makes; the key is stored and indexed."""


class Fund(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(max_length=100, pattern=r"^[\w-]+$", description="the id of the key, `key_…`")
    usd: Decimal = Field(gt=0, lt=rules.LARGEST_NANOS // rules.NANOS, decimal_places=9)


Verify = Callable[[Connection], audit.Report]


def routes(db: Database, check: Verify = audit.verify) -> APIRouter:
    """`check` says whether the books are right: the ledger's own check, or one that also asks those who read it."""
    router = APIRouter(prefix="/v1/ledger", tags=["ledger"])

    @router.get("/entries")
    async def entries(request: Request, limit: Limit = 50, after: After = None) -> dict[str, Any]:
        """Newest first. A caller sees the postings on its own accounts, an admin all."""
        owner, before = _owner(caller_of(request)), _number(after)
        rows = await db.read(lambda connection: book.entries(connection, limit + 1, before, owner))
        return page([_entry(row, owner) for row in rows], limit)

    @router.get("/balances")
    async def balances(request: Request, limit: Limit = 500, after: After = None) -> dict[str, Any]:
        """By name. A caller sees its own accounts, an admin all."""
        owner = _owner(caller_of(request))
        prefix = "" if owner is None else f"key:{owner}:"
        found = await db.read(lambda connection: book.balances(connection, prefix, limit + 1, after or ""))
        return page([_account(name, nanos) for name, nanos in found.items()], limit, key="account")

    @router.get("/verify")
    async def verify(request: Request) -> dict[str, Any]:
        """Recompute the books from their postings: `ok`, or a sentence for each thing that is wrong."""
        admin_of(request)
        return (await db.read(check))._asdict()

    @router.post("/fund")
    async def fund(
        request: Request, body: Fund, idempotency_key: Annotated[str | None, Header()] = None
    ) -> dict[str, Any]:
        """Put money on a key, once for each `Idempotency-Key`."""
        admin_of(request)
        return await _booked(db, body, rules.fund(body.key, rules.nanos(body.usd), _idempotency(idempotency_key)))

    @router.post("/credit")
    async def credit(
        request: Request, body: Fund, idempotency_key: Annotated[str | None, Header()] = None
    ) -> dict[str, Any]:
        """Let a key spend now and pay later: `key:<id>:owed` grows by as much. Once for each `Idempotency-Key`."""
        admin_of(request)
        return await _booked(db, body, rules.credit(body.key, rules.nanos(body.usd), _idempotency(idempotency_key)))

    @router.post("/payments")
    async def payment(
        request: Request, body: Fund, idempotency_key: Annotated[str | None, Header()] = None
    ) -> dict[str, Any]:
        """Credit that was paid back, at most what is owed. Once for each `Idempotency-Key`."""
        admin_of(request)
        return await _booked(db, body, rules.payment(body.key, rules.nanos(body.usd), _idempotency(idempotency_key)))

    return router


async def _booked(db: Database, body: Fund, entry: rules.Entry) -> dict[str, Any]:
    now = clock.now()

    def unit(connection: Connection) -> book.Answer | None:
        return book.post(connection, entry, now) if keys.find(connection, body.key) else None

    return _funded(body, entry, await db.together(unit))


def _funded(body: Fund, entry: rules.Entry, answer: book.Answer | None) -> dict[str, Any]:
    match answer:
        case book.Posted(entry_id) | book.Repeated(entry_id):
            amount = rules.usd(entry.postings[0].nanos)
            return {"entry": str(entry_id), "key": body.key, "usd": amount}
        case book.Short(_, short_by):
            raise Conflict(f"the key owes {rules.usd(short_by)} USD less than that: fund it with what goes beyond")
        case book.Clash(key):
            raise Conflict(f"{key} already funded another key or amount; use a new Idempotency-Key for a new payment")
        case _:
            raise NotFound(f"there is no key {body.key}; GET /v1/keys lists them")


def _owner(caller: Caller) -> str | None:
    """Whose accounts a caller may see: None is everybody's."""
    return None if caller.role is Role.ADMIN else caller.id


def _number(after: str | None) -> int | None:
    if after is None:
        return None
    if not after.isascii() or not after.isdigit() or int(after) > book.LAST_ID:
        raise Invalid("after: is not the `next` of a page of entries")
    return int(after)


def _idempotency(key: str | None) -> str:
    if not key or len(key) > IDEMPOTENCY_KEY_CHARS:
        raise Invalid(
            f"send an Idempotency-Key header of 1 to {IDEMPOTENCY_KEY_CHARS} characters, new for each payment and the "
            "same when you repeat one, so that no payment is booked twice"
        )
    return key


def _entry(booked: book.Booked, owner: str | None) -> dict[str, Any]:
    own = set() if owner is None else {rules.available(owner), rules.held(owner)}
    shown = [each for each in booked.entry.postings if owner is None or {each.source, each.destination} & own]
    return {
        "id": str(booked.id),
        "key": booked.entry.key,
        "reason": booked.entry.reason,
        "posted_at": booked.posted_at,
        "postings": [_posting(each) for each in shown],
    }


def _posting(posting: rules.Posting) -> Mapping[str, Any]:
    return {"source": posting.source, "destination": posting.destination, "usd": rules.usd(posting.nanos)}


def _account(name: str, nanos: int) -> dict[str, Any]:
    return {"account": name, "usd": rules.usd(nanos)}
