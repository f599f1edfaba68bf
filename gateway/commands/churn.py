"""`podium churn`: how long places at the top of a board last, from the readings that are kept."""

from typing import Any

from rich.console import Console
from sqlalchemy.engine import Connection

from adapters.schema import Task
from gateway.catalog import boards, settlements
from gateway.catalog.supply import read_supply
from gateway.commands.catalog import task_of
from gateway.commands.database import on_database
from gateway.commands.terminal import Refused, show, table
from gateway.settings import settings

Figures = dict[str, float | None]


def churn(board: str | None, top: int, task: str | None, as_json: bool) -> None:
    """Of the board that is named, or of the one with most readings among those that rank the task."""
    wanted, names = task_of(task), read_supply(settings()).names

    def read(connection: Connection) -> dict[str, Any]:
        asked, snapshots = _readings(connection, board, wanted)
        known = settlements.names_with(names, settlements.settled(connection))
        return boards.churn_view(asked, snapshots, known, top)

    try:
        document = on_database(lambda db: db.read(read))
    except ValueError as error:
        raise Refused(str(error)) from error
    show(document, as_json, lambda console: _draw(console, document))


def _readings(connection: Connection, board: str | None, task: Task | None) -> tuple[str, tuple[Any, ...]]:
    found = boards.find(connection, board) if board else boards.most_read(connection, task)
    if found is None:
        known = ", ".join(each.subject for each in boards.subjects(connection)) or "none"
        raise Refused(
            f"no reading of {board or 'such a board'} is kept: there are {known}; see `podium refresh boards`"
        )
    return board or found.subject, boards.readings(connection, found)


def _draw(console: Console, document: dict[str, Any]) -> None:
    about = "{board}: the first {top}, {since} to {until}, {readings} readings, {spells} spells, {exits} of them ended"
    console.print(about.format(**document))
    console.print(f"half-life {_interval(document['half_life_days'], 'days')}")
    console.print(f"median stay {_interval(document['median_days'], 'days')}")
    console.print(f"chance per day of leaving {_interval(document['hazard_per_day'], '', 4)}\n")
    curve = table("day", "still there", "95 % band", keep="day")
    for point in document["survival"]:
        band = f"{point['low']:.0%} to {point['high']:.0%}"
        curve.add_row(f"{point['day']:g}", f"{point['alive']:.0%}", band)
    console.print(curve)
    months = table("month", "came", "went", keep="month")
    for month in document["months"]:
        months.add_row(month["month"], str(month["added"]), str(month["removed"]))
    console.print()
    console.print(months)
    console.print(f"\nthere now: {', '.join(document['now'])}", soft_wrap=True)
    console.print("in their lives, as far as this board shows:")
    for stage in dict.fromkeys(document["stages"].values()):
        named = ", ".join(subject for subject, where in document["stages"].items() if where == stage)
        console.print(f"  {stage}: {named}", soft_wrap=True)


def _interval(figures: Figures, unit: str, digits: int = 1) -> str:
    value, low, high = (_figure(figures[name], digits) for name in ("value", "low", "high"))
    return " ".join(filter(None, (value, unit if figures["value"] is not None else "", f"(95 %: {low} to {high})")))


def _figure(value: float | None, digits: int) -> str:
    return "not reached" if value is None else f"{value:.{digits}f}"
