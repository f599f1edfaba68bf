"""Boards and their churn over HTTP: who stands where, since when, and how long places last."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query
from sqlalchemy.engine import Connection

from adapters.schema import Task
from gateway.catalog import boards
from gateway.catalog.evidence import Belief
from gateway.catalog.supply import Supply
from gateway.db import Database
from gateway.paging import After, Limit, page
from gateway.problems import Invalid, NotFound
from gateway.snapshots.rules import Snapshot, moment
from gateway.snapshots.store import Subject
from router.churn import TOP
from router.names import Names

TOP_MOST = 100
"""Places that churn follows at most: past them a board is long, and its end flutters."""

Name = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$", description="arena/text-to-video, …")]
Since = Annotated[str | None, Query(max_length=40, description="also its readings since this day, a hundred at most")]
Top = Annotated[int, Query(ge=1, le=TOP_MOST, description="places that are followed")]
WithSpells = Annotated[bool, Query(description="also each stay among the first, as `spells_list`, 500 at most")]
ForTask = Annotated[Task | None, Query(description="of the boards that rank this task")]


FOLDED = 64
"""Churns that are kept until their board has another reading: one takes a second to read and fold."""


class _Wanted(NamedTuple):
    """What a churn was folded of: `subject` changes with every reading."""

    board: str
    subject: Subject
    top: int
    with_spells: bool


@dataclass
class _Folds:
    """Churns that were folded before, each with the names by which it was."""

    db: Database
    kept: dict[_Wanted, tuple[Names, dict[str, Any]]] = field(default_factory=dict)

    async def of(self, wanted: _Wanted, names: Names) -> dict[str, Any]:
        """Raises ValueError where too few readings are kept."""
        held = self.kept.get(wanted)
        if held is not None and held[0] is names:
            return held[1]
        snapshots = await self.db.read(lambda connection: boards.readings(connection, wanted.subject))
        view = await asyncio.to_thread(
            boards.churn_view, wanted.board, snapshots, names, wanted.top, wanted.with_spells
        )
        if len(self.kept) >= FOLDED:
            self.kept.clear()
        self.kept[wanted] = names, view
        return view


def routes(db: Database, supply: Supply, belief: Callable[[], Belief]) -> APIRouter:
    router = APIRouter(tags=["boards"])
    folds = _Folds(db)

    def names() -> Names:
        held = belief().boards
        return held.names if held else supply.names

    @router.get("/v1/boards")
    async def all_boards(task: ForTask = None, limit: Limit = 100, after: After = None) -> dict[str, Any]:
        """Every board of which readings are kept, by name, and how old the newest is."""

        def read(connection: Connection) -> list[dict[str, Any]]:
            found = [each for each in boards.subjects(connection) if each.subject > (after or "")]
            shown = (boards.board_view(connection, each) for each in found)
            return [each for each in shown if task is None or each["task"] is task][: limit + 1]

        return page(await db.read(read), limit, key="board")

    @router.get("/v1/boards/{board:path}")
    async def one_board(board: str, since: Since = None) -> dict[str, Any]:
        """Who stands on a board by its newest reading, each label with the model that it means; with `since`, its
        readings from then on."""
        start = _moment(since)

        def read(connection: Connection) -> tuple[dict[str, Any], tuple[Snapshot, ...], tuple[Snapshot, ...]]:
            subject = _found(boards.find(connection, board), board)
            latest = boards.latest(connection, subject)
            history = boards.readings(connection, subject, start)[: boards.HISTORY + 1] if start else ()
            return boards.board_view(connection, subject), latest, history

        view, latest, history = await db.read(read)
        return view | await asyncio.to_thread(_with_standings, latest, history, start, names())

    @router.get("/v1/churn")
    async def churn(
        board: Name = None, top: Top = TOP, task: ForTask = None, spells: WithSpells = False
    ) -> dict[str, Any]:
        """How long places among a board's first `top` last: survival with its band, half-life with its interval.
        Without `board`, of the board with most readings; with `spells`, also each stay that was counted."""

        def found(connection: Connection) -> Subject:
            named = boards.find(connection, board) if board else boards.most_read(connection, task)
            return _found(named, board or "any")

        subject = await db.read(found)
        try:
            return await folds.of(_Wanted(board or subject.subject, subject, top, spells), names())
        except ValueError as error:
            raise NotFound(str(error)) from error

    return router


def _found(subject: Subject | None, name: str) -> Subject:
    if subject is None:
        raise NotFound(f"no reading of a board {name!r} is kept; GET /v1/boards lists those there are")
    return subject


def _moment(since: str | None) -> datetime | None:
    try:
        return moment(since) if since else None
    except ValueError:
        raise Invalid(f"since: {since!r} is no day or moment such as 2026-08-22") from None


def _with_standings(
    latest: tuple[Snapshot, ...], history: tuple[Snapshot, ...], since: datetime | None, names: Names
) -> dict[str, Any]:
    shown: dict[str, Any] = next(_views(latest, names), {"standings": []})
    if since is not None:
        following = boards.written(history[boards.HISTORY].taken_at) if len(history) > boards.HISTORY else None
        shown |= {"history": list(_views(history[: boards.HISTORY], names)), "next_since": following}
    return shown


def _views(snapshots: tuple[Snapshot, ...], names: Names) -> Iterator[dict[str, Any]]:
    for snapshot in snapshots:
        if (reading := boards.placed(snapshot)) is not None:
            yield boards.standings_view(reading, names)
