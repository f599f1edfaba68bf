"""Rows of the arena: battles, which end once, and votes, an append-only log that ratings are folded from."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.db import Timestamp


class BattleRow(SQLModel, table=True):
    """Two jobs of one prompt. What is shown of them is kept here when both have ended: jobs may be cleared away."""

    __tablename__ = "battle"
    __table_args__: ClassVar = (
        sa.UniqueConstraint("key_id", "idempotency_key"),
        sa.Index("ix_battle_key", "key_id", "id"),
        sa.Index("ix_battle_status", "status", "id"),
        sa.Index("ix_battle_live", "key_id", "status", "id"),
    )

    id: str = Field(primary_key=True, max_length=40)
    key_id: str = Field(max_length=40)
    idempotency_key: str | None = Field(default=None, max_length=255)
    digest: str = Field(max_length=64, description="hash of the body, to tell a repeat from a contradiction")
    status: str = Field(max_length=10)
    task: str = Field(max_length=40)
    request: str = Field(description="MediaRequest as json, its inputs as assets")
    extras: str = Field(description="the caller's metadata, as json")
    seed: int = Field(sa_type=sa.BigInteger)
    draw: str = Field(description="whom the pair was drawn among, and how, as json")
    left_model: str = Field(max_length=200)
    right_model: str = Field(max_length=200)
    left_job: str = Field(max_length=40)
    right_job: str = Field(max_length=40)
    outputs: str | None = Field(default=None, description="unnamed copies of both sides' outputs, as json")
    facts: str | None = Field(default=None, description="what is revealed of both sides, as json")
    void: str | None = Field(default=None, description="why there is nothing to vote on")
    choice: str | None = Field(default=None, max_length=10)
    counted: bool | None = Field(default=None, description="whether the vote counts for ratings")
    moves: str | None = Field(default=None, description="both ratings before and after the vote, as json")
    created_at: datetime = Field(sa_type=Timestamp)
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp, description="when both sides had ended")
    voted_at: datetime | None = Field(default=None, sa_type=Timestamp)


class VoteRow(SQLModel, table=True):
    """One vote, by the models in the order of their names. It is never changed."""

    __tablename__ = "vote"
    __table_args__: ClassVar = (
        sa.Index("ix_vote_task", "counted", "task", "first_model", "second_model", "outcome"),
        sa.Index("ix_vote_key", "key_id", "first_model", "second_model", "cast_at"),
    )

    id: str = Field(primary_key=True, max_length=40)
    battle_id: str = Field(max_length=40, unique=True)
    key_id: str = Field(max_length=40)
    task: str = Field(max_length=40)
    first_model: str = Field(max_length=200)
    second_model: str = Field(max_length=200)
    outcome: str = Field(max_length=10)
    counted: bool
    cast_at: datetime = Field(sa_type=Timestamp)


BATTLE: sa.Table = BattleRow.__table__  # type: ignore[attr-defined]
VOTE: sa.Table = VoteRow.__table__  # type: ignore[attr-defined]
