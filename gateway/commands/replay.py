"""`podium replay`: what choosing by a folder of dated readings would have lost; reads files, and nothing else."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from gateway import clock
from gateway.catalog.boards import ALIASES
from gateway.catalog.supply import read_supply
from gateway.commands.refresh import files_of, read_page
from gateway.commands.terminal import Refused, show, table
from gateway.settings import settings
from router import replay as router_replay
from router.feeds.readings import Page
from router.feeds.sources import APART
from router.quality import Reading
from router.replay import PERFECT


def replay(place: Path, board: str | None, as_json: bool) -> None:
    """Of the board that is named, or of the one with readings of most days."""
    readings, refused = _readings(place)
    days = Counter(name for name, _ in {(reading.board, reading.taken_at.date()) for reading in readings})
    chosen = _chosen(board, days)
    merged = [each for each in readings if each.board == chosen or {each.board, chosen}.isdisjoint(APART)]
    try:
        outcomes = router_replay.replay(merged, chosen, read_supply(settings()).names.resolve_label)
    except ValueError as error:
        raise Refused(str(error)) from error
    on = sorted({reading.taken_at.date() for reading in readings if reading.board == chosen})
    document = _document(board or chosen, on, outcomes) | {"refused": refused}
    show(document, as_json, lambda console: _draw(console, document))


def _readings(place: Path) -> tuple[list[Reading], list[str]]:
    """Whole boards, each once. Files of other kinds are passed over; those that cannot be read are said."""
    now, found, refused = clock.now(), dict[tuple[Any, ...], Reading](), list[str]()
    for path in files_of(place):
        page = read_page(path, None, now)
        if isinstance(page, Page):
            whole = (reading for reading in page.readings if isinstance(reading, Reading))
            found |= {(reading.board, reading.taken_at): reading for reading in whole}
        else:
            refused.append(f"{path.name}: {page.sentence}")
    if not found:
        raise Refused(f"{place} holds no reading of a whole board{': ' + refused[0] if refused else ''}")
    return list(found.values()), refused


def _chosen(board: str | None, days: Counter[str]) -> str:
    if board is None:
        return min(days, key=lambda name: (-days[name], name))
    source, _, rest = board.partition("/")
    for name in (board, f"{ALIASES.get(source, source)}/{rest}"):
        if name in days:
            return name
    ends = [name for name in days if name.partition("/")[2] == board]
    if len(ends) == 1:
        return ends[0]
    raise Refused(f"there is no reading of {board} here: there are {', '.join(sorted(days))}")


def _document(board: str, days: list[date], outcomes: tuple[router_replay.Outcome, ...]) -> dict[str, Any]:
    by_name = {each.chooser: each for each in outcomes}
    perfect = by_name.pop(PERFECT)
    return {
        "board": board,
        "days": perfect.days,
        "since": days[0].isoformat(),
        "until": days[-1].isoformat(),
        "readings": len(days),
        "choices": [_choice(name, each) for name, each in by_name.items()],
        "perfect": {"switches": perfect.switches},
    }


def _choice(name: str, outcome: router_replay.Outcome) -> dict[str, Any]:
    return {
        "name": name,
        "regret_elo": outcome.regret_elo,
        "regret_win": outcome.regret_win,
        "switches": outcome.switches,
        "regret_elo_last": outcome.regret_elo_last,
        "gone_days": outcome.gone_days,
    }


def _draw(console: Console, document: dict[str, Any]) -> None:
    about = "{board}: {days} days, {since} to {until}, {readings} days with a reading"
    console.print(about.format(**document))
    console.print(f"the best place changed {document['perfect']['switches']} times\n")
    drawn = table(
        "choice", "regret in Elo", "in chance to win", "on the last day", "switches", "days gone", keep="choice"
    )
    for row in document["choices"]:
        lost = (f"{row['regret_elo']:.1f}", f"{row['regret_win']:.1%}", f"{row['regret_elo_last']:.1f}")
        drawn.add_row(row["name"], *lost, str(row["switches"]), str(row["gone_days"]))
    console.print(drawn)
    for sentence in document["refused"]:
        console.print(f"[red]refused[/] {sentence}", soft_wrap=True)
