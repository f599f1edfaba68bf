"""A battle and the standings as the API shows them; before the vote, nothing that tells whose answer is whose. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters.schema import Model, Task
from gateway.arena.rules import REVEALED, Choice, Pair, Side, Status, positions, winner
from gateway.arena.store import Battle
from gateway.jobs.views import moment
from router.ratings import Rated

Link = Callable[[str], str]
"""From an output's asset id to its address."""


def view(battle: Battle, link: Link) -> dict[str, Any]:
    """Sides, and the vote once it is cast. `prompt` and what else was asked is under `request`."""
    status = Status(battle["status"])
    shown: dict[str, Any] = {
        "id": battle["id"],
        "status": status,
        "task": battle["task"],
        "request": _request(battle),
        "left": _side(battle, Side.LEFT, link),
        "right": _side(battle, Side.RIGHT, link),
        "vote": _vote(battle) if status is Status.VOTED else None,
        "void": battle["void"],
        "metadata": json.loads(battle["extras"]),
        "created_at": moment(battle["created_at"]),
        "ended_at": moment(battle["ended_at"]),
    }
    return shown | {"draw": json.loads(battle["draw"]) if status in REVEALED else None}


def _request(battle: Battle) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(battle["request"])
    return {"prompt": said.pop("prompt", "")} | {name: value for name, value in said.items() if name != "task"}


def _side(battle: Battle, side: Side, link: Link) -> dict[str, Any]:
    outputs = json.loads(battle["outputs"] or "{}").get(side, [])
    shown: dict[str, Any] = {"outputs": [_output(each, link) for each in outputs]}
    if Status(battle["status"]) not in REVEALED:
        return shown
    facts = json.loads(battle["facts"] or "{}").get(side)
    moves = json.loads(battle["moves"] or "{}").get(side)
    rating = moves | {"change": round(moves["after"] - moves["before"], 1)} if moves else None
    return shown | {"model": battle[f"{side}_model"]} | (facts or {}) | {"rating": rating}


def _output(output: Mapping[str, Any], link: Link) -> dict[str, Any]:
    url = link(output["asset"]) if output["asset"] else None
    return {"url": url, "mime": output["mime"], "text": output["text"]}


def _vote(battle: Battle) -> dict[str, Any]:
    choice, pair = Choice(battle["choice"]), Pair(battle["left_model"], battle["right_model"])
    return {
        "choice": choice,
        "winner": winner(choice, pair),
        "counted": battle["counted"],
        "cast_at": moment(battle["voted_at"]),
    }


def standings(rated: Mapping[Task, Sequence[Rated]], models: Mapping[str, Model], least: int) -> list[dict[str, Any]]:
    """One row for each task and model, by task and place."""
    return [
        _standing(task, place, each, models[each.model].name, least)
        for task, found in sorted(rated.items())
        for place, each in zip(positions(found), found, strict=True)
    ]


def _standing(task: Task, place: int, rated: Rated, name: str, least: int) -> dict[str, Any]:
    return {
        "task": task,
        "position": place,
        "model": rated.model,
        "name": name,
        "rating": round(rated.rating, 1),
        "low": round(rated.low, 1),
        "high": round(rated.high, 1),
        "votes": rated.votes,
        "wins": rated.wins,
        "losses": rated.losses,
        "ties": rated.ties,
        "both_bad": rated.both_bad,
        "win_rate": round(rated.win_rate, 4),
        "on_board": rated.votes >= least,
    }
