"""The feed of changes over HTTP, as JSON or as Atom; it writes nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator

from gateway.changes import atom, store
from gateway.db import Database
from gateway.paging import After, Limit, page


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Since = Annotated[
    datetime | None, AfterValidator(lambda at: at and _in_utc(at)), Query(description="a day or a moment; none: all")
]


def routes(db: Database) -> APIRouter:
    router = APIRouter(tags=["catalog"])

    @router.get(
        "/v1/changes", response_class=Response, responses={200: {"content": {"application/json": {}, atom.MIME: {}}}}
    )
    async def changes(request: Request, since: Since = None, limit: Limit = 100, after: After = None) -> Response:
        """What appeared, changed its price, was deprecated, retired or came back; newest first. JSON, or Atom for who
        accepts `application/atom+xml`."""
        rows = await db.read(lambda connection: store.listing(connection, limit + 1, after, since))
        views = [view(row) for row in rows]
        if wants_atom(request.headers.get("accept", "")):
            return Response(atom.feed(views[:limit], str(request.url)), media_type=atom.MIME)
        return JSONResponse(page(views, limit))

    return router


def wants_atom(accept: str) -> bool:
    """Whether Atom is named, and JSON is not named before it."""
    kinds = [each.partition(";")[0].strip() for each in accept.casefold().split(",")]
    named = [kind for kind in kinds if kind in (atom.MIME, "application/json")]
    return named[:1] == [atom.MIME]


def view(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A change as the API shows it."""
    said = {name: row[name] for name in _SAID}
    return said | {"at": atom.moment(row["at"]), "on": row["happened_on"].isoformat()}


_SAID = ("id", "kind", "subject", "model", "offer", "before", "after", "evidence", "source")
