"""arena: battles and votes

Revision: 0011, after 0010
"""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import gateway.db


revision: str = "0011"
down_revision: str | Sequence[str] | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "battle",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("key_id", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("idempotency_key", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=True),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("status", sqlmodel.sql.sqltypes.AutoString(length=10), nullable=False),
        sa.Column("task", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("request", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("extras", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("draw", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("left_model", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("right_model", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("left_job", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("right_job", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("outputs", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("facts", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("void", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("choice", sqlmodel.sql.sqltypes.AutoString(length=10), nullable=True),
        sa.Column("counted", sa.Boolean(), nullable=True),
        sa.Column("moves", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("created_at", gateway.db.Timestamp(), nullable=False),
        sa.Column("ended_at", gateway.db.Timestamp(), nullable=True),
        sa.Column("voted_at", gateway.db.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_id", "idempotency_key"),
    )
    with op.batch_alter_table("battle", schema=None) as batch_op:
        batch_op.create_index("ix_battle_key", ["key_id", "id"], unique=False)
        batch_op.create_index("ix_battle_status", ["status", "id"], unique=False)
        batch_op.create_index("ix_battle_live", ["key_id", "status", "id"], unique=False)

    op.create_table(
        "vote",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("battle_id", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("key_id", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("task", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("first_model", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("second_model", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("outcome", sqlmodel.sql.sqltypes.AutoString(length=10), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("cast_at", gateway.db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("battle_id"),
    )
    with op.batch_alter_table("vote", schema=None) as batch_op:
        batch_op.create_index(
            "ix_vote_task", ["counted", "task", "first_model", "second_model", "outcome"], unique=False
        )
        batch_op.create_index("ix_vote_key", ["key_id", "first_model", "second_model", "cast_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("vote", schema=None) as batch_op:
        batch_op.drop_index("ix_vote_key")
        batch_op.drop_index("ix_vote_task")

    op.drop_table("vote")
    with op.batch_alter_table("battle", schema=None) as batch_op:
        batch_op.drop_index("ix_battle_live")
        batch_op.drop_index("ix_battle_status")
        batch_op.drop_index("ix_battle_key")

    op.drop_table("battle")
