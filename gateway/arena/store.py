"""Battles and votes in the database. All units of `together` or `read`; none decides anything."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.schema import Task
from gateway import clock
from gateway.arena.rules import COUNTED_A_DAY, Choice, Counts, Outcome, Pair, Status, day_of, outcome
from gateway.arena.tables import BATTLE, VOTE
from gateway.db import insert_once

Battle = Mapping[Any, Any]


def insert(connection: Connection, row: Mapping[str, Any]) -> None:
    connection.execute(sa.insert(BATTLE), dict(row))


def find(connection: Connection, battle_id: str, key_id: str) -> Battle | None:
    """A battle of this key."""
    mine = sa.select(BATTLE).where(BATTLE.c.id == battle_id, BATTLE.c.key_id == key_id)
    return connection.execute(mine).mappings().first()


def repeated(connection: Connection, key_id: str, idempotency_key: str) -> Battle | None:
    before = sa.select(BATTLE).where(BATTLE.c.key_id == key_id, BATTLE.c.idempotency_key == idempotency_key)
    return connection.execute(before).mappings().first()


def listing(
    connection: Connection, key_id: str, limit: int, after: str | None, status: str | None, task: str | None
) -> Sequence[Battle]:
    """Newest first; one row more than `limit`, to learn whether there is a next page."""
    query = sa.select(BATTLE).where(BATTLE.c.key_id == key_id).order_by(BATTLE.c.id.desc()).limit(limit + 1)
    for column, value in {"status": status, "task": task}.items():
        query = query.where(BATTLE.c[column] == value) if value is not None else query
    return connection.execute(query.where(BATTLE.c.id < after) if after else query).mappings().all()


def running(connection: Connection, most: int, key_id: str | None = None) -> Sequence[Battle]:
    """Battles of this key, or of all, that are not known to have ended; the oldest."""
    query = sa.select(BATTLE).where(BATTLE.c.status == Status.RUNNING.value).order_by(BATTLE.c.id).limit(most)
    return connection.execute(query.where(BATTLE.c.key_id == key_id) if key_id else query).mappings().all()


def end(connection: Connection, battle_id: str, values: Mapping[str, Any]) -> bool:
    """End a battle that ran; false if another did."""
    here = BATTLE.c.id == battle_id, BATTLE.c.status == Status.RUNNING.value
    return connection.execute(sa.update(BATTLE).where(*here).values(**values)).rowcount == 1


def counts_today(connection: Connection, battle: Battle, now: datetime) -> bool:
    """Whether another vote of this key on this pair counts today."""
    first, second = sorted((battle["left_model"], battle["right_model"]))
    mine = (
        VOTE.c.key_id == battle["key_id"], VOTE.c.first_model == first, VOTE.c.second_model == second,
        VOTE.c.cast_at >= day_of(now), VOTE.c.task == battle["task"], VOTE.c.counted.is_(True),
    )  # fmt: skip
    count = connection.execute(sa.select(sa.func.count()).select_from(VOTE).where(*mine)).scalar_one()
    return int(count) < COUNTED_A_DAY


def cast(connection: Connection, battle: Battle, choice: Choice, moves: str, now: datetime) -> bool:
    """Write a vote down, if the battle had none. `moves` is kept only if the vote counts."""
    counted = counts_today(connection, battle, now)
    values = {
        "status": Status.VOTED.value, "choice": choice.value, "counted": counted, "voted_at": now,
        "moves": moves if counted else None,
    }  # fmt: skip
    here = BATTLE.c.id == battle["id"], BATTLE.c.status == Status.READY.value
    if connection.execute(sa.update(BATTLE).where(*here).values(**values)).rowcount != 1:
        return False
    pair = Pair(battle["left_model"], battle["right_model"])
    first, second = sorted(pair)
    row = {
        "id": clock.new_id("vot"), "battle_id": battle["id"], "key_id": battle["key_id"], "task": battle["task"],
        "first_model": first, "second_model": second, "outcome": outcome(choice, pair).value, "counted": counted,
        "cast_at": now,
    }  # fmt: skip
    return insert_once(connection, VOTE, row, ["battle_id"])


def newest_vote(connection: Connection) -> str | None:
    """The id of the last vote: whoever has counted it has counted all before it."""
    found: str | None = connection.execute(sa.select(sa.func.max(VOTE.c.id))).scalar()
    return found


def counts(connection: Connection, task: Task | None = None) -> dict[Task, Counts]:
    """All votes that count, by task."""
    columns = VOTE.c.task, VOTE.c.first_model, VOTE.c.second_model, VOTE.c.outcome
    query = sa.select(*columns, sa.func.count()).where(VOTE.c.counted.is_(True)).group_by(*columns)
    found: dict[Task, dict[tuple[str, str], dict[Outcome, int]]] = {}
    for name, first, second, cast_as, votes in connection.execute(
        query.where(VOTE.c.task == task.value) if task else query
    ):
        found.setdefault(Task(name), {}).setdefault((first, second), {})[Outcome(cast_as)] = int(votes)
    return {name: dict(pairs) for name, pairs in found.items()}
