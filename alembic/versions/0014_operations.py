"""operations: the operator's words on offers, and ended attempts found by their end

Revision: 0014, after 0013
"""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import gateway.db


revision: str = "0014"
down_revision: str | Sequence[str] | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "offer_word",
        sa.Column("offer", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
        sa.Column("word", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("why", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
        sa.Column("said_at", gateway.db.Timestamp(), nullable=False),
        sa.Column("said_by", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.PrimaryKeyConstraint("offer"),
    )
    op.create_index(
        "ix_attempt_ended",
        "attempt",
        ["ended_at", "provider", "offer", "status", "fault"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_attempt_ended", table_name="attempt")
    op.drop_table("offer_word")
